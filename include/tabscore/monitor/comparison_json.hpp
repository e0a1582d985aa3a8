// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "comparison.hpp"
#include "estimate.hpp"
#include "paired_labels.hpp"
#include "performance_json.hpp"
#include "performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends "swaps":[...],"differences":[...], the members of an object; segments are sorted by their fields and values.
void append_comparison(text_buffer& out, const comparison_counts& counts);

/// Appends the performance of two models on the same labelled records, as a JSON object.
void append_paired(text_buffer& out, const paired_labels::contents& found, std::size_t capacity);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// "records":n,"changed":n,"matrix":[[n,n],[n,n]]
inline void append_swap(text_buffer& out, const swap_counts& s, std::size_t values) {
  append_json(out, R"("records":)", s.records, R"(,"changed":)", s.changed, R"(,"matrix":)");
  if (s.matrix.empty()) return out.append("null");
  for (std::size_t i = 0; i < s.matrix.size(); ++i) {
    append_json(out, i == 0 ? "[[" : i % values == 0 ? "],[" : ",", s.matrix[i]);
  }
  out.append("]]");
}

}  // namespace detail

TABSCORE_INLINE void append_comparison(text_buffer& out, const comparison_counts& counts) {
  const auto& segments = counts.segments();
  std::vector<std::size_t> order(segments.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) { return std::pair(segments[i].field, segments[i].value.empty()); };
    return key(a) != key(b) ? key(a) < key(b) : segments[a].value < segments[b].value;
  });
  std::string_view before = R"("swaps":[)";
  for (const swap_table& t : counts.swaps()) {
    detail::append_json(out, std::exchange(before, ","), R"({"of":)", detail::quoted{t.of}, R"(,"values":)");
    for (std::size_t i = 0; i < t.values.size(); ++i) detail::append_json(out, i == 0 ? "[" : ",", t.values[i]);
    out.append("],");
    detail::append_swap(out, t.all, t.values.size());
    out.append(R"(,"tenths":[)");
    for (std::size_t i = 0; i < t.tenths.size(); ++i) {
      detail::append_json(out, i == 0 ? R"({"from":)" : R"(,{"from":)", static_cast<double>(i) / 10, R"(,"to":)",
                          static_cast<double>(i + 1) / 10, ",");
      detail::append_swap(out, t.tenths[i], t.values.size());
      out.append("}");
    }
    out.append(R"(],"segments":[)");
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& s = segments[order[i]];
      detail::append_json(out, i == 0 ? R"({"field":)" : R"(,{"field":)",
                          detail::quoted{counts.segment_fields()[s.field]},
                          s.value.empty() ? R"(,"other":true)" : R"(,"value":)", s.value, ",");
      detail::append_swap(out, t.segments[order[i]], t.values.size());
      out.append("}");
    }
    out.append("]}");
  }
  if (counts.swaps().empty()) out.append(before);
  before = R"(],"differences":[)";
  const std::uint64_t n = counts.records();
  for (std::size_t k = 0; k < counts.differences().size(); ++k) {
    const difference_counts& d = counts.differences()[k];
    detail::append_json(out, std::exchange(before, ","), R"({"name":)", detail::quoted{counts.numbers()[k]},
                        R"(,"mean":)", d.mean(n), R"(,"mean_absolute":)", d.mean_absolute(n), R"(,"rms":)",
                        d.root_mean_square(n), R"(,"largest":)", d.largest());
    std::string_view first = R"(,"histogram":[)";
    for (std::size_t cell = 0; cell < difference_counts::cells; ++cell) {
      if (d.histogram()[cell] == 0) continue;
      const auto [from, to] = difference_counts::range(cell);
      detail::append_json(out, std::exchange(first, ","), R"({"from":)", from, R"(,"to":)", to, R"(,"records":)",
                          d.histogram()[cell], "}");
    }
    if (n == 0) out.append(first);
    out.append("]}");
  }
  out.append("]");
}

TABSCORE_INLINE void append_paired(text_buffer& out, const paired_labels::contents& found, std::size_t capacity) {
  detail::append_json(out, R"({"window":{"capacity":)", capacity, R"(,"predictions":)", found.kept, R"(},"pairs":)",
                      found.pairs, R"(,"champion":)");
  append_performance(out, report_performance(found.first));
  out.append(R"(,"challenger":)");
  append_performance(out, report_performance(found.second));
  std::string_view before = R"(,"differences":[)";
  for (const auto& [name, part, mean] : found.differences) {
    const estimate e = estimate_mean(mean, found.pairs);
    detail::append_json(out, std::exchange(before, ","), R"({"figure":)", detail::quoted{name});
    if (!part.empty()) detail::append_json(out, R"(,"of":)", detail::quoted{part});
    detail::append_json(out, R"(,"value":)", e.value, R"(,"low":)", e.low, R"(,"high":)", e.high, R"(,"n":)",
                        found.pairs, "}");
  }
  if (found.differences.empty()) out.append(before);
  out.append("]}");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
