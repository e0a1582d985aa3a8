// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../forest.hpp"
#include "column_program.hpp"
#include "json_node.hpp"
#include "read_trees.hpp"

// The member "model" of a model file of kind "pipeline", whose features have been read.
namespace tabscore::detail {

/// Reads the steps one after another; each sees the columns before it.
class program_reader {
 public:
  program_reader(const json_node& model, std::size_t numeric, std::size_t text, std::size_t most_columns)
      : model_(model), most_columns_(most_columns) {
    program_.numeric = numeric;
    program_.text = text;
    program_.columns = numeric + text;
  }

  std::shared_ptr<const column_program> read() {
    model_.members({"steps", "probability"}, {"margin"});
    if (!model_.ok()) return nullptr;
    model_["steps"].each([&](const json_node& step) { add(step); });
    program_.probability = read_column(model_["probability"]);
    if (model_.has("margin")) program_.margin = read_column(model_["margin"]);
    if (!model_.ok()) return nullptr;
    program_.find_origins();
    return std::make_shared<const column_program>(std::move(program_));
  }

 private:
  void add(const json_node& node) {
    if (!node.has("op")) return node.fail(errc::structure, "expected an object with the member op");
    const std::string name = node["op"].text();
    std::optional<column_op> op = read_op(node, name);
    if (!node.ok()) return;
    if (!op) {
      return node["op"].fail(errc::unsupported, fmt::format("unknown step \"{}\"; a newer tabscore may know it", name));
    }
    const std::size_t width = std::visit([](const auto& o) { return o.width(); }, *op);
    if (width > most_columns_ - std::min(most_columns_, program_.columns)) {
      return node.fail(errc::structure,
                       fmt::format("expected at most {} columns in all, as many as bytes in the file", most_columns_));
    }
    program_.steps.push_back({*std::move(op), static_cast<column_id>(program_.columns)});
    program_.columns += width;
  }

  std::optional<column_op> read_op(const json_node& node, std::string_view name) {
    if (name == "standardize") {
      return read_two<standardize>(
          node, "mean", "scale", [](double, double scale) { return scale != 0; }, "numbers that are not 0 as scale");
    }
    if (name == "rescale") return read_two<rescale>(node, "scale", "offset");
    if (name == "clip") {
      return read_two<clip>(
          node, "low", "high", [](double low, double high) { return low <= high; },
          "low numbers that are not above the high ones");
    }
    if (name == "replace") return read_two<replace_value>(node, "from", "to");
    if (name == "platt") return read_two<platt_scale>(node, "a", "b");
    if (name == "missing") return read_one<is_value>(node, "value");
    if (name == "binarize") return read_one<is_above>(node, "threshold");
    if (name == "function") return read_function(node);
    if (name == "add") return read_combine(node, column_operation::add);
    if (name == "subtract") return read_combine(node, column_operation::subtract);
    if (name == "multiply") return read_combine(node, column_operation::multiply);
    if (name == "divide") return read_combine(node, column_operation::divide);
    if (name == "constant") {
      node.members({"op", "values"});
      if (!node.ok()) return {};
      return constants{read_numbers(node["values"])};
    }
    if (name == "require_finite") return read_require_finite(node);
    if (name == "lookup") return read_lookup(node);
    if (name == "one_hot") return read_indicators(node);
    if (name == "normalize") return read_normalize(node);
    if (name == "softmax") return read_plain<softmax_columns>(node, bounds::rounding);
    if (name == "sum_to_one") return read_plain<sum_to_one>(node, bounds::rounding);
    if (name == "sigmoid") return read_plain<sigmoid_columns>(node, bounds::rounding);
    if (name == "weighted_mean") return read_weighted_mean(node);
    if (name == "linear") return read_linear(node);
    if (name == "trees") return read_tree_model(node);
    return std::nullopt;
  }

  void apart(double bound) { program_.bound = std::max(program_.bound, bound); }

  // Numbers of columns.

  column_id read_column(const json_node& node) {
    const std::uint64_t id = node.count();
    if (node.ok() && id >= program_.columns) {
      node.expected(fmt::format("a column below {}", program_.columns));
    } else if (node.ok() && id >= program_.numeric && id < program_.numeric + program_.text) {
      node.expected("a column of numbers, not a text feature");
    }
    return node.ok() ? static_cast<column_id>(id) : 0;
  }
  column_list read_columns(const json_node& node) {
    column_list all;
    node.each([&](const json_node& id) { all.push_back(read_column(id)); });
    if (node.ok() && all.empty()) node.fail(errc::structure, "expected at least one column, found none");
    return all;
  }

  // Numbers.

