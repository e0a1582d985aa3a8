// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "../core/config.hpp"
#include "../core/exact_sum.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A figure that was computed from a sample: its 95 % confidence interval, and the sample's size. NaN: not defined.
struct estimate {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< the figure
  double low = std::numeric_limits<double>::quiet_NaN();    ///< lower end of the interval
  double high = std::numeric_limits<double>::quiet_NaN();   ///< upper end of the interval
  std::uint64_t samples = 0;                                ///< records that it was computed from
};

/// Values added up exactly, and their squares: the mean with its interval, merged bit for bit in any order.
struct exact_mean {
  exact_sum sum;      ///< of the values
  exact_sum squares;  ///< of their squares

  /// Adds a value.
  void add(double x) noexcept {
    sum.add(x);
    const double square = x * x;
    squares.add(square);
    if (std::isfinite(square)) squares.add(std::fma(x, x, -square));  // what the product was rounded by
  }
  /// Adds the values of another one.
  void merge(const exact_mean& other) noexcept {
    sum.merge(other.sum);
    squares.merge(other.squares);
  }
  /// Takes values out that were added before.
  void subtract(const exact_mean& other) noexcept {
    sum.subtract(other.sum);
    squares.subtract(other.squares);
  }
  friend bool operator==(const exact_mean&, const exact_mean&) = default;
};

namespace detail {

inline constexpr double normal_975 = 1.959963984540054;  // the 97.5 % quantile of the normal distribution

/// A sum as two doubles, and from there sum((x - mean)^2), without the cancellation that large means bring.
inline double centred_squares(const exact_mean& m, std::uint64_t samples) noexcept {
  const auto split = [](exact_sum sum, double& high, double& low) {
    high = sum.value();
    sum.add(-high);
    low = std::isfinite(high) ? sum.value() : 0;
  };
  double s = 0, s_low = 0, q = 0, q_low = 0;
  split(m.sum, s, s_low);
  split(m.squares, q, q_low);
  const double n = static_cast<double>(samples);
  const double square = s * s;
  const double square_low = std::fma(s, s, -square) + 2 * s * s_low;
  const double part = square / n;
  const double part_low = (std::fma(-part, n, square) + square_low) / n;
  const double centred = (q - part) + (q_low - part_low);
  return centred < 0 ? 0 : centred;  // NaN where squares overflow
}

}  // namespace detail

namespace detail {
/// Wilson's score interval of a share of n trials.
inline estimate wilson(double share, double n) noexcept {
  estimate e;
  const double z = normal_975;
  e.value = share;
  const double middle = share + z * z / (2 * n);
  const double width = z * std::sqrt((std::max)(0.0, share * (1 - share)) / n + z * z / (4 * n * n));
  e.low = share <= 0 ? 0 : (middle - width) / (1 + z * z / n);
  e.high = share >= 1 ? 1 : (middle + width) / (1 + z * z / n);
  return e;
}
}  // namespace detail

/// A share with Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001).
inline estimate estimate_share(std::uint64_t part, std::uint64_t all) noexcept {
  estimate e;
  if (all != 0) e = detail::wilson(static_cast<double>(part) / static_cast<double>(all), static_cast<double>(all));
  e.samples = all;
  return e;
}

/// A value with a normal interval of the standard error.
inline estimate estimate_normal(double value, double error, std::uint64_t samples) noexcept {
  return {value, value - detail::normal_975 * error, value + detail::normal_975 * error, samples};
}

/// A mean with the normal interval of s / sqrt(n); a single value has no interval.
inline estimate estimate_mean(const exact_mean& m, std::uint64_t samples) noexcept {
  if (samples == 0) return {};
  const double n = static_cast<double>(samples);
  const double error = std::sqrt(detail::centred_squares(m, samples) / (n - 1) / n);
  return estimate_normal(m.sum.value() / n, error, samples);
}

}  // namespace tabscore::inline TABSCORE_ABI
