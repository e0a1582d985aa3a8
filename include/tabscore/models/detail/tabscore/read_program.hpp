// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/ranges.h>

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

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../../outputs/task.hpp"
#include "../program/column_program.hpp"
#include "read_additive.hpp"
#include "read_category_ops.hpp"
#include "read_columns.hpp"
#include "read_curve_ops.hpp"
#include "read_model_ops.hpp"

// The member "model" of a model file of kind "pipeline", whose features have been read.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Numbers a row that a model may give.
inline constexpr std::size_t max_outputs = 10'000;

/// Reads the steps one after another; each sees the columns before it.
class program_reader {
 public:
  /// `outputs`: what the file says of the model's numbers; none: they are the probability of one of two classes.
  program_reader(const json_node& model, std::size_t numeric, std::size_t text, std::size_t most_columns,
                 const model_outputs* outputs = nullptr)
      : model_(model), most_columns_(most_columns), outputs_(outputs) {
    program_.numeric = numeric;
    program_.text = text;
    program_.columns = numeric + text;
  }

  std::shared_ptr<const column_program> read() {
    if (outputs_ == nullptr) {
      model_.members({"steps", "probability"}, {"margin"});
    } else {
      model_.members({"steps", "outputs"}, {"margins", "class_by"});
    }
    if (!model_.ok()) return nullptr;
    model_["steps"].each([&](const json_node& step) { add(step); });
    if (outputs_ == nullptr) {
      program_.outputs = {read_column(model_["probability"], program_)};
      if (model_.has("margin")) program_.margins = {read_column(model_["margin"], program_)};
    } else {
      read_outputs();
    }
    if (!model_.ok()) return nullptr;
    program_.find_origins();
    program_.allow_sums_of_sums();
    return std::make_shared<const column_program>(std::move(program_));
  }

 private:
  void read_outputs() {
    program_.outputs = read_columns(model_["outputs"], program_);
    const std::size_t found = program_.outputs.size();
    const std::size_t wanted = outputs_->columns;
    if (model_.ok() && wanted != 0 && found != wanted) {
      model_["outputs"].fail(errc::structure,
                             fmt::format("expected {} columns, as many as outputs says, found {}", wanted, found));
    }
    if (model_.ok() && found > max_outputs) {
      model_["outputs"].fail(errc::unsupported,
                             fmt::format("expected at most {} columns, found {}", max_outputs, found));
    }
    if (model_.has("margins")) {
      program_.margins = read_columns(model_["margins"], program_);
      if (model_.ok() && program_.margins.size() != found) {
        model_["margins"].fail(errc::structure, fmt::format("expected {} columns, one per output, found {}", found,
                                                            program_.margins.size()));
      }
    }
    if (!model_.has("class_by")) return;
    const std::string by = model_["class_by"].text();
    program_.last_of_equals = by == "last_margins";
    program_.class_by_margins = by == "margins" || by == "last_margins";
    if (!program_.class_by_margins && by != "outputs") {
      model_["class_by"].expected("\"margins\", \"last_margins\" or \"outputs\"");
    }
    if (program_.class_by_margins && (outputs_->task != task::multiclass || program_.margins.empty())) {
      model_["class_by"].fail(errc::structure, "expected several classes and the member margins beside it");
    }
  }

