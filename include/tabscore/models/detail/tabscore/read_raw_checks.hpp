// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../model_file.hpp"
#include "../../raw_checks.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

inline raw_value read_raw_value(const json_node& node) {
  const simdjson::dom::element e = node.element();
  if (e.is_null()) return {};
  if (e.is_bool()) return node.boolean();
  if (e.is_string()) return node.text();
  if (std::int64_t integer = 0; e.get(integer) == simdjson::SUCCESS) return integer;
  return node.number();
}

inline double read_feature_value(const json_node& node) {
  if (node.element().is_string()) {
    const std::string text = node.text();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
  }
  return node.number_or_null();
}

inline std::shared_ptr<const raw_checks> read_raw_checks(const json_node& node, const model_file& file) {
  auto checks = std::make_shared<raw_checks>();
  checks->file = file.path;
  node.members({"fields", "rows", "features", "values"});
  if (!node.ok()) return checks;
  const auto names = [&](std::string_view member, std::vector<std::string>& into) {
    node[member].each([&](const json_node& name) { into.push_back(name.name()); });
    if (into.empty()) node[member].fail(errc::structure, "expected at least one name, found none");
    if (const auto twice = repeated({into.begin(), into.end()})) {
      node[member].fail(errc::structure, fmt::format("\"{}\" appears twice", *twice));
    }
  };
  const auto lists = [&](std::string_view member, std::size_t width, auto& into, auto read) {
    node[member].each([&](const json_node& row) {
      auto& values = into.emplace_back();
      row.each([&](const json_node& value) { values.push_back(read(value)); });
      if (values.size() != width) {
        row.fail(errc::structure, fmt::format("expected {} values, found {}", width, values.size()));
      }
    });
  };
  names("fields", checks->fields);
  names("features", checks->features);
  for (const std::string& name : checks->features) {
    const auto& known = file.features.numeric;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      node["features"].fail(errc::structure, fmt::format("\"{}\" is not a numeric feature of the model", name));
    }
  }
  lists("rows", checks->fields.size(), checks->rows, read_raw_value);
  lists("values", checks->features.size(), checks->values, read_feature_value);
  if (node.ok() && (checks->rows.empty() || checks->rows.size() != checks->values.size())) {
    node["values"].fail(errc::structure,
                        fmt::format("expected as many lists as there are rows, at least one; found {} for {}",
                                    checks->values.size(), checks->rows.size()));
  }
  return checks;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
