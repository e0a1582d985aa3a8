// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "model_card.hpp"
#include "sha256.hpp"
#include "student.hpp"

/// All that belongs to one model file: swapped as a whole, so that no answer is of two models. What monitoring has
/// counted is of one model as well: its histograms are those of this model's training rows.
struct served_model {
  explicit served_model(ts::drift_reference reference) : observed(std::move(reference)) {}
  served_model(const served_model&) = delete;  // the pipeline's sinks are the members
  served_model& operator=(const served_model&) = delete;

  ts::drift_monitor observed;
  ts::jsonl_log log;                     // off until it is given one
  std::optional<student_pipeline> pipe;  // always there once it is loaded
  std::optional<ts::drift_baseline> baseline;
  model_identity identity;

  void log_to(const ts::jsonl_log& file, bool by_name) { log = by_name ? file.for_model(identity.sha256) : file; }
  ts::drift_status drift() const { return ts::assess_drift(observed.read(), baseline ? &*baseline : nullptr); }
  bool has_histograms() const { return !observed.reference().empty(); }
};

using live_model = ts::swappable<served_model>;

/// How a model file becomes one to serve.
struct model_source {
  std::string path;
  bool with_baseline = true;
  bool log_names_it = false;
};

/// Scores a few blocks without telling any sink, so that the first request finds the model in the caches and tables.
inline void warm_up(const student_pipeline& pipe) {
  ts::batch<student> records;
  for (int i = 0; i < 1024; ++i) records.push_back("US", i % 400, 1.5 * i, i % 9, i % 7, i % 7 / 2, 0.5 * i);
  ts::score_buffers buffers;
  pipe.for_each_unscorable(records, buffers, [](std::size_t) {});
}

/// The model of a file after it has given its trainer's numbers for its trainer's rows. It does not log yet.
inline ts::result<std::unique_ptr<served_model>> load_served_model(const model_source& source,
                                                                   const std::string& bytes) {
  auto file = ts::parse_model_file(bytes, source.path);
  if (!file) return file.error();
  auto scorer = ts::make_scorer(*file);
  if (!scorer) return scorer.error();
  auto reference = ts::make_drift_reference(*file);
  auto model =
      std::make_unique<served_model>(reference && source.with_baseline ? std::move(*reference) : ts::drift_reference());
  auto pipe = student_pipeline::make(student_columns::rules, student_columns::features, std::move(*scorer),
                                     student_sinks{model->observed, model->log});
  if (!pipe) return pipe.error();
  model->pipe.emplace(std::move(*pipe));
  model->identity = identify(*file, sha256(bytes));
  if (source.with_baseline) model->baseline = std::move(file->baseline);
  warm_up(*model->pipe);
  return model;
}
