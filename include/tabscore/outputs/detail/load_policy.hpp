// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/json_node.hpp"
#include "../../core/detail/sha256.hpp"
#include "../../core/detail/shortened.hpp"
#include "../../files/read_file.hpp"
#include "../load_policy.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The members of a table, of which one says how it decides.
inline constexpr std::array<std::string_view, 3> table_kinds{"threshold", "bands", "costs"};

inline void read_bands(const json_node& node, decision_table& to) {
  bool open = false;
  node.each([&](const json_node& band) {
    if (open) return band.fail(errc::structure, "the band before it has no \"below\", so nothing is left for this one");
    band.members({"decision"}, {"below"});
    to.bands.push_back(band["decision"].name());
    open = !band.has("below");
    if (open || !band.ok()) return;
    const double limit = band["below"].number();
    if (!to.limits.empty() && !(limit > to.limits.back())) {
      band["below"].expected(fmt::format("more than the band before it, which ends below {}", to.limits.back()));
    }
    to.limits.push_back(limit);
  });
  if (node.ok() && !open) node.fail(errc::structure, "expected a last band without \"below\", for all other numbers");
}

inline void read_costs(const json_node& node, decision_table& to) {
  std::vector<std::string_view> decisions;
  node.each_member([&](std::string_view decision, const json_node& costs) {
    decisions.push_back(decision);
    decision_table::cost& cost = to.costs.emplace_back();
    cost.decision = decision;
    std::vector<std::string_view> classes;
    costs.each_member([&](std::string_view name, const json_node& number) {
      classes.push_back(name);
      cost.classes.emplace_back(name, number.number(-1e300, 1e300));  // so that no sum of them overflows
    });
    if (const auto twin = repeated(classes)) {
      costs.fail(errc::structure, fmt::format("the class \"{}\" appears twice", shortened(*twin)));
    }
  });
  if (const auto twin = repeated(decisions)) {
    node.fail(errc::structure, fmt::format("the decision \"{}\" appears twice", shortened(*twin)));
  }
  if (node.ok() && to.costs.empty()) node.expected("the costs of at least one decision");
}

/// A table from the members of an object, whose names members() has checked.
inline decision_table read_table_members(const json_node& node, std::string place) {
  decision_table table;
  table.place = std::move(place);
  std::size_t kinds = 0;
  for (const std::string_view kind : table_kinds) kinds += std::size_t{node.has(kind)};
  if (kinds != 1) node.expected("one of the members \"threshold\", \"bands\" and \"costs\"");
  if (!node.ok()) return table;
  const bool threshold = node.has("threshold");
  for (const std::string_view side : {"below", "reached"}) {
    if (node.has(side) == threshold) continue;
    node.fail(errc::structure, threshold ? fmt::format("expected the member \"{}\" beside \"threshold\"", side)
                                         : fmt::format("\"{}\" belongs to a \"threshold\", there is none", side));
  }
  if (node.has("number") && node.has("costs")) node["number"].fail(errc::structure, "costs are not of one number");
  if (!node.ok()) return table;
  if (node.has("number")) table.number = node["number"].name();
  if (threshold) {
    table.is_threshold = true;
    table.limits = {node["threshold"].number()};
    table.bands = {node["below"].name(), node["reached"].name()};
  } else if (node.has("bands")) {
    read_bands(node["bands"], table);
  } else {
    read_costs(node["costs"], table);
  }
  return table;
}

inline decision_table read_table(const json_node& node, std::string place) {
  node.members({}, {"threshold", "below", "reached", "bands", "costs", "number"});
  if (!node.ok()) return {};
  return read_table_members(node, std::move(place));
}

inline void read_tables_by_value(const json_node& by, decision_policy& to) {
  by.members({"field", "values"}, {"otherwise", "missing"});
  if (!by.ok()) return;
  to.field = by["field"].name();
  by["values"].each_member([&](std::string_view value, const json_node& node) {
    to.values.emplace_back(value, read_table(node, fmt::format("by.values.{}", shortened(value))));
  });
  std::vector<std::string_view> values;
  for (const auto& each : to.values) values.push_back(each.first);
  if (const auto twin = repeated(values)) {
    by["values"].fail(errc::structure, fmt::format("the value \"{}\" appears twice", shortened(*twin)));
  }
  if (by.ok() && to.values.empty()) by["values"].expected("the table of at least one value");
  if (by.has("otherwise")) to.otherwise = read_table(by["otherwise"], "by.otherwise");
  if (by.has("missing")) to.missing = read_table(by["missing"], "by.missing");
}

/// A list of distinct names.
inline std::vector<std::string> read_names(const json_node& node) {
  std::vector<std::string> names;
  node.each([&](const json_node& name) { names.emplace_back(name.name()); });
  if (const auto twin = repeated({names.begin(), names.end()})) {
    node.fail(errc::structure, fmt::format("\"{}\" appears twice", shortened(*twin)));
  }
  return names;
}

