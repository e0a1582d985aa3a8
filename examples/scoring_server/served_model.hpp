// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "model_card.hpp"
#include "service.hpp"
#include "sha256.hpp"

/// What monitoring knows of one model: its counts are of no other, its histograms those of its training rows.
struct observed_model {
  explicit observed_model(ts::drift_reference reference) : observed(std::move(reference)) {}
  observed_model(const observed_model&) = delete;  // a pipeline's sinks are its members
  observed_model& operator=(const observed_model&) = delete;

  ts::drift_monitor observed;
  ts::jsonl_log log;  // off until it is given one
  std::optional<ts::drift_baseline> baseline;
  model_identity identity;

  void log_to(const ts::jsonl_log& file, bool by_name) { log = by_name ? file.for_model(identity.sha256) : file; }
  ts::drift_status drift() const { return ts::assess_drift(observed.read(), baseline ? &*baseline : nullptr); }
  bool has_histograms() const { return !observed.reference().empty(); }
};

/// All that belongs to one model file: swapped as a whole, so that no answer is of two models.
template <class Service>
struct served_model : observed_model {
  using observed_model::observed_model;
  std::optional<pipeline_of<Service>> pipe;  // always there once it is loaded
};

template <class Service>
using live_model = ts::swappable<served_model<Service>>;

/// How a model file becomes one to serve.
struct model_source {
  std::string path;
  bool with_baseline = true;
  bool log_names_it = false;
};

/// Scores a few blocks without telling any sink, so that the first request finds the model in the caches and tables.
template <class Service>
void warm_up(const pipeline_of<Service>& pipe) {
  ts::batch<typename Service::record> records;
  for (int i = 0; i < 1024; ++i) Service::add_example(records);
  ts::score_buffers buffers;
  pipe.for_each_unscorable(records, buffers, [](const ts::unscorable&) {});
}

/// The model of a file after it has given its trainer's numbers for its trainer's rows. It does not log yet.
template <class Service>
ts::result<std::unique_ptr<served_model<Service>>> load_served_model(const model_source& source,
                                                                     const std::string& bytes) {
  auto file = ts::parse_model_file(bytes, source.path);
  if (!file) return file.error();
  auto scorer = ts::make_scorer(*file);
  if (!scorer) return scorer.error();
  auto reference = ts::make_drift_reference(*file);
  auto model = std::make_unique<served_model<Service>>(reference && source.with_baseline ? std::move(*reference)
                                                                                         : ts::drift_reference());
  auto pipe = pipeline_of<Service>::make(Service::rules, Service::features, std::move(*scorer),
                                         service_sinks{model->observed, model->log});
  if (!pipe) return pipe.error();
  model->pipe.emplace(std::move(*pipe));
  model->identity = identify<Service>(*file, sha256(bytes));
  if (source.with_baseline) model->baseline = std::move(file->baseline);
  warm_up<Service>(*model->pipe);
  return model;
}
