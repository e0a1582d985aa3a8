// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../../core/result.hpp"
#include "../../tree.hpp"
#include "../lightgbm/reader.hpp"
#include "../model_value.hpp"
#include "../sklearn/reader.hpp"
#include "../xgboost/reader.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

inline bool is_tree_kind(std::string_view kind) noexcept {
  return kind == "xgboost" || kind == "lightgbm" || kind == "sklearn";
}

/// A tree ensemble in the trainer's own words, as a model file holds it. Precondition: is_tree_kind(kind).
inline forest_model read_trees(const json_node& node, std::string_view kind) {
  const std::string source = node.place();
  const auto read = [&]() -> result<forest_model> {
    if (kind == "xgboost") return xgboost_reader(model_value(node.element()), source).read();
    if (kind == "sklearn") return sklearn_reader(model_value(node.element()), source).read();
    node.members({"text"});
    if (!node.ok()) return forest_model();
    const std::string text = node["text"].text();
    return lightgbm_reader(text, source).read();
  };
  auto trees = read();
  if (trees) return *std::move(trees);
  node.fail(trees.error());
  return {};
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
