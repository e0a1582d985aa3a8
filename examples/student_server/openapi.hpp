// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tabscore/core/json_text.hpp>
#include <tabscore/core/number_text.hpp>
#include <tabscore/schema/schema.hpp>

#include "explain_query.hpp"

/// What the answers call a prediction.
struct prediction_members {
  std::string_view probability, label;
};

namespace openapi {

namespace ts = tabscore;

inline std::string quoted(std::string_view text) {
  ts::text_buffer out;
  ts::append_json_text(out, text);
  return std::string(out.view());
}
inline std::string number(const ts::limit& l) {
  char text[ts::number_text_space];
  return {text, l.is_real ? ts::write_real(text, l.real()) : ts::write_integer(text, l.integer)};
}

inline std::string number(double v) {
  char text[ts::number_text_space];
  return {text, ts::write_real<ts::spelling::json>(text, v)};
}

/// What the rules say, one sentence after the other.
inline std::string text_of(const auto& rules) {
  std::string text;
  rules.for_each([&](std::size_t, const auto& rule) { text.append(text.empty() ? "" : " ").append(rule.message()); });
  return text;
}

inline std::string constraint(ts::ge c) { return R"(,"minimum":)" + number(c.value); }
inline std::string constraint(ts::gt c) { return R"(,"exclusiveMinimum":)" + number(c.value); }
inline std::string constraint(ts::le c) { return R"(,"maximum":)" + number(c.value); }
inline std::string constraint(ts::lt c) { return R"(,"exclusiveMaximum":)" + number(c.value); }
inline std::string constraint(ts::min_length c) { return R"(,"minLength":)" + std::to_string(c.value); }
inline std::string constraint(ts::max_length c) { return R"(,"maxLength":)" + std::to_string(c.value); }

/// The JSON Schema of a record.
template <ts::schema_type Schema>
std::string record_schema(std::string_view description) {
  static constexpr std::string_view types[] = {"integer", "number", "boolean", "string"};
  std::string properties, required;
  Schema::template for_each([&]<std::size_t I>() {
    using field = typename Schema::template field<I>;
    properties += I == 0 ? "" : ",";
    properties += quoted(field::name) + R"(:{"type":")";
    properties += types[static_cast<std::size_t>(field::kind)];
    properties += '"';
    field::for_each_constraint([&](auto c) { properties += constraint(c); });
    properties += '}';
    if (field::required) required += (required.empty() ? "" : ",") + quoted(field::name);
  });
  return fmt::format(R"({{"type":"object","description":{},"properties":{{{}}},"required":[{}]}})", quoted(description),
                     properties, required);
}

inline std::string reference(std::string_view schema) {
  return fmt::format(R"({{"application/json":{{"schema":{{"$ref":"#/components/schemas/{}"}}}}}})", schema);
}
inline std::string get(std::string_view summary, std::string_view answer) {
  return fmt::format(R"({{"get":{{"summary":{},"responses":{{"200":{{"description":"OK","content":{}}}}}}}}})",
                     quoted(summary), reference(answer));
}
/// One whose answer is described in words alone.
inline std::string get_any(std::string_view summary, std::string_view type = "application/json") {
  return fmt::format(R"({{"get":{{"summary":{},"responses":{{"200":{{"description":"OK","content":{{{}:{{}}}}}}}}}}}})",
                     quoted(summary), quoted(type));
}
inline std::string post(std::string_view summary, std::string_view body, std::string_view answer) {
  return fmt::format(
      R"({{"post":{{"summary":{},"parameters":[{{"name":"explain","in":"query","required":false,)"
      R"("description":"With each prediction, this many of the features that moved its log-odds the most",)"
      R"("schema":{{"type":"integer","minimum":{},"maximum":{}}}}}],"requestBody":{{"required":true,"content":{}}},"responses":{{)"
      R"("200":{{"description":"OK","content":{}}},"400":{{"description":"The body cannot be read","content":{}}},)"
      R"("422":{{"description":"The body is no JSON, breaks the schema, or breaks a rule; or explain is wrong",)"
      R"("content":{}}},)"
      R"("503":{{"description":"No model is loaded, or the prediction log is full","content":{}}}}}}}}})",
      quoted(summary), explain_query::least, explain_query::most, reference(body), reference(answer),
      reference("Detail"), reference("ValidationError"), reference("Detail"));
}

}  // namespace openapi

