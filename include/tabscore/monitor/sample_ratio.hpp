// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "../core/config.hpp"
#include "distance.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Whether records went to the arms of an experiment as their weights say: Pearson's chi-square of the counts.
struct sample_ratio {
  double chi_square = 0;    ///< Pearson's statistic
  std::size_t freedom = 0;  ///< degrees of freedom
  double p = 1;             ///< the chance of at least this statistic where the shares are the weights

  /// The arms' sizes contradict their weights.
  bool alarm() const noexcept { return p < 0.001; }
};

/// Weights add up to 1. Arms of weight 0 are left out; one of them that has records makes p 0.
sample_ratio check_sample_ratio(std::span<const std::uint64_t> counts, std::span<const double> weights) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE sample_ratio check_sample_ratio(std::span<const std::uint64_t> counts,
                                                std::span<const double> weights) noexcept {
  sample_ratio found;
  double all = 0;
  for (const std::uint64_t n : counts) all += static_cast<double>(n);
  if (all == 0) return found;
  std::size_t arms = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = all * weights[i], n = static_cast<double>(counts[i]);
    if (weights[i] > 0) {
      ++arms;
      found.chi_square += (n - expected) * (n - expected) / expected;
    } else if (counts[i] != 0) {
      found.chi_square = std::numeric_limits<double>::infinity();
    }
  }
  found.freedom = arms == 0 ? 0 : arms - 1;
  found.p = std::isinf(found.chi_square) ? 0 : chi_square_tail(found.chi_square, found.freedom);
  return found;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
