// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/detail/append_json.hpp"
#include "../../monitor/drift.hpp"
#include "../../monitor/report_json.hpp"
#include "drift_metrics.hpp"
#include "model_reloader.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using tabscore::detail::append_json;
using tabscore::detail::quoted;

/// The body of /model: the model's card and the status of reloads.
void append_model_card(text_buffer& out, std::string_view card, const reload_status& status);

struct verdict_words {
  std::string_view reason, action;
};
verdict_words words(drift_verdict verdict);

/// The body of /monitoring/drift, in the words of the Python service; `outputs` names the numbers or classes of other
/// tasks than two classes, as JSON. False when a running total has overflowed.
bool append_drift_status(text_buffer& out, const drift_status& status, task predicted,
                         const std::vector<std::string>& outputs);

/// The body of /monitoring/report: all windows.
void append_reports(text_buffer& out, const drift_monitor& monitor);

void append_metrics(prometheus_text& text, const jsonl_log& log, const totals& live, task predicted);

/// Counts of predicted classes, and means of predicted numbers, of other tasks than two classes.
void append_outputs(prometheus_text& text, const totals& live, const prediction_layout& layout);

/// Counts of decisions, and the policy that makes them.
void append_decisions(prometheus_text& text, const monitored_model& model, const prediction_layout& layout);

void append_metrics(prometheus_text& text, const monitored_model& model, const prediction_layout& layout,
                    const reload_status& reloads);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE void append_model_card(text_buffer& out, std::string_view card, const reload_status& status) {
  card.remove_suffix(1);  // the brace
  out.append(card);
  out.append(fmt::format(R"(,"reload":{{"loaded":{},"refused":{},"last":)", status.loaded, status.refused));
  out.append(status.last == 0 ? "null" : fmt::format("\"{:%Y-%m-%dT%H:%M:%SZ}\"", fmt::gmtime(status.last)));
  status.error.empty() ? out.append(R"(,"error":null}})")
                       : append_json(out, R"(,"error":)", quoted{status.error}, "}}");
}

TABSCORE_INLINE verdict_words words(drift_verdict verdict) {
  switch (verdict) {
    case drift_verdict::no_baseline:
      return {"baseline_not_loaded", "run_training_to_generate_baseline"};
    case drift_verdict::no_samples:
      return {"no_predictions_observed", "collect_inference_samples"};
    case drift_verdict::too_few_samples:
      return {"insufficient_samples", "collect_more_samples"};
    case drift_verdict::feature_drift:
      return {"feature_distribution_drift", "trigger_retraining_pipeline"};
    case drift_verdict::rate_shift:
      return {"prediction_rate_shift", "trigger_retraining_pipeline"};
    case drift_verdict::prediction_drift:
      return {"prediction_distribution_drift", "trigger_retraining_pipeline"};
    case drift_verdict::steady:
      return {"below_threshold", "continue_monitoring"};
  }
  return {};
}

TABSCORE_INLINE bool append_drift_status(text_buffer& out, const drift_status& status, task predicted,
                                         const std::vector<std::string>& outputs) {
  if (!std::isfinite(status.score)) return false;
  append_json(out, R"({"samples_observed":)", status.samples, R"(,"drift_score_max_abs_z":)", status.score);
  std::string_view before = R"(,"drifted_features":[)";
  for (const std::string_view name : status.drifted) append_json(out, std::exchange(before, ","), quoted{name});
  if (status.drifted.empty()) out.append(before);
  const auto named = [&](std::string_view member, const std::vector<double>& values) {
    out.append(member);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      append_json(out, k == 0 ? "{" : ",", outputs[k], ":", k < values.size() ? values[k] : std::nan(""));
    }
    out.append(outputs.empty() ? "{}" : "}");
  };
  if (predicted == task::binary) {
    append_json(out, R"(],"predicted_positive_rate":)", status.predicted_positive_rate, R"(,"training_positive_rate":)",
                status.training_positive_rate);
  } else if (predicted == task::multiclass) {
    named(R"(],"predicted_class_rates":)", status.predicted_class_rates);
    named(R"(,"training_class_rates":)", status.training_class_rates);
  } else {
    named(R"(],"predicted_means":)", status.predicted_means);
    named(R"(,"training_means":)", status.training_means);
    if (predicted == task::anomaly) append_json(out, R"(,"outlier_rate":)", status.predicted_positive_rate);
  }
  const auto [reason, action] = words(status.verdict);
  append_json(out, R"(,"should_retrain":)", status.should_retrain(), R"(,"reason":")", reason,
              R"(","recommended_action":")", action, "\"}");
  return true;
}

