// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/scratch.hpp"
#include "../../../features/feature_block.hpp"
#include "additive_op.hpp"
#include "category_ops.hpp"
#include "column_run.hpp"
#include "curve_ops.hpp"
#include "group_ops.hpp"
#include "model_ops.hpp"
#include "number_ops.hpp"
#include "spline_op.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

using column_op =
    std::variant<elementwise<standardize>, elementwise<rescale>, elementwise<clip>, elementwise<replace_value>,
                 elementwise<is_value>, elementwise<is_above>, elementwise<power_of>, elementwise<single_rounding>,
                 elementwise<platt_scale>, elementwise<bin_of>, elementwise<isotonic_curve>,
                 elementwise<quantile_curve>, power_transform, spline, apply_function, combine, constants,
                 require_finite, lookup, indicators, normalize, softmax_columns, weighted_mean, sum_to_one,
                 linear_model, additive_model, sigmoid_columns, tree_model>;

/// Whether each column that a step makes comes of all its inputs; the others say which with each_input(column, use).
template <class Op>
constexpr bool reads_all(const Op&) noexcept {
  return requires { Op::reads_all; };
}

/// A step: what it does, and the first of the columns that it appends.
struct program_step {
  column_op op;
  column_id first = 0;
};

/// How far apart two right implementations of a step may be, as a probability in the end.
struct bounds {
  static constexpr double exact = 0;
  static constexpr double rounding = 1e-12;   ///< sums in another order, another exp
  static constexpr double functions = 1e-10;  ///< NumPy's functions against the C library's
  static constexpr double float32 = 1e-6;     ///< the exp of a trainer that works in single precision
};

/// A model as a straight line of steps over columns: what a file of kind "pipeline" holds. Precondition of all
/// functions: a reader has checked it, so that every step reads columns that come before its own.
struct column_program {
  std::size_t numeric = 0;  ///< features
  std::size_t text = 0;
  std::vector<program_step> steps;
  std::size_t columns = 0;           ///< features included
  column_list outputs;               ///< two classes: the probability
  column_list margins;               ///< one an output, or none
  bool class_by_margins = false;     ///< of several classes: predict() takes the largest margin,
  bool last_of_equals = false;       ///< and of equal ones the last, not the first
  double bound = 0;                  ///< how far a probability may be from the trainer's
  std::vector<std::int32_t> origin;  ///< of each column: the one feature that it is made of, or one of these:
  static constexpr std::int32_t nothing = -1;
  static constexpr std::int32_t several = -2;

  std::size_t features() const noexcept { return numeric + text; }
  /// A step may move probabilities as far as this from the trainer's.
  void allow(double step_bound) noexcept { bound = (std::max)(bound, step_bound); }

  /// Runs the steps over the block, some rows at a time, and calls use(run) after each.
  template <class Use>
  void each_run(const feature_block& x, scratch& memory, Use use) const {
    const std::size_t made = columns - features();
    // A run's columns stay in the second cache; a run is long enough that a step's own cost does not show.
    constexpr std::size_t numbers = 16384;
    const std::size_t longest = std::clamp<std::size_t>(numbers / (made + 1) / 8 * 8, 16, 256);
    const std::size_t stride = (std::min)(longest, (x.rows + 7) / 8 * 8);
    double* const out = memory.get<double>(made * stride).data();
    const std::span<const double*> column = memory.inner().get<const double*>(columns);
    const std::span<std::uint8_t> faulty = memory.inner().inner().get<std::uint8_t>(stride);
    scratch& free = memory.inner().inner().inner();
    std::fill(column.begin(), column.end(), nullptr);
    for (std::size_t c = 0; c < made; ++c) column[features() + c] = out + c * stride;
    for (std::size_t first = 0; first < x.rows; first += stride) {
      const std::size_t rows = (std::min)(stride, x.rows - first);
      for (std::size_t j = 0; j < numeric; ++j) column[j] = x.column(j) + first;
      std::fill(faulty.begin(), faulty.end(), std::uint8_t{0});
      const column_run run{x, first, rows, stride, column, faulty.data(), free};
      run_steps(run, out);
      use(run);
    }
  }
  /// Runs the steps over some rows; the columns that they make begin at `made`.
  void run_steps(const column_run& run, double* made) const {
    for (const program_step& step : steps) {
      double* const to = made + (step.first - features()) * run.stride;
      std::visit([&](const auto& op) { op.run(run, to); }, step.op);
    }
  }

  /// Columns of each row, row after row, NaN for a row with a fault.
  void values(const feature_block& x, scratch& memory, const column_list& wanted, std::span<double> out) const {
    each_run(x, memory, [&](const column_run& r) {
      const auto put = [&](std::size_t k, auto apart) {
        const double* const value = r.column[wanted[k]];
        double* const to = out.data() + r.first * apart + k;
        for (std::size_t i = 0; i < r.rows; ++i) {
          to[i * apart] = r.faulty[i] != 0 ? std::numeric_limits<double>::quiet_NaN() : value[i];
        }
      };
      if (wanted.size() == 1) return put(0, std::integral_constant<std::size_t, 1>());
      for (std::size_t k = 0; k < wanted.size(); ++k) put(k, wanted.size());
    });
  }

