// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "tree.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Compares the features of a model with a caller's columns, by name and in order; without names in the model, by their
/// number. Gives the error that names the first missing, extra or misplaced feature.
std::optional<error> match_features(const forest_model& model, std::span<const std::string> columns);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::optional<error> match_features(const forest_model& model, std::span<const std::string> columns) {
  const auto mismatch = [](std::string sentence) { return error{errc::mismatch, std::move(sentence)}; };
  const auto& names = model.feature_names;
  if (names.empty()) {
    if (columns.size() == model.features) return std::nullopt;
    return mismatch(fmt::format("the model reads {} features, the caller gives {}", model.features, columns.size()));
  }
  for (const std::string& name : names) {
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
      return mismatch(fmt::format("the model's feature \"{}\" is missing", name));
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto place = std::find(names.begin(), names.end(), columns[i]);
    if (place == names.end()) return mismatch(fmt::format("\"{}\" is not a feature of the model", columns[i]));
    if (static_cast<std::size_t>(place - names.begin()) != i) {
      return mismatch(fmt::format("feature \"{}\" is number {}, the model expects it as number {}", columns[i], i,
                                  place - names.begin()));
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
