// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../core/text_buffer.hpp"
#include "../../json/write_predictions.hpp"
#include "../../outputs/prediction.hpp"
#include "../../outputs/task.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// What the OpenAPI document says of a prediction, as JSON.
struct prediction_schema {
  std::string properties;  ///< of its object, without braces
  std::string required;    ///< an array
  std::string example;     ///< an object
  std::string outputs;     ///< names of its tensors, an array
  std::string margin;      ///< what the numbers of an explanation add up to
};

/// What the OpenAPI document says of a task elsewhere: members of objects without braces, and their names in
/// `required`.
struct task_schema {
  std::string explain;      ///< what the parameter does
  std::string explanation;  ///< the member of a prediction
  std::string threshold;    ///< its JSON type in /model
  std::string baseline, baseline_required;
  std::string drift, drift_required;
  std::string history, history_required;
  std::string policy, policy_header;  ///< the member of /model, and a header of predictions
  std::string reasons;                ///< with decisions, the member of a prediction
};

template <prediction_type Prediction>
task_schema task_schema_of() {
  constexpr tabscore::task t = Prediction::task;
  const auto by_name = [](std::string_view member, std::string_view value, std::string_view description) {
    return fmt::format(R"("{}": {{"type": "object", "additionalProperties": {}, "description": "{}"}})", member, value,
                       description);
  };
  constexpr std::string_view maybe_number = R"({"type": ["number", "null"]})";
  task_schema s;
  s.explain = "With each prediction, this many of the features that moved its log-odds the most";
  s.explanation = Prediction::columns == 1 ? R"("explanation": {"$ref": "#/components/schemas/Explanation"})"
                                           : by_name("explanations", R"({"$ref": "#/components/schemas/Explanation"})",
                                                     "One for each of its numbers");
  s.threshold = has_threshold(t) ? "number" : "null";
  const auto with_decisions = [&](task_schema schema) {
    if constexpr (decided_type<Prediction>) {
      schema.history +=
          ", " + by_name("decisions", R"({"type": "array", "items": {"type": "integer"}})", "Records by decision");
      schema.history_required += R"(, "decisions")";
      schema.policy =
          R"("policy": {"type": "object", "description": "The policy that decides", "properties": {"name": {"type": "string"}, )"
          R"("version": {"type": "string"}, "sha256": {"type": "string"}, "tables": {"type": "object"}}, )"
          R"("required": ["name", "version", "sha256", "tables"]}, )";
      schema.reasons =
          R"(, "reasons": {"type": "array", "description": "Only when asked for with reasons, if the policy declares them", )"
          R"("items": {"type": "object", "properties": {"rank": {"type": "integer"}, "code": {"type": "string"}, )"
          R"("text": {"type": "string"}}, "required": ["rank", "code", "text"]}})";
      schema.policy_header =
          R"(, "x-policy-sha256": {"description": "SHA-256 of the policy file", "schema": {"type": "string"}})";
    }
    return schema;
  };
  const std::string positives = R"("positives": {"type": "array", "items": {"type": "integer"}})";
  if (t == task::binary) {
    s.baseline = R"("training_positive_rate": {"type": "number"})";
    s.baseline_required = R"("training_positive_rate")";
    s.drift = R"("predicted_positive_rate": {"type": "number"}, "training_positive_rate": {"type": "number"})";
    s.drift_required = R"("predicted_positive_rate", "training_positive_rate")";
    s.history = positives;
    s.history_required = R"("positives")";
    return with_decisions(std::move(s));
  }
  s.explain = "With each prediction, this many of the features that moved each of its numbers the most";
  if (t == task::multiclass) {
    s.baseline = R"("class_rates": {"type": "array", "items": {"type": "number"}})";
    s.baseline_required = R"("class_rates")";
    s.drift = by_name("predicted_class_rates", maybe_number, "By class; null: no records yet") + ", " +
              by_name("training_class_rates", maybe_number, "Of the training labels; null: the model does not say");
    s.drift_required = R"("predicted_class_rates", "training_class_rates")";
    s.history = by_name("classes", R"({"type": "array", "items": {"type": "integer"}})",
                        "Records by predicted class, of the 8 largest");
    s.history_required = R"("classes")";
    return with_decisions(std::move(s));
  }
  s.baseline = R"("outputs": {"type": "array", "items": {"$ref": "#/components/schemas/Moments"}})";
  s.baseline_required = R"("outputs")";
  s.drift =
      by_name("predicted_means", maybe_number, "By predicted number; null: no records yet") + ", " +
      by_name("training_means", maybe_number, "Of predictions for the training rows; null: the model does not say");
  s.drift_required = R"("predicted_means", "training_means")";
  s.history =
      by_name("sums", R"({"type": "array", "items": {"type": ["number", "null"]}})", "Of the predicted numbers");
  s.history_required = R"("sums")";
  if (t == task::anomaly) {
    s.drift += R"(, "outlier_rate": {"type": "number"})";
    s.drift_required += R"(, "outlier_rate")";
    s.history += ", " + positives;
    s.history_required += R"(, "positives")";
  }
  return with_decisions(std::move(s));
}

