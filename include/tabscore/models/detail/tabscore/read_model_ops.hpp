// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../forest.hpp"
#include "../program/column_program.hpp"
#include "read_columns.hpp"
#include "read_trees.hpp"

// Steps of a program that are models.
namespace tabscore::inline TABSCORE_ABI::detail {

inline std::optional<column_op> read_linear(const json_node& node, column_program& program) {
  node.members({"op", "in", "coefficients", "intercept"});
  if (!node.ok()) return {};
  linear_model op{{read_columns(node["in"], program)}, {}, {}};
  node["coefficients"].each([&](const json_node& output) { op.coefficients.push_back(output.numbers(op.in.size())); });
  if (node.ok()) op.intercept = node["intercept"].numbers(op.coefficients.size());
  if (node.ok() && op.intercept.empty()) node["coefficients"].fail(errc::structure, "expected at least one list");
  if (!node.ok()) return {};
  program.allow(bounds::rounding);
  return op;
}
inline std::optional<column_op> read_tree_model(const json_node& node, column_program& program) {
  node.members({"op", "in", "kind", "model", "gives"});
  if (!node.ok()) return {};
  column_list in = read_columns(node["in"], program);
  const std::string kind = node["kind"].text();
  if (!is_tree_kind(kind)) node["kind"].expected("\"xgboost\", \"lightgbm\" or \"sklearn\"");
  const std::string gives = node["gives"].text();
  if (gives != "margin" && gives != "prediction") node["gives"].expected("\"margin\" or \"prediction\"");
  if (!node.ok()) return {};
  forest_model trees = read_trees(node["model"], kind);
  if (!node.ok()) return {};
  if (trees.features != in.size()) {
    node["in"].fail(errc::structure,
                    fmt::format("expected {} columns, which the trees read, found {}", trees.features, in.size()));
    return {};
  }
  if (gives == "prediction" && !trees.output_link.exact()) {
    program.allow(trees.output_link.single ? bounds::float32 : bounds::rounding);
  }
  auto built = forest::build(std::move(trees), node["model"].place());
  if (!built) {
    node.fail(built.error());
    return {};
  }
  return tree_model{{std::move(in)}, *std::move(built), gives == "prediction"};
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
