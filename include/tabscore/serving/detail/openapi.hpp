// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../compat/problem_details.hpp"
#include "../../compat/pydantic1.hpp"
#include "../../compat/pydantic2.hpp"
#include "../../compat/tensor_decoder.hpp"
#include "../../compat/tensors.hpp"
#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../core/write_number.hpp"
#include "../../expr/json_logic.hpp"
#include "../../json/json_schema.hpp"
#include "../../json/padded_text.hpp"
#include "../../json/write.hpp"
#include "../../pipeline/outcome.hpp"
#include "../../version.hpp"
#include "../service.hpp"
#include "count_query.hpp"
#include "negotiation.hpp"
#include "prediction_schema.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

inline constexpr std::string_view openapi_template =
#include "pages/openapi.json.inc"
    ;

namespace openapi {

inline std::string number(double v) {
  char text[number_text_space];
  return {text, write_real<spelling::json>(text, v)};
}

/// The text that append(buffer) writes.
template <class F>
std::string written(F&& append) {
  text_buffer out;
  append(out);
  return std::string(out.view());
}

/// The JSON Schema of a record, its rules as x-rules.
template <class Service>
std::string record_schema() {
  const auto example = example_of<Service>();
  const std::string rules = R"("x-rules":)" + written([](text_buffer& out) { append_json_logic(out, Service::rules); });
  return json_schema<typename Service::record>(
      {.description = "Each of x-rules must hold too: its condition is in JsonLogic.",
       .example = example.view(),
       .more_members = rules});
}

/// What the document says of a service, besides what all have in common.
struct described {
  std::string_view title, summary;
  bool lenient = false;
  bool has_id = false;  ///< records have one
  tabscore::task predicted{};
  std::string record, example, tensors;
  prediction_schema prediction;
  task_schema by_task;
  std::vector<field_error> errors;  ///< of a record that has only its first number, below its bound
  error_context context;            ///< of these
  std::string_view rule;            ///< the message of the first one
};

/// The document; see openapi_document().
std::string document(error_style errors, const std::string& model, const described& service);

/// A dialect's first two errors.
template <class Dialect>
std::string error_example(const described& service) {
  const std::span all(service.errors);
  return to_json<Dialect>(all.first((std::min<std::size_t>)(all.size(), 2)), service.context);
}

std::string description(bool lenient);

inline std::string detail_example(error_style errors, std::string_view sentence) {
  return written([&](text_buffer& out) {
    with_dialect(errors, [&]<class Dialect>() { Dialect::append_detail(out, sentence, {}); });
  });
}

/// A dialect's error for a list whose third record breaks the first rule.
template <class Dialect>
std::string rule_example(const described& service) {
  return written([&](text_buffer& out) {
    Dialect::append_broken_rule(out, service.rule, 2, {.names = service.context.names, .kinds = service.context.kinds});
  });
}

}  // namespace openapi

