// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../json/write_predictions.hpp"
#include "../../models/load_tabscore.hpp"
#include "../../monitor/drift.hpp"
#include "../../outputs/decision_policy.hpp"
#include "../../outputs/load_policy.hpp"
#include "../../outputs/prediction.hpp"
#include "../../pipeline/give_reasons.hpp"
#include "../swappable.hpp"
#include "labelled_model.hpp"
#include "model_archive.hpp"
#include "model_card.hpp"
#include "openapi.hpp"
#include "service_pipeline.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// A model's monitoring: its own counts, whatever the policy, and the histograms of its training rows.
struct monitored_model {
  explicit monitored_model(std::shared_ptr<drift_monitor> counts) : owner(std::move(counts)), monitor(*owner) {}
  monitored_model(const monitored_model&) = delete;  // a pipeline's sinks are its members
  monitored_model& operator=(const monitored_model&) = delete;

  const std::shared_ptr<drift_monitor> owner;
  drift_monitor& monitor;
  labelled_models labels;  // this model's, then those of the models before it
  std::vector<performance_reference> references;
  jsonl_log log;  // off until it is given one
  std::optional<drift_baseline> baseline;
  model_identity identity;

  /// `arm`: of an A/B test, whose lines always name the model; empty: there is none.
  void log_to(const jsonl_log& file, bool by_name, std::string_view arm = {}) {
    log = by_name || !arm.empty() ? file.for_model(identity.sha256, arm) : file;
  }
  drift_status drift() const { return assess_drift(monitor.read(), baseline ? &*baseline : nullptr); }
  bool has_histograms() const { return !monitor.reference().empty(); }
};

template <class Service>
class challengers;

/// Everything that belongs to one model file and one policy. It is replaced as a whole, so that no response mixes two
/// models or policies.
template <class Service>
struct served_model : monitored_model {
  using monitored_model::monitored_model;
  challenger_feed<typename Service::record> feed;
  std::optional<pipeline_of<Service>> pipe;  // all three are there once it is loaded
  std::optional<prediction_names> names;
  std::string openapi;
  std::shared_ptr<challengers<Service>> rivals;  // if there are some; the last member: they use the others
};

/// The windows that take labels: the model's, those of models before it, those of the other arms.
template <class Service>
labelled_models all_labels(const served_model<Service>& model);

template <class Service>
using live_model = swappable<served_model<Service>>;

/// Scores a few blocks without calling a sink, so that the first request finds the model in the caches.
template <class Service>
void warm_up(const pipeline_of<Service>& pipe) {
  batch<typename Service::record> records;
  for (int i = 0; i < 1024; ++i) Service::add_example(records);
  score_buffers buffers;
  pipe.for_each_unscorable(records, buffers, [](const unscorable&) {});
}

/// The bytes of the files that the settings name.
struct served_files {
  std::string model, policy;
  std::vector<std::string> challengers;
};
result<served_files> read_served_files(const settings& config);

/// The model and the policy of files that have passed their checks. It does not log yet. `current` is what it takes the
/// place of.
template <class Service>
result<std::unique_ptr<served_model<Service>>> load_served_model(const settings& config, const served_files& bytes,
                                                                 const served_model<Service>* current = nullptr) {
  auto loaded = parse_service_model<Service>(
      {bytes.model, config.model},
      config.policy.empty() ? std::nullopt : std::optional(named_bytes{bytes.policy, config.policy}));
  if (!loaded) return loaded.error();
  model_file& file = loaded->file;
  const std::string& sha256 = loaded->sha256;
  const std::optional<decision_policy>& policy = loaded->policy;
  if (!config.with_baseline) {
    drift_reference uncompared;
    uncompared.decisions = std::move(loaded->reference.decisions);
    loaded->reference = std::move(uncompared);
  }
  auto model =
      std::make_unique<served_model<Service>>(current != nullptr && current->identity.sha256 == sha256
                                                  ? current->owner
                                                  : std::make_shared<drift_monitor>(std::move(loaded->reference)));
  if (config.label_window != 0 && file.outputs.task == task::quantiles && file.outputs.names.empty()) {
    return error{errc::mismatch, "labels need the levels of quantiles: name them in the model file's outputs"};
  }
  auto labels = labels_for(current != nullptr ? all_labels(*current) : labelled_models(), config, sha256, file.outputs);
  if (!labels) return labels.error();
  model->labels = *std::move(labels);
  model->references = performance_references(config.performance_references, file.origin.metrics);
  auto pipe =
      loaded->make_pipeline(service_sinks<Service>{model->monitor, model->labels[0]->window, model->feed, model->log});
  if (!pipe) return pipe.error();
  model->pipe.emplace(std::move(*pipe));
  if (policy) {
    if (auto wrong = give_reasons(*model->pipe, *policy)) return *std::move(wrong);
  }
  model->identity = identify(file, sha256, policy, openapi::record_schema<Service>());
  model->names.emplace(model->pipe->layout());
  model->openapi = openapi_document<Service>(config.errors, file.name, &model->pipe->layout().model);
  if (config.with_baseline) model->baseline = std::move(file.baseline);
  warm_up<Service>(*model->pipe);
  if (auto failed = archive(config, sha256, bytes.model)) return *std::move(failed);
  if (policy) {
    if (auto failed = archive(config, policy->sha256, bytes.policy)) return *std::move(failed);
  }
  return model;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE result<served_files> read_served_files(const settings& config) {
  served_files files;
  auto model = read_model_bytes(config.model);
  if (!model) return model.error();
  files.model = *std::move(model);
  for (const challenger_file& c : config.challengers) {
    auto challenger = read_model_bytes(c.model);
    if (!challenger) return challenger.error();
    files.challengers.push_back(*std::move(challenger));
  }
  if (config.policy.empty()) return files;
  auto policy = read_policy_bytes(config.policy);
  if (!policy) return policy.error();
  files.policy = *std::move(policy);
  return files;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
