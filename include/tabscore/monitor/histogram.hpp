// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/column_kernels.hpp"
#include "../features/baseline.hpp"

namespace tabscore {

/// Counts the values of a column in bins: binned_rows' rule, values outside and missing ones (NaN) counted apart.
/// Immutable, so that threads share one.
class binner {
 public:
  static constexpr std::size_t max_edges = training_histograms::max_bins + 1;

  /// What a batch collects: how many values reach each edge, which is cheaper to count than bins.
  struct tally {
    std::array<std::uint64_t, max_edges> at_least{};
    std::uint64_t missing = 0;
  };

  /// Precondition: 2 to max_edges edges, ascending, each a single precision float (a loaded file was checked).
  explicit binner(const std::vector<double>& edges) : edges_(edges.size()) {
    TABSCORE_ASSERT(edges.size() >= 2 && edges.size() <= max_edges, "a histogram has 1 to 20 bins");
    std::transform(edges.begin(), edges.end(), edge_.begin(), [](double e) { return static_cast<float>(e); });
    // x is above the last bin when it is at least the next float: x > edge.
    edge_[edges_ - 1] = std::nextafter(edge_[edges_ - 1], std::numeric_limits<float>::infinity());
  }

  /// [below, bin 0, bin 1, ..., above, missing]
  std::size_t cells() const noexcept { return edges_ + 2; }

  void count(const double* x, std::size_t n, tally& into) const noexcept {
    const detail::column_kernels& kernels = detail::best_column_kernels();
    alignas(64) std::array<float, 256> single;
    while (n >= detail::column_step) {
      const std::size_t run = std::min(single.size(), n / detail::column_step * detail::column_step);
      const std::uint64_t before = into.at_least[0];
      kernels.to_single(x, run, single.data());
      kernels.count_at_least(single.data(), run, edge_.data(), edges_, into.at_least.data());
      if (into.at_least[0] - before != run) {  // some are below the first edge or missing
        for (std::size_t i = 0; i < run; ++i) into.missing += single[i] != single[i];
      }
      x += run;
      n -= run;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const auto value = static_cast<float>(x[i]);
      for (std::size_t k = 0; k < edges_; ++k) into.at_least[k] += value >= edge_[k];
      into.missing += value != value;
    }
  }

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

}  // namespace tabscore