inline reason_table read_reasons(const json_node& node) {
  reason_table table;
  node.members({"adverse", "baseline"}, {"number", "groups", "unreported", "decisions"});
  if (!node.ok()) return table;
  const std::string adverse = node["adverse"].text();
  if (adverse != "higher" && adverse != "lower") node["adverse"].expected("\"higher\" or \"lower\"");
  table.adverse = adverse == "lower" ? reason_table::direction::lower : reason_table::direction::higher;
  if (node["baseline"].is_text()) {
    if (node["baseline"].text() != "training mean") node["baseline"].expected("\"training mean\" or a record");
  } else {
    node["baseline"].members({"record"});
    if (!node.ok()) return table;
    const json_node record = node["baseline"]["record"];
    if (!record.element().is_object()) record.expected("a record");
    table.baseline = simdjson::minify(record.element());
  }
  if (node.has("number")) table.number = node["number"].name();
  if (node.has("groups")) {
    node["groups"].each([&](const json_node& group) {
      group.members({"code", "text", "features"});
      if (!group.ok()) return;
      table.reasons.push_back({group["code"].name(), group["text"].name(), read_names(group["features"])});
      if (group.ok() && table.reasons.back().features.empty()) group["features"].expected("at least one feature");
    });
    if (node.ok() && table.reasons.empty()) node["groups"].expected("at least one group");
    if (table.reasons.size() > max_reason_groups) {
      node["groups"].expected(fmt::format("at most {} groups", max_reason_groups));
    }
  }
  std::vector<std::string_view> codes;
  for (const reason& r : table.reasons) codes.emplace_back(r.code);
  if (const auto twin = repeated(codes)) {
    node["groups"].fail(errc::structure, fmt::format("the code \"{}\" appears twice", shortened(*twin)));
  }
  if (node.has("unreported")) table.unreported = read_names(node["unreported"]);
  if (node.has("decisions")) {
    table.decisions = read_names(node["decisions"]);
    if (node.ok() && table.decisions.empty()) node["decisions"].expected("at least one decision");
  }
  return table;
}

inline decision_policy read_policy(const json_node& root) {
  decision_policy policy;
  root.members({"format", "format_version", "name", "version"},
               {"by", "threshold", "below", "reached", "bands", "costs", "number", "reasons"});
  if (!root.ok()) return policy;
  if (root["format"].text() != "tabscore-policy") root["format"].expected("\"tabscore-policy\"");
  if (root.ok() && root["format_version"].count() != 1) {
    root["format_version"].expected("1, the version that this reader knows");
  }
  policy.name = root["name"].name();
  policy.version = root["version"].name();
  if (!root.ok()) return policy;
  std::string tables;
  root.each_member([&](std::string_view name, const json_node& node) {
    if (name == "format" || name == "format_version" || name == "name" || name == "version") return;
    if (root.has("by") && name != "by" && name != "reasons")
      node.fail(errc::structure, "tables by a field's value stand in \"by\" alone");
    tables.append(tables.empty() ? "{\"" : ",\"").append(name).append("\":").append(simdjson::minify(node.element()));
  });
  policy.tables = tables.append("}");
  if (root.has("reasons")) policy.reasons = read_reasons(root["reasons"]);
  if (!root.ok()) return policy;
  if (root.has("by")) {
    read_tables_by_value(root["by"], policy);
  } else {
    policy.otherwise = read_table_members(root, {});
  }
  return policy;
}

}  // namespace detail

TABSCORE_INLINE result<decision_policy> parse_policy(std::string_view bytes, std::string_view name) {
  if (bytes.size() > max_policy_bytes) {
    return error{errc::unsupported, fmt::format("{}: expected a policy of at most {} bytes", name, max_policy_bytes)};
  }
  if (bytes.empty()) return error{errc::syntax, fmt::format("{}: expected a JSON document, found nothing", name)};
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string_view json = bytes.substr(bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0);  // editors write that mark
  if (const auto code = parser.parse(json.data(), json.size()).get(root)) {
    return error{errc::syntax, fmt::format("{}: expected a JSON document with finite numbers: {}", name,
                                           simdjson::error_message(code))};
  }
  detail::json_reading reading{std::string(name), std::nullopt};
  decision_policy policy = detail::read_policy(detail::json_node(root, reading));
  if (reading.failure) return *std::move(reading.failure);
  policy.path = name;
  policy.sha256 = detail::sha256(bytes);
  return policy;
}

TABSCORE_INLINE result<std::string> read_policy_bytes(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_directory(path, unknown) &&
      !std::filesystem::is_regular_file(path, unknown)) {
    return error{errc::io, path + ": expected a policy file: it is not a regular file"};
  }
  return files::read_file(path, max_policy_bytes + 1);
}

TABSCORE_INLINE result<decision_policy> load_policy(const std::string& path) {
  const result<std::string> bytes = read_policy_bytes(path);
  if (!bytes) return bytes.error();
  return parse_policy(*bytes, path);
}

}  // namespace tabscore::inline TABSCORE_ABI
