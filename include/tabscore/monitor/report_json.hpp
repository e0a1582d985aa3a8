// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
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
  const auto integer = [&](std::uint64_t n) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(n)));
  };
  const auto real = [&](double x) { out.keep_to(write_real<spelling::json>(out.space(number_text_space), x)); };
  const auto truth = [&](bool b) { out.append(b ? "true" : "false"); };
  const auto list = [&](std::string_view member, const auto& items, const auto& write) {
    out.append(member);
    std::string_view before = "[";
    for (const auto& item : items) {
      out.append(std::exchange(before, ","));
      write(item);
    }
    out.append(before == "[" ? "[]" : "]");
  };
  out.append(R"({"window":)");
  append_json_text(out, name(w));
  out.append(R"(,"records":)");
  integer(report.records);
  out.append(R"(,"enough":)");
  truth(report.enough);
  out.append(R"(,"alarm":)");
  truth(report.alarm);
  std::size_t at = 0;
  list(R"(,"features":)", report.features, [&](const feature_drift& d) {
    const monitored& m = reference.features[at];
    out.append(R"({"name":)");
    append_json_text(out, d.name);
    out.append(R"(,"alarm":)");
    truth(d.alarm);
    const std::pair<std::string_view, double> values[]{{R"(,"psi":)", d.stability_index},
                                                       {R"(,"psi_noise":)", d.stability_noise},
                                                       {R"(,"p_value":)", d.p_value},
                                                       {R"(,"jensen_shannon":)", d.jensen_shannon},
                                                       {R"(,"kolmogorov_smirnov":)", d.kolmogorov_smirnov},
                                                       {R"(,"wasserstein":)", d.wasserstein},
                                                       {R"(,"chi_square":)", d.chi.statistic}};
    for (const auto& [member, value] : values) {
      out.append(member);
      real(value);
    }
    out.append(R"(,"degrees_of_freedom":)");
    integer(d.chi.freedom);
    out.append(R"(,"missing_share":)");
    real(d.missing_share);
    out.append(R"(,"unseen_share":)");
    real(d.unseen_share);
    if (m.kind == monitored_kind::classes) {
      list(R"(,"levels":)", reference.classes, [&](const auto& name) { append_json_text(out, name); });
    } else if (m.kind == monitored_kind::text) {
      const one_hot& levels = reference.text[at - reference.numeric()];
      list(R"(,"levels":)", levels.categories(),
           [&](const auto& category) { category ? append_json_text(out, *category) : out.append("null"); });
    } else {
      list(R"(,"edges":)", reference.edges[m.kind == monitored_kind::numeric ? at : at - reference.text.size()], real);
    }
    list(R"(,"training":)", m.of(reference.training), integer);
    list(R"(,"live":)", m.of(counts), integer);
    out.append("}");
    ++at;
  });
  out.append("}");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
