// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "dashboard_page.hpp"
#include "docs_files.hpp"
#include "docs_page.hpp"
#include "drift_metrics.hpp"
#include "errors.hpp"
#include "explain_query.hpp"
#include "history.hpp"
#include "http_server.hpp"
#include "inference.hpp"
#include "model_keeper.hpp"
#include "openapi.hpp"
#include "query.hpp"
#include "routes.hpp"
#include "served_model.hpp"
#include "service_metrics.hpp"
#include "status.hpp"
#include "student.hpp"
#include "swagger_ui_page.hpp"

inline constexpr ts::decode_limits default_limits{.max_records = 1'000'000, .max_errors = 1'000};
inline constexpr std::size_t default_error_bytes = std::size_t{256} << 10;

/// What all threads share: counts, the sinks that lock, and what is set up before the first request. The model alone is
/// swapped: who reads it pins it.
struct student_service {
  ts::jsonl_log log;
  live_model live;                     // empty: no model is loaded
  std::optional<model_keeper> keeper;  // of the model, if there is one
  std::atomic<bool> leaving = false;   // about to end: not ready for more
  ts::decode_limits limits = default_limits;
  std::size_t max_error_bytes = default_error_bytes;
  service_metrics metrics;
  monitoring_history history;
  error_style errors = error_style::pydantic1;
  ts::prediction_names names{probability_name, label_name};
  std::string problems = problems_page();
  docs_files docs;  // empty: /docs is a page of our own
  std::string openapi;
};

/// Answers requests for one thread, with that thread's working memory.
class student_handler {
 public:
  explicit student_handler(student_service& service)
      : service_(service),
        metrics_(service.metrics.add_thread()),
        models_(service.live),
        inference_(metrics_, service.limits) {
    workspace_.decoder = ts::decoder<student>("records", service.limits);
  }

  http::response operator()(const http::request& asked) {
    out_.clear();
    asked_ = &asked;
    style_ = accepts_problem(asked.accept) ? error_style::problem : service_.errors;
    if (asked.path == "/v2" || asked.path.starts_with("/v2/")) style_ = error_style::inference;
    auto found = resolve(asked);
    if (auto* refusal = std::get_if<http::response>(&found)) {
      metrics_.answered(nullptr, refusal->status);
      if (refusal->body.empty()) return std::move(*refusal);
      return error(std::move(*refusal), [&, text = refusal->body]<class Dialect>(const ts::error_context& context) {
        Dialect::append_detail(out_, text, context);
      });
    }
    const route* const where = std::get<const route*>(found);
    const auto pinned = models_.pin();  // all of this request is that model's
    model_ = pinned.get();
    try {
      http::response reply = respond(where->target, asked);
      metrics_.answered(where, reply.status);
      return reply;
    } catch (...) {  // the HTTP layer answers 500
      metrics_.answered(where, 500);
      throw;
    }
  }

 private:
  http::response respond(endpoint target, const http::request& asked) {
    switch (target) {
      case endpoint::batch_predict:
        if (const auto on_error = query_value(asked.query, "on_error"); on_error && *on_error != "fail") {
          return *on_error == "skip" ? predict_good(asked) : wrong_on_error();
        }
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
      case endpoint::history:
        service_.history.append_to(out_);
        return {.body = out_.view()};
      case endpoint::metrics:
        return metrics();
      case endpoint::model:
        return model();
      case endpoint::dashboard:
        return {.content_type = "text/html; charset=utf-8", .body = dashboard_page};
      case endpoint::v2_server:
      case endpoint::v2_live:
      case endpoint::v2_ready:
      case endpoint::v2_model:
      case endpoint::v2_model_ready:
      case endpoint::v2_infer:
        return inference_(target, asked, model_, out_);
      case endpoint::openapi:
        return {.body = service_.openapi};
      case endpoint::problems:
        return {.content_type = "text/html; charset=utf-8", .body = service_.problems};
      case endpoint::docs:
        return {.content_type = "text/html; charset=utf-8",
                .body = service_.docs.empty() ? docs_page : swagger_ui_page};
      case endpoint::docs_file: {
        const auto* const file = service_.docs.find(asked.path.substr(asked.path.rfind('/') + 1));
        if (file == nullptr) return detail(404, "Not Found");
        return {.content_type = file->content_type, .body = file->text};
      }
      case endpoint::redoc:
      case endpoint::oauth2_redirect:
        return {.content_type = "text/html; charset=utf-8", .body = docs_page};
    }
    throw std::logic_error("an endpoint without an answer");
  }

  http::response predict(const http::request& asked, ts::body_shape shape) {
    const explain_query explain = read_explain_query(asked.query);
    if (!explain.valid) return refuse(explain);
    if (!asked.body.empty() && !is_json(asked.content_type)) {
      return answer(ts::validation_errors{{.what = ts::fault::not_record}}, shape);
    }
    thread_metrics::stopwatch time(metrics_);
    const simdjson::padded_string_view body(asked.body, asked.body.size() + simdjson::SIMDJSON_PADDING);
    std::optional<student_pipeline::scoring> scoring;
    if (model_ != nullptr) scoring.emplace(*model_->pipe, workspace_.x);
    auto score_some = [&](const ts::columns<student>& records) {
      if (!scoring) return;
      time.lap(stage::decode);
      scoring->add(records);
      time.lap(stage::score);
    };
    const auto wrong = ts::read_json(body, workspace_, shape, score_some);
    time.lap(stage::decode);
    if (wrong) {
      time.discard(stage::score);
      return answer(*wrong, shape, asked.body);
    }
    if (!scoring) return no_model();
    const student_pipeline& pipe = *model_->pipe;
    if (explain.count != 0) {
      if (const auto* reason = pipe.model().unexplained()) return detail(no_explanation, reason->message);
      if (workspace_.records.rows() > explain_query::most_records) {
        return answer(
            ts::validation_errors{
                {.row = ts::field_error::all_rows, .what = ts::fault::too_many, .bound = explain_query::most_records}},
            shape, asked.body);
      }
    }
    const ts::outcome outcome = ts::finish_records(*scoring, workspace_, shape);
    http::response reply;
    if (const auto* p = std::get_if<ts::predictions>(&outcome); p != nullptr && explain.count != 0) {
      const auto why = pipe.explain(workspace_.records, workspace_.x);
      time.lap(stage::score);
      reply = answer_with_reasons(*p, *why, explain.count, shape);
    } else {
      time.lap(stage::score);
      reply = answer(outcome, shape, asked.body);
    }
    reply.more_headers = header_ = model_->identity.header;  // copied: the model may be gone when it is sent
    time.lap(stage::respond);
    return reply;
  }

  /// ?on_error=skip: predictions of the good records, null and the errors of the others.
  http::response predict_good(const http::request& asked) {
    if (!asked.body.empty() && !is_json(asked.content_type)) return predict(asked, ts::body_shape::records);
    if (const auto explain = read_explain_query(asked.query); !explain.valid || explain.count != 0) {
      return detail(422, "The query parameter explain does not go with on_error=skip.");
    }
    if (model_ == nullptr) return no_model();
    thread_metrics::stopwatch time(metrics_);
    const simdjson::padded_string_view body(asked.body, asked.body.size() + simdjson::SIMDJSON_PADDING);
    const ts::partial_outcome outcome = ts::score_partial(*model_->pipe, body, workspace_);
    time.lap(stage::score);
    if (const auto* none = std::get_if<ts::outcome>(&outcome)) {
      return answer(*none, ts::body_shape::records, asked.body);
    }
    const auto& some = std::get<ts::partial_predictions>(outcome);
    metrics_.scored(some.scores.rows());
    metrics_.rejected(some);
    auto context = ts::context_of<student>();
    context.most_bytes = service_.max_error_bytes;
    ts::append_partial(out_, some, service_.names, context);
    header_ = model_->identity.header;
    time.lap(stage::respond);
    return {.body = out_.view(), .more_headers = header_};
  }
  http::response wrong_on_error() { return detail(422, "The query parameter on_error is neither 'fail' nor 'skip'."); }
  http::response no_model() { return detail(model_not_loaded, "Model is not loaded."); }

  /// `document`: the body, if it is JSON, for errors that show what is wrong with it.
  http::response answer(const ts::outcome& outcome, ts::body_shape shape, std::string_view document = {}) {
    const unsigned status = status_of(outcome);
    if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
      metrics_.scored(p->rows());
      if (shape == ts::body_shape::records) {
        service_.names.append_list(out_, p->probability, p->threshold, p->texts);
      } else {
        service_.names.append_one(out_, p->probability[0], p->threshold);
      }
      return {.status = status, .body = out_.view()};
    }
    metrics_.rejected(outcome, workspace_.records.rows(), workspace_.decoder.faults().unlisted);
    if (std::holds_alternative<ts::refused>(outcome)) return detail(status, "The predictions cannot be logged.");
    if (std::holds_alternative<ts::unreadable>(outcome)) {
      return detail(status, ts::dialect::pydantic1::unreadable_detail);
    }
    return error({.status = status}, [&]<class Dialect>(ts::error_context context) {
      context.document = document;
      context.most_bytes = service_.max_error_bytes;
      context.unlisted = workspace_.decoder.faults().unlisted;
      if (const auto* errors = std::get_if<ts::validation_errors>(&outcome)) {
        Dialect::append_errors(out_, *errors, context);
      } else if (const auto* syntax = std::get_if<ts::syntax_error>(&outcome)) {
        Dialect::append_syntax_error(out_, *syntax, context);
      } else {
        const auto& broken = std::get<ts::broken_rule>(outcome);
        const auto row = static_cast<std::uint32_t>(broken.row);
        Dialect::append_broken_rule(out_, broken.message,
                                    shape == ts::body_shape::records ? row : ts::field_error::no_row, context);
      }
    });
  }

  http::response answer_with_reasons(const ts::predictions& p, std::span<const double> contributions, std::size_t most,
                                     ts::body_shape shape) {
    metrics_.scored(p.rows());
    if (reasons_of_ != model_->identity.sha256) {
      reasons_.emplace(model_->pipe->model().features().all());
      reasons_of_ = model_->identity.sha256;
    }
    const std::size_t numbers = reasons_->features() + 1;
    const auto reason = [&](std::size_t i) {
      reasons_->append(out_, contributions.subspan(i * numbers, numbers), most);
    };
    if (shape == ts::body_shape::records) {
      service_.names.append_list(out_, p.probability, p.threshold, reason);
    } else {
      service_.names.append_one(out_, p.probability[0], p.threshold, [&] { reason(0); });
    }
    return {.body = out_.view()};
  }

  http::response refuse(const explain_query& explain) {
    return error({.status = 422}, [&]<class Dialect>(ts::error_context context) {
      static constexpr std::string_view parameter = "explain";
      const ts::field_error e{.field = 0, .what = explain.what, .bound = explain.bound};
      context.names = {&parameter, 1};
      context.kinds = {};
      context.place = "query";
      Dialect::append_errors(out_, {&e, 1}, context);
    });
  }

  http::response detail(unsigned status, std::string_view text) {
    return error({.status = status},
                 [&]<class Dialect>(const ts::error_context& context) { Dialect::append_detail(out_, text, context); });
  }

  /// The answer with the body that write<Dialect>(context) appends, in the dialect that the request is answered in.
  template <class Write>
  http::response error(http::response reply, Write&& write) {
    auto context = ts::context_of<student>();
    context.status = reply.status;
    context.type_prefix = problem_types;
    const auto plain = [](char c) { return c > ' ' && c < 0x7F; };
    if (std::all_of(asked_->path.begin(), asked_->path.end(), plain)) context.instance = asked_->path;
    with_dialect(style_, [&]<class Dialect>() { write.template operator()<Dialect>(context); });
    if (style_ == error_style::problem) reply.content_type = ts::dialect::problem_details::content_type;
    reply.body = out_.view();
    return reply;
  }

  http::response health() {
    const bool leaving = service_.leaving;
    out_.append(R"({"ready":)");
    append(model_ != nullptr && !leaving);
    out_.append(R"(,"predictor_loaded":)");
    append(model_ != nullptr);
    out_.append(R"(,"drift_baseline_loaded":)");
    append(model_ != nullptr && model_->baseline.has_value());
    out_.append("}");
    return {.status = leaving ? shutting_down : 200, .body = out_.view()};
  }

  http::response model() {
    if (model_ == nullptr) return no_model();
    const reload_status status = service_.keeper->status();
    out_.append(model_->identity.card);
    out_.keep_to(out_.view().data() + out_.size() - 1);  // the brace
    out_.append(fmt::format(R"(,"reload":{{"loaded":{},"refused":{},"last":)", status.loaded, status.refused));
    out_.append(status.last == 0 ? "null" : fmt::format("\"{:%Y-%m-%dT%H:%M:%SZ}\"", fmt::gmtime(status.last)));
    out_.append(R"(,"error":)");
    status.error.empty() ? out_.append("null") : ts::append_json_text(out_, status.error);
    out_.append("}}");
    return {.body = out_.view()};
  }

  http::response drift() {
    const ts::drift_status status = model_ != nullptr ? model_->drift() : ts::assess_drift({}, nullptr);
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
    if (model_ == nullptr) return no_model();
    const ts::drift_reference& reference = model_->observed.reference();
    out_.append(R"({"model":)");
    ts::append_json_text(out_, reference.model);
    std::string_view before = R"(,"windows":[)";
    for (const ts::window w : ts::all_windows) {
      const auto counts = model_->observed.counts(w);
      out_.append(std::exchange(before, ","));
      ts::append_report(out_, w, reference, ts::report_drift(reference, counts), counts);
    }
    out_.append("]}");
    return {.body = out_.view()};
  }

  http::response state() {
    if (model_ == nullptr) return no_model();
    if (!model_->has_histograms()) return detail(model_not_loaded, "The model file has no histograms.");
    out_.append(ts::to_json(ts::state_of(model_->observed)));
    return {.body = out_.view()};
  }

  http::response metrics() {
    ts::prometheus_text text(out_);
    service_.metrics.append_to(text);
    text.family("tabscore_log_records_total", "counter", "Records that were logged, and those that could not be.");
    text.sample({{"outcome", "written"}}, service_.log.written());
    text.sample({{"outcome", "dropped"}}, service_.log.dropped());
    const ts::totals live = model_ != nullptr ? model_->observed.read() : ts::totals{};
    text.family("tabscore_observed_records_total", "counter", "Records that monitoring has seen.");
    text.sample({}, live.samples);
    text.family("tabscore_predicted_positive_total", "counter", "Of these, those that were predicted positive.");
    text.sample({}, live.positives);
    if (model_ != nullptr && model_->baseline) {
      const ts::drift_status status = model_->drift();
      text.family("tabscore_training_positive_ratio", "gauge", "Part of the training rows that is positive.");
      text.sample({}, model_->baseline->training_positive_rate);
      text.family("tabscore_drift_score", "gauge", "The largest distance of a feature's mean from its training mean.");
      text.sample({}, status.score);
      text.family("tabscore_drift_alarm", "gauge", "1 while the drift rules advise to train again.");
      text.sample({}, status.should_retrain() ? 1 : 0);
      if (live.samples != 0) {
        text.family("tabscore_feature_mean", "gauge", "Mean of a feature in live traffic.");
        for (std::size_t j = 0; j < live.sums.size(); ++j) {
          text.sample({{"feature", model_->baseline->numeric[j].name}},
                      live.sums[j] / static_cast<double>(live.samples));
        }
      }
    }
    if (model_ != nullptr) {
      if (model_->has_histograms()) append_drift(text, model_->observed);
      const reload_status reloads = service_.keeper->status();
      text.family("tabscore_model_reloads_total", "counter", "Models that took another's place, and files refused.");
      text.sample({{"outcome", "loaded"}}, reloads.loaded);
      text.sample({{"outcome", "refused"}}, reloads.refused);
      text.family("tabscore_model_info", "gauge", "The model that is served.");
      text.sample(
          {{"name", model_->identity.name}, {"version", model_->identity.version}, {"sha256", model_->identity.sha256}},
          1);
    }
    return {.content_type = ts::prometheus_text::content_type, .body = out_.view()};
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
  thread_metrics& metrics_;
  live_model::reader models_;
  const served_model* model_ = nullptr;  // of the request at hand; none: no model is loaded
  std::string header_;
  inference_api inference_;
  const http::request* asked_ = nullptr;        // the one at hand
  error_style style_ = error_style::pydantic1;  // of its answer
  ts::workspace<student> workspace_;
  ts::text_buffer out_;
  std::optional<ts::explanation_writer> reasons_;  // made for the first request that asks
  std::string reasons_of_;                         // the model that they are for
};
