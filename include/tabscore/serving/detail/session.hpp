// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "../../compat/tensor_decoder.hpp"
#include "../../core/config.hpp"
#include "../../json/explanation.hpp"
#include "../../json/record_json.hpp"
#include "../../json/write.hpp"
#include "../../json/write_reasons.hpp"
#include "../../monitor/state_json.hpp"
#include "../../pipeline/append_partial.hpp"
#include "../../pipeline/score_json.hpp"
#include "../request.hpp"
#include "../request_ids.hpp"
#include "count_query.hpp"
#include "inference.hpp"
#include "labels.hpp"
#include "load_challengers.hpp"
#include "monitoring_answers.hpp"
#include "negotiation.hpp"
#include "overrides.hpp"
#include "query.hpp"
#include "routed_pipeline.hpp"
#include "routes.hpp"
#include "shared_state.hpp"
#include "status.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Answers requests for one thread, with that thread's working memory.
template <class Service>
class session {
  using record = typename Service::record;
  static_assert(names_id_apart<Service>(), "tabscore: the id has the name of a prediction's member");

 public:
  explicit session(shared_state<Service>& service)
      : service_(service),
        metrics_(service.metrics.add_thread()),
        models_(service.live),
        inference_(metrics_, service.config.limits) {
    workspace_.decoder = decoder<record, typename Service::coercion>("records", service.config.limits);
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() { service_.metrics.remove_thread(metrics_); }

  /// The response's views live until the next call.
  response handle(const request& asked) {
    begin(asked);
    routing to = resolve(asked);
    if (asked.expects_continue && to.found != nullptr && !refuses_coding(*to.found, asked)) return {.status = 100};
    counted_answer counted{metrics_, to.found};
    response reply = to.found != nullptr ? respond(*to.found, asked) : unrouted(std::move(to));
    counted.status = reply.status;
    return with_ids(reply);
  }

  /// The answer to a request that the HTTP layer refuses itself, or could not answer (500).
  response refuse(const request& asked, unsigned status, std::string_view why) {
    begin(asked);
    if (status != 500) service_.metrics.refused(status);  // that one was counted by handle()
    response reply = failure(status, why);
    if (status == 503) reply.more_headers = "retry-after: 1\r\n";
    return with_ids(reply);
  }

 private:
  std::string_view log_members() const {
    return service_.config.log_request_ids ? ids_.log_members() : std::string_view();
  }
  void begin(const request& asked) {
    out_.clear();
    header_.clear();
    asked_ = &asked;
    ids_.begin(asked.request_id, asked.traceparent);
    style_ = accepts_problem(asked.accept) ? error_style::problem : service_.config.errors;
    if (asked.path == "/v2" || asked.path.starts_with("/v2/")) style_ = error_style::inference;
  }
  response with_ids(response reply) const {
    reply.request_id = ids_.request_id();
    reply.traceresponse = ids_.traceresponse();
    return reply;
  }

  struct counted_answer {  // also where memory ran out
    ~counted_answer() { metrics.answered(where, status); }
    thread_metrics& metrics;
    const route* where;
    unsigned status = 500;
  };

  response unrouted(routing&& to) {
    header_ = std::move(to.headers);
    response reply{.status = to.status, .content_type = {}, .body = {}, .more_headers = header_};
    if (to.text.empty()) return reply;
    reply.content_type = response().content_type;
    return error(reply,
                 [&]<class Dialect>(const error_context& context) { Dialect::append_detail(out_, to.text, context); });
  }

  static bool refuses_coding(const route& where, const request& asked) {
    return is_encoded(asked.content_encoding) && where.methods == "POST";
  }

  response respond(const route& where, const request& asked) {
    if (refuses_coding(where, asked)) {
      response refusal = detail(unknown_coding, "The body has a Content-Encoding; send it without.");
      refusal.more_headers = "accept-encoding: identity\r\n";
      return refusal;
    }
    const auto pinned = models_.pin();  // all of this request is that model's
    model_ = pinned.get();
    if (asked.padded || where.methods != "POST") return answer_from_model(where.target, asked);
    request padded = asked;
    padded.body = tabscore::detail::padded_copy(asked.body, workspace_.body);
    padded.padded = true;
    return answer_from_model(where.target, padded);
  }

  response answer_from_model(route_target target, const request& asked) {
    switch (target) {
      case route_target::batch_predict:
        if (const auto on_error = query_value(asked.query, "on_error"); on_error && *on_error != "fail") {
          return *on_error == "skip" ? predict(asked, {.on_error = tabscore::on_error::skip}) : wrong_on_error();
        }
        return predict(asked, {});
      case route_target::predict:
        return predict(asked, {.shape = body_shape::record});
      case route_target::health:
        return health();
      case route_target::compare:
        return compare();
      case route_target::drift:
        return drift();
      case route_target::report:
        return report();
      case route_target::state:
        return state();
      case route_target::history:
        service_.history.append_to(out_);
        return {.body = out_.view()};
      case route_target::labels:
        return labels(asked);
      case route_target::overrides: {
        const auto [status, text] =
            log_overrides<Service>(service_.log, asked.body, service_.config.limits.max_records);
        if (status != 200) return detail(status, text);
        out_.append(fmt::format(R"({{"logged":{}}})", text));
        return {.body = out_.view()};
      }
      case route_target::performance:
        return performance();
      case route_target::metrics:
        return metrics();
      case route_target::model:
        return model();
      case route_target::dashboard:
        return page(service_.dashboard);
      case route_target::v2_server:
      case route_target::v2_live:
      case route_target::v2_ready:
      case route_target::v2_model:
      case route_target::v2_model_ready:
      case route_target::v2_infer:
        return inference_(target, asked, model_, out_, log_members());
      case route_target::openapi:
        return {.body = model_ != nullptr ? model_->openapi : service_.openapi_without_model};
      case route_target::problems:
        return page(service_.problems);
      case route_target::docs:
        return page(service_.docs.empty() ? service_.docs_page : service_.swagger_ui);
      case route_target::docs_file: {
        const auto* const file = service_.docs.find(asked.path.substr(asked.path.rfind('/') + 1));
        if (file == nullptr) return detail(404, "Not Found");
        return {.content_type = file->content_type, .body = file->text};
      }
      case route_target::redoc:
        return page(service_.docs_page);
      case route_target::oauth2_redirect:
        return page(service_.docs_page_below);
    }
    return failed();
  }

  response failed() {
    out_.clear();
    return failure(500, "Internal Server Error");
  }
  /// The framework of pydantic answers plain text where no route is to blame.
  response failure(unsigned status, std::string_view why) {
    if ((status != 400 && status != 500) || !speaks_pydantic(style_)) return detail(status, why);
    out_.append(why);
    return {.status = status, .content_type = "text/plain; charset=utf-8", .body = out_.view()};
  }
  static response page(const web_page& p) {
    return {.content_type = "text/html; charset=utf-8", .body = p.text, .more_headers = p.headers};
  }

  response predict(const request& asked, request_options options) {
    const count_query explain = read_count_query(asked.query, "explain");
    if (!explain.valid) return refuse(explain, "explain");
    const count_query reasons = read_count_query(asked.query, "reasons");
    if (!reasons.valid) return refuse(reasons, "reasons");
    const count_query top = read_count_query(asked.query, "top");  // of one number there is nothing to leave out
    if (!top.valid) return refuse(top, "top");
    const std::optional<std::string> ids = query_value(asked.query, "ids");
    if (ids && *ids != "0" && *ids != "1") return detail(422, "The query parameter ids is neither 0 nor 1.");
    if (ids == "1" && !has_id<Service>) return detail(422, "The query parameter ids needs an id in the schema.");
    if (!asked.body.empty() && !is_json(asked.content_type)) {
      return answer(validation_errors{{.what = fault::not_record}}, options);
    }
    options.explain = explain.count != 0;
    options.reasons = reasons.count;
    options.log_members = log_members();
    options.max_explained = count_query::most_explained;
    std::optional<routed_pipeline<Service>> pipe;
    if (model_ != nullptr) pipe.emplace(*model_->pipe, arms());
    thread_metrics::stopwatch time(metrics_);
    const tabscore::outcome outcome =
        score_request(pipe ? &*pipe : nullptr, padded_text(asked.body), workspace_, options, time);
    response reply =
        answer(outcome, options, asked.body, explain.count, top.count != 0 ? top.count : SIZE_MAX, ids == "1");
    if (time.has_scored()) {
      // Copied: the model may be gone when it is sent.
      header_ = arms() != nullptr ? arms()->header(workspace_.records.view()) : model_->identity.header;
      reply.more_headers = header_;
      time.lap(request_stage::respond);
    }
    return reply;
  }
  response wrong_on_error() { return detail(422, "The query parameter on_error is neither 'fail' nor 'skip'."); }
  response no_model() { return detail(model_not_loaded, no_model_detail); }

  /// `document`: the body, if it is JSON, for errors that show what is wrong with it. `explained`: contributions to
  /// name of each record; `top`: classes to tell of each; `ids`: each with the record's id.
  response answer(const tabscore::outcome& outcome, const request_options& options, std::string_view document = {},
                  std::size_t explained = 0, std::size_t top = SIZE_MAX, bool ids = false) {
    const unsigned status = status_of(outcome);
    if (std::holds_alternative<tabscore::no_model>(outcome)) return no_model();
    if (const auto* e = std::get_if<tabscore::error>(&outcome)) return detail(status, e->message);
    const auto records = options.shape == body_shape::records;
    if (const auto* p = std::get_if<predictions>(&outcome)) {
      metrics_.scored(p->rows());
      const bool plain = explained == 0 && p->reasons == nullptr && !ids && arms() == nullptr;
      const auto more = more_of(*p, explained, ids);
      const prediction_names& names = *model_->names;
      if (records && plain) {
        names.append_list(out_, *p, top);
      } else if (records) {
        names.append_list(out_, *p, more, top);
      } else if (plain) {
        names.append_one(out_, *p, 0, top);
      } else {
        names.append_one(
            out_, *p, 0, [&] { more(0); }, top);
      }
      return {.status = status, .body = out_.view()};
    }
    const auto with_document = [&](error_context context, std::size_t unlisted) {
      context.document = document;
      context.most_bytes = service_.config.max_error_bytes;
      context.unlisted = unlisted;
      return context;
    };
    if (const auto* some = std::get_if<partial_predictions>(&outcome)) {
      metrics_.scored(some->scores.rows());
      metrics_.rejected(*some);
      response reply = error({.status = status}, [&]<class Dialect>(const error_context& context) {
        const error_context all = with_document(context, some->unlisted);
        if (explained == 0 && some->scores.reasons == nullptr && !ids && arms() == nullptr) {
          append_partial<Dialect>(out_, *some, *model_->names, all, nullptr, top);
        } else {
          append_partial<Dialect>(out_, *some, *model_->names, all, more_of(some->scores, explained, ids), top);
        }
      });
      reply.content_type = response().content_type;
      return reply;
    }
    const std::size_t unlisted = workspace_.decoder.faults().unlisted;
    metrics_.rejected(outcome, workspace_.records.rows(), unlisted);
    if (std::holds_alternative<tabscore::refused>(outcome)) return detail(status, refused_detail);
    if (const auto* why = std::get_if<unreadable>(&outcome)) {
      const bool pydantic = speaks_pydantic(service_.config.errors);
      return detail(status, pydantic ? dialect::pydantic1::unreadable_detail : unreadable_sentence(*why));
    }
    return error({.status = status}, [&]<class Dialect>(const error_context& some) {
      const error_context context = with_document(some, unlisted);
      if (const auto* errors = std::get_if<validation_errors>(&outcome)) {
        Dialect::append_errors(out_, *errors, context);
      } else if (const auto* syntax = std::get_if<syntax_error>(&outcome)) {
        Dialect::append_syntax_error(out_, *syntax, context);
      } else {
        const auto& broken = std::get<broken_rule>(outcome);
        const auto row = static_cast<std::uint32_t>(broken.row);
        Dialect::append_broken_rule(out_, broken.message, records ? row : field_error::no_row, context);
      }
    });
  }

  /// The models that answer, in an A/B test.
  const arm_router<Service>* arms() const noexcept {
    return model_ != nullptr && model_->rivals ? model_->rivals->arms() : nullptr;
  }

  /// Appends more of the i-th prediction: its arm, the id, its explanation, which names its `most` largest
  /// contributions, reasons.
  auto more_of(const predictions& p, std::size_t most, bool ids) {
    if (most != 0 && explained_model_ != model_->identity.sha256) {
      explanation_.emplace(model_->pipe->model().features().all());
      explained_model_ = model_->identity.sha256;
    }
    return [this, &p, most, ids](std::size_t i) {
      if (arms() != nullptr) {
        arms()->append_arm(out_, workspace_.records.view(), i);
        if (ids || most != 0 || p.reasons != nullptr) out_.append(",");
      }
      if (ids) append_id(i);
      if (most != 0) {
        if (ids) out_.append(",");
        const std::size_t numbers = p.value.columns() * (explanation_->features() + 1);
        explanation_->append(out_, p.contributions.subspan(i * numbers, numbers), most, model_->names->column_names());
      }
      if (p.reasons == nullptr) return;
      if (most != 0 || ids) out_.append(",");
      append_reasons(out_, *p.reasons, i);
    };
  }

  void append_id([[maybe_unused]] std::size_t row) {
    if constexpr (has_id<Service>) {
      using field = typename record::template field<record::id_at>;
      append_json_text(out_, field::name);
      out_.append(":");
      append_value<field>(out_, workspace_.records.view().template get<record::id_at>()[row]);
    }
  }

  response refuse(const count_query& asked, std::string_view parameter) {
    return error({.status = 422}, [&]<class Dialect>(error_context context) {
      const field_error e{.field = 0, .what = asked.what, .bound = asked.bound};
      context.names = {&parameter, 1};
      context.kinds = {};
      context.place = "query";
      Dialect::append_errors(out_, {&e, 1}, context);
    });
  }

  response detail(unsigned status, std::string_view text) {
    return error({.status = status},
                 [&]<class Dialect>(const error_context& context) { Dialect::append_detail(out_, text, context); });
  }

  /// The answer with the body that write<Dialect>(context) appends, in the dialect that the request is answered in.
  template <class Write>
  response error(response reply, Write&& write) {
    auto context = context_of<record>();
    context.status = reply.status;
    context.type_prefix = problem_types;
    context.request_id = ids_.request_id();
    const auto plain = [](char c) { return c > ' ' && c < 0x7F; };
    if (std::all_of(asked_->path.begin(), asked_->path.end(), plain)) context.instance = asked_->path;
    with_dialect(style_, [&]<class Dialect>() { write.template operator()<Dialect>(context); });
    if (style_ == error_style::problem) reply.content_type = dialect::problem_details::content_type;
    reply.body = out_.view();
    return reply;
  }

  response health() {
    const bool leaving = service_.leaving;
    out_.append(fmt::format(R"({{"ready":{},"predictor_loaded":{},"drift_baseline_loaded":{}}})",
                            model_ != nullptr && !leaving, model_ != nullptr,
                            model_ != nullptr && model_->baseline.has_value()));
    return {.status = leaving ? shutting_down : 200, .body = out_.view()};
  }

  response model() {
    if (model_ == nullptr) return no_model();
    append_model_card(out_, model_->identity.card, service_.reloader->status());
    return {.body = out_.view()};
  }

  response compare() {
    if (model_ == nullptr) return no_model();
    if (!model_->rivals) return detail(404, "There are no challengers: the setting challengers is empty.");
    model_->rivals->append_to(out_);
    return {.body = out_.view()};
  }

  response drift() {
    const drift_status status = model_ != nullptr ? model_->drift() : assess_drift({}, nullptr);
    if (!append_drift_status(out_, status, Service::prediction::task,
                             model_ != nullptr ? model_->names->column_names() : std::vector<std::string>()))
      return failed();  // as the reference
    return {.body = out_.view(), .more_headers = "link: <report>; rel=\"related\"\r\n"};
  }

  response report() {
    if (model_ == nullptr) return no_model();
    append_reports(out_, model_->monitor);
    return {.body = out_.view()};
  }

  response state() {
    if (model_ == nullptr) return no_model();
    if (!model_->has_histograms()) return detail(model_not_loaded, "The model file has no histograms.");
    out_.append(to_json(state_of(model_->monitor)));
    return {.body = out_.view()};
  }

  bool keeps_predictions() const { return model_ != nullptr && service_.config.label_window != 0; }

  /// Joins all labels of the body, or none when one of them is wrong.
  response labels(const request& asked) {
    if (model_ == nullptr) return no_model();
    if (!keeps_predictions() || !has_id<Service>) {
      return detail(
          404, "This service accepts no labels: it needs an id in the schema (ts::id) and the setting label_window.");
    }
    label_batch batch(model_->labels[0]->window.model());
    if (const auto wrong = batch.read(asked.body, service_.config.limits.max_records)) return detail(422, *wrong);
    const auto outcomes = batch.join(all_labels(*model_));
    if (model_->rivals) batch.for_each([&](const auto&... label) { model_->rivals->join(label...); });
    for (std::size_t i = 0; i < outcomes.size(); ++i) service_.labels[i] += outcomes[i];
    append_outcomes(out_, outcomes);
    return {.body = out_.view()};
  }

  response performance() {
    if (model_ == nullptr) return no_model();
    if (!keeps_predictions())
      return detail(404, "This service keeps no predictions: it needs the setting label_window.");
    append_performances(out_, all_labels(*model_), model_->references, service_.config.performance_alarm);
    return {.body = out_.view()};
  }

  response metrics() {
    prometheus_text text(out_);
    service_.metrics.append_to(text);
    append_metrics(text, service_.log, model_ != nullptr ? model_->monitor.read() : totals{},
                   Service::prediction::task);
    if (model_ != nullptr) append_metrics(text, *model_, model_->pipe->layout(), service_.reloader->status());
    if (keeps_predictions()) {
      append_metrics(text, service_.labels, *model_->labels[0], model_->references, service_.config.performance_alarm);
    }
    if (model_ != nullptr && model_->rivals) {
      append_metrics(text, service_.challenger_to);
      model_->rivals->append_metrics(text);
    }
    return {.content_type = prometheus_text::content_type, .body = out_.view()};
  }

  shared_state<Service>& service_;
  thread_metrics& metrics_;
  typename live_model<Service>::reader models_;
  const served_model<Service>* model_ = nullptr;  // of the request at hand; none: no model is loaded
  std::string header_;
  inference_api<Service> inference_;
  request_ids ids_;
  const request* asked_ = nullptr;            // the one at hand
  error_style style_ = error_style::neutral;  // of its answer
  workspace<record, typename Service::coercion> workspace_;
  text_buffer out_;
  std::optional<explanation_writer> explanation_;  // made for the first request that asks
  std::string explained_model_;                    // the model that it is for
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
