// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/exact.hpp"
#include "column_run.hpp"
#include "normal_quantile.hpp"

// Steps of a program that bend a number along a learnt curve: bins, quantiles, powers.
namespace tabscore::inline TABSCORE_ABI::detail {

/// How many edges are at most x: np.searchsorted(edges, x, side="right"). NaN stays.
struct bin_of {
  std::vector<double> edges;  ///< ascending

  double operator()(double x) const noexcept {
    if (x != x) return x;
    return static_cast<double>(std::upper_bound(edges.begin(), edges.end(), x) - edges.begin());
  }
};

/// The line between the points around x, as np.interp computes it; beyond the ends the ends' values. `xp` ascends.
inline double interpolate(double x, std::span<const double> xp, std::span<const double> fp) noexcept {
  if (x != x) return x;
  const std::size_t n = xp.size();
  if (x < xp[0]) return fp[0];
  if (x > xp[n - 1]) return fp[n - 1];
  const auto at = static_cast<std::size_t>(std::upper_bound(xp.begin(), xp.end(), x) - xp.begin()) - 1;
  if (at == n - 1 || xp[at] == x) return fp[at];
  const double slope = (fp[at + 1] - fp[at]) / (xp[at + 1] - xp[at]);
  double y = exact::product(slope, x - xp[at]) + fp[at];
  if (y != y) {
    y = exact::product(slope, x - xp[at + 1]) + fp[at + 1];
    if (y != y && fp[at] == fp[at + 1]) y = fp[at];
  }
  return y;
}

/// scikit-learn's IsotonicRegression with out_of_bounds="clip".
struct isotonic_curve {
  std::vector<double> x;
  std::vector<double> y;

  double operator()(double v) const noexcept { return interpolate(v, x, y); }
};

/// scikit-learn's QuantileTransformer: the mean of the lines read forwards and backwards, which differ where quantiles
/// repeat.
struct quantile_curve {
  std::vector<double> quantiles;
  std::vector<double> references;
  std::vector<double> quantiles_down;   ///< -quantiles, from the last on
  std::vector<double> references_down;  ///< -references, from the last on
  bool normal = false;

  quantile_curve(std::vector<double> q, std::vector<double> r, bool to_normal)
      : quantiles(std::move(q)), references(std::move(r)), normal(to_normal) {
    for (std::size_t i = quantiles.size(); i-- > 0;) {
      quantiles_down.push_back(-quantiles[i]);
      references_down.push_back(-references[i]);
    }
  }

  double operator()(double x) const noexcept {
    if (x != x) return x;
    constexpr double close = 1e-7;
    double y = 0.5 * (interpolate(x, quantiles, references) - interpolate(-x, quantiles_down, references_down));
    if (normal ? x + close > quantiles.back() : x == quantiles.back()) y = 1;
    if (normal ? x - close < quantiles.front() : x == quantiles.front()) y = 0;
    if (!normal) return y;
    static const double low = normal_quantile(close - std::numeric_limits<double>::epsilon());
    static const double high = normal_quantile(1 - (close - std::numeric_limits<double>::epsilon()));
    return std::clamp(normal_quantile(y), low, high);
  }
};

/// scikit-learn's PowerTransformer before it standardizes.
struct power_transform {
  enum class form : std::uint8_t {
    box_cox,
    yeo_johnson_power,  ///< with pow, as scikit-learn computed it itself
    yeo_johnson_expm1   ///< with expm1 and log1p, as SciPy does
  };
  column_list in;
  std::vector<double> lambda;
  form how{};

  std::size_t width() const noexcept { return in.size(); }
  template <class Use>
  void each_input(std::size_t k, Use use) const {
    use(in[k]);
  }
  /// Box-Cox is of positive numbers.
  bool allows(std::size_t, double x) const noexcept { return how != form::box_cox || !(x <= 0); }
  void run(const column_run& r, double* out) const {
    const auto each = [&](auto f) {
      for (std::size_t k = 0; k < in.size(); ++k, out += r.stride) {
        const double* const x = r.column[in[k]];
        for (std::size_t i = 0; i < r.rows; ++i) out[i] = f(x[i], lambda[k]);
      }
    };
    if (how == form::yeo_johnson_power) {
      each([](double x, double l) {
        return yeo_johnson(x, l, [](double v, double p) { return (std::pow(v + 1, p) - 1) / p; });
      });
    } else if (how == form::yeo_johnson_expm1) {
      each([](double x, double l) {
        return yeo_johnson(x, l, [](double v, double p) { return std::expm1(exact::product(p, std::log1p(v))) / p; });
      });
    } else {
      each(box_cox);
      for (const column_id c : in) {
        for (std::size_t i = 0; i < r.rows; ++i) {
          if (!allows(0, r.column[c][i])) r.faulty[i] = 1;
        }
      }
    }
  }

 private:
  /// `power(v, p)` is ((v + 1)^p - 1) / p for v >= 0.
  template <class Power>
  static double yeo_johnson(double x, double l, Power power) noexcept {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    if (x >= 0) return std::fabs(l) < epsilon ? std::log1p(x) : power(x, l);
    return std::fabs(l - 2) > epsilon ? -power(-x, 2 - l) : -std::log1p(-x);
  }
  /// SciPy's boxcox: x^l by logarithms, and again by logarithms where that is too large for a double.
  static double box_cox(double x, double l) noexcept {
    const double log_x = std::log(x);
    if (std::fabs(l) < 1e-19) return log_x;
    if (l * log_x < 709.78) return std::expm1(l * log_x) / l;
    return exact::product(std::copysign(1.0, l), std::exp(l * log_x - std::log(std::fabs(l)))) - 1 / l;
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
