// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "../../compat/inference_errors.hpp"
#include "../../compat/prediction_tensors.hpp"
#include "../../compat/score_tensors.hpp"
#include "../../compat/tensor_decoder.hpp"
#include "../../compat/tensors.hpp"
#include "../../core/config.hpp"
#include "../../core/detail/append_json.hpp"
#include "../../json/record_json.hpp"
#include "../../json/write.hpp"
#include "../../version.hpp"
#include "../request.hpp"
#include "../service.hpp"
#include "challengers.hpp"
#include "count_query.hpp"
#include "query.hpp"
#include "request_metrics.hpp"
#include "routed_pipeline.hpp"
#include "routes.hpp"
#include "served_model.hpp"
#include "status.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using tabscore::detail::append_json;
using tabscore::detail::quoted;

/// The paths under /v2: the REST side of the Open Inference Protocol. One per thread. Predictions are
/// monitored and logged as those of /batch_predict.
template <class Service>
class inference_api {
  using record = typename Service::record;

 public:
  inference_api(thread_metrics& metrics, decode_limits limits) : metrics_(metrics), decoder_(limits) {}

  /// `served`: the model; nullptr: no model is loaded. `log_members`: as of batch_options.
  response operator()(route_target target, const request& asked, const served_model<Service>* served, text_buffer& out,
                      std::string_view log_members) {
    switch (target) {
      case route_target::v2_server:
        append_json(out, R"({"name":)", quoted{Service::program}, R"(,"version":")", TABSCORE_VERSION_MAJOR, ".",
                    TABSCORE_VERSION_MINOR, ".", TABSCORE_VERSION_PATCH, R"(","extensions":[]})");
        return {.body = out.view()};
      case route_target::v2_live:
        return {.body = R"({"live":true})"};
      case route_target::v2_ready:  // the protocol's text says "live" here, its implementations "ready"
        if (served == nullptr) return {.status = model_not_loaded, .body = R"({"live":true,"ready":false})"};
        return {.body = R"({"live":true,"ready":true})"};
      default:
        break;
    }
    if (served == nullptr) return error(out, model_not_loaded, no_model_detail);
    const model_identity& model = served->identity;
    const std::string name = segment(asked.path, 3);
    if (name != model.name)
      return error(out, 404, "There is no model of this name; the model is '" + model.name + "'.");
    if (segment(asked.path, 4) == "versions" && segment(asked.path, 5) != model.version) {
      return error(out, 404, "There is no such version; the version is '" + model.version + "'.");
    }
    if (target == route_target::v2_infer) return infer(asked, *served, out, log_members);
    append_json(out, R"({"name":)", quoted{model.name});
    if (target == route_target::v2_model_ready) {
      out.append(R"(,"ready":true})");
    } else {
      append_json(out, R"(,"versions":[)", quoted{model.version}, R"(],"platform":"tabscore","inputs":[)");
      append_tensor_metadata<record>(out);
      out.append(R"(],"outputs":[)");
      append_output_metadata(out, served->pipe->layout());
      out.append("]}");
    }
    return {.body = out.view()};
  }

 private:
  response infer(const request& asked, const served_model<Service>& served, text_buffer& out,
                 std::string_view log_members) {
    if (!is_json(asked.content_type)) return error(out, wrong_type, "The content type is not application/json.");
    request_options options{.log_members = log_members, .max_explained = count_query::most_explained};
    bool ids = false;
    if (const auto problem = read_options(asked.query, options, ids)) return error(out, 400, *problem);
    thread_metrics::stopwatch time(metrics_);
    const auto* const arms = served.rivals ? served.rivals->arms() : nullptr;
    const routed_pipeline<Service> pipe(*served.pipe, arms);
    const tabscore::outcome outcome = score_tensors(&pipe, asked.body, decoder_, records_, buffers_,
                                                    members_of<typename Service::prediction>(), options, time);
    if (const auto* p = std::get_if<predictions>(&outcome)) {
      metrics_.scored(p->rows());
      const bool explained = options.explain || decoder_.explains();
      const auto all = tabscore::detail::positions(explained || ids || decoder_.tells_ids() ? p->rows() : 0);
      append_answer(served, out, *p, all, p->rows(), explained, ids, nullptr);
    } else if (const auto* some = std::get_if<partial_predictions>(&outcome)) {
      metrics_.scored(some->scores.rows());
      metrics_.rejected(*some);
      append_answer(served, out, some->scores, some->rows, some->records, options.explain || decoder_.explains(), ids,
                    some);
    } else {
      const bool malformed = std::holds_alternative<tabscore::error>(outcome);
      metrics_.rejected(malformed ? unreadable{} : outcome, records_.rows(), decoder_.faults().unlisted);
      return refuse(outcome, out);
    }
    // Copied: the model may be gone when it is sent.
    header_ = arms != nullptr ? arms->header(records_.view()) : served.identity.header;
    time.lap(request_stage::respond);
    return {.body = out.view(), .more_headers = header_};
  }

  /// What the query asks for; the sentence where that is nothing that there is.
  static std::optional<std::string_view> read_options(std::string_view query, request_options& to, bool& ids) {
    const std::string wanted_ids = query_value(query, "ids").value_or("0");
    ids = wanted_ids == "1" || wanted_ids == "true";
    if (!ids && wanted_ids != "0" && wanted_ids != "false") return "The query parameter ids is neither 0 nor 1.";
    if (ids && !has_id<Service>) return "The query parameter ids needs an id in the schema.";
    const std::string on_error = query_value(query, "on_error").value_or("fail");
    const std::string explain = query_value(query, "explain").value_or("0");
    if (on_error == "skip") to.on_error = tabscore::on_error::skip;
    to.explain = explain == "1" || explain == "true";
    if (on_error != "fail" && on_error != "skip") return "The query parameter on_error is neither 'fail' nor 'skip'.";
    if (to.explain || explain == "0" || explain == "false") return std::nullopt;
    return "The query parameter explain is neither 1 nor 0: tensors hold the contributions of all features.";
  }

  /// `rows`, `records`: as of partial_predictions. `some`: where bad records are skipped.
  void append_answer(const served_model<Service>& served, text_buffer& out, const predictions& p,
                     std::span<const std::uint32_t> rows, std::size_t records, bool explained, bool ids,
                     const partial_predictions* some) {
    append_json(out, R"({"model_name":)", quoted{served.identity.name}, R"(,"model_version":)",
                quoted{served.identity.version});
    if (decoder_.id()) append_json(out, R"(,"id":)", quoted{*decoder_.id()});
    const auto members = members_of<typename Service::prediction>();
    std::string_view before = R"(,"outputs":[)";
    const auto append = [&](std::string_view name) {
      if (std::find(members.begin(), members.end(), name) == members.end()) return;  // one of those behind the members
      out.append(std::exchange(before, ","));
      if (some != nullptr) {
        append_output(out, *some, name);
      } else {
        append_output(out, p, name);
      }
    };
    for (const std::string& name : decoder_.outputs()) append(name);
    for (const std::string_view name : members) {
      if (decoder_.outputs().empty()) append(name);
    }
    if (some != nullptr) {
      out.append(std::exchange(before, ","));
      append_error_output(out, error_output, *some, record::names);
    }
    if (explained) {
      out.append(std::exchange(before, ","));
      append_contributions_output(out, contributions_output, p, rows, records,
                                  served.pipe->model().features().all().size());
    }
    if (served.rivals && served.rivals->arms() != nullptr && decoder_.outputs().empty()) {
      out.append(std::exchange(before, ","));
      append_arms(*served.rivals->arms(), out, rows, some != nullptr ? records : p.rows());
    }
    if (ids || decoder_.tells_ids()) {
      out.append(std::exchange(before, ","));
      append_ids(out, rows, records);
    }
    out.append("]}");
  }

  /// An output with the arm of each record, "" where bad ones are skipped.
  void append_arms(const arm_router<Service>& arms, text_buffer& out, std::span<const std::uint32_t> rows,
                   std::size_t records) {
    out.append(fmt::format(R"({{"name":"arm","datatype":"BYTES","shape":[{}],"data":[)", records));
    const bool all = records == records_.rows();
    std::size_t next = 0;
    for (std::size_t row = 0; row < records; ++row) {
      out.append(row == 0 ? "\"" : ",\"");
      if (all || (next < rows.size() && rows[next] == row)) {
        out.append(arms.name(arms.arm_of(records_.view(), all ? row : next)));
        ++next;
      }
      out.append("\"");
    }
    out.append("]}");
  }

  /// The ids as an output of the name of their field.
  void append_ids([[maybe_unused]] text_buffer& out, [[maybe_unused]] std::span<const std::uint32_t> rows,
                  [[maybe_unused]] std::size_t records) const {
    if constexpr (has_id<Service>) {
      using field = typename record::template field<record::id_at>;
      tabscore::detail::begin_output(out, field::name, tabscore::detail::datatype_of(field::kind), {records});
      const auto ids = records_.view().template get<record::id_at>();
      tabscore::detail::append_elements(out, rows, records, 1, "null",
                                        [&](std::size_t k, std::size_t) { append_value<field>(out, ids[k]); });
    }
  }

  /// The protocol's status for wrong values and broken rules is 400.
  static response refuse(const outcome& outcome, text_buffer& out) {
    if (const auto* errors = std::get_if<validation_errors>(&outcome)) {
      dialect::inference::append_errors(out, *errors, context_of<record>());
      return {.status = 400, .body = out.view()};
    }
    if (const auto* broken = std::get_if<broken_rule>(&outcome)) {
      dialect::inference::append_broken_rule(out, broken->message, static_cast<std::uint32_t>(broken->row),
                                             context_of<record>());
      return {.status = 400, .body = out.view()};
    }
    if (const auto* malformed = std::get_if<tabscore::error>(&outcome)) return error(out, 400, malformed->message);
    return error(out, not_logged, refused_detail);
  }
  static response error(text_buffer& out, unsigned status, std::string_view text) {
    dialect::inference::append_detail(out, text, {});
    return {.status = status, .body = out.view()};
  }

  /// The decoded segment of a path that begins with a slash.
  static std::string segment(std::string_view path, std::size_t index) {
    for (; index > 0 && !path.empty(); --index) {
      path.remove_prefix((std::min)(path.find('/'), path.size() - 1) + 1);
    }
    return percent_decoded(path.substr(0, path.find('/')));
  }

  thread_metrics& metrics_;
  tensor_decoder<record> decoder_;
  batch<record> records_;
  score_buffers buffers_;
  std::string header_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
