// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../outputs/task.hpp"
#include "expected_performance.hpp"
#include "performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends the expected figures without labels, and whether their calibration holds, as a JSON object.
void append_expected(text_buffer& out, const expected_report& report, const calibration_check& calibration,
                     const calibration_settings& settings);

/// Appends a report as a JSON object. Figures are {"value", "low", "high", "n"}, with "at_least" and "at_most" where
/// scores were counted in cells; an undefined number is null.
void append_performance(text_buffer& out, const performance_report& report);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

/// The parts of a report as JSON.
struct figure_writer {
  text_buffer& out;

  void interval(const estimate& e) {
    append_json(out, R"({"value":)", e.value, R"(,"low":)", e.low, R"(,"high":)", e.high, R"(,"n":)", e.samples);
  }
  void value(const figure& f) {
    interval(f.value);
    const std::pair<std::string_view, double> more[]{
        {R"(,"at_least":)", f.at_least}, {R"(,"at_most":)", f.at_most}, {R"(,"expected":)", f.expected}};
    for (const auto& [member, number] : more) {
      if (!std::isnan(number)) append_json(out, member, number);
    }
    out.append("}");
  }
  void list(std::string_view member, const auto& items, const auto& write) {
    out.append(member);
    std::string_view before;
    for (const auto& item : items) {
      out.append(std::exchange(before, ","));
      write(item);
    }
    out.append("]");
  }
  void figures(const std::vector<figure>& all) {
    out.append(R"("figures":{)");
    std::string_view before;
    for (const figure& f : all) {
      append_json(out, std::exchange(before, ","), quoted{f.name}, ":");
      value(f);
    }
    out.append("}");
  }
  /// Behind other members.
  void confusion(const std::vector<std::string>& classes, const auto& counts) {
    list(R"(,"confusion":{"classes":[)", classes, [&](const auto& text) { append_json_text(out, text); });
    out.append(R"(,"actual_by_predicted":[)");
    for (std::size_t i = 0; i < counts.size(); ++i) {
      append_json(out, i % classes.size() == 0 ? (i == 0 ? "[" : "],[") : ",", counts[i]);
    }
    out.append("]]}");
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void append_performance(text_buffer& out, const performance_report& report) {
  detail::figure_writer write{out};
  detail::append_json(out, R"({"task":)", detail::quoted{name(report.task)}, R"(,"n":)", report.pairs, ",");
  write.figures(report.figures);
  if (!report.parts.empty()) {
    const std::string_view member = report.task == task::multiclass  ? R"(,"classes":[)"
                                    : report.task == task::quantiles ? R"(,"quantiles":[)"
                                                                     : R"(,"targets":[)";
    write.list(member, report.parts, [&](const performance_part& part) {
      detail::append_json(out, R"({"name":)", detail::quoted{part.name}, ",");
      write.figures(part.figures);
      out.append("}");
    });
  }
  if (!report.confusion.empty()) write.confusion(report.classes, report.confusion);
  if (!report.curve.empty()) {
    write.list(R"(,"reliability":[)", report.curve, [&](const reliability& point) {
      detail::append_json(out, R"({"from":)", point.from, R"(,"to":)", point.to, R"(,"predicted":)", point.predicted,
                          R"(,"actual":)");
      write.interval(point.actual);
      out.append("}}");
    });
  }
  if (!report.gains.empty()) {
    write.list(R"(,"gains":[)", report.gains, [&](const gain& g) {
      detail::append_json(out, R"({"records":)", g.records, R"(,"captured":)");
      write.value(g.captured);
      out.append(R"(,"lift":)");
      write.value(g.lift);
      out.append("}");
    });
  }
  out.append("}");
}

TABSCORE_INLINE void append_expected(text_buffer& out, const expected_report& report,
                                     const calibration_check& calibration, const calibration_settings& settings) {
  detail::figure_writer write{out};
  detail::append_json(out, R"({"predictions":)", report.predictions, ",");
  write.figures(report.figures);
  if (!report.confusion.empty()) write.confusion(report.classes, report.confusion);
  detail::append_json(out, R"(,"calibration":{"labels":)", calibration.labels, R"(,"ece":)", calibration.ece,
                      R"(,"noise":)", calibration.noise, R"(,"limit":)", settings.limit, R"(,"status":)",
                      detail::quoted{name(calibration.status)}, R"(},"warning":)");
  if (calibration.status == calibration_check::state::fails) {
    append_json_text(out,
                     "The probabilities do not agree with the known labels: these estimates are not to be trusted.");
  } else {
    out.append("null");
  }
  out.append("}");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
