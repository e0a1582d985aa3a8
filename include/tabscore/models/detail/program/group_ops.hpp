// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"
#include "column_run.hpp"
#include "numpy_sum.hpp"

// Steps of a program that read several numbers of a row together.
namespace tabscore::inline TABSCORE_ABI::detail {

enum class norm : std::uint8_t { l1, l2, max };

/// Divides a row's numbers by their norm: scikit-learn's Normalizer. A norm below 10 epsilon counts as 1.
struct normalize : all_inputs {
  norm by{};

  std::size_t width() const noexcept { return in.size(); }
  void run(const column_run& r, double* out) const {
    const std::span<double> row = r.memory.get<double>(in.size());
    for (std::size_t i = 0; i < r.rows; ++i) {
      for (std::size_t k = 0; k < in.size(); ++k) {
        const double x = r.column[in[k]][i];
        row[k] = by == norm::l2 ? exact::product(x, x) : std::fabs(x);
      }
      double size = 0;
      if (by == norm::max) {
        for (const double x : row) size = size >= x || size != size ? size : x;  // NaN stays, as in np.max
      } else {
        size = numpy_sum(row);
      }
      if (by == norm::l2) size = std::sqrt(size);
      if (size < 10 * std::numeric_limits<double>::epsilon()) size = 1;
      for (std::size_t k = 0; k < in.size(); ++k) out[k * r.stride + i] = r.column[in[k]][i] / size;
    }
  }
};

/// exp(x - max) divided by their sum: scikit-learn's softmax.
struct softmax_columns : all_inputs {
  std::size_t width() const noexcept { return in.size(); }
  void run(const column_run& r, double* out) const {
    const std::span<double> row = r.memory.get<double>(in.size());
    for (std::size_t i = 0; i < r.rows; ++i) {
      double largest = r.column[in[0]][i];
      for (const column_id c : in) {
        const double x = r.column[c][i];
        if (x > largest || x != x) largest = x;
      }
      for (std::size_t k = 0; k < in.size(); ++k) row[k] = std::exp(r.column[in[k]][i] - largest);
      const double sum = numpy_sum(row);
      for (std::size_t k = 0; k < in.size(); ++k) out[k * r.stride + i] = row[k] / sum;
    }
  }
};

/// `in` is groups of width() columns: column k is the mean of every group's column k, in the order of np.average.
struct weighted_mean {
  column_list in;
  std::vector<double> weights;  ///< one per group; empty: a plain mean
  std::size_t groups = 1;

  std::size_t width() const noexcept { return in.size() / groups; }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    for (std::size_t g = 0; g < groups; ++g) use(in[g * width() + k]);
  }
  void run(const column_run& r, double* out) const {
    const std::size_t n = width();
    const double total = weights.empty() ? static_cast<double>(groups) : numpy_sum(weights);
    for (std::size_t k = 0; k < n; ++k, out += r.stride) {
      std::fill_n(out, r.rows, 0.0);
      for (std::size_t g = 0; g < groups; ++g) {
        const double* const x = r.column[in[g * n + k]];
        if (weights.empty()) {
          for (std::size_t i = 0; i < r.rows; ++i) out[i] += x[i];
        } else {
          for (std::size_t i = 0; i < r.rows; ++i) out[i] += exact::product(x[i], weights[g]);
        }
      }
      for (std::size_t i = 0; i < r.rows; ++i) out[i] /= total;
    }
  }
};

/// Divides a row's numbers by their sum; where that is 0 all become equal, or NaN. Numbers barely above 1 become 1: the
/// probabilities of scikit-learn's calibration of several classes.
struct sum_to_one : all_inputs {
  bool zero_is_nan = false;

  std::size_t width() const noexcept { return in.size(); }
  void run(const column_run& r, double* out) const {
    const std::span<double> row = r.memory.get<double>(in.size());
    for (std::size_t i = 0; i < r.rows; ++i) {
      for (std::size_t k = 0; k < in.size(); ++k) row[k] = r.column[in[k]][i];
      const double sum = numpy_sum(row);
      for (std::size_t k = 0; k < in.size(); ++k) {
        const double p = sum != 0 || zero_is_nan ? row[k] / sum : 1.0 / static_cast<double>(in.size());
        out[k * r.stride + i] = p > 1.0 && p <= 1.0 + 1e-5 ? 1.0 : p;
      }
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