/// The OpenAPI 3.1 description of the service: pages/openapi.json.inc, filled in from the schema, its rules, its
/// example and the error dialects. `model`, `outputs`: of the model that is served, if there is one.
template <class Service>
std::string openapi_document(error_style errors, const std::string& model = {},
                             const model_outputs* outputs = nullptr) {
  using namespace openapi;
  using record = typename Service::record;
  using prediction = typename Service::prediction;
  const auto example = example_of<Service>();
  const auto rules = rule_texts<Service>();
  std::size_t number = 0;
  while (number + 1 < record::size && record::kinds[number] == field_kind::text) ++number;
  std::string body = fmt::format(R"({{"records":[{{"{}":-1}}]}})", record::names[number]);
  const std::size_t size = body.size();
  body.resize(size + padded_text::padding);
  decoder<record> decoder;
  batch<record> none;
  decoder.records(padded_text(std::string_view(body).substr(0, size)), none);
  described service{.title = Service::title,
                    .summary = Service::summary,
                    .lenient = Service::coercion::numbers == number_rule::lenient,
                    .has_id = has_id<Service>,
                    .predicted = prediction::task,
                    .record = record_schema<Service>(),
                    .example = written([&](text_buffer& out) { append_record(out, example.view(), 0); }),
                    .tensors = written([&](text_buffer& out) { append_tensors(out, example.view()); }),
                    .prediction = schema_of<prediction>(outputs),
                    .by_task = task_schema_of<prediction>(),
                    .errors = decoder.faults().errors,
                    .context = context_of<record>(body),
                    .rule = rules.empty() ? std::string_view{} : rules.front()};
  service.context.type_prefix = problem_types;
  service.context.instance = "/batch_predict";
  return document(errors, model, service);
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

namespace openapi {

TABSCORE_INLINE std::string document(error_style errors, const std::string& model, const described& service) {
  const bool has_classes = service.predicted == task::multiclass;
  std::vector<fault> faults;
  for (std::size_t f = 0; f < fault_count; ++f) faults.push_back(static_cast<fault>(f));
  std::string types = json_list(dialect::problem_details::all_types,
                                [](const auto& t) { return json_text(std::string(problem_types).append(t.name)); });
  types.insert(1, R"("about:blank",)");
  std::string codes = json_list(faults, [](fault f) { return json_text(dialect::neutral::words(f).code); });
  codes.insert(1, R"("rule",)");
  std::string pydantic1 = json_list(faults, [](fault f) { return json_text(dialect::pydantic1::words(f).type); });
  pydantic1.insert(1, json_text(dialect::pydantic1::syntax_type) + ",");

  const std::pair<std::string_view, std::string> parts[] = {
      {"version",
       json_text(fmt::format("{}.{}.{}", TABSCORE_VERSION_MAJOR, TABSCORE_VERSION_MINOR, TABSCORE_VERSION_PATCH))},
      {"title", json_text(service.title)},
      {"summary", json_text(service.summary)},
      {"description", json_text(description(service.lenient))},
      {"model", json_text(model.empty() ? "model" : model)},
      {"record", service.record},
      {"example", service.example},
      {"tensors", "[" + service.tensors + "]"},
      {"datatypes", json_list(tabscore::detail::tensor_datatypes, [](const auto& t) { return json_text(t.name); })},
      {"explanation",
       json_text("Only when asked for with explain. All of its numbers add up to " + service.prediction.margin)},
      {"prediction", service.prediction.properties},
      {"prediction_required", service.prediction.required},
      {"prediction_example", service.prediction.example},
      {"prediction_outputs", service.prediction.outputs},
      {"task", json_text(tabscore::name(service.predicted))},
      {"threshold_type", json_text(service.by_task.threshold)},
      {"explain_description", json_text(service.by_task.explain)},
      {"explanation_member", service.by_task.explanation},
      {"baseline_member", service.by_task.baseline},
      {"baseline_required", service.by_task.baseline_required},
      {"drift_members", service.by_task.drift},
      {"drift_required", service.by_task.drift_required},
      {"history_members", service.by_task.history},
      {"history_required", service.by_task.history_required},
      {"policy_member", service.by_task.policy},
      {"policy_header", service.by_task.policy_header},
      {"reasons_member", service.by_task.reasons},
      {"reasons_parameter",
       service.by_task.reasons.empty()
           ? ""
           : R"(, {"name": "reasons", "in": "query", "description": "With each prediction up to N reasons of the policy", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}})"},
      {"top_parameter",
       has_classes
           ? R"(, {"name": "top", "in": "query", "description": "Tell the N most likely classes only", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}})"
           : ""},
      {"ids_parameter",
       service.has_id
           ? R"(, {"name": "ids", "in": "query", "description": "1: each prediction has the record's id", "schema": {"enum": [0, 1]}})"
           : ""},
      {"rule_example", with_dialect(errors, [&]<class Dialect>() { return rule_example<Dialect>(service); })},
      {"errors_example", with_dialect(errors, [&]<class Dialect>() { return error_example<Dialect>(service); })},
      {"unreadable_example",
       detail_example(errors, speaks_pydantic(errors) ? dialect::pydantic1::unreadable_detail
                                                      : unreadable_sentence(unreadable::encoding))},
      {"no_model_example", detail_example(errors, no_model_detail)},
      {"errors", fmt::format(R"({{"$ref":"#/components/schemas/{}"}})",
                             errors == error_style::pydantic1   ? "ValidationErrorPydantic1"
                             : errors == error_style::pydantic2 ? "ValidationErrorPydantic2"
                                                                : "Errors")},
      {"detail", speaks_pydantic(errors)
                     ? R"({"type":"object","properties":{"detail":{"type":"string"}},"required":["detail"]})"
                     : R"({"$ref":"#/components/schemas/Errors"})"},
      {"codes", "[" + json_text(dialect::neutral::malformed) + "," + codes.substr(1)},
      {"neutral_example", error_example<dialect::neutral>(service)},
      {"pydantic1_types", pydantic1},
      {"pydantic1_example", error_example<dialect::pydantic1>(service)},
      {"pydantic2_example", error_example<dialect::pydantic2>(service)},
      {"problem_types", types},
      {"problem_codes", codes},
      {"problem_example", error_example<dialect::problem_details>(service)},
      {"explain_least", std::to_string(count_query::least)},
      {"explain_most", std::to_string(count_query::most)},
  };
  std::string document(openapi_template);
  if (errors == error_style::problem) {  // then no error is of application/json, which stands before each of these
    for (std::size_t at = 0; (at = document.find("\"application/problem+json\"", at)) != std::string::npos; ++at) {
      const std::size_t begin = document.rfind("\"application/json\"", at);
      document.erase(begin, at - begin);
      at = begin;
    }
  }
  // The schemas of errors that the service does not answer.
  const auto erase = [&](std::string_view first, std::string_view end) {
    const std::size_t begin = document.find(first);
    document.erase(begin, document.find(end, begin) - begin);
  };
  if (speaks_pydantic(errors)) {
    erase(R"("Errors": {)", R"("ValidationErrorPydantic1")");
  } else {
    erase(R"("ValidationErrorPydantic1")", R"("Problem": {)");
  }
  // In one pass: names of classes and fields may look like places themselves.
  std::string filled;
  std::string_view left = document;
  while (!left.empty()) {
    const std::size_t begin = (std::min)(left.find("\"{"), left.size());
    filled.append(left.substr(0, begin));
    left.remove_prefix(begin);
    const std::size_t end = left.find("}\"");
    const auto part = std::find_if(std::begin(parts), std::end(parts), [&](const auto& p) {
      return end != std::string_view::npos && left.substr(2, end - 2) == p.first;
    });
    if (part != std::end(parts)) {
      filled.append(part->second);
      left.remove_prefix(end + 2);
    } else if (!left.empty()) {
      filled.push_back(left.front());
      left.remove_prefix(1);
    }
  }
  return filled;
}

TABSCORE_INLINE std::string description(bool lenient) {
  std::string text;
  if (lenient) {
    text =
        "Values may also be written as Python's pydantic 1 takes them, \"45\" or 45.0 for 45; what is said here is "
        "the plain way. ";
  }
  return text +
         "Errors are problem details (RFC 9457) for clients whose Accept header names application/problem+json. Every "
         "answer has the headers x-request-id and traceresponse, from the request's x-request-id and traceparent (W3C "
         "Trace Context) or made.";
}

}  // namespace openapi

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
