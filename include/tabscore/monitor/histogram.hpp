// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../features/baseline.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Counts the values of a column in bins: binned_rows' rule, values outside and missing ones (NaN) counted apart.
/// Immutable, so that threads share one.
class binner {
 public:
  static constexpr std::size_t max_edges = training_histograms::max_bins + 1;  ///< edges of the largest histogram

  /// The counts of a batch: how many values reach each edge. tally{} is empty.
  struct tally {
    std::array<std::uint32_t, max_edges> at_least;  ///< values that reach each edge
    std::uint32_t missing;                          ///< values that are NaN
  };

  /// 2 to max_edges edges, ascending, each a single precision float; others throw (abort without exceptions).
  explicit binner(const std::vector<double>& edges);

  /// The error of the edges, if any.
  static std::optional<error> wrong(const std::vector<double>& edges);

  /// [below, bin 0, bin 1, ..., above, missing]
  std::size_t cells() const noexcept { return edges_ + 2; }

  /// Adds n values to a tally.
  void count(const double* x, std::size_t n, tally& into) const noexcept;
  /// The same for single precision values. Writes up to column_step values past the end.
  void count(float* x, std::size_t n, tally& into) const noexcept;

  /// Adds a tally of `rows` values to cells() counts.
  void add(const tally& t, std::uint64_t rows, std::uint64_t* cell) const noexcept {
    cell[0] += rows - t.missing - t.at_least[0];
    for (std::size_t i = 1; i < edges_; ++i) cell[i] += t.at_least[i - 1] - t.at_least[i];
    cell[edges_] += t.at_least[edges_ - 1];
    cell[edges_ + 1] += t.missing;
  }

 private:
  std::size_t edges_;
  std::array<float, max_edges> edge_{};
};

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/histogram.hpp"
#endif