/// The OpenAPI 3.1 description of the service, from the schema, its rules and the names of a prediction's members.
template <tabscore::schema_type Schema>
std::string openapi_document(const auto& rules, prediction_members names) {
  using namespace openapi;
  const auto schemas = fmt::format(
      R"({{"PredictRequest":{},)"
      R"("BatchPredictRequest":{{"type":"object","properties":{{"records":{{"type":"array","minItems":1,)"
      R"("items":{{"$ref":"#/components/schemas/PredictRequest"}}}}}},"required":["records"]}},)"
      R"("PredictResponse":{{"type":"object","properties":{{{}:{{"type":"number","minimum":0,"maximum":1}},)"
      R"({}:{{"type":"integer","enum":[0,1]}},"explanation":{{"$ref":"#/components/schemas/Explanation"}}}},)"
      R"("required":[{},{}]}},)"
      R"("Explanation":{{"type":"object","description":"Only when asked for with explain. All of its numbers add up to )"
      R"(the prediction's log-odds","properties":{{"base_value":{{"type":"number"}},)"
      R"("contributions":{{"type":"array","description":"The largest by magnitude first",)"
      R"("items":{{"type":"object","properties":{{"feature":{{"type":"string"}},)"
      R"("contribution":{{"type":"number"}}}},"required":["feature","contribution"]}}}},)"
      R"("others":{{"type":"number","description":"Sum of the contributions that are not listed"}}}},)"
      R"("required":["base_value","contributions","others"]}},)"
      R"("BatchPredictResponse":{{"type":"object","description":"One prediction a record, in their order",)"
      R"("properties":{{"predictions":{{"type":"array",)"
      R"("items":{{"$ref":"#/components/schemas/PredictResponse"}}}}}},"required":["predictions"]}},)"
      R"("Health":{{"type":"object","properties":{{"ready":{{"type":"boolean"}},)"
      R"("predictor_loaded":{{"type":"boolean"}},"drift_baseline_loaded":{{"type":"boolean"}}}}}},)"
      R"("DriftStatus":{{"type":"object","properties":{{"samples_observed":{{"type":"integer"}},)"
      R"("drift_score_max_abs_z":{{"type":"number"}},)"
      R"("drifted_features":{{"type":"array","items":{{"type":"string"}}}},)"
      R"("predicted_positive_rate":{{"type":"number"}},"training_positive_rate":{{"type":"number"}},)"
      R"("should_retrain":{{"type":"boolean"}},"reason":{{"type":"string"}},)"
      R"("recommended_action":{{"type":"string"}}}}}},)"
      R"("DriftReport":{{"type":"object","properties":{{"model":{{"type":"string"}},)"
      R"("windows":{{"type":"array","items":{{"type":"object"}}}}}}}},"MonitorState":{{"type":"object"}},)"
      R"("Detail":{{"type":"object","properties":{{"detail":{{"type":"string"}}}},"required":["detail"]}},)"
      R"("ValidationError":{{"type":"object","properties":{{"detail":{{"oneOf":[{{"type":"string"}},)"
      R"({{"type":"array","items":{{"type":"object","properties":{{)"
      R"("loc":{{"type":"array","items":{{"type":["string","integer"]}}}},)"
      R"("msg":{{"type":"string"}},"type":{{"type":"string"}},"ctx":{{"type":"object"}}}},)"
      R"("required":["loc","msg","type"]}}}}]}}}},"required":["detail"]}}}})",
      record_schema<Schema>(text_of(rules)), quoted(names.probability), quoted(names.label), quoted(names.probability),
      quoted(names.label));
  return fmt::format(
      R"({{"openapi":"3.1.0","info":{{"title":"Student purchase predictions","version":"1"}},"paths":{{)"
      R"("/predict":{},"/batch_predict":{},"/health":{},"/monitoring/drift":{},"/monitoring/retraining_trigger":{},)"
      R"("/monitoring/report":{},"/monitoring/state":{},"/monitoring/history":{},"/metrics":{},"/model":{},"/dashboard":{}}},)"
      R"("components":{{"schemas":{}}}}})",
      post("One record, one prediction", "PredictRequest", "PredictResponse"),
      post("Many records, all predicted or none", "BatchPredictRequest", "BatchPredictResponse"),
      get("Whether a model is loaded", "Health"), get("How far live traffic is from the training rows", "DriftStatus"),
      get("The same", "DriftStatus"),
      get("How far each feature is from the training rows, in total and over sliding windows", "DriftReport"),
      get("What monitoring has counted, to be merged with other replicas' or kept", "MonitorState"),
      get_any("Counts and drift of the last hour"), get_any("Everything that is counted, for Prometheus", "text/plain"),
      get_any("Where the model comes from"), get_any("A page that shows all of it", "text/html"), schemas);
}
