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

// Steps of a program that bend numbers along learnt curves.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Finite numbers, each at least (above: greater than) the one before, `least` of them.
inline std::vector<double> read_ascending(const json_node& node, std::size_t least, bool above) {
  std::vector<double> all;
  node.each([&](const json_node& value) {
    const double x = value.number();
    if (value.ok() && !all.empty() && !(above ? x > all.back() : x >= all.back())) {
      value.expected(above ? "a number greater than the one before" : "a number not below the one before");
    }
    all.push_back(x);
  });
  if (node.ok() && all.size() < least) {
    node.fail(errc::structure, fmt::format("expected at least {} numbers, found {}", least, all.size()));
  }
  return all;
}

/// One list per column; read(list) gives what is kept of it.
template <class Read>
void read_lists(const json_node& node, std::size_t columns, Read read) {
  std::size_t lists = 0;
  node.each([&](const json_node& list) {
    ++lists;
    read(list);
  });
  if (node.ok() && lists != columns) {
    node.fail(errc::structure, fmt::format("expected {} lists, one per column, found {}", columns, lists));
  }
}

inline std::optional<column_op> read_bins(const json_node& node, column_program& program) {
  node.members({"op", "in", "edges"});
  if (!node.ok()) return {};
  elementwise<bin_of> op{read_columns(node["in"], program), {}};
  read_lists(node["edges"], op.in.size(),
             [&](const json_node& edges) { op.apply.push_back({read_ascending(edges, 0, false)}); });
  return op;
}

inline std::optional<column_op> read_power(const json_node& node, column_program& program) {
  using form = power_transform::form;
  const bool box_cox = node["op"].text() == "box_cox";
  if (box_cox) {
    node.members({"op", "in", "lambda"});
  } else {
    node.members({"op", "in", "lambda", "form"});
  }
  if (!node.ok()) return {};
  power_transform op{read_columns(node["in"], program), {}, form::box_cox};
  op.lambda = read_each(node["lambda"], op.in.size());
  for (const double l : op.lambda) {
    if (!std::isfinite(l)) node["lambda"].expected("finite numbers");
  }
  if (!box_cox) {
    const std::string name = node["form"].text();
    if (name != "power" && name != "expm1") node["form"].expected("\"power\" or \"expm1\"");
    op.how = name == "power" ? form::yeo_johnson_power : form::yeo_johnson_expm1;
  }
  program.allow(bounds::functions);
  return op;
}

inline std::optional<column_op> read_quantile(const json_node& node, column_program& program) {
  node.members({"op", "in", "quantiles", "references", "output"});
  if (!node.ok()) return {};
  elementwise<quantile_curve> op{read_columns(node["in"], program), {}};
  const std::vector<double> references = read_ascending(node["references"], 1, false);
  const std::string output = node["output"].text();
  if (output != "uniform" && output != "normal") node["output"].expected("\"uniform\" or \"normal\"");
  // Each column keeps the references, so that their numbers are those of its own quantiles.
  read_lists(node["quantiles"], op.in.size(), [&](const json_node& list) {
    std::vector<double> quantiles = read_ascending(list, 1, false);
    if (list.ok() && quantiles.size() != references.size()) {
      list.fail(errc::structure,
                fmt::format("expected {} numbers as in references, found {}", references.size(), quantiles.size()));
    }
    if (list.ok()) op.apply.emplace_back(std::move(quantiles), references, output == "normal");
  });
  if (output == "normal") program.allow(bounds::functions);
  return op;
}

inline std::optional<column_op> read_isotonic(const json_node& node, column_program& program) {
  node.members({"op", "in", "x", "y"});
  if (!node.ok()) return {};
  elementwise<isotonic_curve> op{read_columns(node["in"], program), {}};
  if (node.ok() && op.in.size() != 1) {
    node["in"].fail(errc::structure, fmt::format("expected one column, found {}", op.in.size()));
  }
  std::vector<double> x = read_ascending(node["x"], 1, false);
  std::vector<double> y = node["y"].numbers(x.size());
  if (node.ok()) op.apply.push_back({std::move(x), std::move(y)});
  return op;
}

inline std::optional<column_op> read_spline(const json_node& node, column_program& program) {
  using beyond = spline::beyond;
  node.members({"op", "in", "knots", "degree", "extrapolation", "bias"}, {"missing"});
  if (!node.ok()) return {};
  spline op{read_columns(node["in"], program), {}, beyond::error, node["bias"].boolean(), false};
  const std::uint64_t degree = node["degree"].count();
  if (node.ok() && (degree < 1 || degree > spline_basis::max_degree)) {
    node["degree"].expected(fmt::format("1 to {}", spline_basis::max_degree));
  }
  constexpr std::pair<std::string_view, beyond> names[] = {{"error", beyond::error},
                                                           {"constant", beyond::constant},
                                                           {"linear", beyond::linear},
                                                           {"continue", beyond::keep_on},
                                                           {"periodic", beyond::periodic}};
  const std::string name = node["extrapolation"].text();
  const auto found = std::find_if(std::begin(names), std::end(names), [&](const auto& n) { return n.first == name; });
  if (node.ok() && found == std::end(names)) {
    node["extrapolation"].expected("\"error\", \"constant\", \"linear\", \"continue\" or \"periodic\"");
  }
  if (!node.ok()) return {};
  op.extrapolation = found->second;
  if (node.has("missing")) {
    if (node["missing"].text() != "zeros") node["missing"].expected("\"zeros\"");
    op.zero_missing = true;
  }
  const auto d = static_cast<std::size_t>(degree);
  // A period has as many splines as its degree, or more; lines that begin one knot further in need that knot.
  const std::size_t least = 2 * d + 2 + (op.extrapolation == beyond::periodic ? d - 1 : 0) +
                            (op.extrapolation == beyond::linear && d == 1 && op.in.size() > 1 ? 1 : 0);
  read_lists(node["knots"], op.in.size(), [&](const json_node& list) {
    spline_basis basis{read_ascending(list, least, false), d};
    if (!list.ok()) return;
    if (!op.basis.empty() && basis.knots.size() != op.basis[0].knots.size()) {
      list.fail(errc::structure, fmt::format("expected {} knots as in the first list, found {}",
                                             op.basis[0].knots.size(), basis.knots.size()));
    } else if (!(basis.low() < basis.high())) {
      list.expected("knots between which there is room");
    }
    op.basis.push_back(std::move(basis));
  });
  if (node.ok() && op.per_input() == 0) node["bias"].expected("true where there is one spline");
  return op;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
