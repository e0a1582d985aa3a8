// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/random_forest.hpp"
#include "tabscore/models/forest.hpp"

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
  for (int round = 0; round < 80; ++round) {
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
    }
  }
}

TEST_CASE("float32 input gives the bits of the same numbers as float64", "[property][forest]") {
  std::mt19937_64 random(7);
  scratch memory;
  for (int round = 0; round < 16; ++round) {
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

TEST_CASE("deep trees of a classifier give the reference walk's bits and keep equal leaves once",
          "[property][forest]") {
  std::mt19937_64 random(11);
  scratch memory;
  for (const std::size_t outputs : {1UL, 3UL}) {
    testing::forest_shape shape = testing::shape_of(15);
    shape.trees = 37;
    shape.outputs = outputs;
    forest_model model = testing::random_forest(random, shape);
    constexpr double few[] = {0.0, -0.0, 1.0, 0.1};  // zeros of both signs are two values
    std::size_t splits = 0;
    for (tree& t : model.trees) {
      for (std::size_t i = 0; i < t.leaves.size(); ++i) t.leaves[i] = few[random() % (i % outputs == 0 ? 4 : 1)];
      for (split& s : t.splits) s.missing = random() % 3 == 0 ? missing_rule::none : missing_rule::nan;
      splits += t.splits.size();
    }
    const detail::deep_plan plan = detail::deep_plan::make(model);
    REQUIRE(!plan.nodes.empty());
    REQUIRE(plan.values.size() <= 16 * outputs);
    REQUIRE(plan.nodes.size() < splits * 8 / 5);
    const std::size_t rows = 1100;
    const std::vector<double> cells = testing::hard_rows(random, model, rows);
    const auto x = row_major(cells.data(), rows, model.features);
    const std::vector<double> expected = reference_margins(model, x);
    for (const kernel k : {kernel::portable, kernel::avx2, kernel::avx512}) {
      if (!available(k)) continue;
      const auto f = forest::build(model, "deep", k);
      REQUIRE(f);
      for (const std::size_t size :
           {1UL, 3UL, 8UL, 9UL, 15UL, 16UL, 17UL, 24UL, 127UL, 128UL, 1023UL, 1024UL, 1100UL}) {
        const std::size_t first = random() % (rows - size + 1);
        std::vector<double> out(size * outputs, -1.0);
        f->margins(x.middle_rows(first, size), out, memory);
        INFO(outputs << " outputs, " << name(k) << ", batch of " << size << " at " << first);
        REQUIRE(same_bits(out, std::span(expected).subspan(first * outputs, size * outputs)));
      }
    }
  }
}

namespace {

/// Trees that compare the same on all of a level, as CatBoost's: some levels ask for one category, some for several.
forest_model symmetric_forest(std::mt19937_64& random, std::size_t thresholds, std::size_t highest,
                              std::uint32_t outputs, std::uint32_t width, precision sum) {
  forest_model model;
  model.features = 7;  // the last two hold categories
  model.outputs = outputs;
  model.leaf_width = width;
  model.input = precision::float32;
  model.sum = sum;
  model.compare = random() % 2 == 0 ? comparison::less_equal : comparison::less;
  model.base.assign(outputs, 0.25);
  const auto value = [&] { return static_cast<double>(static_cast<float>(random() % 20000) / 64.0F - 150.0F); };
  for (std::uint32_t i = 0; i < 19; ++i) {
    tree t;
    if (width == 1) t.output = i % outputs;
    const std::size_t levels = random() % 7 == 0 ? 0 : 1 + random() % highest;
    t.leaves.resize((std::size_t{1} << levels) * width);
    for (double& leaf : t.leaves) leaf = value() / 3;
    for (std::size_t depth = 0; depth < levels; ++depth) {
      split s;
      s.feature = static_cast<std::uint32_t>(random() % 7);
      s.missing = missing_rule::nan;
      s.default_left = random() % 2 == 0;
      if (s.feature < 5) {
        s.threshold = static_cast<double>(random() % thresholds) / 4;
      } else {
        category_set set;
        const std::size_t one = random() % 40;
        set.left.assign(one / 32 + 1, ~std::uint32_t{0});
        set.left.back() ^= std::uint32_t{1} << (one % 32);
        set.others_left = random() % 4 != 0;
        s.default_left = set.others_left;
        s.categories = static_cast<std::int32_t>(t.sets.size());
        t.sets.push_back(set);
      }
      const std::size_t first = (std::size_t{1} << depth) - 1;
      for (std::size_t k = 0; k < std::size_t{1} << depth; ++k) {
        const auto child = [&](std::size_t side) {
          const std::size_t at = 2 * k + side;
          return depth + 1 < levels ? static_cast<std::int32_t>(2 * first + 1 + at) : ~static_cast<std::int32_t>(at);
        };
        s.left = child(0);
        s.right = child(1);
        t.splits.push_back(s);
      }
    }
    model.trees.push_back(std::move(t));
  }
  return model;
}

}  // namespace

TEST_CASE("symmetric trees give the reference walk's bits with every kernel and batch", "[property][forest]") {
  std::mt19937_64 random(5);
  scratch memory;
  struct shape {
    std::size_t thresholds, highest;
    std::uint32_t outputs, width;
  };
  for (const shape& s : {shape{4, 6, 1, 1}, shape{30, 8, 1, 1}, shape{100, 6, 5, 5}, shape{250, 11, 1, 1},
                         shape{700, 10, 3, 3}, shape{60, 6, 3, 1}, shape{40, 5, 21, 21}, shape{9, 3, 300, 300}}) {
    for (const precision sum : {precision::float64, precision::float32}) {
      const forest_model model = symmetric_forest(random, s.thresholds, s.highest, s.outputs, s.width, sum);
      const std::size_t rows = 700;
      std::vector<float> cells(rows * model.features);
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::uint64_t number = random() % (i % 7 < 5 ? s.thresholds + 2 : 44);
        cells[i] = random() % 9 == 0 ? std::numeric_limits<float>::quiet_NaN()
                                     : static_cast<float>(number) / (i % 7 < 5 ? 4.0F : 1.0F);
      }
      std::vector<double> expected(rows * model.outputs);
      forest::build(model, "m", kernel::reference)->margins(row_major(cells.data(), rows, 7), expected, memory);
      for (const kernel k : {kernel::portable, kernel::avx2, kernel::avx512}) {
        if (!available(k)) continue;
        const auto f = forest::build(model, "m", k);
        REQUIRE(f);
        REQUIRE(f->used_kernel() == k);
        for (const std::size_t batch : {1UL, 5UL, 6UL, 9UL, 33UL, 64UL, 100UL, 256UL, 300UL, 700UL}) {
          std::vector<double> out(rows * model.outputs);
          for (std::size_t at = 0; at < rows; at += batch) {
            const std::size_t n = (std::min)(batch, rows - at);
            f->margins(row_major(cells.data() + at * 7, n, 7), std::span(out).subspan(at * s.outputs, n * s.outputs),
                       memory);
          }
          INFO(s.thresholds << " thresholds, " << s.outputs << " outputs, " << name(k) << ", batches of " << batch);
          REQUIRE(same_bits(out, expected));
        }
      }
    }
  }
}
