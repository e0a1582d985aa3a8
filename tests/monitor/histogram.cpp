// SPDX-License-Identifier: MIT
#include <tabscore/core/detail/column_kernels.hpp>
#include <tabscore/monitor/histogram.hpp>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
std::vector<std::uint64_t> binned(const std::vector<double>& edges, const std::vector<double>& x) {
  const ts::binner bins(edges);
  ts::binner::tally tally{};
  bins.count(x.data(), x.size(), tally);
  std::vector<std::uint64_t> cells(bins.cells());
  bins.add(tally, x.size(), cells.data());

  std::vector<float> single(x.begin(), x.end());
  single.resize(x.size() + 16);
  ts::binner::tally singles{};
  bins.count(single.data(), x.size(), singles);
  std::vector<std::uint64_t> same(bins.cells());
  bins.add(singles, x.size(), same.data());
  CHECK(same == cells);
  return cells;
}
}  // namespace

TEST_CASE("values fall between their edges; missing ones and those outside are counted apart", "[monitor]") {
  const double inf = std::numeric_limits<double>::infinity();
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x{0, -0.0, 0.5, 1, 1.5, 2, 2.0000001, 2.00001, -1e-30, -inf, inf, 1e300, missing, missing};
  // As a single, 2.0000001 is 2. Cells: below, [0, 1), [1, 2], above, missing.
  CHECK(binned({0, 1, 2}, x) == std::vector<std::uint64_t>{2, 3, 4, 3, 2});
  CHECK(binned({0, 1, 2}, {}) == std::vector<std::uint64_t>(5));
}

TEST_CASE("counts are those of a search by halves, for any length and either kernel", "[monitor]") {
  std::mt19937_64 random(2);
  for (std::size_t round = 0; round < 200; ++round) {
    std::vector<double> edges(2 + random() % 20);
    for (double& e : edges) e = static_cast<float>(static_cast<double>(random() % 100000) / 128);
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    if (edges.size() < 2) continue;
    std::vector<double> x(random() % 700);
    for (double& v : x) {
      v = random() % 5 == 0 ? edges[random() % edges.size()] : static_cast<double>(random() % 110000) / 130 - 20;
      if (random() % 50 == 0) v = std::numeric_limits<double>::quiet_NaN();
    }
    std::vector<std::uint64_t> expected(edges.size() + 2);
    for (const double v : x) {
      const double single = static_cast<float>(v);
      auto cell = static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), single) - edges.begin());
      if (single == edges.back()) --cell;
      ++expected[v == v ? cell : edges.size() + 1];
    }
    REQUIRE(binned(edges, x) == expected);

    std::vector<float> single(x.size() / 16 * 16), edge(edges.begin(), edges.end());
    for (std::size_t i = 0; i < single.size(); ++i) single[i] = static_cast<float>(x[i]);
    std::vector<std::uint32_t> first;
    for (const auto* const kernels : ts::detail::usable_column_kernels()) {
      std::vector<std::uint32_t> count(edge.size());
      kernels->count_at_least(single.data(), single.size(), edge.data(), edge.size(), count.data());
      if (first.empty()) first = count;
      REQUIRE(count == first);
    }
  }
}
