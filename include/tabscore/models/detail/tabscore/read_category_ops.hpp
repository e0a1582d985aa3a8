// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../program/column_program.hpp"
#include "read_columns.hpp"

// Steps of a program that read categories.
namespace tabscore::inline TABSCORE_ABI::detail {

/// The keys of `in`, a text feature or a column of numbers.
inline category_keys read_keys(const json_node& in, const json_node& list, const column_program& program) {
  category_keys keys;
  const std::uint64_t column = in.count();
  const bool is_text = column >= program.numeric && column - program.numeric < program.text;
  keys.in = is_text ? static_cast<column_id>(column) : read_column(in, program);
  if (is_text) keys.field = static_cast<std::size_t>(column) - program.numeric;
  if (!in.ok()) return keys;
  std::vector<std::optional<std::string>> texts;
  std::vector<double> numbers;
  list.each([&](const json_node& key) {
    if (keys.is_text()) {
      texts.push_back(key.is_null() ? std::optional<std::string>() : key.text());
      keys.absent_is_key = keys.absent_is_key || !texts.back();
    } else {
      numbers.push_back(read_number(key));
      keys.absent_is_key = keys.absent_is_key || std::isnan(numbers.back());
    }
  });
  if (!list.ok()) return keys;
  const auto twice = [&](auto key) { list.fail(errc::structure, fmt::format("the key {} appears twice", key)); };
  if (keys.is_text()) {
    auto sorted = texts;
    std::sort(sorted.begin(), sorted.end());
    const auto at = std::adjacent_find(sorted.begin(), sorted.end());
    if (at != sorted.end()) twice(*at ? fmt::format("\"{}\"", **at) : std::string("null"));
  } else {
    auto sorted = numbers;
    std::sort(sorted.begin(), sorted.end(),
              [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); });
    const auto at = std::adjacent_find(sorted.begin(), sorted.end(),
                                       [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); });
    if (at != sorted.end()) twice(*at);
  }
  if (!list.ok()) return keys;
  keys.size = texts.size() + numbers.size();
  keys.numbers = number_keys(numbers);
  keys.texts = one_hot(std::move(texts));
  return keys;
}
/// The keys of a step of one input.
inline category_keys read_keys(const json_node& node, const column_program& program) {
  std::optional<json_node> in;
  std::size_t inputs = 0;
  node["in"].each([&](const json_node& id) {
    ++inputs;
    in = id;
  });
  if (node.ok() && inputs != 1) {
    node["in"].fail(errc::structure, fmt::format("expected one column, found {}", inputs));
  }
  return node.ok() ? read_keys(*in, node["keys"], program) : category_keys();
}
inline std::optional<column_op> read_lookup(const json_node& node, column_program& program) {
  node.members({"op", "in", "keys", "values"}, {"other"});
  if (!node.ok()) return {};
  lookup op{read_keys(node, program), {}, std::nullopt};
  if (node.ok()) {
    node["values"].each([&](const json_node& value) { op.values.push_back(read_number(value)); });
    if (node.ok() && op.values.size() != op.keys.size) {
      node["values"].fail(errc::structure,
                          fmt::format("expected {} numbers, one per key, found {}", op.keys.size, op.values.size()));
    }
  }
  if (node.has("other")) op.other = read_number(node["other"]);
  return op;
}
inline std::optional<column_op> read_indicators(const json_node& node, column_program& program) {
  node.members({"op", "in", "keys", "columns", "width"}, {"other"});
  if (!node.ok()) return {};
  indicators op{read_keys(node, program), {}, 0, std::nullopt};
  if (!node.ok()) return {};
  const std::uint64_t width = node["width"].count();
  if (node.ok() && width > op.keys.size + 1) {
    node["width"].expected(fmt::format("at most {}, as many columns as keys and others can set", op.keys.size + 1));
  }
  const auto read = [&](const json_node& column) {
    const double at = column.number();
    if (column.ok() && !(at >= -1 && at < static_cast<double>(width) && at == std::floor(at))) {
      column.expected(fmt::format("a column below {}, or -1 for none", width));
    }
    return column.ok() ? static_cast<std::int32_t>(at) : indicators::none;
  };
  node["columns"].each([&](const json_node& column) { op.columns.push_back(read(column)); });
  if (node.ok() && op.columns.size() != op.keys.size) {
    node["columns"].fail(errc::structure,
                         fmt::format("expected {} columns, one per key, found {}", op.keys.size, op.columns.size()));
  }
  if (node.has("other")) op.other = read(node["other"]);
  op.columns_out = static_cast<std::size_t>(width);
  return op;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
