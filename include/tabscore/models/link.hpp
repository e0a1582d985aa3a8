// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../core/config.hpp"
#include "detail/table_exp.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// From margins to the trainer's predict(), in the trainer's precision and order of operations.
struct link {
  /// From margins to predictions.
  enum class function : std::uint8_t {
    identity,          ///< margins as they are
    logistic,          ///< 1 / (1 + exp(-scale m))
    two_classes,       ///< (1 - p, p) of one logistic margin
    exponential,       ///< exp(m)
    softmax,           ///< of all margins of a row
    most_likely,       ///< index of the largest margin
    positive,          ///< 1 when m > 0, else 0
    one_against_rest,  ///< logistic of each margin, divided by their sum
    signed_square,     ///< sign(m) m^2 (LightGBM, reg_sqrt)
    log1p_exp,         ///< log(1 + exp(m)) (LightGBM, cross_entropy_lambda)
    ascending,         ///< the margins of a row, sorted (XGBoost, several quantiles)
    steps,             ///< the first margin, then each one log(1 + exp(m)) above the one before (XGBoost, expectiles)
    isolation,         ///< -(2^-m) - offset (scikit-learn's IsolationForest)
    mean_and_variance  ///< m and exp(2 m) of two margins (CatBoost, RMSEWithUncertainty)
  };
  function form = function::identity;  ///< which function it is
  bool single = false;                 ///< computed in float32 (XGBoost)
  bool log_sum = false;                ///< softmax as exp(m - log(sum(exp))) (scikit-learn's gradient boosting)
  bool table = false;                  ///< exponential and softmax with detail::table_exp (CatBoost)
  double scale = 1;    ///< of the logistic (LightGBM's sigmoid; 2 for the exponential loss of scikit-learn)
  double divisor = 1;  ///< margins are divided by this first (averaging forests)
  double offset = 0;   ///< of isolation

  /// Numbers per row that apply() writes for `outputs` margins.
  constexpr std::size_t width(std::size_t outputs) const noexcept {
    if (form == function::two_classes) return 2;
    return form == function::most_likely ? 1 : outputs;
  }

  /// Whether each number comes from one margin alone, so that many rows may be given as one.
  constexpr bool elementwise() const noexcept {
    return form == function::identity || form == function::logistic || form == function::exponential ||
           form == function::positive || form == function::signed_square || form == function::log1p_exp ||
           form == function::isolation;
  }

  /// Whether the trainer's margins give the trainer's bits.
  constexpr bool exact() const noexcept {
    return form == function::identity || form == function::most_likely || form == function::positive ||
           form == function::signed_square || form == function::ascending;
  }

  /// One row; `out` has width(margins.size()) elements and may start where margins starts.
  void apply(std::span<const double> margins, std::span<double> out) const noexcept;
};

namespace detail {

/// XGBoost's: the clamp keeps exp() finite, and 1e-16 vanishes in float32 but is its formula.
inline float logistic_float(float m) noexcept {
  const float denominator = std::exp((std::min)(-m, 88.7F)) + 1.0F + 1e-16F;
  return 1.0F / denominator;
}

/// log(1 + exp(x)) and its inverse as XGBoost computes them, and the least step it takes.
inline constexpr float least_step = 1e-6F;
inline float softplus_float(float x) noexcept { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
inline float softplus_inverse_float(float x) noexcept {
  x = (std::max)(x, least_step);
  return x + std::log(-std::expm1(-x));
}

inline double logistic(double m) noexcept { return 1.0 / (1.0 + std::exp(-m)); }

inline void softmax_float(std::span<const double> margins, std::span<double> out) noexcept {
  const auto largest = static_cast<float>(*std::max_element(margins.begin(), margins.end()));
  double sum = 0;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const float e = std::exp(static_cast<float>(margins[i]) - largest);
    out[i] = static_cast<double>(e);
    sum += static_cast<double>(e);
  }
  for (double& p : out) p = static_cast<double>(static_cast<float>(p) / static_cast<float>(sum));
}

inline void softmax(std::span<const double> margins, std::span<double> out, bool log_sum, bool table = false) noexcept {
  const double largest = *std::max_element(margins.begin(), margins.end());
  double sum = 0;
  if (log_sum) {
    for (const double m : margins) sum += std::exp(m - largest);
    const double total = largest + std::log(sum);
    for (std::size_t i = 0; i < margins.size(); ++i) out[i] = std::exp(margins[i] - total);
    return;
  }
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double m = margins[i] - largest;
    sum += out[i] = table ? table_exp(m) : std::exp(m);
  }
  for (double& p : out) p /= sum;
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void link::apply(std::span<const double> margins, std::span<double> out) const noexcept {
  const std::size_t n = margins.size();
  const auto each = [&](auto f) {
    for (std::size_t i = 0; i < n; ++i) out[i] = f(margins[i] / divisor);
  };
  switch (form) {
    case function::identity:
      return each([](double m) { return m; });
    case function::logistic:
      if (single) {
        return each([](double m) { return static_cast<double>(detail::logistic_float(static_cast<float>(m))); });
      }
      return each([this](double m) { return detail::logistic(scale * m); });
    case function::two_classes: {
      const double p = detail::logistic(scale * (margins[0] / divisor));
      out[0] = 1.0 - p;
      out[1] = p;
      return;
    }
    case function::exponential:
      if (single) return each([](double m) { return static_cast<double>(std::exp(static_cast<float>(m))); });
      if (table) return each([](double m) { return detail::table_exp(m); });
      return each([](double m) { return std::exp(m); });
    case function::softmax:
      if (single) return detail::softmax_float(margins, out);
      each([](double m) { return m; });
      return detail::softmax(out.first(n), out, log_sum, table);
    case function::most_likely:
      out[0] = static_cast<double>(std::max_element(margins.begin(), margins.end()) - margins.begin());
      return;
    case function::positive:
      return each([](double m) { return m > 0 ? 1.0 : 0.0; });
    case function::one_against_rest: {
      double sum = 0;
      each([&](double m) {
        const double p = detail::logistic(m);
        sum += p;
        return p;
      });
      for (std::size_t i = 0; i < n; ++i) out[i] /= sum;
      return;
    }
    case function::signed_square:
      return each([](double m) { return std::copysign(m * m, m); });
    case function::log1p_exp:
      return each([](double m) { return std::log1p(std::exp(m)); });
    case function::isolation:
      return each([this](double m) { return -std::pow(2.0, -m) - offset; });
    case function::mean_and_variance:
      out[0] = margins[0];
      out[1] = detail::table_exp(2 * margins[1]);
      return;
    case function::ascending:
      each([](double m) { return m; });
      std::sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n));
      return;
    case function::steps: {
      auto level = static_cast<float>(margins[0]);
      for (std::size_t i = 0; i < n; ++i) {
        if (i > 0) level += detail::least_step + detail::softplus_float(static_cast<float>(margins[i]));
        out[i] = static_cast<double>(level);
      }
      return;
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
