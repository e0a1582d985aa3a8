// SPDX-License-Identifier: MIT
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/random_forest.hpp"
#include "tabscore/models/forest.hpp"
#include "tabscore/models/parallel.hpp"

using namespace tabscore;

namespace {

std::vector<double> reference_margins(const forest_model& model, matrix_view<double> x) {
  std::vector<double> out(x.rows * model.outputs);
  for (std::size_t row = 0; row < x.rows; ++row) {
    detail::walk_row(model, x, row, std::span(out).subspan(row * model.outputs, model.outputs));
  }
  return out;
}

bool same_bits(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("every kernel equals the reference walk, alone, in any batch, at any position, with threads",
          "[property][forest]") {
  std::mt19937_64 random(20261123);
  scratch memory;
  for (int round = 0; round < 70; ++round) {
    const forest_model model = testing::random_forest(random, testing::shape_of(round));
    const std::size_t rows = 1100;
    const std::vector<double> cells = testing::hard_rows(random, model, rows);
    const auto x = row_major(cells.data(), rows, model.features);
    const std::vector<double> expected = reference_margins(model, x);
    for (const kernel k : {kernel::reference, kernel::portable, kernel::avx2, kernel::avx512}) {
      if (!available(k)) continue;
      const auto f = forest::build(model, "random", k);
      REQUIRE(f);
      INFO("round " << round << ", kernel " << name(k));
      REQUIRE(f->used_kernel() == k);
      const std::size_t n = model.outputs;
      // Any batch size at any position; small scratch reuse on purpose.
      for (const std::size_t size :
           {1UL, 2UL, 6UL, 7UL, 15UL, 16UL, 47UL, 48UL, 64UL, 65UL, 128UL, 129UL, 255UL, 257UL, 511UL, 513UL, 1100UL}) {
        const std::size_t first = random() % (rows - size + 1);
        std::vector<double> out(size * n, -1.0);
        f->margins(x.middle_rows(first, size), out, memory);
        INFO("batch of " << size << " at " << first);
        REQUIRE(same_bits(out, std::span(expected).subspan(first * n, size * n)));
      }
      // Column-major input.
      std::vector<double> turned(cells.size());
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < model.features; ++c) turned[c * rows + r] = cells[r * model.features + c];
      }
      std::vector<double> out(rows * n);
      f->margins(column_major(turned.data(), rows, model.features), out, memory);
      REQUIRE(same_bits(out, expected));
      // Two threads.
      std::fill(out.begin(), out.end(), -1.0);
      parallel_margins(*f, x, out, 2, [](std::size_t tasks, auto&& task) {
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < tasks; ++t) threads.emplace_back([&task, t] { task(t); });
        for (auto& t : threads) t.join();
      });
      REQUIRE(same_bits(out, expected));
    }
  }
}

TEST_CASE("float32 input gives the bits of the same numbers as float64", "[property][forest]") {
  std::mt19937_64 random(7);
  scratch memory;
  for (int round = 0; round < 14; ++round) {
    const forest_model model = testing::random_forest(random, testing::shape_of(round));
    const std::size_t rows = 600;
    const std::vector<double> cells = testing::hard_rows(random, model, rows);
    std::vector<float> narrow(cells.begin(), cells.end());
    std::vector<double> widened(narrow.begin(), narrow.end());
    const auto expected = reference_margins(model, row_major(widened.data(), rows, model.features));
    const auto f = forest::build(model);
    REQUIRE(f);
    std::vector<double> out(expected.size());
    f->margins(row_major(narrow.data(), rows, model.features), out, memory);
    REQUIRE(same_bits(out, expected));
  }
}
