// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

#include "../../../core/config.hpp"
#include "../../feature_fault.hpp"
#include "column_program.hpp"

// Why a row has no probability, and which features cannot do without a value: asked once something is wrong.
namespace tabscore::inline TABSCORE_ABI::detail {

/// What a column of the first row of a run has of the feature that it comes from.
inline feature_fault fault_of(const column_program& p, const column_run& r, column_id c, fault otherwise) {
  const std::int32_t from = p.origin[c];
  if (from < 0) return {feature_fault::no_feature, otherwise};
  const auto feature = static_cast<std::size_t>(from);
  const bool missing =
      feature < p.numeric ? std::isnan(r.column[feature][0]) : r.text(feature - p.numeric)->data() == nullptr;
  return {feature, missing ? fault::model_needs : otherwise};
}

/// What the step refuses of the first row of a run, if anything.
template <class Op>
std::optional<feature_fault> refusal(const column_program& p, const column_run& r, const Op& op) {
  std::optional<feature_fault> found;
  if constexpr (std::same_as<Op, lookup> || std::same_as<Op, indicators>) {
    if (op.other) return found;
    column_run one = r;
    one.rows = 1;
    op.keys.each(one, [&](std::size_t, std::int32_t code) {
      if (code == one_hot::unknown) found = fault_of(p, r, op.keys.in, fault::unlisted);
    });
  } else if constexpr (std::same_as<Op, additive_model>) {
    column_run one = r;
    one.rows = 1;
    op.each_term(one, [&](const additive_model::term& t, const std::uint32_t* cell) {
      const bool any =
          std::any_of(t.values.begin(), t.values.end(), [&](const auto& v) { return std::isnan(v[*cell]); });
      for (std::size_t a = 0; any && !found && a < t.axes.size(); ++a) {
        const bin_axis& axis = op.axes[t.axes[a]];
        const std::size_t bin = *cell / t.strides[a] % axis.bins();
        if (bin != axis.bin_of_missing() && bin + 1 != axis.bins() && a + 1 != t.axes.size()) continue;
        found = fault_of(p, r, axis.in(), axis.by_keys() ? fault::unlisted : fault::not_finite);
      }
    });
  } else if constexpr (requires { op.allows(0, 0.0); }) {
    for (std::size_t k = 0; k == 0 || (k < op.width() && !found); ++k) {
      op.each_input(k, [&](column_id c) {
        if (!found && !op.allows(k, r.column[c][0])) found = fault_of(p, r, c, fault::not_finite);
      });
    }
  }
  return found;
}

/// Why a block of one row has no probability: the first step that refuses its value, or where its NaN comes from.
inline feature_fault find_fault(const column_program& p, const feature_block& row, scratch& memory) {
  feature_fault found;
  p.each_run(row, memory, [&](const column_run& r) {
    for (const program_step& step : p.steps) {
      const auto refused = std::visit([&](const auto& op) { return refusal(p, r, op); }, step.op);
      if (refused) {
        found = *refused;
        return;
      }
    }
    const auto missing =
        std::find_if(p.outputs.begin(), p.outputs.end(), [&](column_id c) { return std::isnan(r.column[c][0]); });
    column_id at = missing == p.outputs.end() ? p.outputs.front() : *missing;
    for (std::size_t s = p.steps.size(); s-- > 0 && at >= p.features();) {
      if (at < p.steps[s].first || !std::isnan(r.column[at][0])) continue;
      std::visit(
          [&](const auto& op) {
            std::optional<column_id> nan;
            op.each_input(at - p.steps[s].first, [&](column_id c) {
              const bool is_text = c >= p.numeric && c < p.features();
              if (!nan && (is_text || std::isnan(r.column[c][0]))) nan = c;
            });
            if (nan) {
              at = *nan;
            } else {
              s = 0;  // it was made here
            }
          },
          p.steps[s].op);
    }
    found = fault_of(p, r, at, at >= p.numeric && at < p.features() ? fault::unlisted : fault::not_finite);
  });
  return found;
}

/// The number that a missing value becomes, or nothing: it is a fault.
inline std::optional<double> value_of_missing(const lookup& op) {
  return op.keys.absent_is_key ? op.values[static_cast<std::size_t>(op.keys.absent_code())] : op.other;
}
inline std::optional<double> value_of_missing(const indicators& op) {
  return op.keys.absent_is_key || op.other ? std::optional(0.0) : std::nullopt;
}

/// Whether a feature's value may be missing: the model gives a probability even so.
inline bool takes_missing(const column_program& p, std::size_t feature) {
  std::vector<bool> missing(p.columns);  // NaN for want of this feature
  missing[feature] = true;
  bool refused = false;
  for (const program_step& step : p.steps) {
    std::visit(
        [&]<class Op>(const Op& op) {
          bool any = false;
          for (std::size_t k = 0; k == 0 || k < op.width(); ++k) {
            if (k == 0 || !reads_all(op)) {
              any = false;
              op.each_input(k, [&](column_id c) { any = any || missing[c]; });
            }
            bool stays = any;
            if constexpr (requires { value_of_missing(op); }) {
              const std::optional<double> value = value_of_missing(op);
              refused = refused || (any && !value);
              stays = any && value && std::isnan(*value);
            } else if constexpr (std::same_as<Op, elementwise<replace_value>>) {
              stays = any && !std::isnan(op.apply[k].from);
            } else if constexpr (std::same_as<Op, elementwise<is_value>> || std::same_as<Op, elementwise<is_above>>) {
              stays = false;
            } else if constexpr (std::same_as<Op, tree_model>) {
              stays = any && op.trees.model().accepts == input_rule::finite;
            } else if constexpr (std::same_as<Op, additive_model>) {
              stays = any && op.needs_values([&](column_id c) { return missing[c]; });
            } else if constexpr (std::same_as<Op, spline>) {
              stays = any && !op.zero_missing;
            } else if constexpr (requires { op.allows(k, 0.0); }) {
              refused = refused || (any && !op.allows(k, std::nan("")));
            }
            if (k < op.width()) missing[step.first + k] = stays;
          }
        },
        step.op);
  }
  return !refused && std::none_of(p.outputs.begin(), p.outputs.end(), [&](column_id c) { return missing[c]; });
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