  /// The step that makes a column; none of a feature's own.
  const program_step* maker(column_id column) const noexcept {
    if (column < features()) return nullptr;
    const auto above = std::upper_bound(steps.begin(), steps.end(), column,
                                        [](column_id c, const program_step& step) { return c < step.first; });
    return &*std::prev(above);
  }

  /// How far a row's column may be from the trainer's, where it is no probability: of a sum as far as rounding can move
  /// its terms in any order, and what the inputs' own last bits do to them.
  double column_bound(const feature_block& x, std::size_t row, column_id column) const {
    double size = 0;
    if (!is_exact(column)) each_run_of(x, row, [&](const column_run& r) { size = bound_in(r, column); });
    return size;
  }
  /// The same of a probability: `bound`, and what the last bits of the margins do to it where these are large.
  double chance_bound(const feature_block& x, std::size_t row, column_id column) const {
    const program_step* const step = maker(column);
    double size = bound;
    if (step == nullptr ||
        !(std::holds_alternative<softmax_columns>(step->op) || std::holds_alternative<sigmoid_columns>(step->op))) {
      return size;
    }
    each_run_of(x, row, [&](const column_run& r) {
      std::visit(
          [&](const auto& op) {
            if (op.width() > 1000) return;  // more than classes may be
            op.each_input(column - step->first, [&](column_id margin) {
              if (!is_exact(margin)) size = (std::max)(size, bound + 2 * bound_in(r, margin));
            });
          },
          step->op);
    });
    return size;
  }
  /// Whether a column has the trainer's bits.
  bool is_exact(column_id column) const {
    const program_step* const step = maker(column);
    if (step == nullptr || bound == 0 || std::holds_alternative<additive_model>(step->op)) return true;
    const auto* const trees = std::get_if<tree_model>(&step->op);
    return trees != nullptr && (!trees->predictions || trees->trees.model().output_link.exact());
  }
  /// See column_bound(); of the first row of a run.
  double bound_in(const column_run& r, column_id column) const {
    const program_step* const step = maker(column);
    const auto* const linear = std::get_if<linear_model>(&step->op);
    if (linear == nullptr) return bound * (1 + std::fabs(r.column[column][0]));
    const std::size_t output = column - step->first;
    double size = std::fabs(linear->intercept[output]);
    for (std::size_t k = 0; k < linear->in.size(); ++k) {
      size += std::fabs(r.column[linear->in[k]][0] * linear->coefficients[output][k]);
    }
    const double rounding = 4.0 * static_cast<double>(linear->in.size()) * std::numeric_limits<double>::epsilon() / 2;
    return size * (rounding + (bound > bounds::rounding ? bound : 0));
  }
  /// Runs the steps over one row.
  template <class Use>
  void each_run_of(const feature_block& x, std::size_t row, Use use) const {
    std::vector<const std::string_view*> texts;
    for (const std::string_view* text_column : x.text) texts.push_back(text_column + row);
    scratch memory;
    each_run({1, x.width, x.numeric + row, x.stride, texts}, memory, use);
  }

  /// Fills `origin`.
  void find_origins() {
    origin.clear();
    for (std::size_t f = 0; f < features(); ++f) origin.push_back(static_cast<std::int32_t>(f));
    for (const program_step& step : steps) {
      std::visit(
          [&](const auto& op) {
            std::int32_t from = nothing;
            for (std::size_t k = 0; k < op.width(); ++k) {
              if (k == 0 || !reads_all(op)) {
                from = nothing;
                op.each_input(k, [&](column_id c) {
                  from = from == nothing || from == origin[c] ? origin[c] : origin[c] == nothing ? from : several;
                });
              }
              origin.push_back(from);
            }
          },
          step.op);
    }
  }

  /// The last bits of a linear step depend on the order of its sum: one that reads what is made of such bits may be
  /// further from the trainer's.
  void allow_sums_of_sums() {
    std::vector<bool> summed(features());
    for (const program_step& step : steps) {
      const bool linear = std::holds_alternative<linear_model>(step.op);
      const bool trees = std::holds_alternative<tree_model>(step.op);
      std::visit(
          [&](const auto& op) {
            bool reads = false;
            for (std::size_t k = 0; k < op.width(); ++k) {
              if (k == 0 || !reads_all(op)) {
                reads = false;
                op.each_input(k, [&](column_id c) { reads = reads || summed[c]; });
              }
              summed.push_back(linear || (reads && !trees));
            }
            if (linear && reads) allow(bounds::functions);
          },
          step.op);
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
