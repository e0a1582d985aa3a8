// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "drift_metrics.hpp"
#include "model_keeper.hpp"
#include "served_model.hpp"

/// The answer of /model: the card of the model, and what became of its file since.
inline void append_model_card(ts::text_buffer& out, std::string_view card, const reload_status& status) {
  card.remove_suffix(1);  // the brace
  out.append(card);
  out.append(fmt::format(R"(,"reload":{{"loaded":{},"refused":{},"last":)", status.loaded, status.refused));
  out.append(status.last == 0 ? "null" : fmt::format("\"{:%Y-%m-%dT%H:%M:%SZ}\"", fmt::gmtime(status.last)));
  out.append(R"(,"error":)");
  status.error.empty() ? out.append("null") : ts::append_json_text(out, status.error);
  out.append("}}");
}

struct verdict_words {
  std::string_view reason, action;
};
inline verdict_words words(ts::drift_verdict verdict) {
  switch (verdict) {
    case ts::drift_verdict::no_baseline:
      return {"baseline_not_loaded", "run_training_to_generate_baseline"};
    case ts::drift_verdict::no_samples:
      return {"no_predictions_observed", "collect_inference_samples"};
    case ts::drift_verdict::too_few_samples:
      return {"insufficient_samples", "collect_more_samples"};
    case ts::drift_verdict::feature_drift:
      return {"feature_distribution_drift", "trigger_retraining_pipeline"};
    case ts::drift_verdict::rate_shift:
      return {"prediction_rate_shift", "trigger_retraining_pipeline"};
    case ts::drift_verdict::steady:
      return {"below_threshold", "continue_monitoring"};
  }
  throw std::logic_error("a verdict without words");
}

/// The answer of /monitoring/drift, as the reference words it.
inline void append_drift_status(ts::text_buffer& out, const ts::drift_status& status) {
  if (!std::isfinite(status.score)) throw std::overflow_error("a running total overflowed");  // as the reference: 500
  const auto append = [&](double v) {
    out.keep_to(ts::write_real<ts::spelling::json>(out.space(ts::number_text_space), v));
  };
  out.append(fmt::format(R"({{"samples_observed":{},"drift_score_max_abs_z":)", status.samples));
  append(status.score);
  std::string_view before = R"(,"drifted_features":[)";
  for (const std::string_view name : status.drifted) {
    out.append(std::exchange(before, ","));
    ts::append_json_text(out, name);
  }
  if (status.drifted.empty()) out.append(before);
  out.append(R"(],"predicted_positive_rate":)");
  append(status.predicted_positive_rate);
  out.append(R"(,"training_positive_rate":)");
  append(status.training_positive_rate);
  const auto [reason, action] = words(status.verdict);
  out.append(fmt::format(R"(,"should_retrain":{},"reason":"{}","recommended_action":"{}"}})", status.should_retrain(),
                         reason, action));
}

/// The answer of /monitoring/report: all windows.
inline void append_reports(ts::text_buffer& out, const ts::drift_monitor& observed) {
  const ts::drift_reference& reference = observed.reference();
  out.append(R"({"model":)");
  ts::append_json_text(out, reference.model);
  std::string_view before = R"(,"windows":[)";
  for (const ts::window w : ts::all_windows) {
    const auto counts = observed.counts(w);
    out.append(std::exchange(before, ","));
    ts::append_report(out, w, reference, ts::report_drift(reference, counts), counts);
  }
  out.append("]}");
}

inline void append_metrics(ts::prometheus_text& text, const ts::jsonl_log& log, const ts::totals& live) {
  text.family("tabscore_log_records_total", "counter", "Records that were logged, and those that could not be.");
  text.sample({{"outcome", "written"}}, log.written());
  text.sample({{"outcome", "dropped"}}, log.dropped());
  text.family("tabscore_observed_records_total", "counter", "Records that monitoring has seen.");
  text.sample({}, live.samples);
  text.family("tabscore_predicted_positive_total", "counter", "Of these, those that were predicted positive.");
  text.sample({}, live.positives);
}

inline void append_metrics(ts::prometheus_text& text, const observed_model& model, const reload_status& reloads) {
  if (model.baseline) {
    const ts::drift_status status = model.drift();
    text.family("tabscore_training_positive_ratio", "gauge", "Part of the training rows that is positive.");
    text.sample({}, model.baseline->training_positive_rate);
    text.family("tabscore_drift_score", "gauge", "The largest distance of a feature's mean from its training mean.");
    text.sample({}, status.score);
    text.family("tabscore_drift_alarm", "gauge", "1 while the drift rules advise to train again.");
    text.sample({}, status.should_retrain() ? 1 : 0);
    if (const ts::totals live = model.observed.read(); live.samples != 0) {
      text.family("tabscore_feature_mean", "gauge", "Mean of a feature's values in live traffic.");
      for (std::size_t j = 0; j < live.sums.size(); ++j) {
        if (live.present(j) != 0) text.sample({{"feature", model.baseline->numeric[j].name}}, live.mean(j));
      }
    }
  }
  if (model.has_histograms()) append_drift(text, model.observed);
  text.family("tabscore_model_reloads_total", "counter", "Models that took another's place, and files refused.");
  text.sample({{"outcome", "loaded"}}, reloads.loaded);
  text.sample({{"outcome", "refused"}}, reloads.refused);
  text.family("tabscore_model_info", "gauge", "The model that is served.");
  text.sample({{"name", model.identity.name}, {"version", model.identity.version}, {"sha256", model.identity.sha256}},
              1);
}
