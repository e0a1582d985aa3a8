// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../program/column_program.hpp"

// The parameters of a program's steps: numbers of columns, and numbers that JSON cannot write.
namespace tabscore::inline TABSCORE_ABI::detail {

/// A column of numbers that comes before the step that is read.
inline column_id read_column(const json_node& node, const column_program& program) {
  const std::uint64_t id = node.count();
  if (node.ok() && id >= program.columns) {
    node.expected(fmt::format("a column below {}", program.columns));
  } else if (node.ok() && id >= program.numeric && id < program.numeric + program.text) {
    node.expected("a column of numbers, not a text feature");
  }
  return node.ok() ? static_cast<column_id>(id) : 0;
}
inline column_list read_columns(const json_node& node, const column_program& program) {
  column_list all;
  node.each([&](const json_node& id) { all.push_back(read_column(id, program)); });
  if (node.ok() && all.empty()) node.fail(errc::structure, "expected at least one column, found none");
  return all;
}

/// A number; null is NaN, "inf" and "-inf" are infinities.
inline double read_number(const json_node& node) {
  if (node.is_text()) {
    const std::string word = node.text();
    if (word == "inf") return std::numeric_limits<double>::infinity();
    if (word == "-inf") return -std::numeric_limits<double>::infinity();
    node.expected("a number, null, \"inf\" or \"-inf\"");
    return 0;
  }
  return node.number_or_null();
}
inline std::vector<double> read_numbers(const json_node& node) {
  std::vector<double> all;
  node.each([&](const json_node& number) { all.push_back(read_number(number)); });
  if (node.ok() && all.empty()) node.fail(errc::structure, "expected at least one number, found none");
  return all;
}
inline std::vector<double> read_numbers(const json_node& node, std::size_t count) {
  std::vector<double> all = read_numbers(node);
  if (node.ok() && all.size() != count) {
    node.fail(errc::structure, fmt::format("expected {} numbers, found {}", count, all.size()));
  }
  return all;
}
/// One number for all, or a list of `count`.
inline std::vector<double> read_each(const json_node& node, std::size_t count) {
  if (!node.is_list()) return std::vector<double>(count, read_number(node));
  return read_numbers(node, count);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
