// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/sha256.hpp"
#include "../core/result.hpp"
#include "../models/load_model.hpp"
#include "../monitor/drift_reference.hpp"
#include "../outputs/decision_policy.hpp"
#include "../outputs/load_policy.hpp"
#include "../outputs/prediction.hpp"
#include "pipeline.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The bytes of a file and its name in errors.
struct named_bytes {
  std::string_view bytes;  ///< of the whole file
  std::string_view name;   ///< usually the path
};

namespace detail {
/// The error of a model that does not fit, with the name of its file unless it names that or the policy's already.
inline error with_file(error e, const std::string& model, const std::string& policy) {
  const auto names = [&](const std::string& path) { return !path.empty() && e.message.starts_with(path + ": "); };
  if (!model.empty() && !names(model) && !names(policy)) e.message.insert(0, model + ": ");
  return e;
}
}  // namespace detail

/// A model file (or a trainer's own file) and a policy that have passed their checks: the parts of a service's
/// pipelines. `Service` has the members record, rules, features and prediction (see serving::completed).
template <class Service>
struct service_model {
  /// The pipeline with these sinks.
  template <class... Sink>
  using pipeline_type = pipeline<typename Service::record, decltype(Service::rules), decltype(Service::features),
                                 any_scorer, sinks<Sink...>, typename Service::prediction>;

  model_file file;                        ///< as it was read
  std::string sha256;                     ///< of the model file's bytes
  any_scorer scorer;                      ///< replays its trainer's rows
  std::optional<decision_policy> policy;  ///< of a service that declares decisions
  drift_reference reference;              ///< of the model's histograms, where the file has some

  /// A pipeline without reasons (give_reasons.hpp adds them); an error when the model or the policy does not fit the
  /// service.
  template <class... Sink>
  result<pipeline_type<Sink...>> make_pipeline(const sinks<Sink...>& told = sinks<>{}) const {
    auto made = pipeline_type<Sink...>::make(Service::rules, Service::features, scorer, told, policy);
    if (!made) return detail::with_file(made.error(), file.path, policy ? policy->path : std::string());
    return made;
  }
};

/// Reads and checks the files in memory; a trainer's numeric features are put in the service's order, by name. A
/// service that declares decisions needs a policy; others have none.
template <class Service>
result<service_model<Service>> parse_service_model(const named_bytes& model,
                                                   const std::optional<named_bytes>& policy = std::nullopt) {
  constexpr bool decides = decided_type<typename Service::prediction>;
  const auto numbers = Service::features.template names<typename Service::record>();
  auto file = read_model(model.bytes, model.name, {.numbers = {numbers.begin(), numbers.end()}});
  if (!file) return file.error();
  std::optional<decision_policy> parsed;
  if (policy) {
    auto read = parse_policy(policy->bytes, policy->name);
    if (!read) return read.error();
    parsed = *std::move(read);
  } else if (decides) {
    return error{errc::mismatch, "the service declares decisions: it needs a policy file that makes them"};
  }
  auto scorer = make_scorer(*file);
  if (!scorer) return scorer.error();
  auto histograms = make_drift_reference(*file);
  drift_reference reference = histograms ? *std::move(histograms) : drift_reference();
  if constexpr (decides) {
    reference.decisions.assign(Service::prediction::decisions.begin(), Service::prediction::decisions.end());
  }
  return service_model<Service>{*std::move(file), detail::sha256(model.bytes), *std::move(scorer), std::move(parsed),
                                std::move(reference)};
}

/// The same of files; An empty `policy` is no policy.
template <class Service>
result<service_model<Service>> load_service_model(const std::string& model, const std::string& policy = {}) {
  const auto bytes = read_model_bytes(model);
  if (!bytes) return bytes.error();
  if (policy.empty()) return parse_service_model<Service>({*bytes, model});
  const auto decides = read_policy_bytes(policy);
  if (!decides) return decides.error();
  return parse_service_model<Service>({*bytes, model}, named_bytes{*decides, policy});
}

}  // namespace tabscore::inline TABSCORE_ABI
