// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../outputs/task.hpp"
#include "performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends a report as a JSON object. Figures are {"value", "low", "high", "n"}, with "at_least" and "at_most" where
/// scores were counted in cells; null stands for what is not defined.
void append_performance(text_buffer& out, const performance_report& report);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void append_performance(text_buffer& out, const performance_report& report) {
  const auto integer = [&](std::uint64_t n) {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(n)));
  };
  const auto real = [&](double x) {
    if (!std::isfinite(x)) return out.append("null");
    out.keep_to(write_real<spelling::json>(out.space(number_text_space), x));
  };
  const auto interval = [&](const estimate& e) {
    const std::pair<std::string_view, double> numbers[]{
        {R"({"value":)", e.value}, {R"(,"low":)", e.low}, {R"(,"high":)", e.high}};
    for (const auto& [member, number] : numbers) {
      out.append(member);
      real(number);
    }
    out.append(R"(,"n":)");
    integer(e.samples);
  };
  const auto figure_value = [&](const figure& f) {
    interval(f.value);
    const std::pair<std::string_view, double> more[]{
        {R"(,"at_least":)", f.at_least}, {R"(,"at_most":)", f.at_most}, {R"(,"expected":)", f.expected}};
    for (const auto& [member, number] : more) {
      if (std::isnan(number)) continue;
      out.append(member);
      real(number);
    }
    out.append("}");
  };
  const auto list = [&](std::string_view member, const auto& items, const auto& write) {
    out.append(member);
    std::string_view before;
    for (const auto& item : items) {
      out.append(std::exchange(before, ","));
      write(item);
    }
    out.append("]");
  };
  const auto figures = [&](const std::vector<figure>& all) {
    out.append(R"("figures":{)");
    std::string_view before;
    for (const figure& f : all) {
      out.append(std::exchange(before, ","));
      append_json_text(out, f.name);
      out.append(":");
      figure_value(f);
    }
    out.append("}");
  };

  out.append(R"({"task":)");
  append_json_text(out, name(report.task));
  out.append(R"(,"n":)");
  integer(report.pairs);
  out.append(",");
  figures(report.figures);
  if (!report.parts.empty()) {
    const std::string_view member = report.task == task::multiclass  ? R"(,"classes":[)"
                                    : report.task == task::quantiles ? R"(,"quantiles":[)"
                                                                     : R"(,"targets":[)";
    list(member, report.parts, [&](const performance_part& part) {
      out.append(R"({"name":)");
      append_json_text(out, part.name);
      out.append(",");
      figures(part.figures);
      out.append("}");
    });
  }
  if (!report.confusion.empty()) {
    list(R"(,"confusion":{"classes":[)", report.classes, [&](const auto& text) { append_json_text(out, text); });
    out.append(R"(,"actual_by_predicted":[)");
    const std::size_t k = report.classes.size();
    for (std::size_t i = 0; i < report.confusion.size(); ++i) {
      out.append(i % k == 0 ? (i == 0 ? "[" : "],[") : ",");
      integer(report.confusion[i]);
    }
    out.append("]]}");
  }
  if (!report.curve.empty()) {
    list(R"(,"reliability":[)", report.curve, [&](const reliability& point) {
      const std::pair<std::string_view, double> numbers[]{
          {R"({"from":)", point.from}, {R"(,"to":)", point.to}, {R"(,"predicted":)", point.predicted}};
      for (const auto& [text, number] : numbers) {
        out.append(text);
        real(number);
      }
      out.append(R"(,"actual":)");
      interval(point.actual);
      out.append("}}");
    });
  }
  if (!report.gains.empty()) {
    list(R"(,"gains":[)", report.gains, [&](const gain& g) {
      out.append(R"({"records":)");
      real(g.records);
      out.append(R"(,"captured":)");
      figure_value(g.captured);
      out.append(R"(,"lift":)");
      figure_value(g.lift);
      out.append("}");
    });
  }
  out.append("}");
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