/// Of a declared prediction, and a model that gives it; without a model its classes are unknown.
template <prediction_type Prediction>
prediction_schema schema_of(const model_outputs* model) {
  const auto member = [&](std::string& list, std::string_view name, std::string_view value) {
    list.append(list.empty() ? "" : ", ").append(json_text(name)).append(": ").append(value);
  };
  prediction_schema s;
  std::string example;
  const std::span<const std::string_view> names(Prediction::names);
  for (const std::string_view name : members_of<Prediction>()) {
    s.required.append(s.required.empty() ? "[" : ", ").append(json_text(name));
  }
  s.required.append("]");
  s.outputs = s.required;
  constexpr bool binary = Prediction::task == task::binary;
  if constexpr (Prediction::task == task::multiclass) {
    std::string classes, numbers, keys, shown;
    const bool probabilities = model == nullptr || model->probabilities;
    const std::string_view number =
        probabilities ? R"({"type": "number", "minimum": 0, "maximum": 1})" : R"({"type": "number"})";
    for (std::size_t k = 0; model != nullptr && k < model->columns; ++k) {
      classes.append(k == 0 ? "" : ", ").append(class_json(*model, k));
      member(numbers, model->classes[k], number);
      member(shown, model->classes[k], k == 0 ? "1.0" : "0.0");
    }
    member(s.properties, names[0],
           classes.empty() ? R"({"description": "The most likely class, as the trainer calls it"})"
                           : fmt::format(R"({{"enum": [{}], "description": "The most likely class"}})", classes));
    member(s.properties, names[1],
           classes.empty() ? fmt::format(R"({{"type": "object", "additionalProperties": {}}})", number)
                           : fmt::format(R"({{"type": "object", "properties": {{{}}}, "description": "{}; with top=N )"
                                         R"(the N largest, in their order"}})",
                                         numbers, probabilities ? "Probabilities" : "Scores"));
    if (!classes.empty()) {
      member(example, names[0], class_json(*model, 0));
      member(example, names[1], "{" + shown + "}");
    } else {
      member(example, names[0], R"("a")");
      member(example, names[1], R"({"a": 0.75, "b": 0.25})");
    }
  } else {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i < Prediction::columns) {
        member(s.properties, names[i],
               binary ? R"({"type": "number", "minimum": 0, "maximum": 1})" : R"({"type": "number"})");
        member(example, names[i], "0.25");
        continue;
      }
      std::string meaning = "1: an outlier, below the model's threshold";
      if (binary && (model == nullptr || model->classes.size() != 2)) {
        meaning = "1: the model's positive class, whose name its file does not say; see /model";
      } else if (binary) {
        meaning = fmt::format("1: '{}', 0: '{}'", model->classes[1], model->classes[0]);
      }
      member(s.properties, names[i],
             fmt::format(R"({{"type": "integer", "enum": [0, 1], "description": {}}})", json_text(meaning)));
      member(example, names[i], "0");
    }
  }
  if constexpr (decided_type<Prediction>) {
    std::string decisions;
    for (const std::string_view each : Prediction::decisions) {
      decisions.append(decisions.empty() ? "" : ", ").append(json_text(each));
    }
    member(s.properties, Prediction::decision,
           fmt::format(R"({{"enum": [{}], "description": "Of the policy that /model shows"}})", decisions));
    member(example, Prediction::decision, json_text(Prediction::decisions[0]));
  }
  s.example = "{" + example + "}";
  s.margin = binary ? "the prediction's log-odds" : "the margin of the prediction's number";
  return s;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
