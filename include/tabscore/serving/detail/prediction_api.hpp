// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "../../core/config.hpp"
#include "../../json/explanation.hpp"
#include "../../json/record_json.hpp"
#include "../../json/write.hpp"
#include "../../json/write_reasons.hpp"
#include "../../pipeline/append_partial.hpp"
#include "../../pipeline/score_json.hpp"
#include "../request.hpp"
#include "../service.hpp"
#include "../settings.hpp"
#include "answer_writer.hpp"
#include "challengers.hpp"
#include "count_query.hpp"
#include "negotiation.hpp"
#include "query.hpp"
#include "request_metrics.hpp"
#include "routed_pipeline.hpp"
#include "served_model.hpp"
#include "status.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The paths /predict and /batch_predict: bodies of records in, predictions with what the query asks for out. One per
/// thread.
template <class Service>
class prediction_api {
  using record = typename Service::record;
  static_assert(names_id_apart<Service>(), "tabscore: the id has the name of a prediction's member");

 public:
  prediction_api(thread_metrics& metrics, const settings& config, answer_writer<record>& answers)
      : metrics_(metrics), config_(config), answers_(answers), out_(answers.body()) {
    workspace_.decoder = decoder<record, typename Service::coercion>("records", config.limits);
  }

  /// `asked`: with a padded body. `model`: nullptr: none is loaded. `log_members`: as of batch_options.
  response operator()(body_shape shape, const request& asked, const served_model<Service>* model,
                      std::string_view log_members) {
    model_ = model;
    request_options options{.shape = shape};
    if (shape == body_shape::records) {
      const std::string on_error = query_value(asked.query, "on_error").value_or("fail");
      if (on_error == "skip") {
        options.on_error = tabscore::on_error::skip;
      } else if (on_error != "fail") {
        return answers_.detail(422, "The query parameter on_error is neither 'fail' nor 'skip'.");
      }
    }
    const count_query explain = read_count_query(asked.query, "explain");
    if (!explain.valid) return refuse(explain, "explain");
    const count_query reasons = read_count_query(asked.query, "reasons");
    if (!reasons.valid) return refuse(reasons, "reasons");
    const count_query top = read_count_query(asked.query, "top");  // of one number there is nothing to leave out
    if (!top.valid) return refuse(top, "top");
    const std::optional<std::string> ids = query_value(asked.query, "ids");
    if (ids && *ids != "0" && *ids != "1") return answers_.detail(422, "The query parameter ids is neither 0 nor 1.");
    if (ids == "1" && !has_id<Service>) {
      return answers_.detail(422, "The query parameter ids needs an id in the schema.");
    }
    wanted_members wanted{.explained = explain.count, .ids = ids == "1"};
    if (top.count != 0) wanted.top = top.count;
    if (!asked.body.empty() && !is_json(asked.content_type)) {
      return answer(validation_errors{{.what = fault::not_record}}, options, {}, {});
    }
    options.explain = explain.count != 0;
    options.reasons = reasons.count;
    options.log_members = log_members;
    options.max_explained = count_query::most_explained;
    std::optional<routed_pipeline<Service>> pipe;
    if (model_ != nullptr) pipe.emplace(*model_->pipe, arms());
    thread_metrics::stopwatch time(metrics_);
    const tabscore::outcome outcome =
        score_request(pipe ? &*pipe : nullptr, padded_text(asked.body), workspace_, options, time);
    response reply = answer(outcome, options, asked.body, wanted);
    if (time.has_scored()) {
      // Copied: the model may be gone when it is sent.
      header_ = arms() != nullptr ? arms()->header(workspace_.records.view()) : model_->identity.header;
      reply.more_headers = header_;
      time.lap(request_stage::respond);
    }
    return reply;
  }

 private:
  /// The members of a record's prediction that the query asks for.
  struct wanted_members {
    std::size_t explained = 0;   ///< contributions that are named, the largest
    std::size_t top = SIZE_MAX;  ///< classes that are told
    bool ids = false;
  };