  static double read_number(const json_node& node) {
    if (node.is_text()) {
      const std::string word = node.text();
      if (word == "inf") return std::numeric_limits<double>::infinity();
      if (word == "-inf") return -std::numeric_limits<double>::infinity();
      node.expected("a number, null, \"inf\" or \"-inf\"");
      return 0;
    }
    return node.number_or_null();
  }
  static std::vector<double> read_numbers(const json_node& node) {
    std::vector<double> all;
    node.each([&](const json_node& number) { all.push_back(read_number(number)); });
    if (node.ok() && all.empty()) node.fail(errc::structure, "expected at least one number, found none");
    return all;
  }
  static std::vector<double> read_numbers(const json_node& node, std::size_t count) {
    std::vector<double> all = read_numbers(node);
    if (node.ok() && all.size() != count) {
      node.fail(errc::structure, fmt::format("expected {} numbers, found {}", count, all.size()));
    }
    return all;
  }
  /// One number for all, or a list of `count`.
  static std::vector<double> read_each(const json_node& node, std::size_t count) {
    if (!node.is_list()) return std::vector<double>(count, read_number(node));
    return read_numbers(node, count);
  }

  // Steps of numbers.

  template <class Apply>
  std::optional<column_op> read_one(const json_node& node, std::string_view first) {
    node.members({"op", "in", first});
    if (!node.ok()) return {};
    elementwise<Apply> op{read_columns(node["in"]), {}};
    const std::vector<double> a = read_each(node[first], op.in.size());
    for (std::size_t k = 0; node.ok() && k < a.size(); ++k) op.apply.push_back(Apply{a[k]});
    return op;
  }
  template <class Apply>
  std::optional<column_op> read_two(
      const json_node& node, std::string_view first, std::string_view second,
      bool (*right)(double, double) = [](double, double) { return true; }, std::string_view wanted = {}) {
    node.members({"op", "in", first, second});
    if (!node.ok()) return {};
    elementwise<Apply> op{read_columns(node["in"]), {}};
    const std::vector<double> a = read_each(node[first], op.in.size());
    const std::vector<double> b = read_each(node[second], op.in.size());
    for (std::size_t k = 0; node.ok() && k < a.size(); ++k) {
      if (!right(a[k], b[k])) node.expected(wanted);
      op.apply.push_back(Apply{a[k], b[k]});
    }
    if constexpr (std::same_as<Apply, platt_scale>) apart(bounds::rounding);
    return op;
  }
  std::optional<column_op> read_function(const json_node& node) {
    node.members({"op", "in", "name"});
    if (!node.ok()) return {};
    const std::string name = node["name"].text();
    const auto at = std::ranges::find(function_names, name);
    if (node.ok() && at == std::end(function_names)) {
      node["name"].expected(fmt::format("one of {}", fmt::join(function_names, ", ")));
    }
    if (!node.ok()) return {};
    const auto function = static_cast<function_name>(at - std::begin(function_names));
    if (!correctly_rounded(function)) apart(bounds::functions);
    return apply_function{read_columns(node["in"]), function};
  }
  std::optional<column_op> read_combine(const json_node& node, column_operation what) {
    node.members({"op", "in", "by"});
    if (!node.ok()) return {};
    combine op{read_columns(node["in"]), read_columns(node["by"]), what};
    if (node.ok() && op.in.size() != op.by.size()) {
      node["by"].fail(errc::structure,
                      fmt::format("expected {} columns as in \"in\", found {}", op.in.size(), op.by.size()));
    }
    return op;
  }
  std::optional<column_op> read_require_finite(const json_node& node) {
    node.members({"op", "in", "missing"});
    if (!node.ok()) return {};
    return require_finite{read_columns(node["in"]), node["missing"].boolean()};
  }
  template <class Op>
  std::optional<column_op> read_plain(const json_node& node, double bound) {
    node.members({"op", "in"});
    if (!node.ok()) return {};
    apart(bound);
    return Op{read_columns(node["in"])};
  }

  // Categories.

