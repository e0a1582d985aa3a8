// SPDX-License-Identifier: MIT
#include <tabscore/monitor/moments.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
using record = ts::schema<ts::integer<"i">, ts::real<"x">>;
struct always {
  ts::feature_names names{{"i", "x"}, {}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = 1.0;
  }
};
}  // namespace

TEST_CASE("integer sums wrap around within a batch, as NumPy's do", "[monitor]") {
  ts::moments_st drift;
  const ts::pipeline pipe{record{}, ts::rules{}, ts::features{}, always{}, ts::sinks{drift}};
  ts::score_buffers buffers;
  ts::batch<record> b;
  for (int i = 0; i < 60; ++i) b.push_back(1'000'000'000'000'000'000, 0.5);
  REQUIRE(std::holds_alternative<ts::predictions>(pipe.score(b, buffers)));
  CHECK(drift.read().sums[0] == static_cast<double>(static_cast<std::int64_t>(60U * 1'000'000'000'000'000'000U)));
  CHECK(drift.read().sums[1] == 30.0);
  CHECK(drift.read().positives == 60);
}

TEST_CASE("totals are the same bits whatever the order of batches and however replicas share them", "[monitor]") {
  std::mt19937_64 random(11);
  std::vector<ts::batch<record>> batches(40);
  for (auto& b : batches) {
    for (std::uint64_t i = 1 + random() % 600; i > 0; --i) {
      b.push_back(static_cast<std::int64_t>(random() % 1000),
                  static_cast<double>(random() % 100000) / 7 * (i % 9 ? 1 : 1e30));
    }
  }
  const auto totals_of = [&](std::size_t replicas) {
    std::vector<ts::moments_st> sinks(replicas);
    ts::score_buffers buffers;
    for (const auto& b : batches) {
      const ts::pipeline pipe{record{}, ts::rules{}, ts::features{}, always{}, ts::sinks{sinks[random() % replicas]}};
      static_cast<void>(pipe.score(b, buffers));
    }
    std::shuffle(batches.begin(), batches.end(), random);
    ts::moments_st all;
    for (const auto& s : sinks) all.merge(s.exact());
    return all.exact();
  };
  const ts::exact_totals expected = totals_of(1);
  CHECK(expected.sums[1].value() > 1e30);
  for (const std::size_t replicas : {1U, 2U, 7U}) CHECK(totals_of(replicas) == expected);
}

TEST_CASE("a missing value is left out of its feature's sum, of small batches, large ones and merged states",
          "[monitor]") {
  using maybe = ts::schema<ts::integer<"i">, ts::optional<ts::real<"x">>>;
  ts::moments_st drift, other;
  const ts::pipeline pipe{maybe{}, ts::rules{}, ts::features{}, always{}, ts::sinks{drift}};
  ts::score_buffers buffers;
  for (const std::size_t rows : {1U, 7U, 100U, 300U, 1000U}) {
    ts::batch<maybe> b;
    for (std::size_t i = 0; i < rows; ++i) {
      if (i % 2 == 0) b.push_back(3, std::nullopt);
      if (i % 2 == 1) b.push_back(3, 0.125);
    }
    REQUIRE(std::holds_alternative<ts::predictions>(pipe.score(b, buffers)));
  }
  const auto check = [](const ts::totals& t, std::uint64_t times) {
    CHECK(t.samples == times * 1408);
    CHECK(t.missing == std::vector<std::uint64_t>{0, times * 705});
    CHECK(t.present(1) == times * 703);
    CHECK(t.mean(0) == 3.0);
    CHECK(t.mean(1) == 0.125);
  };
  check(drift.read(), 1);
  other.merge(drift.exact());
  other.merge(drift.exact());
  check(other.read(), 2);
}

TEST_CASE("an infinite feature is left out of its sum", "[monitor]") {
  using divided = ts::schema<ts::integer<"i">, ts::real<"y">>;
  ts::moments_st drift;
  CHECK(std::isnan(drift.read().mean(2)));
  const ts::pipeline pipe{divided{}, ts::rules{}, ts::features{ts::feature<"q">(ts::col<"i"> / ts::col<"y">)},
                          always{{{"i", "y", "q"}, {}}}, ts::sinks{drift}};
  ts::score_buffers buffers;
  ts::batch<divided> b;
  for (const double y : {0.0, -0.0, 4.0, 8.0}) b.push_back(1, y);
  b.push_back(0, 0.0);  // not a number
  REQUIRE(std::holds_alternative<ts::predictions>(pipe.score(b, buffers)));
  const ts::totals t = drift.read();
  CHECK(t.missing == std::vector<std::uint64_t>{0, 0, 3});
  CHECK(t.present(2) == 2);
  CHECK(t.mean(2) == 0.1875);
}

TEST_CASE("a reader sees whole batches only, with many writers", "[monitor]") {
  ts::moments drift;
  const ts::pipeline pipe{record{}, ts::rules{}, ts::features{}, always{}, ts::sinks{drift}};
  constexpr std::uint64_t rows = 37;  // of every batch, so that any state between two batches shows
  std::atomic<bool> stop = false;
  std::vector<std::thread> writers;
  std::atomic<std::uint64_t> written = 0;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      ts::batch<record> b;
      for (std::uint64_t i = 0; i < rows; ++i) b.push_back(2, 0.25);
      ts::score_buffers buffers;
      for (int n = 0; n < 500; ++n) {
        static_cast<void>(pipe.score(b, buffers));
        written += rows;
      }
    });
  }
  bool whole = true;
  std::thread reader([&] {
    while (!stop) {
      const ts::totals t = drift.read();
      whole = whole && t.samples % rows == 0 && t.positives == t.samples;
      if (!t.sums.empty()) {
        whole = whole && t.sums[0] == 2.0 * static_cast<double>(t.samples) &&
                t.sums[1] == 0.25 * static_cast<double>(t.samples);
      }
    }
  });
  for (auto& w : writers) w.join();
  stop = true;
  reader.join();
  CHECK(whole);
  CHECK(drift.read().samples == written);
}
