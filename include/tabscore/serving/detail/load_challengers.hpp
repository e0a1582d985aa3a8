// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/sha256.hpp"
#include "../../core/result.hpp"
#include "../../log/jsonl_log.hpp"
#include "../settings.hpp"
#include "challengers.hpp"
#include "labelled_model.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Loads the challengers that the settings name and gives them to the champion; what is wrong with one. `current`: what
/// the champion takes the place of.
template <class Service>
std::optional<error> load_challengers(served_model<Service>& champion, const settings& config,
                                      const served_files& bytes, const served_model<Service>* current,
                                      challenger_outputs& to) {
  if (config.challengers.empty()) return std::nullopt;
  std::vector<std::unique_ptr<served_model<Service>>> models;
  for (std::size_t i = 0; i < config.challengers.size(); ++i) {
    settings its = config;
    its.model = config.challengers[i].model;
    if (config.challengers[i].weight == 0) its.label_window = 0;  // it answers nothing
    const served_files files{bytes.challengers[i], bytes.policy, {}};
    const served_model<Service>* same = nullptr;  // keeps its counts
    const std::string sha256 = tabscore::detail::sha256(files.model);
    for (std::size_t k = 0; current != nullptr && current->rivals && k < current->rivals->size(); ++k) {
      if (current->rivals->model(k).identity.sha256 == sha256) same = &current->rivals->model(k);
    }
    auto loaded = load_served_model<Service>(its, files, same);
    if (!loaded) {
      const std::string& why = loaded.error().message;
      return error{loaded.error().code, why.starts_with(its.model) ? why : its.model + ": " + why};
    }
    models.push_back(*std::move(loaded));
  }
  auto made = challengers<Service>::make(champion, config, std::move(models), to);
  if (!made) return made.error();
  champion.rivals = *std::move(made);
  return std::nullopt;
}

/// Gives the model and those of the other arms the prediction log.
template <class Service>
void log_all_to(served_model<Service>& model, const jsonl_log& log, const settings& config) {
  const auto* const arms = model.rivals ? model.rivals->arms() : nullptr;
  if (arms == nullptr) return model.log_to(log, config.log_model_hash);
  model.log_to(log, true, arms->name(0));
  for (std::size_t i = 0; i < model.rivals->size(); ++i) model.rivals->model(i).log_to(log, true, arms->name(i + 1));
}

template <class Service>
labelled_models all_labels(const served_model<Service>& model) {
  labelled_models all = model.labels;
  if (!model.rivals || model.rivals->arms() == nullptr) return all;
  for (std::size_t i = 0; i < model.rivals->size(); ++i) {
    const auto& labels = model.rivals->model(i).labels;
    if (labels.empty() || labels[0]->window.capacity() == 0) continue;
    if (std::find(all.begin(), all.end(), labels[0]) == all.end()) all.push_back(labels[0]);
  }
  return all;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
