// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../core/text_buffer.hpp"
#include "../../monitor/expected_performance.hpp"
#include "../../monitor/label.hpp"
#include "../../monitor/label_window.hpp"
#include "../../monitor/performance_alarm.hpp"
#include "../../monitor/performance_json.hpp"
#include "../../monitor/performance_report.hpp"
#include "../../monitor/prometheus.hpp"
#include "../settings.hpp"
#include "labelled_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using label_counts = std::array<std::uint64_t, 5>;  ///< by label_outcome

/// The labels of a body of /labels: all are read before one is joined.
class label_batch {
 public:
  explicit label_batch(const model_outputs& model) : reader_(model) {}

  /// `body`: with the bytes that simdjson needs behind it. What is wrong with it, if anything is.
  std::optional<std::string> read(std::string_view body, std::size_t most) {
    constexpr std::string_view no_list = "The body is not a JSON list of labels.";
    body = tabscore::detail::without_mark(body);
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    simdjson::ondemand::array list;
    if (parser.iterate(body.data(), body.size(), body.size() + simdjson::SIMDJSON_PADDING).get(document) !=
            simdjson::SUCCESS ||
        document.get_array().get(list) != simdjson::SUCCESS) {
      return std::string(no_list);
    }
    label one;
    for (auto element : list) {
      simdjson::ondemand::object object;
      if (labels_.size() == most) return fmt::format("The list has more than {} labels.", most);
      const auto wrong = element.get_object().get(object) == simdjson::SUCCESS ? reader_.read(object, one)
                                                                               : "the label is not an object of JSON";
      if (wrong != nullptr) return fmt::format("Label {}: {}.", labels_.size(), wrong);
      labels_.push_back({std::string(one.id), one.time, one.numbers});
    }
    if (document.current_location().error() == simdjson::SUCCESS) return std::string(no_list);
    return std::nullopt;
  }

  /// Each label counts once: for the first model that is joined, or else for the current one.
  label_counts join(const labelled_models& models) const {
    label_counts counts{};
    for (const kept& l : labels_) {
      label_outcome found = label_outcome::unknown;
      for (const auto& model : models) {
        const label_outcome here = model->window.join(l.id, l.time, l.numbers);
        if (found == label_outcome::unknown || here == label_outcome::joined) found = here;
      }
      ++counts[static_cast<std::size_t>(found)];
    }
    for (const auto& model : models) model->window.commit();
    return counts;
  }

  /// Calls f(id, time, numbers) for each label.
  template <class F>
  void for_each(F&& f) const {
    for (const kept& l : labels_) f(std::string_view(l.id), l.time, std::span<const double>(l.numbers));
  }

 private:
  struct kept {
    std::string id;
    std::optional<std::int64_t> time;
    std::vector<double> numbers;
  };
  label_reader reader_;
  std::vector<kept> labels_;
};

/// The body of an answer of /labels.
inline void append_outcomes(text_buffer& out, const label_counts& counts) {
  std::string_view before = "{";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out.append(std::exchange(before, ","));
    out.append(fmt::format("\"{}\":{}", name(static_cast<label_outcome>(i)), counts[i]));
  }
  out.append("}");
}

/// A model's figures beside its references: alarms are of the served model alone.
inline void append_checks(text_buffer& out, std::span<const performance_check> checks) {
  const bool alarm = std::any_of(checks.begin(), checks.end(), [](const auto& c) { return c.alarm; });
  out.append(alarm ? R"(,"alarm":true,"references":[)" : R"(,"alarm":false,"references":[)");
  std::string_view before;
  for (const performance_check& c : checks) {
    out.append(std::exchange(before, ","));
    out.append(fmt::format(R"({{"figure":"{}","source":"{}","reference":{},"limit":{},"alarm":{}}})",
                           c.reference.figure, c.reference.source, c.reference.value, c.limit, c.alarm));
  }
  out.append("]");
}

/// The figures to expect of the predictions in a window; no predictions where the task has none.
inline expected_report expect(labelled_model& model) {
  if (!expected_counts::has_figures(model.window.model())) return {};
  expected_counts counts(model.window.model());
  model.window.for_each(
      [&](std::span<const double> values, std::uint32_t predicted) { counts.add(values, predicted); });
  return report_expected(counts);
}

/// The body of /monitoring/performance: the current model, of the references, first.
inline void append_performances(text_buffer& out, const labelled_models& models,
                                std::span<const performance_reference> references,
                                const performance_alarm_settings& alarm) {
  std::string_view before = R"({"models":[)";
  for (const auto& model : models) {
    const auto found = model->window.read();
    const performance_report report = report_performance(found.counts);
    out.append(std::exchange(before, ","));
    out.append(R"({"model":)");
    append_json_text(out, model->sha256);
    out.append(fmt::format(R"(,"window":{{"capacity":{},"predictions":{},"repeated":{}}},"performance":)",
                           model->window.capacity(), found.kept, found.repeated));
    append_performance(out, report);
    out.append(R"(,"estimated":)");
    if (const expected_report expected = expect(*model); expected.predictions != 0) {
      const calibration_settings settings;
      append_expected(out, expected, check_calibration(found.counts, settings), settings);
    } else {
      out.append("null");
    }
    const bool served = model == models.front();
    append_checks(out, check_performance(report, served ? references : decltype(references)(), alarm));
    out.append("}");
  }
  out.append("]}");
}

inline void append_metrics(prometheus_text& text, const std::array<std::atomic<std::uint64_t>, 5>& labels,
                           labelled_model& model, std::span<const performance_reference> references,
                           const performance_alarm_settings& alarm) {
  text.family("tabscore_labels_total", "counter", "Received labels by outcome.");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text.sample({{"outcome", name(static_cast<label_outcome>(i))}}, labels[i].load());
  }
  const auto found = model.window.read();
  text.family("tabscore_labelled_predictions", "gauge", "Predictions of the served model with a label.");
  text.sample({}, found.counts.pairs());
  const performance_report report = report_performance(found.counts);
  const auto figures = [&](const std::vector<figure>& all) {
    for (const figure& f : all) {
      if (std::isfinite(f.value.value)) text.sample({{"figure", f.name}}, f.value.value);
    }
  };
  text.family("tabscore_performance", "gauge", "Performance figures of the served model, by labels.");
  figures(report.figures);
  text.family("tabscore_expected_performance", "gauge",
              "Expected figures of the predictions in the window, estimated without labels.");
  figures(expect(model).figures);
  using state = calibration_check::state;
  if (const auto calibration = check_calibration(found.counts); calibration.status != state::unknown) {
    text.family("tabscore_calibration_failed", "gauge",
                "1: the labels contradict the probabilities; figures estimated from them are unreliable.");
    text.sample({}, std::uint64_t{calibration.status == state::fails});
  }
  const auto checks = check_performance(report, references, alarm);
  text.family("tabscore_performance_reference", "gauge",
              "Reference of the figure, from the model's validation or the settings.");
  for (const performance_check& c : checks) text.sample({{"figure", c.reference.figure}}, c.reference.value);
  text.family("tabscore_performance_alarm", "gauge",
              "1: the figure's interval is worse than its reference by more than the tolerance.");
  for (const performance_check& c : checks) text.sample({{"figure", c.reference.figure}}, std::uint64_t{c.alarm});
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
