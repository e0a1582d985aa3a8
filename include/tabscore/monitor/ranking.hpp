// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../core/config.hpp"

// How well scores separate positive from negative labels, from counts of labels in groups of scores.
namespace tabscore::inline TABSCORE_ABI {

/// Cells of scores whose labels are counted. Within a cell nothing is known of the order.
inline constexpr std::size_t score_cells = 2049;

/// The cell of a probability, ascending: 64 an octave of p below 0.5 and of 1 - p from there, down to 2^-17.
/// Precondition: 0 <= p <= 1.
inline std::size_t probability_cell(double p) noexcept {
  TABSCORE_ASSERT(p >= 0 && p <= 1, "a probability");
  constexpr std::uint64_t lowest = std::uint64_t{1023 - 17} << 6U;
  const double to_end = p < 0.5 ? p : 1 - p;
  const std::uint64_t key = std::bit_cast<std::uint64_t>(to_end) >> 46U;
  const std::size_t cell = key <= lowest ? 0 : static_cast<std::size_t>(key - lowest);
  return p < 0.5 ? cell : score_cells - 1 - cell;
}

/// The cell of a number but NaN, ascending: 32 an octave of its magnitude from 2^-16 to 2^16.
inline std::size_t score_cell(double x) noexcept {
  constexpr std::uint64_t lowest = std::uint64_t{1023 - 16} << 5U;
  constexpr std::size_t middle = score_cells / 2;
  const std::uint64_t key = std::bit_cast<std::uint64_t>(std::abs(x)) >> 47U;
  const std::size_t from_zero = key < lowest ? 0 : (std::min)(middle, static_cast<std::size_t>(key - lowest) + 1);
  return x < 0 ? middle - from_zero : middle + from_zero;
}

/// Labels of records whose scores are equal, or lie in one cell.
struct score_group {
  std::uint64_t negatives = 0;  ///< labels 0 in the cell
  std::uint64_t positives = 0;  ///< labels 1 in the cell
};

/// A value with its bounds; all three are equal where it is exact.
struct bounded {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< the middle of the bounds
  double least = std::numeric_limits<double>::quiet_NaN();  ///< no order within the cells gives less
  double most = std::numeric_limits<double>::quiet_NaN();   ///< no order within the cells gives more
};

/// Figures of how well scores rank labels.
struct ranking {
  std::uint64_t negatives = 0;  ///< labels 0
  std::uint64_t positives = 0;  ///< labels 1
  bounded roc_auc;              ///< the share of pairs in order, ties as half; of cells: of unknown pairs half
  bounded average_precision;    ///< sum of (recall - recall before) * precision; of cells: the middle of the bounds
  bounded kolmogorov_smirnov;   ///< the largest distance of both score distributions
  std::array<bounded, 10> captured;  ///< positives among the first k + 1 tenths of the records
};

namespace detail {

/// 1 / (from + 1) + ... + 1 / to: term by term to 256, from there by Euler and Maclaurin, to 1e-16.
inline double harmonic(std::uint64_t from, std::uint64_t to) noexcept {
  double sum = 0;
  for (; from < to && from < 256; ++from) sum += 1 / static_cast<double>(from + 1);
  if (from == to) return sum;
  const auto rest = [](double x) { return 1 / (2 * x) - 1 / (12 * x * x) + 1 / (120 * x * x * x * x); };
  const double a = static_cast<double>(from), b = static_cast<double>(to);
  return sum + std::log1p((b - a) / a) + rest(b) - rest(a);
}

/// The sum of the precisions at `more` successive positives, which follow `positives` and `negatives`.
inline double precisions(std::uint64_t positives, std::uint64_t negatives, std::uint64_t more) noexcept {
  if (negatives == 0 || more == 0) return static_cast<double>(more);
  const std::uint64_t before = positives + negatives;
  return static_cast<double>(more) - static_cast<double>(negatives) * harmonic(before, before + more);
}

}  // namespace detail

/// Groups from the highest score to the lowest. Tied: records of a group have the same score, and all is exact;
/// otherwise they may have any order. Without labels of both kinds nothing is defined.
inline ranking rank_groups(std::span<const score_group> groups, bool tied) {
  ranking r;
  for (const score_group& g : groups) {
    r.negatives += g.negatives;
    r.positives += g.positives;
  }
  if (r.negatives == 0 || r.positives == 0) return r;
  const double p = static_cast<double>(r.positives), n = static_cast<double>(r.negatives);
  const double all = p + n;
  double in_order = 0, unknown = 0, exact_precision = 0, least_precision = 0, most_precision = 0;
  double ks = 0, most_ks = 0;
  std::uint64_t above_p = 0, above_n = 0;
  std::size_t tenth = 0;
  for (const score_group& g : groups) {
    if (g.positives + g.negatives == 0) continue;
    const double gp = static_cast<double>(g.positives), gn = static_cast<double>(g.negatives);
    const double before_p = static_cast<double>(above_p), before_n = static_cast<double>(above_n);
    in_order += before_p * gn;
    unknown += gp * gn;
    exact_precision += gp * ((before_p + gp) / (before_p + before_n + gp + gn));
    least_precision += detail::precisions(above_p, above_n + g.negatives, g.positives);
    if (gp > 0) most_precision += gp * ((before_p + gp) / (before_p + before_n + gp));  // tied, above the negatives
    for (; tenth < 10; ++tenth) {
      const double records = all * static_cast<double>(tenth + 1) / 10;
      if (tenth < 9 && records > before_p + before_n + gp + gn) break;
      const double taken = (std::min)(records - before_p - before_n, gp + gn);
      const double expected = before_p + gp * taken / (gp + gn);
      r.captured[tenth] = {expected, expected, expected};
      if (tenth == 9) r.captured[tenth] = {p, p, p};
      if (!tied && tenth < 9) {
        r.captured[tenth].least = before_p + (std::max)(0.0, taken - gn);
        r.captured[tenth].most = before_p + (std::min)(gp, taken);
      }
      if (tenth == 9) break;
    }
    most_ks = (std::max)({most_ks, (before_p + gp) / p - before_n / n, (before_n + gn) / n - before_p / p});
    above_p += g.positives;
    above_n += g.negatives;
    ks = (std::max)(ks, std::abs(static_cast<double>(above_p) / p - static_cast<double>(above_n) / n));
  }
  const double pairs = p * n;
  r.roc_auc = {(in_order + unknown / 2) / pairs, in_order / pairs, (in_order + unknown) / pairs};
  r.average_precision = {(least_precision + most_precision) / 2 / p, least_precision / p, most_precision / p};
  r.kolmogorov_smirnov = {ks, ks, most_ks};
  if (tied) {
    const auto known = [](double x) { return bounded{x, x, x}; };
    r.roc_auc = known(r.roc_auc.value);
    r.average_precision = known(exact_precision / p);
    r.kolmogorov_smirnov = known(ks);
  }
  return r;
}

/// Scores with their labels, kept one by one for exact figures: 16 bytes per record. Not for concurrent use.
class score_pairs {
 public:
  /// Adds a record. Precondition: the score is not NaN.
  void add(double score, bool positive) {
    TABSCORE_ASSERT(score == score, "NaN has no rank");
    pairs_.emplace_back(score, positive);
  }
  /// Records added.
  std::size_t size() const noexcept { return pairs_.size(); }

  /// A group for each different score, the highest first.
  std::vector<score_group> groups() {
    std::sort(pairs_.begin(), pairs_.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<score_group> all;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (i == 0 || pairs_[i].first != pairs_[i - 1].first) all.emplace_back();
      ++(pairs_[i].second ? all.back().positives : all.back().negatives);
    }
    return all;
  }

 private:
  std::vector<std::pair<double, bool>> pairs_;
};

}  // namespace tabscore::inline TABSCORE_ABI