  category_keys read_keys(const json_node& node) {
    category_keys keys;
    const json_node in = node["in"];
    std::size_t inputs = 0;
    in.each([&](const json_node& id) {
      ++inputs;
      const std::uint64_t column = id.count();
      const bool is_text = column >= program_.numeric && column - program_.numeric < program_.text;
      keys.in = is_text ? static_cast<column_id>(column) : read_column(id);
      if (is_text) keys.field = static_cast<std::size_t>(column) - program_.numeric;
    });
    if (node.ok() && inputs != 1) in.fail(errc::structure, fmt::format("expected one column, found {}", inputs));
    if (!node.ok()) return keys;
    std::vector<std::optional<std::string>> texts;
    std::vector<double> numbers;
    node["keys"].each([&](const json_node& key) {
      if (keys.is_text()) {
        texts.push_back(key.is_null() ? std::optional<std::string>() : key.text());
        keys.absent_is_key = keys.absent_is_key || !texts.back();
      } else {
        numbers.push_back(read_number(key));
        keys.absent_is_key = keys.absent_is_key || std::isnan(numbers.back());
      }
    });
    if (!node.ok()) return keys;
    const auto twice = [&](auto key) {
      node["keys"].fail(errc::structure, fmt::format("the key {} appears twice", key));
    };
    if (keys.is_text()) {
      auto sorted = texts;
      std::ranges::sort(sorted);
      const auto at = std::ranges::adjacent_find(sorted);
      if (at != sorted.end()) twice(*at ? fmt::format("\"{}\"", **at) : std::string("null"));
    } else {
      auto sorted = numbers;
      std::ranges::sort(sorted, [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); });
      const auto at = std::ranges::adjacent_find(
          sorted, [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); });
      if (at != sorted.end()) twice(*at);
    }
    if (!node.ok()) return keys;
    keys.size = texts.size() + numbers.size();
    keys.numbers = number_keys(numbers);
    keys.texts = one_hot(std::move(texts));
    return keys;
  }
  std::optional<column_op> read_lookup(const json_node& node) {
    node.members({"op", "in", "keys", "values"}, {"other"});
    if (!node.ok()) return {};
    lookup op{read_keys(node), {}, std::nullopt};
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
  std::optional<column_op> read_indicators(const json_node& node) {
    node.members({"op", "in", "keys", "columns", "width"}, {"other"});
    if (!node.ok()) return {};
    indicators op{read_keys(node), {}, 0, std::nullopt};
    if (!node.ok()) return {};
    const std::uint64_t width = node["width"].count();
    if (node.ok() && (width == 0 || width > op.keys.size + 1)) {
      node["width"].expected(fmt::format("1 to {}, as many columns as keys and others can set", op.keys.size + 1));
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

  // Several columns of a row.

  std::optional<column_op> read_normalize(const json_node& node) {
    node.members({"op", "in", "norm"});
    if (!node.ok()) return {};
    const std::string name = node["norm"].text();
    if (name != "l1" && name != "l2" && name != "max") node["norm"].expected("\"l1\", \"l2\" or \"max\"");
    apart(bounds::functions);
    return normalize{read_columns(node["in"]), name == "l1" ? norm::l1 : name == "l2" ? norm::l2 : norm::max};
  }
  std::optional<column_op> read_weighted_mean(const json_node& node) {
    node.members({"op", "in", "groups", "weights"});
    if (!node.ok()) return {};
    weighted_mean op{read_columns(node["in"]), {}, 1};
    const std::uint64_t groups = node["groups"].count();
    if (node.ok() && (groups == 0 || op.in.size() % groups != 0)) {
      node["groups"].expected(fmt::format("a number that divides {} columns", op.in.size()));
    }
    if (!node.ok()) return {};
    op.groups = static_cast<std::size_t>(groups);
    if (!node["weights"].is_null()) op.weights = read_numbers(node["weights"], op.groups);
    return op;
  }

  // Models.

  std::optional<column_op> read_linear(const json_node& node) {
    node.members({"op", "in", "coefficients", "intercept"});
    if (!node.ok()) return {};
    linear_model op{read_columns(node["in"]), {}, {}};
    node["coefficients"].each(
        [&](const json_node& output) { op.coefficients.push_back(output.numbers(op.in.size())); });
    if (node.ok()) op.intercept = node["intercept"].numbers(op.coefficients.size());
    if (node.ok() && op.intercept.empty()) node["coefficients"].fail(errc::structure, "expected at least one list");
    apart(bounds::rounding);
    return op;
  }
  std::optional<column_op> read_tree_model(const json_node& node) {
    node.members({"op", "in", "kind", "model", "gives"});
    if (!node.ok()) return {};
    column_list in = read_columns(node["in"]);
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
    const link::function form = trees.output_link.form;
    if (gives == "prediction" && form != link::function::identity && form != link::function::positive &&
        form != link::function::most_likely && form != link::function::signed_square) {
      apart(trees.output_link.single ? bounds::float32 : bounds::rounding);
    }
    auto built = forest::build(std::move(trees), node["model"].place());
    if (!built) {
      node.fail(built.error());
      return {};
    }
    return tree_model{std::move(in), *std::move(built), gives == "prediction"};
  }

  json_node model_;
  std::size_t most_columns_;
  column_program program_;
};

}  // namespace tabscore::detail
