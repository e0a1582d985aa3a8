// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/scratch.hpp"
#include "../../core/text_buffer.hpp"
#include "../../json/write.hpp"
#include "../../monitor/state_json.hpp"
#include "../../pipeline/outcome.hpp"
#include "../../pipeline/workspace.hpp"
#include "../request.hpp"
#include "answer_writer.hpp"
#include "inference.hpp"
#include "labels.hpp"
#include "load_challengers.hpp"
#include "monitoring_answers.hpp"
#include "overrides.hpp"
#include "prediction_api.hpp"
#include "routes.hpp"
#include "shared_state.hpp"
#include "status.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Answers requests for one thread, with that thread's working memory.
template <class Service>
class session {
  using record = typename Service::record;

 public:
  explicit session(shared_state<Service>& service)
      : service_(service),
        metrics_(service.metrics.add_thread()),
        models_(service.live),
        answers_(service.config.errors),
        out_(answers_.body()),
        predict_(metrics_, service.config, answers_),
        inference_(metrics_, service.config.limits) {}
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() { service_.metrics.remove_thread(metrics_); }

  /// The response's views live until the next call.
  response handle(const request& asked) {
    answers_.begin(asked);
    routing to = resolve(asked);
    if (asked.expects_continue && to.found != nullptr && !refuses_coding(*to.found, asked)) return {.status = 100};
    counted_answer counted{metrics_, to.found};
    response reply = to.found != nullptr ? respond(*to.found, asked) : unrouted(std::move(to));
    counted.status = reply.status;
    return answers_.with_ids(reply);
  }

  /// The answer to a request that the HTTP layer refuses itself, or could not answer (500).
  response refuse(const request& asked, unsigned status, std::string_view why = {}) {
    answers_.begin(asked);
    if (status != 500) service_.metrics.refused(status);  // that one was counted by handle()
    response reply = answers_.failure(status, why.empty() ? refusal_sentence(status) : why);
    if (status == 503) reply.more_headers = "retry-after: 1\r\n";
    return answers_.with_ids(reply);
  }

 private:
  struct counted_answer {  // also where memory ran out
    ~counted_answer() { metrics.answered(where, status); }
    thread_metrics& metrics;
    const route* where;
    unsigned status = 500;
  };

  response unrouted(routing&& to) {
    header_ = std::move(to.headers);
    const response reply{.status = to.status, .more_headers = header_};
    if (!to.text.empty()) return answers_.detail(reply, to.text);
    return {.status = to.status, .content_type = {}, .more_headers = header_};
  }

  static bool refuses_coding(const route& where, const request& asked) {
    return is_encoded(asked.content_encoding) && where.methods == "POST";
  }

  response respond(const route& where, const request& asked) {
    if (refuses_coding(where, asked)) {
      return answers_.detail({.status = unknown_coding, .more_headers = "accept-encoding: identity\r\n"},
                             "The body has a Content-Encoding; send it without.");
    }
    const auto pinned = models_.pin();  // all of this request is that model's
    model_ = pinned.get();
    if (asked.padded || where.methods != "POST") return answer_from_model(where.target, asked);
    request padded = asked;
    padded.body = tabscore::detail::padded_copy(asked.body, padded_body_);
    padded.padded = true;
    return answer_from_model(where.target, padded);
  }

  response answer_from_model(route_target target, const request& asked) {
    switch (target) {
      case route_target::batch_predict:
        return predict_(body_shape::records, asked, model_, log_members());
      case route_target::predict:
        return predict_(body_shape::record, asked, model_, log_members());
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
        if (status != 200) return answers_.detail(status, text);
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
        out_.append(model_ != nullptr ? model_->openapi : service_.openapi_without_model);  // it may outlive the model
        return {.body = out_.view()};
      case route_target::problems:
        return page(service_.problems);
      case route_target::docs:
        return page(service_.docs.empty() ? service_.docs_page : service_.swagger_ui);
      case route_target::docs_file: {
        const auto* const file = service_.docs.find(asked.path.substr(asked.path.rfind('/') + 1));
        if (file == nullptr) return answers_.detail(404, "Not Found");
        return {.content_type = file->content_type, .body = file->text};
      }
      case route_target::redoc:
        return page(service_.docs_page);
      case route_target::oauth2_redirect:
        return page(service_.docs_page_below);
    }
    return answers_.failed();
  }

  std::string_view log_members() const {
    return service_.config.log_request_ids ? answers_.ids().log_members() : std::string_view();
  }
  response no_model() { return answers_.detail(model_not_loaded, no_model_detail); }
  static response page(const web_page& p) {
    return {.content_type = "text/html; charset=utf-8", .body = p.text, .more_headers = p.headers};
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
    if (!model_->rivals) return answers_.detail(404, "There are no challengers: the setting challengers is empty.");
    model_->rivals->append_to(out_);
    return {.body = out_.view()};
  }

  response drift() {
    const drift_status status = model_ != nullptr ? model_->drift() : assess_drift({}, nullptr);
    if (!append_drift_status(out_, status, Service::prediction::task,
                             model_ != nullptr ? model_->names->column_names() : std::vector<std::string>()))
      return answers_.failed();  // as the reference
    return {.body = out_.view(), .more_headers = "link: <report>; rel=\"related\"\r\n"};
  }

  response report() {
    if (model_ == nullptr) return no_model();
    append_reports(out_, model_->monitor);
    return {.body = out_.view()};
  }

  response state() {
    if (model_ == nullptr) return no_model();
    if (!model_->has_histograms()) return answers_.detail(model_not_loaded, "The model file has no histograms.");
    out_.append(to_json(state_of(model_->monitor)));
    return {.body = out_.view()};
  }

  bool keeps_predictions() const { return model_ != nullptr && service_.config.label_window != 0; }

  /// Joins all labels of the body, or none when one of them is wrong.
  response labels(const request& asked) {
    if (model_ == nullptr) return no_model();
    if (!keeps_predictions() || !has_id<Service>) {
      return answers_.detail(
          404, "This service accepts no labels: it needs an id in the schema (ts::id) and the setting label_window.");
    }
    label_batch batch(model_->labels[0]->window.model());
    if (const auto wrong = batch.read(asked.body, service_.config.limits.max_records))
      return answers_.detail(422, *wrong);
    const auto outcomes = batch.join(all_labels(*model_));
    if (model_->rivals) batch.for_each([&](const auto&... label) { model_->rivals->join(label...); });
    for (std::size_t i = 0; i < outcomes.size(); ++i) service_.labels[i] += outcomes[i];
    append_outcomes(out_, outcomes);
    return {.body = out_.view()};
  }

  response performance() {
    if (model_ == nullptr) return no_model();
    if (!keeps_predictions())
      return answers_.detail(404, "This service keeps no predictions: it needs the setting label_window.");
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
  answer_writer<record> answers_;
  text_buffer& out_;  // the answer's body
  prediction_api<Service> predict_;
  inference_api<Service> inference_;
  std::string header_;   // of the answer
  scratch padded_body_;  // a copy of one without padding
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
