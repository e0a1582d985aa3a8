// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/json_number.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
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

  void integer(std::uint64_t n) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(n)));
  }
  void real(double x) { append_json_number(out, x); }
  void reals(std::initializer_list<std::pair<std::string_view, double>> members) {
    for (const auto& [member, number] : members) {
      out.append(member);
      real(number);
    }
  }
  void interval(const estimate& e) {
    reals({{R"({"value":)", e.value}, {R"(,"low":)", e.low}, {R"(,"high":)", e.high}});
    out.append(R"(,"n":)");
    integer(e.samples);
  }
  void value(const figure& f) {
    interval(f.value);
    const std::pair<std::string_view, double> more[]{
        {R"(,"at_least":)", f.at_least}, {R"(,"at_most":)", f.at_most}, {R"(,"expected":)", f.expected}};
    for (const auto& [member, number] : more) {
      if (std::isnan(number)) continue;
      out.append(member);
      real(number);
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
      out.append(std::exchange(before, ","));
      append_json_text(out, f.name);
      out.append(":");
      value(f);
    }
    out.append("}");
  }
  /// Behind other members; of numbers that `number` writes.
  void confusion(const std::vector<std::string>& classes, const auto& counts, const auto& number) {
    list(R"(,"confusion":{"classes":[)", classes, [&](const auto& text) { append_json_text(out, text); });
    out.append(R"(,"actual_by_predicted":[)");
    for (std::size_t i = 0; i < counts.size(); ++i) {
      out.append(i % classes.size() == 0 ? (i == 0 ? "[" : "],[") : ",");
      number(counts[i]);
    }
    out.append("]]}");
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void append_performance(text_buffer& out, const performance_report& report) {
  detail::figure_writer write{out};
  out.append(R"({"task":)");
  append_json_text(out, name(report.task));
  out.append(R"(,"n":)");
  write.integer(report.pairs);
  out.append(",");
  write.figures(report.figures);
  if (!report.parts.empty()) {
    const std::string_view member = report.task == task::multiclass  ? R"(,"classes":[)"
                                    : report.task == task::quantiles ? R"(,"quantiles":[)"
                                                                     : R"(,"targets":[)";
    write.list(member, report.parts, [&](const performance_part& part) {
      out.append(R"({"name":)");
      append_json_text(out, part.name);
      out.append(",");
      write.figures(part.figures);
      out.append("}");
    });
  }
  if (!report.confusion.empty()) {
    write.confusion(report.classes, report.confusion, [&](std::uint64_t n) { write.integer(n); });
  }
  if (!report.curve.empty()) {
    write.list(R"(,"reliability":[)", report.curve, [&](const reliability& point) {
      write.reals({{R"({"from":)", point.from}, {R"(,"to":)", point.to}, {R"(,"predicted":)", point.predicted}});
      out.append(R"(,"actual":)");
      write.interval(point.actual);
      out.append("}}");
    });
  }
  if (!report.gains.empty()) {
    write.list(R"(,"gains":[)", report.gains, [&](const gain& g) {
      out.append(R"({"records":)");
      write.real(g.records);
      out.append(R"(,"captured":)");
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
  out.append(R"({"predictions":)");
  write.integer(report.predictions);
  out.append(",");
  write.figures(report.figures);
  if (!report.confusion.empty()) {
    write.confusion(report.classes, report.confusion, [&](double x) { write.real(x); });
  }
  out.append(R"(,"calibration":{"labels":)");
  write.integer(calibration.labels);
  write.reals({{R"(,"ece":)", calibration.ece}, {R"(,"noise":)", calibration.noise}, {R"(,"limit":)", settings.limit}});
  out.append(R"(,"status":)");
  append_json_text(out, name(calibration.status));
  out.append(R"(},"warning":)");
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
