// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "drift_report.hpp"
#include "sliding_counts.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// As JSON spells it.
constexpr std::string_view name(window w) noexcept {
  constexpr std::string_view names[]{"total", "records", "hour", "day"};
  return names[static_cast<std::size_t>(w)];
}

/// Appends a window's report as a JSON object, with the cells that it was made from: numbers have edges, texts levels;
/// "training" and "live" have their counts as monitored::cells says.
void append_report(text_buffer& out, window w, const drift_reference& reference, const drift_report& report,
                   std::span<const std::uint64_t> counts);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void append_report(text_buffer& out, window w, const drift_reference& reference,
                                   const drift_report& report, std::span<const std::uint64_t> counts) {
  const auto number = [&](auto n) { detail::append_json(out, n); };
  const auto list = [&](std::string_view member, const auto& items, const auto& write) {
    out.append(member);
    std::string_view before = "[";
    for (const auto& item : items) {
      out.append(std::exchange(before, ","));
      write(item);
    }
    out.append(before == "[" ? "[]" : "]");
  };
  detail::append_json(out, R"({"window":)", detail::quoted{name(w)}, R"(,"records":)", report.records, R"(,"enough":)",
                      report.enough, R"(,"alarm":)", report.alarm);
  std::size_t at = 0;
  list(R"(,"features":)", report.features, [&](const feature_drift& d) {
    const monitored& m = reference.features[at];
    detail::append_json(out, R"({"name":)", detail::quoted{d.name}, R"(,"alarm":)", d.alarm,  //
                        R"(,"psi":)", d.stability_index, R"(,"psi_noise":)", d.stability_noise, R"(,"p_value":)",
                        d.p_value, R"(,"jensen_shannon":)", d.jensen_shannon, R"(,"kolmogorov_smirnov":)",
                        d.kolmogorov_smirnov, R"(,"wasserstein":)", d.wasserstein, R"(,"chi_square":)", d.chi.statistic,
                        R"(,"degrees_of_freedom":)", d.chi.freedom, R"(,"missing_share":)", d.missing_share,
                        R"(,"unseen_share":)", d.unseen_share);
    if (m.kind == monitored_kind::classes) {
      list(R"(,"levels":)", reference.classes, [&](const auto& name) { append_json_text(out, name); });
    } else if (m.kind == monitored_kind::text) {
      const one_hot& levels = reference.text[at - reference.numeric()];
      list(R"(,"levels":)", levels.categories(),
           [&](const auto& category) { category ? append_json_text(out, *category) : out.append("null"); });
    } else {
      list(R"(,"edges":)", reference.edges[m.kind == monitored_kind::numeric ? at : at - reference.text.size()],
           number);
    }
    list(R"(,"training":)", m.of(reference.training), number);
    list(R"(,"live":)", m.of(counts), number);
    out.append("}");
    ++at;
  });
  out.append("}");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