  /// `document`: the body, if it is JSON, for errors that show what is wrong with it.
  response answer(const tabscore::outcome& outcome, const request_options& options, std::string_view document,
                  const wanted_members& wanted) {
    const unsigned status = status_of(outcome);
    if (std::holds_alternative<tabscore::no_model>(outcome)) return answers_.detail(model_not_loaded, no_model_detail);
    if (const auto* e = std::get_if<tabscore::error>(&outcome)) return answers_.detail(status, e->message);
    if (const auto* p = std::get_if<predictions>(&outcome)) {
      metrics_.scored(p->rows());
      append_predictions(*p, options.shape, wanted);
      return {.status = status, .body = out_.view()};
    }
    const auto with_document = [&](error_context context, std::size_t unlisted) {
      context.document = document;
      context.most_bytes = config_.max_error_bytes;
      context.unlisted = unlisted;
      return context;
    };
    if (const auto* some = std::get_if<partial_predictions>(&outcome)) {
      metrics_.scored(some->scores.rows());
      metrics_.rejected(*some);
      response reply = answers_.error({.status = status}, [&]<class Dialect>(const error_context& context) {
        const error_context all = with_document(context, some->unlisted);
        if (is_plain(some->scores, wanted)) {
          append_partial<Dialect>(out_, *some, *model_->names, all, nullptr, wanted.top);
        } else {
          append_partial<Dialect>(out_, *some, *model_->names, all, more_of(some->scores, wanted), wanted.top);
        }
      });
      reply.content_type = response().content_type;
      return reply;
    }
    const std::size_t unlisted = workspace_.decoder.faults().unlisted;
    metrics_.rejected(outcome, workspace_.records.rows(), unlisted);
    if (std::holds_alternative<tabscore::refused>(outcome)) return answers_.detail(status, refused_detail);
    if (const auto* why = std::get_if<unreadable>(&outcome)) {
      const bool pydantic = speaks_pydantic(config_.errors);
      return answers_.detail(status, pydantic ? dialect::pydantic1::unreadable_detail : unreadable_sentence(*why));
    }
    return answers_.error({.status = status}, [&]<class Dialect>(const error_context& some) {
      const error_context context = with_document(some, unlisted);
      if (const auto* errors = std::get_if<validation_errors>(&outcome)) {
        Dialect::append_errors(out_, *errors, context);
      } else if (const auto* syntax = std::get_if<syntax_error>(&outcome)) {
        Dialect::append_syntax_error(out_, *syntax, context);
      } else {
        const auto& broken = std::get<broken_rule>(outcome);
        const auto row = static_cast<std::uint32_t>(broken.row);
        Dialect::append_broken_rule(out_, broken.message,
                                    options.shape == body_shape::records ? row : field_error::no_row, context);
      }
    });
  }

  void append_predictions(const predictions& p, body_shape shape, const wanted_members& wanted) {
    const prediction_names& names = *model_->names;
    const bool plain = is_plain(p, wanted);
    const auto more = more_of(p, wanted);
    if (shape == body_shape::records && plain) {
      names.append_list(out_, p, wanted.top);
    } else if (shape == body_shape::records) {
      names.append_list(out_, p, more, wanted.top);
    } else if (plain) {
      names.append_one(out_, p, 0, wanted.top);
    } else {
      names.append_one(
          out_, p, 0, [&] { more(0); }, wanted.top);
    }
  }

  /// The models that answer, in an A/B test.
  const arm_router<Service>* arms() const noexcept {
    return model_ != nullptr && model_->rivals ? model_->rivals->arms() : nullptr;
  }

  /// Whether records have their predictions' own members only.
  bool is_plain(const predictions& p, const wanted_members& wanted) const noexcept {
    return wanted.explained == 0 && p.reasons == nullptr && !wanted.ids && arms() == nullptr;
  }

  /// Appends more of the i-th prediction: its arm, the id, its explanation, reasons.
  auto more_of(const predictions& p, const wanted_members& wanted) {
    if (wanted.explained != 0 && explained_model_ != model_->identity.sha256) {
      explanation_.emplace(model_->pipe->model().features().all());
      explained_model_ = model_->identity.sha256;
    }
    return [this, &p, most = wanted.explained, ids = wanted.ids](std::size_t i) {
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
    return answers_.error({.status = 422}, [&]<class Dialect>(error_context context) {
      const field_error e{.field = 0, .what = asked.what, .bound = asked.bound};
      context.names = {&parameter, 1};
      context.kinds = {};
      context.place = "query";
      Dialect::append_errors(out_, {&e, 1}, context);
    });
  }

  thread_metrics& metrics_;
  const settings& config_;
  answer_writer<record>& answers_;
  text_buffer& out_;                              // the answer's body
  const served_model<Service>* model_ = nullptr;  // of the request at hand
  std::string header_;
  workspace<record, typename Service::coercion> workspace_;
  std::optional<explanation_writer> explanation_;  // made for the first request that asks
  std::string explained_model_;                    // the model that it is for
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
