// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/detail/sha256.hpp"
#include "../../json/write_predictions.hpp"
#include "../../models/load_model.hpp"
#include "../../models/model_file.hpp"
#include "../../monitor/drift.hpp"
#include "../../monitor/drift_reference.hpp"
#include "../service.hpp"
#include "../swappable.hpp"
#include "model_card.hpp"
#include "openapi.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// A model's monitoring: its own counts, and the histograms of its training rows.
struct monitored_model {
  explicit monitored_model(drift_reference reference) : monitor(std::move(reference)) {}
  monitored_model(const monitored_model&) = delete;  // a pipeline's sinks are its members
  monitored_model& operator=(const monitored_model&) = delete;

  drift_monitor monitor;
  jsonl_log log;  // off until it is given one
  std::optional<drift_baseline> baseline;
  model_identity identity;

  void log_to(const jsonl_log& file, bool by_name) { log = by_name ? file.for_model(identity.sha256) : file; }
  drift_status drift() const { return assess_drift(monitor.read(), baseline ? &*baseline : nullptr); }
  bool has_histograms() const { return !monitor.reference().empty(); }
};

/// Everything that belongs to one model file. It is replaced as a whole, so that no response mixes two models.
template <class Service>
struct served_model : monitored_model {
  using monitored_model::monitored_model;
  std::optional<pipeline_of<Service>> pipe;  // all three are there once it is loaded
  std::optional<prediction_names> names;
  std::string openapi;
};

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

/// The model of a file that has passed its checks. It does not log yet.
template <class Service>
result<std::unique_ptr<served_model<Service>>> load_served_model(const settings& config, const std::string& bytes) {
  auto file = parse_model_file(bytes, config.model);
  if (!file) return file.error();
  auto scorer = make_scorer(*file);
  if (!scorer) return scorer.error();
  auto reference = make_drift_reference(*file);
  auto model = std::make_unique<served_model<Service>>(reference && config.with_baseline ? std::move(*reference)
                                                                                         : drift_reference());
  auto pipe = pipeline_of<Service>::make(Service::rules, Service::features, std::move(*scorer),
                                         service_sinks{model->monitor, model->log});
  if (!pipe) return pipe.error();
  model->pipe.emplace(std::move(*pipe));
  model->identity = identify<Service>(*file, tabscore::detail::sha256(bytes));
  model->names.emplace(model->pipe->layout());
  model->openapi = openapi_document<Service>(config.errors, file->name, &model->pipe->layout().model);
  if (config.with_baseline) model->baseline = std::move(file->baseline);
  warm_up<Service>(*model->pipe);
  return model;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
