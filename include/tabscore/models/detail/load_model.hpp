// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "../../core/result.hpp"
#include "../encoded_forest.hpp"
#include "../load_model.hpp"
#include "../load_tabscore.hpp"
#include "../logistic.hpp"
#include "../model_file.hpp"
#include "../scorer.hpp"
#include "../verify.hpp"

namespace tabscore {

TABSCORE_INLINE result<encoded_forest> make_encoded_forest(const model_file& file) {
  const auto* const read = std::get_if<forest_model>(&file.model);
  if (read == nullptr) {
    return error{errc::mismatch, file.path + ": kind: expected trees, found \"" + file.kind + "\""};
  }
  const std::string source = file.path + ": model";
  auto trees = forest::build(*read, source);
  if (!trees) return trees.error();
  auto model = encoded_forest::make(file.features, file.encoder, *std::move(trees), file.threshold, source);
  if (!model) return model.error();
  if (auto e = verify(*model, file.checks, file.path)) return *std::move(e);
  return model;
}

TABSCORE_INLINE result<any_scorer> make_scorer(const model_file& file) {
  if (std::holds_alternative<logistic_parameters>(file.model)) {
    auto model = make_logistic(file);
    if (!model) return model.error();
    return any_scorer(*std::move(model));
  }
  auto model = make_encoded_forest(file);
  if (!model) return model.error();
  return any_scorer(*std::move(model));
}

}  // namespace tabscore
