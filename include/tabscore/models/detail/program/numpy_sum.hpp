// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "../../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The sum in NumPy's order for numbers that lie together: eight sums side by side in pieces of up to 128 numbers, the
/// pieces in pairs.
inline double numpy_sum(std::span<const double> x) noexcept {
  const std::size_t n = x.size();
  if (n < 8) {
    double sum = 0;
    for (const double v : x) sum += v;
    return sum;
  }
  if (n > 128) {
    const std::size_t half = n / 2 - n / 2 % 8;
    return numpy_sum(x.first(half)) + numpy_sum(x.subspan(half));
  }
  double r[8];
  for (std::size_t k = 0; k < 8; ++k) r[k] = x[k];
  std::size_t i = 8;
  for (; i < n - n % 8; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) r[k] += x[i + k];
  }
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i) sum += x[i];
  return sum;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
