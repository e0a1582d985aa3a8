// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/detail/json_node.hpp"
#include "../../../outputs/reasons.hpp"
#include "../program/column_program.hpp"
#include "read_category_ops.hpp"
#include "read_columns.hpp"
#include "read_curve_ops.hpp"

// The step "additive" of a program.
namespace tabscore::inline TABSCORE_ABI::detail {

inline bin_axis read_axis(const json_node& node, const json_node& in, const column_program& program) {
  if (node.has("keys") && !node.has("cuts")) {
    node.members({"keys"});
    return bin_axis(read_keys(in, node["keys"], program));
  }
  node.members({"cuts"});
  const column_id column = node.ok() ? read_column(in, program) : 0;
  return {column, node.ok() ? read_ascending(node["cuts"], 0, true) : std::vector<double>()};
}

/// The reasons of a term's cells; null is no reason. Equal codes are one reason.
inline std::vector<std::uint16_t> read_bin_reasons(const json_node& node, std::size_t cells,
                                                   std::vector<reason>& known) {
  std::vector<std::uint16_t> of_cells;
  node.each([&](const json_node& cell) {
    of_cells.push_back(record_reasons::none);
    if (cell.is_null()) return;
    cell.members({"code", "text"});
    if (!cell.ok()) return;
    reason found{cell["code"].name(), cell["text"].name(), {}};
    const auto at = std::find_if(known.begin(), known.end(), [&](const reason& r) { return r.code == found.code; });
    of_cells.back() = static_cast<std::uint16_t>(at - known.begin());
    if (at != known.end()) {
      if (at->text != found.text) cell["text"].fail(errc::structure, "the code has another text in another bin");
    } else if (known.size() == max_reason_groups) {
      cell.fail(errc::structure, fmt::format("expected at most {} codes", max_reason_groups));
    } else {
      known.push_back(std::move(found));
    }
  });
  if (node.ok() && of_cells.size() != cells) {
    node.fail(errc::structure, fmt::format("expected {} reasons, one per bin, found {}", cells, of_cells.size()));
  }
  return of_cells;
}

/// `axes` are those of the step, `reasons` those of the terms before.
inline additive_model::term read_term(const json_node& node, const std::vector<bin_axis>& axes, std::size_t outputs,
                                      std::vector<reason>& reasons) {
  additive_model::term term;
  node.members({"bins", "values"}, {"reasons"});
  if (!node.ok()) return term;
  node["bins"].each([&](const json_node& at) {
    const std::uint64_t axis = at.count();
    if (at.ok() && axis >= axes.size()) at.expected(fmt::format("a number below {}, as many as bins", axes.size()));
    for (const std::uint32_t before : term.axes) {
      if (at.ok() && before == axis) at.fail(errc::structure, "the term reads these bins twice");
    }
    term.axes.push_back(static_cast<std::uint32_t>(axis));
  });
  if (!node.ok()) return term;
  node["values"].each([&](const json_node& output) { term.values.push_back(read_numbers(output)); });
  if (!node.ok()) return term;
  if (term.values.size() != outputs) {
    node["values"].fail(errc::structure, fmt::format("expected {} lists, one per number of the intercept, found {}",
                                                     outputs, term.values.size()));
    return term;
  }
  // Never more cells than numbers in the file, so that nothing overflows.
  constexpr std::uint64_t most = (std::numeric_limits<std::uint32_t>::max)();
  std::uint64_t cells = 1;
  term.strides.resize(term.axes.size());
  for (std::size_t a = term.axes.size(); a-- > 0 && cells <= most;) {
    term.strides[a] = static_cast<std::uint32_t>(cells);
    cells *= axes[term.axes[a]].bins();
  }
  for (const std::vector<double>& of_output : term.values) {
    if (of_output.size() == cells) continue;
    node["values"].fail(
        errc::structure,
        cells > most ? std::string("the term has more than 4294967295 cells")
                     : fmt::format("expected lists of {} numbers, one per cell, found {}", cells, of_output.size()));
    break;
  }
  if (!node.ok() || !node.has("reasons")) return term;
  if (term.axes.size() != 1) node["reasons"].fail(errc::structure, "reasons belong to the bins of one column");
  if (node.ok()) term.reasons = read_bin_reasons(node["reasons"], static_cast<std::size_t>(cells), reasons);
  return term;
}

inline std::optional<column_op> read_additive(const json_node& node, column_program& program) {
  node.members({"op", "in", "bins", "intercept", "terms"});
  if (!node.ok()) return {};
  additive_model op;
  std::vector<json_node> inputs;
  node["in"].each([&](const json_node& in) { inputs.push_back(in); });
  if (node.ok()) {
    node["bins"].each([&](const json_node& axis) {
      if (op.axes.size() == inputs.size()) {
        return axis.fail(errc::structure, fmt::format("expected {} bins, one per column of in", inputs.size()));
      }
      op.axes.push_back(read_axis(axis, inputs[op.axes.size()], program));
      op.in.push_back(op.axes.back().in());
    });
  }
  if (node.ok() && op.axes.size() != inputs.size()) {
    node["bins"].fail(errc::structure,
                      fmt::format("expected {} bins, one per column of in, found {}", inputs.size(), op.axes.size()));
  }
  if (node.ok()) node["intercept"].each([&](const json_node& x) { op.intercept.push_back(x.number()); });
  if (node.ok() && op.intercept.empty()) node["intercept"].fail(errc::structure, "expected at least one number");
  if (node.ok()) {
    node["terms"].each(
        [&](const json_node& term) { op.terms.push_back(read_term(term, op.axes, op.intercept.size(), op.reasons)); });
  }
  if (!node.ok()) return {};
  return op;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
