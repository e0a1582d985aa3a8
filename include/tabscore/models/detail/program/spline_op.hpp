// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"
#include "column_run.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The basis splines of one degree over one list of knots, in the order of operations of SciPy's BSpline.
struct spline_basis {
  static constexpr std::size_t max_degree = 32;
  using values = std::array<double, 2 * max_degree + 2>;

  std::vector<double> knots;  ///< ascending, at least 2 * degree + 2
  std::size_t degree = 1;

  std::size_t size() const noexcept { return knots.size() - degree - 1; }
  double low() const noexcept { return knots[degree]; }
  double high() const noexcept { return knots[size()]; }

  /// Values (or first derivatives) of the degree + 1 splines that are not 0 at x, and the number of the first of them.
  std::size_t at(double x, bool derivative, values& h) const noexcept {
    const auto begin = knots.begin() + static_cast<std::ptrdiff_t>(degree);
    const auto end = knots.begin() + static_cast<std::ptrdiff_t>(size());
    const auto interval = static_cast<std::size_t>(std::upper_bound(begin + 1, end, x) - knots.begin()) - 1;
    double* const before = h.data() + degree + 1;
    h[0] = 1;
    for (std::size_t j = 1; j <= degree; ++j) {
      std::copy_n(h.begin(), j, before);
      h[0] = 0;
      for (std::size_t n = 1; n <= j; ++n) {
        const double right = knots[interval + n];
        const double left = knots[interval + n - j];
        const bool last = derivative && j == degree;
        if (right == left) {
          h[last ? 1 : n] = 0;
        } else if (last) {
          const double w = static_cast<double>(j) * before[n - 1] / (right - left);
          h[n - 1] -= w;
          h[n] = w;
        } else {
          const double w = before[n - 1] / (right - left);
          h[n - 1] += exact::product(w, right - x);
          h[n] = exact::product(w, x - left);
        }
      }
    }
    return interval - degree;
  }
};

/// scikit-learn's SplineTransformer: several columns per input.
struct spline {
  enum class beyond : std::uint8_t { error, constant, linear, keep_on, periodic };

  column_list in;
  std::vector<spline_basis> basis;  ///< one per input, of one size
  beyond extrapolation{};
  bool bias = true;           ///< false: without the last column of each input
  bool zero_missing = false;  ///< a missing value gives zeros

  /// Columns of an input, the last one that may be left out included.
  std::size_t splines() const noexcept {
    return basis[0].size() - (extrapolation == beyond::periodic ? basis[0].degree : 0);
  }
  std::size_t per_input() const noexcept { return splines() - (bias ? 0 : 1); }
  std::size_t width() const noexcept { return in.size() * per_input(); }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    use(in[k / per_input()]);
  }
  bool allows(std::size_t k, double x) const noexcept {
    const spline_basis& b = basis[k / per_input()];
    return extrapolation != beyond::error || (x >= b.low() && x <= b.high()) || (zero_missing && x != x);
  }

  void run(const column_run& r, double* out) const {
    const std::size_t columns = per_input();
    const std::span<double> row = r.memory.get<double>(splines());
    for (std::size_t k = 0; k < in.size(); ++k, out += columns * r.stride) {
      const double* const x = r.column[in[k]];
      for (std::size_t i = 0; i < r.rows; ++i) {
        if (!allows(k * columns, x[i])) r.faulty[i] = 1;
        evaluate(k, x[i], row);
        for (std::size_t j = 0; j < columns; ++j) out[j * r.stride + i] = row[j];
      }
    }
  }

 private:
  void evaluate(std::size_t k, double x, std::span<double> row) const {
    const spline_basis& b = basis[k];
    if (x != x) {
      std::fill(row.begin(), row.end(), zero_missing ? 0.0 : x);
      return;
    }
    std::fill(row.begin(), row.end(), 0.0);
    spline_basis::values h;
    // scikit-learn continues straight lines (degree 1) of all inputs but the first from one knot further in.
    const std::size_t margin = extrapolation == beyond::linear && b.degree == 1 && k > 0 ? 2 : b.degree;
    const double low = b.knots[margin];
    const double high = b.knots[b.knots.size() - 1 - margin];
    if (extrapolation == beyond::periodic) {
      const double period = high - low;
      double part = std::fmod(x - low, period);
      if (part < 0) part += period;  // as Python's %
      x = low + part;
    } else if ((extrapolation == beyond::constant || extrapolation == beyond::linear) && (x < low || x > high)) {
      const double end = x < low ? low : high;
      // Of the splines that are not 0 at the end, all but the one that begins or ends there.
      const std::size_t first = b.at(end, false, h);
      const bool line = extrapolation == beyond::linear;
      const std::size_t kept = line ? std::max<std::size_t>(b.degree, 2) : b.degree;
      const auto is_kept = [&](std::size_t j) { return x < low ? j < kept : j >= row.size() - kept; };
      for (std::size_t a = 0; a <= b.degree; ++a) {
        if (is_kept(first + a)) row[first + a] = 0.0 + h[a];
      }
      if (!line) return;
      const std::size_t again = b.at(end, true, h);
      for (std::size_t a = 0; a <= b.degree; ++a) {
        if (is_kept(again + a)) row[again + a] += exact::product(x - end, h[a]);
      }
      return;
    }
    const std::size_t first = b.at(x, false, h);
    for (std::size_t a = 0; a <= b.degree; ++a) {
      row[(first + a) % row.size()] += h[a];  // the last splines of a period are its first ones
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
