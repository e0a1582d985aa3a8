// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"
#include "../../forest.hpp"
#include "../../matrix_view.hpp"
#include "../sigmoid.hpp"
#include "column_run.hpp"

// Steps of a program that are models: columns in, margins or predictions out.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Each output: its products in the order of the inputs, then the intercept.
struct linear_model : all_inputs {
  std::vector<std::vector<double>> coefficients;  ///< per output, one per input
  std::vector<double> intercept;                  ///< one per output

  std::size_t width() const noexcept { return intercept.size(); }
  void run(const column_run& r, double* out) const {
    for (std::size_t o = 0; o < width(); ++o, out += r.stride) {
      std::fill_n(out, r.rows, 0.0);
      for (std::size_t k = 0; k < in.size(); ++k) {
        const double* const x = r.column[in[k]];
        const double c = coefficients[o][k];
        for (std::size_t i = 0; i < r.rows; ++i) out[i] += exact::product(x[i], c);
      }
      for (std::size_t i = 0; i < r.rows; ++i) out[i] += intercept[o];
    }
  }
};

/// 1 / (1 + exp(-x)), with the exp of the C library.
struct sigmoid_columns {
  column_list in;

  std::size_t width() const noexcept { return in.size(); }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    use(in[k]);
  }
  void run(const column_run& r, double* out) const {
    static const sigmoid_kernel apply = sigmoid_kernel_for(kernel::best);
    for (const column_id c : in) {
      std::copy_n(r.column[c], r.rows, out);
      apply(out, r.rows);
      out += r.stride;
    }
  }
};

/// What the trees say of the inputs: their margins, or their predictions.
struct tree_model : all_inputs {
  forest trees;
  bool predictions = false;

  std::size_t width() const noexcept { return predictions ? trees.predictions() : trees.outputs(); }
  void run(const column_run& r, double* out) const {
    if (trees.model().input == precision::float32) return run_as<float>(r, out);
    run_as<double>(r, out);
  }

  /// The inputs, row after row, in the precision in which the trees compare them.
  template <class Number>
  void gather(const column_run& r, Number* to) const {
    for (std::size_t k = 0; k < in.size(); ++k) {
      const double* const x = r.column[in[k]];
      for (std::size_t i = 0; i < r.rows; ++i) to[i * in.size() + k] = static_cast<Number>(x[i]);
    }
  }

 private:
  template <class Number>
  void run_as(const column_run& r, double* out) const {
    const std::span<Number> rows = r.memory.get<Number>(r.rows * in.size());
    gather(r, rows.data());
    const auto x = row_major(static_cast<const Number*>(rows.data()), r.rows, in.size());
    scratch& more = r.memory.inner();
    const std::size_t outputs = trees.outputs();
    const std::span<double> margins = more.get<double>(r.rows * outputs + width());
    trees.margins(x, margins.first(r.rows * outputs), more.inner());
    const std::span<double> row = margins.last(width());
    for (std::size_t i = 0; i < r.rows; ++i) {
      const std::span<double> of_row = margins.subspan(i * outputs, outputs);
      if (predictions) {
        trees.model().output_link.apply(of_row, row);
        for (std::size_t o = 0; o < row.size(); ++o) out[o * r.stride + i] = row[o];
      } else {
        for (std::size_t o = 0; o < outputs; ++o) out[o * r.stride + i] = of_row[o];
      }
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