  void add(const json_node& node) {
    if (!node.has("op")) return node.fail(errc::structure, "expected an object with the member op");
    const std::string name = node["op"].text();
    std::optional<column_op> op = read_op(node, name);
    if (!node.ok()) return;
    if (!op) {
      return node["op"].fail(errc::unsupported, fmt::format("unknown step \"{}\"; a newer tabscore may know it", name));
    }
    const std::size_t width = std::visit([](const auto& o) { return o.width(); }, *op);
    if (width > most_columns_ - (std::min)(most_columns_, program_.columns)) {
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
    if (name == "power") {
      program_.allow(bounds::functions);
      return read_one<power_of>(node, "exponent");
    }
    if (name == "function") return read_function(node);
    if (name == "float32") return read_single(node);
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
    if (name == "bins") return read_bins(node, program_);
    if (name == "yeo_johnson" || name == "box_cox") return read_power(node, program_);
    if (name == "quantile") return read_quantile(node, program_);
    if (name == "isotonic") return read_isotonic(node, program_);
    if (name == "spline") return read_spline(node, program_);
    if (name == "lookup") return read_lookup(node, program_);
    if (name == "one_hot") return read_indicators(node, program_);
    if (name == "normalize") return read_normalize(node);
    if (name == "softmax") return read_plain<softmax_columns>(node, bounds::rounding);
    if (name == "sum_to_one") return read_sum_to_one(node);
    if (name == "sigmoid") return read_plain<sigmoid_columns>(node, bounds::rounding);
    if (name == "weighted_mean") return read_weighted_mean(node);
    if (name == "linear") return read_linear(node, program_);
    if (name == "additive") return read_additive(node, program_);
    if (name == "trees") return read_tree_model(node, program_);
    return std::nullopt;
  }

  // Steps of numbers.

  template <class Apply>
  std::optional<column_op> read_one(const json_node& node, std::string_view first) {
    node.members({"op", "in", first});
    if (!node.ok()) return {};
    elementwise<Apply> op{read_columns(node["in"], program_), {}};
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
    elementwise<Apply> op{read_columns(node["in"], program_), {}};
    const std::vector<double> a = read_each(node[first], op.in.size());
    const std::vector<double> b = read_each(node[second], op.in.size());
    for (std::size_t k = 0; node.ok() && k < a.size(); ++k) {
      if (!right(a[k], b[k])) node.expected(wanted);
      op.apply.push_back(Apply{a[k], b[k]});
    }
    if constexpr (std::same_as<Apply, platt_scale>) program_.allow(bounds::rounding);
    return op;
  }
  std::optional<column_op> read_function(const json_node& node) {
    node.members({"op", "in", "name"});
    if (!node.ok()) return {};
    const std::string name = node["name"].text();
    const auto at = std::find(std::begin(function_names), std::end(function_names), name);
    if (node.ok() && at == std::end(function_names)) {
      node["name"].expected(fmt::format("one of {}", fmt::join(function_names, ", ")));
    }
    if (!node.ok()) return {};
    const auto function = static_cast<function_name>(at - std::begin(function_names));
    if (!correctly_rounded(function)) program_.allow(bounds::functions);
    return apply_function{read_columns(node["in"], program_), function};
  }
  std::optional<column_op> read_combine(const json_node& node, column_operation what) {
    node.members({"op", "in", "by"});
    if (!node.ok()) return {};
    combine op{read_columns(node["in"], program_), read_columns(node["by"], program_), what};
    if (node.ok() && op.in.size() != op.by.size()) {
      node["by"].fail(errc::structure,
                      fmt::format("expected {} columns as in \"in\", found {}", op.in.size(), op.by.size()));
    }
    return op;
  }
  std::optional<column_op> read_require_finite(const json_node& node) {
    node.members({"op", "in", "missing"});
    if (!node.ok()) return {};
    return require_finite{{read_columns(node["in"], program_)}, node["missing"].boolean()};
  }
  template <class Op>
  std::optional<column_op> read_plain(const json_node& node, double bound) {
    node.members({"op", "in"});
    if (!node.ok()) return {};
    program_.allow(bound);
    return Op{{read_columns(node["in"], program_)}};
  }

  std::optional<column_op> read_single(const json_node& node) {
    node.members({"op", "in"});
    if (!node.ok()) return {};
    elementwise<single_rounding> op{read_columns(node["in"], program_), {}};
    op.apply.resize(op.in.size());
    program_.allow(bounds::float32);
    return op;
  }

  // Several columns of a row.

  std::optional<column_op> read_sum_to_one(const json_node& node) {
    node.members({"op", "in"}, {"zero"});
    if (!node.ok()) return {};
    if (node.has("zero") && !node["zero"].is_null()) node["zero"].expected("null");
    program_.allow(bounds::rounding);
    return sum_to_one{{read_columns(node["in"], program_)}, node.has("zero")};
  }

  std::optional<column_op> read_normalize(const json_node& node) {
    node.members({"op", "in", "norm"});
    if (!node.ok()) return {};
    const std::string name = node["norm"].text();
    if (name != "l1" && name != "l2" && name != "max") node["norm"].expected("\"l1\", \"l2\" or \"max\"");
    program_.allow(bounds::functions);
    const norm by = name == "l1" ? norm::l1 : name == "l2" ? norm::l2 : norm::max;
    return normalize{{read_columns(node["in"], program_)}, by};
  }
  std::optional<column_op> read_weighted_mean(const json_node& node) {
    node.members({"op", "in", "groups", "weights"});
    if (!node.ok()) return {};
    weighted_mean op{read_columns(node["in"], program_), {}, 1};
    const std::uint64_t groups = node["groups"].count();
    if (node.ok() && (groups == 0 || op.in.size() % groups != 0)) {
      node["groups"].expected(fmt::format("a number that divides {} columns", op.in.size()));
    }
    if (!node.ok()) return {};
    op.groups = static_cast<std::size_t>(groups);
    if (!node["weights"].is_null()) op.weights = read_numbers(node["weights"], op.groups);
    return op;
  }

  json_node model_;
  std::size_t most_columns_;
  const model_outputs* outputs_;
  column_program program_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
