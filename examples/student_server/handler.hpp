// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "docs_page.hpp"
#include "http_server.hpp"
#include "openapi.hpp"
#include "routes.hpp"
#include "status.hpp"
#include "student.hpp"

/// What all threads share. Set up before the first request and then only read, but for the sinks, which lock.
struct student_service {
  std::optional<ts::drift_monitor> observed;  // none: no model is loaded
  ts::jsonl_log log;
  std::optional<student_pipeline> pipe;  // none: no model is loaded
  std::optional<ts::drift_baseline> baseline;
  ts::prediction_names names{probability_name, label_name};
  std::string openapi = openapi_document<student>(student_columns::rules, {probability_name, label_name});
};

/// Answers requests for one thread, with that thread's working memory.
class student_handler {
 public:
  explicit student_handler(student_service& service) : service_(service) {}

  http::response operator()(const http::request& asked) {
    auto found = resolve(asked);
    if (auto* refusal = std::get_if<http::response>(&found)) return std::move(*refusal);
    out_.clear();
    switch (std::get<endpoint>(found)) {
      case endpoint::batch_predict:
        return predict(asked, ts::body_shape::records);
      case endpoint::predict:
        return predict(asked, ts::body_shape::record);
      case endpoint::health:
        return health();
      case endpoint::drift:
        return drift();
      case endpoint::report:
        return report();
      case endpoint::state:
        return state();
      case endpoint::openapi:
        return {.body = service_.openapi};
      case endpoint::docs:
      case endpoint::redoc:
      case endpoint::oauth2_redirect:
        return {.content_type = "text/html; charset=utf-8", .body = docs_page};
    }
    throw std::logic_error("an endpoint without an answer");
  }

 private:
  http::response predict(const http::request& asked, ts::body_shape shape) {
    if (!asked.body.empty() && !is_json(asked.content_type)) {
      return answer(ts::validation_errors{{.what = ts::fault::not_record}}, shape);
    }
    const simdjson::padded_string_view body(asked.body, asked.body.size() + simdjson::SIMDJSON_PADDING);
    if (const auto wrong = ts::read_json(body, workspace_, shape)) return answer(*wrong, shape);
    if (!service_.pipe) return detail(model_not_loaded, "Model is not loaded.");
    return answer(ts::score_records(*service_.pipe, workspace_, shape), shape);
  }

  http::response answer(const ts::outcome& outcome, ts::body_shape shape) {
    if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
      if (shape == ts::body_shape::records) {
        service_.names.append_list(out_, p->probability, p->threshold);
      } else {
        service_.names.append_one(out_, p->probability[0], p->threshold);
      }
    } else if (const auto* errors = std::get_if<ts::validation_errors>(&outcome)) {
      ts::append_errors(out_, *errors, student::names);
    } else if (const auto* syntax = std::get_if<ts::syntax_error>(&outcome)) {
      ts::append_syntax_error(out_, *syntax);
    } else if (const auto* broken = std::get_if<ts::broken_rule>(&outcome)) {
      ts::append_detail(out_, broken->message);
    } else {
      ts::append_detail(out_, ts::dialect::pydantic1::unreadable_detail);
    }
    return {.status = status_of(outcome), .body = out_.view()};
  }

  http::response detail(unsigned status, std::string_view text) {
    ts::append_detail(out_, text);
    return {.status = status, .body = out_.view()};
  }

  http::response health() {
    out_.append(R"({"ready":)");
    append(service_.pipe.has_value());
    out_.append(R"(,"predictor_loaded":)");
    append(service_.pipe.has_value());
    out_.append(R"(,"drift_baseline_loaded":)");
    append(service_.baseline.has_value());
    out_.append("}");
    return {.body = out_.view()};
  }

  http::response drift() {
    const ts::totals live = service_.observed ? service_.observed->read() : ts::totals{};
    const ts::drift_status status = ts::assess_drift(live, service_.baseline ? &*service_.baseline : nullptr);
    if (!std::isfinite(status.score)) throw std::overflow_error("a running total overflowed");  // as the reference: 500
    out_.append(R"({"samples_observed":)");
    out_.keep_to(ts::write_integer(out_.space(ts::number_text_space), static_cast<std::int64_t>(status.samples)));
    out_.append(R"(,"drift_score_max_abs_z":)");
    append(status.score);
    std::string_view before = R"(,"drifted_features":[)";
    for (const std::string_view name : status.drifted) {
      out_.append(std::exchange(before, ","));
      ts::append_json_text(out_, name);
    }
    if (status.drifted.empty()) out_.append(before);
    out_.append(R"(],"predicted_positive_rate":)");
    append(status.predicted_positive_rate);
    out_.append(R"(,"training_positive_rate":)");
    append(status.training_positive_rate);
    out_.append(R"(,"should_retrain":)");
    append(status.should_retrain());
    const auto [reason, action] = words(status.verdict);
    out_.append(R"(,"reason":)");
    ts::append_json_text(out_, reason);
    out_.append(R"(,"recommended_action":)");
    ts::append_json_text(out_, action);
    out_.append("}");
    return {.body = out_.view()};
  }

  http::response report() {
    if (!service_.observed) return detail(model_not_loaded, "Model is not loaded.");
    const ts::drift_reference& reference = service_.observed->reference();
    out_.append(R"({"model":)");
    ts::append_json_text(out_, reference.model);
    std::string_view before = R"(,"windows":[)";
    for (const ts::window w : ts::all_windows) {
      const auto counts = service_.observed->counts(w);
      out_.append(std::exchange(before, ","));
      ts::append_report(out_, w, reference, ts::report_drift(reference, counts), counts);
    }
    out_.append("]}");
    return {.body = out_.view()};
  }

  http::response state() {
    if (!service_.observed) return detail(model_not_loaded, "Model is not loaded.");
    if (service_.observed->reference().empty()) return detail(model_not_loaded, "The model file has no histograms.");
    out_.append(ts::to_json(ts::state_of(*service_.observed)));
    return {.body = out_.view()};
  }

  struct verdict_words {
    std::string_view reason, action;
  };
  static verdict_words words(ts::drift_verdict verdict) {
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

  void append(bool value) { out_.append(value ? "true" : "false"); }
  void append(double value) {
    out_.keep_to(ts::write_real<ts::spelling::json>(out_.space(ts::number_text_space), value));
  }

  student_service& service_;
  ts::workspace<student> workspace_;
  ts::text_buffer out_;
};
