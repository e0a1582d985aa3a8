// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/column_kernels.hpp"
#include "../histogram.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
inline void round_to_single(const double* x, std::size_t n, float* to) noexcept {
  const std::size_t whole = n / column_step * column_step;
  if (whole != 0) best_column_kernels().to_single(x, whole, to);
  std::transform(x + whole, x + n, to + whole, [](double v) { return static_cast<float>(v); });
}
}  // namespace detail

TABSCORE_INLINE binner::binner(const std::vector<double>& edges) : edges_(edges.size()) {
  if (auto e = wrong(edges)) detail::raise(*e);
  std::transform(edges.begin(), edges.end(), edge_.begin(), [](double e) { return static_cast<float>(e); });
  // x is above the last bin when it is at least the next float: x > edge.
  edge_[edges_ - 1] = std::nextafter(static_cast<float>(edges.back()), std::numeric_limits<float>::infinity());
}

TABSCORE_INLINE std::optional<error> binner::wrong(const std::vector<double>& edges) {
  if (edges.size() < 2 || edges.size() > max_edges) return error{errc::structure, "a histogram has 1 to 20 bins"};
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (!(std::abs(edges[i]) <= (std::numeric_limits<float>::max)()) ||
        static_cast<double>(static_cast<float>(edges[i])) != edges[i] || (i > 0 && !(edges[i - 1] < edges[i]))) {
      return error{errc::structure, "the edges of a histogram are ascending single precision floats"};
    }
  }
  return std::nullopt;
}

TABSCORE_INLINE void binner::count(const double* x, std::size_t n, tally& into) const noexcept {
  alignas(64) std::array<float, 512> single;
  while (n > 0) {
    const std::size_t run = (std::min)(single.size(), n);
    detail::round_to_single(x, run, single.data());
    count(single.data(), run, into);
    x += run;
    n -= run;
  }
}

TABSCORE_INLINE void binner::count(float* x, std::size_t n, tally& into) const noexcept {
  const std::size_t padded = (n + detail::column_step - 1) / detail::column_step * detail::column_step;
  std::fill(x + n, x + padded, std::numeric_limits<float>::quiet_NaN());  // which reach no edge
  const std::uint32_t before = into.at_least[0];
  detail::best_column_kernels().count_at_least(x, padded, edge_.data(), edges_, into.at_least.data());
  if (into.at_least[0] - before != n) {  // some are below the first edge or missing
    for (std::size_t i = 0; i < n; ++i) into.missing += x[i] != x[i];
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
