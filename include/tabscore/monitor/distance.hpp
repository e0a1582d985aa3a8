// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../core/config.hpp"

// How far two histograms of the same cells are apart, from their counts. All are 0 where either one is empty.
namespace tabscore::inline TABSCORE_ABI {

/// Counts of the cells of one feature.
using cell_counts = std::span<const std::uint64_t>;

namespace detail {

inline double sum_of(cell_counts counts) noexcept {
  std::uint64_t all = 0;
  for (const std::uint64_t n : counts) all += n;
  return static_cast<double>(all);
}

inline double real(std::uint64_t n) noexcept { return static_cast<double>(n); }

inline bool comparable(cell_counts a, cell_counts b) noexcept {
  TABSCORE_ASSERT(a.size() == b.size(), "histograms of different cells");
  return sum_of(a) > 0 && sum_of(b) > 0;
}

/// Cells in which at least one of the two has a count.
inline std::size_t used_cells(cell_counts a, cell_counts b) noexcept {
  std::size_t used = 0;
  for (std::size_t i = 0; i < a.size(); ++i) used += (a[i] | b[i]) != 0;
  return used;
}

}  // namespace detail

/// Population stability index: sum of (q - p) ln(q / p) over cells, with half a record added to each cell. Cells that
/// are empty in both are left out.
double population_stability_index(cell_counts training, cell_counts live) noexcept;

/// The mean of the index when both come from the same population: (cells - 1) (1/n + 1/m) (Yurdakul 2018, "Statistical
/// properties of population stability index").
inline double population_stability_noise(cell_counts training, cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return 0;
  const double freedom = static_cast<double>(detail::used_cells(training, live)) - 1;
  return freedom * (1 / detail::sum_of(training) + 1 / detail::sum_of(live));
}

/// Upper tail of the chi-square distribution: how often a statistic is at least this large. 1 without freedom.
double chi_square_tail(double statistic, std::size_t freedom) noexcept;

/// How often the index is at least this large when both come from the same population: index / (1/n + 1/m) is
/// chi-square distributed with cells - 1 degrees of freedom (Yurdakul 2018).
double population_stability_p_value(cell_counts training, cell_counts live) noexcept;

/// Jensen-Shannon distance, natural logarithm: 0 to sqrt(ln 2). (The square root of the divergence.)
double jensen_shannon_distance(cell_counts training, cell_counts live) noexcept;

/// Kolmogorov-Smirnov distance of ordered cells: the largest difference of their cumulative shares, 0 to 1.
double kolmogorov_smirnov_distance(cell_counts training, cell_counts live) noexcept;

/// Wasserstein-1 (earth mover's) distance of ordered cells that stand at the positions, in their unit.
double wasserstein_distance(std::span<const double> positions, cell_counts training, cell_counts live) noexcept;

/// Pearson's statistic of the two histograms as a 2 x cells table, without correction, and its degrees of freedom.
struct chi_square {
  double statistic = 0;     ///< Pearson's statistic
  std::size_t freedom = 0;  ///< degrees of freedom
};
/// Pearson's statistic for "both come from the same distribution".
chi_square chi_square_of(cell_counts training, cell_counts live) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE double population_stability_index(cell_counts training, cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return 0;
  const double half = static_cast<double>(detail::used_cells(training, live)) / 2;
  const double n = detail::sum_of(training) + half;
  const double m = detail::sum_of(live) + half;
  double index = 0;
  for (std::size_t i = 0; i < live.size(); ++i) {
    if ((training[i] | live[i]) == 0) continue;
    const double p = (detail::real(training[i]) + 0.5) / n;
    const double q = (detail::real(live[i]) + 0.5) / m;
    index += (q - p) * std::log(q / p);
  }
  return index;
}

TABSCORE_INLINE double chi_square_tail(double statistic, std::size_t freedom) noexcept {
  if (freedom == 0 || !(statistic > 0)) return 1;
  // Of an even number 2k of degrees the tail is exp(-h) times the sum of h^i / i! below k, of an odd one the same of
  // i + 1/2 beside erfc(sqrt h). Terms by their logarithms, since exp(-h) alone may be 0.
  const double h = statistic / 2;
  const bool odd = freedom % 2 == 1;
  double tail = odd ? std::erfc(std::sqrt(h)) : 0;
  double term = odd ? std::log(2 * std::sqrt(h / 3.14159265358979323846)) - h : -h;  // of i = 0
  for (std::size_t i = 0; i < freedom / 2; ++i) {
    tail += std::exp(term);
    term += std::log(h / (static_cast<double>(i + 1) + (odd ? 0.5 : 0.0)));
  }
  return (std::min)(tail, 1.0);
}

TABSCORE_INLINE double population_stability_p_value(cell_counts training, cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return 1;
  const double scale = 1 / detail::sum_of(training) + 1 / detail::sum_of(live);
  return chi_square_tail(population_stability_index(training, live) / scale, detail::used_cells(training, live) - 1);
}

TABSCORE_INLINE double jensen_shannon_distance(cell_counts training, cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return 0;
  const double n = detail::sum_of(training);
  const double m = detail::sum_of(live);
  double divergence = 0;
  for (std::size_t i = 0; i < live.size(); ++i) {
    const double p = detail::real(training[i]) / n;
    const double q = detail::real(live[i]) / m;
    const double middle = (p + q) / 2;
    if (p > 0) divergence += p * std::log(p / middle);
    if (q > 0) divergence += q * std::log(q / middle);
  }
  return std::sqrt((std::max)(divergence, 0.0) / 2);
}

TABSCORE_INLINE double kolmogorov_smirnov_distance(cell_counts training, cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return 0;
  const double n = detail::sum_of(training);
  const double m = detail::sum_of(live);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  double largest = 0;
  for (std::size_t i = 0; i < live.size(); ++i) {
    a += training[i];
    b += live[i];
    largest = (std::max)(largest, std::abs(detail::real(a) / n - detail::real(b) / m));
  }
  return largest;
}

TABSCORE_INLINE double wasserstein_distance(std::span<const double> positions, cell_counts training,
                                            cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return 0;
  TABSCORE_ASSERT(positions.size() == live.size(), "a position per cell");
  const double n = detail::sum_of(training);
  const double m = detail::sum_of(live);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  double distance = 0;
  for (std::size_t i = 0; i + 1 < live.size(); ++i) {
    a += training[i];
    b += live[i];
    distance += std::abs(detail::real(a) / n - detail::real(b) / m) * (positions[i + 1] - positions[i]);
  }
  return distance;
}

TABSCORE_INLINE chi_square chi_square_of(cell_counts training, cell_counts live) noexcept {
  if (!detail::comparable(training, live)) return {};
  const double n = detail::sum_of(training);
  const double m = detail::sum_of(live);
  chi_square result;
  result.freedom = detail::used_cells(training, live) - 1;
  for (std::size_t i = 0; i < live.size(); ++i) {
    const double both = detail::real(training[i]) + detail::real(live[i]);
    if (both == 0) continue;
    const double p = both * n / (n + m);
    const double q = both * m / (n + m);
    const double off = detail::real(live[i]) - q;
    result.statistic += off * off / p + off * off / q;
  }
  return result;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