TABSCORE_INLINE void append_reports(text_buffer& out, const drift_monitor& monitor) {
  const drift_reference& reference = monitor.reference();
  append_json(out, R"({"model":)", quoted{reference.model});
  std::string_view before = R"(,"windows":[)";
  for (const window w : all_windows) {
    const auto counts = monitor.counts(w);
    out.append(std::exchange(before, ","));
    append_report(out, w, reference, report_drift(reference, counts), counts);
  }
  out.append("]}");
}

TABSCORE_INLINE void append_metrics(prometheus_text& text, const jsonl_log& log, const totals& live, task predicted) {
  text.family("tabscore_log_records_total", "counter", "Records appended to the prediction log, and records dropped.");
  text.sample({{"outcome", "written"}}, log.written());
  text.sample({{"outcome", "dropped"}}, log.dropped());
  text.family("tabscore_observed_records_total", "counter", "Records observed by monitoring.");
  text.sample({}, live.samples);
  if (predicted == task::binary) {
    text.family("tabscore_predicted_positive_total", "counter", "Observed records that were predicted positive.");
    text.sample({}, live.positives);
  } else if (predicted == task::anomaly) {
    text.family("tabscore_predicted_outlier_total", "counter", "Observed records that were predicted to be outliers.");
    text.sample({}, live.positives);
  }
}

TABSCORE_INLINE void append_outputs(prometheus_text& text, const totals& live, const prediction_layout& layout) {
  const model_outputs& model = layout.model;
  if (!live.classes.empty()) {
    text.family("tabscore_predicted_class_total", "counter", "Observed records by predicted class.");
    for (std::size_t k = 0; k < live.classes.size(); ++k) text.sample({{"class", model.classes[k]}}, live.classes[k]);
  }
  if (!live.outputs.empty() && live.samples != 0) {
    text.family("tabscore_prediction_mean", "gauge",
                "Mean of a predicted number in live traffic; of several classes, of the predicted class.");
    for (std::size_t k = 0; k < live.outputs.size(); ++k) {
      text.sample({{"output", model.task == task::multiclass ? layout.names[1] : layout.names[k]}},
                  live.outputs[k] / static_cast<double>(live.samples));
    }
  }
}

TABSCORE_INLINE void append_decisions(prometheus_text& text, const monitored_model& model,
                                      const prediction_layout& layout) {
  const std::vector<std::uint64_t> counts = model.monitor.read().decisions;
  const decision_layout& decisions = layout.decisions;
  text.family("tabscore_decision_total", "counter", "Observed records by decision.");
  for (std::size_t k = 0; k < decisions.names.size(); ++k) {
    text.sample({{"decision", decisions.names[k]}}, k < counts.size() ? counts[k] : 0);
  }
  const auto& [name, version, sha256] = model.identity.policy;
  text.family("tabscore_policy_info", "gauge", "The served policy.");
  text.sample({{"name", name}, {"version", version}, {"sha256", sha256}}, 1);
}

TABSCORE_INLINE void append_metrics(prometheus_text& text, const monitored_model& model,
                                    const prediction_layout& layout, const reload_status& reloads) {
  if (!layout.decisions.empty()) append_decisions(text, model, layout);
  if (layout.model.task != task::binary) append_outputs(text, model.monitor.read(), layout);
  if (model.baseline) {
    const drift_status status = model.drift();
    if (layout.model.task == task::binary) {
      text.family("tabscore_training_positive_ratio", "gauge", "Share of positive training rows.");
      text.sample({}, model.baseline->training_positive_rate);
    }
    text.family("tabscore_drift_score", "gauge",
                "Largest distance of a feature's mean from its training mean, in standard deviations.");
    text.sample({}, status.score);
    text.family("tabscore_drift_alarm", "gauge", "1 while the drift rules recommend retraining.");
    text.sample({}, status.should_retrain() ? 1 : 0);
    if (const totals live = model.monitor.read(); live.samples != 0) {
      text.family("tabscore_feature_mean", "gauge", "Mean of a feature's values in live traffic.");
      for (std::size_t j = 0; j < live.sums.size(); ++j) {
        if (live.present(j) != 0) text.sample({{"feature", model.baseline->numeric[j].name}}, live.mean(j));
      }
    }
  }
  if (model.has_histograms()) append_drift(text, model.monitor);
  text.family("tabscore_model_reloads_total", "counter",
              "Model files loaded after the start, and model files refused.");
  text.sample({{"outcome", "loaded"}}, reloads.loaded);
  text.sample({{"outcome", "refused"}}, reloads.refused);
  text.family("tabscore_model_info", "gauge", "The served model.");
  text.sample({{"name", model.identity.name}, {"version", model.identity.version}, {"sha256", model.identity.sha256}},
              1);
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
