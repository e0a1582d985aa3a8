// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/json_text.hpp"
#include "../../models/model_file.hpp"
#include "../../outputs/decision_policy.hpp"
#include "../service.hpp"
#include "openapi.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The names, the card and the hashes of a model and its policy.
struct model_identity {
  struct file {
    std::string name, version, sha256;
  };
  std::string name, version, sha256;
  file policy;         // without one its members are empty
  std::string card;    // what /model answers
  std::string header;  // of predictions
};

/// From a model file, the SHA-256 of its bytes, the policy and the JSON Schema of a record. Made once, when the model
/// is loaded.
model_identity identify(const model_file& file, const std::string& sha256, const std::optional<decision_policy>& policy,
                        std::string_view schema);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE model_identity identify(const model_file& file, const std::string& sha256,
                                        const std::optional<decision_policy>& policy, std::string_view schema) {
  using openapi::number;
  const provenance& origin = file.origin;
  std::string split = "null", baseline = "null";
  if (origin.split) {
    split = fmt::format(R"({{"training_rows":{},"holdout_rows":{},"seed":{},"stratified":{}}})",
                        origin.split->training_rows, origin.split->holdout_rows, origin.split->seed,
                        origin.split->stratified);
  }
  if (file.baseline) {
    const auto described = [&](const auto& f) {
      return fmt::format(R"({{"name":{},"mean":{},"std":{}}})", json_text(f.name), number(f.mean), number(f.std));
    };
    const drift_baseline& b = *file.baseline;
    std::string predicted = fmt::format(R"("training_positive_rate":{})", number(b.training_positive_rate));
    if (!b.class_rates.empty()) predicted = fmt::format(R"("class_rates":{})", json_list(b.class_rates, number));
    if (!b.outputs.empty()) predicted = fmt::format(R"("outputs":{})", json_list(b.outputs, described));
    baseline = fmt::format(R"({{{},"training_sample_size":{},"features":{}}})", predicted, b.training_sample_size,
                           json_list(b.numeric, described));
  }
  std::string rounds = "null";
  if (file.rounds.saved != 0) {
    rounds = fmt::format(R"({{"used":{},"saved":{}}})", file.rounds.used, file.rounds.saved);
  }
  const auto texts = [](const std::vector<std::string>& all) { return json_list(all, json_text); };
  const std::string classes = file.outputs.classes.empty() ? "null" : texts(file.outputs.classes);
  // The plain case stays as short as it is.
  const std::string task = file.outputs.task == tabscore::task::binary
                               ? std::string()
                               : fmt::format(R"("task":{},"outputs":{},)", json_text(tabscore::name(file.outputs.task)),
                                             texts(file.outputs.names));
  std::string decided, header = "x-model-sha256: " + sha256 + "\r\n";
  if (policy) {
    decided = fmt::format(R"("policy":{{"name":{},"version":{},"sha256":{},"tables":{}}},)", json_text(policy->name),
                          json_text(policy->version), json_text(policy->sha256), policy->tables);
    header.append("x-policy-sha256: ").append(policy->sha256).append("\r\n");
  }
  std::string metrics;
  for (const auto& [figure, value] : origin.metrics) {
    metrics.append(metrics.empty() ? "" : ",").append(json_text(figure)).append(":").append(number(value));
  }
  const std::string version = (origin.date.empty() ? "" : origin.date + "+") + sha256.substr(0, 12);
  std::string card =
      fmt::format(R"({{"name":{},"version":{},"kind":{},"sha256":{},{}"threshold":{},"classes":{},"rounds":{},{})"
                  R"("trainer":{{"name":{},"version":{}}},"exporter":{},"date":{},)"
                  R"("training_data":{{"file":{},"sha256":{},"rows":{}}},"split":{},"metrics":{{{}}},)"
                  R"("features":{{"numeric":{},"text":{}}},"drift_baseline":{},"schema":{}}})",
                  json_text(file.name), json_text(version), json_text(file.kind), json_text(sha256), task,
                  has_threshold(file.outputs.task) ? number(file.threshold) : "null", classes, rounds, decided,
                  json_text(origin.trainer), json_text(origin.trainer_version), json_text(origin.exporter),
                  json_text(origin.date), json_text(origin.data_file), json_text(origin.data_sha256), origin.data_rows,
                  split, metrics, texts(file.features.numeric), texts(file.features.text), baseline, schema);
  model_identity identity{file.name, version, sha256, {}, std::move(card), std::move(header)};
  if (policy) identity.policy = {policy->name, policy->version, policy->sha256};
  return identity;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
