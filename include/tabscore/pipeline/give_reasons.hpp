// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/shortened.hpp"
#include "../core/result.hpp"
#include "../formats/error_text.hpp"
#include "../json/json_value.hpp"
#include "../outputs/decision_policy.hpp"
#include "../outputs/reasons.hpp"
#include "score_json.hpp"
#include "workspace.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Gives a pipeline the reasons of its policy, for requests that set request_options::reasons. Call it
/// before threads share the pipeline. An error where the policy names a feature that the model does not
/// have, the model has no contributions, or the baseline is not a valid record with values of the declared
/// types.
template <class Pipeline>
std::optional<error> give_reasons(Pipeline& pipe, const decision_policy& policy) {
  using schema = typename Pipeline::schema_t;
  if (!policy.reasons) return std::nullopt;
  const reason_table& table = *policy.reasons;
  const auto wrong = [&](std::string_view place, std::string_view why) {
    return error{errc::mismatch, std::string(policy.path).append(": ").append(place).append(why)};
  };
  if (const error* const none = pipe.model().explain_error()) return wrong("reasons: ", none->message);
  if (table.baseline.empty() && !explains_against_mean(pipe.model())) {
    return wrong("reasons.baseline: ",
                 "the model's contributions are not relative to the mean of its training rows: name a record");
  }
  const auto& outputs = pipe.layout().model;
  std::vector<std::string> numbers;
  for (std::size_t k = 0; k < outputs.columns; ++k) {
    numbers.emplace_back(outputs.task == task::multiclass ? std::string_view(outputs.classes[k])
                                                          : pipe.layout().names[k]);
  }
  const std::vector<std::string> features = pipe.model().features().all();
  std::vector<double> baseline;
  if (!table.baseline.empty()) {
    workspace<schema> w;
    constexpr std::string_view place = "reasons.baseline.record: ";
    if (const auto failed = read_json(table.baseline, w, body_shape::record)) {
      const auto* const errors = std::get_if<validation_errors>(&*failed);
      return wrong(place, errors != nullptr ? describe(*errors, schema::names) : "not a record");
    }
    std::string unknown;
    json_value(table.baseline.data(), table.baseline.data() + table.baseline.size())
        .for_each_member([&](std::string_view raw, json_value) {
          std::string spare;
          const std::string_view name = unescaped(raw, spare);
          if (schema::index_of(name) == schema::npos && unknown.empty()) unknown = name;
        });
    if (!unknown.empty()) return wrong(place, "\"" + detail::shortened(unknown) + "\" is not a field of the record");
    if (!w.decoder.faults().not_finite.empty()) {
      return wrong(place, describe(w.decoder.faults().not_finite, schema::names));
    }
    if (const auto broken = pipe.rules().first_broken(w.records.view())) return wrong(place, broken->message);
    const auto contributions = pipe.explain(w.records, w.buffers);
    if (!contributions) return wrong("reasons: ", contributions.error().message);
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      const auto row = contributions->subspan(k * (features.size() + 1), features.size());
      baseline.insert(baseline.end(), row.begin(), row.end());
    }
  }
  auto finder = reason_finder::make(table, features, numbers, pipe.layout().decisions.names, std::move(baseline),
                                    bin_reasons_of(pipe.model()));
  if (!finder) return wrong("", finder.error().message);
  pipe.give_reasons(*std::move(finder));
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
