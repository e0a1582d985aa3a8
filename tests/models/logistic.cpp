// SPDX-License-Identifier: MIT
#include <tabscore/models/logistic.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

using namespace tabscore;

static_assert(scorer<logistic>);

namespace {

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

/// A model with random parameters and random rows for it, some texts unknown, some numbers far out.
struct random_case {
  random_case(std::size_t width, std::size_t text_fields, std::size_t rows, unsigned seed) : random(seed) {
    for (std::size_t j = 0; j < width; ++j) {
      names.numeric.push_back(std::string("n").append(std::to_string(j)));
      coder.numeric.push_back({normal(random), std::abs(normal(random)) + 0.01});
      learnt.numeric.push_back(normal(random));
    }
    for (std::size_t f = 0; f < text_fields; ++f) {
      names.text.push_back(std::string("t").append(std::to_string(f)));
      std::vector<std::optional<std::string>> categories{std::nullopt};
      for (int i = 0; i < 40; ++i) categories.emplace_back(std::to_string(i));
      auto& coefficients = learnt.text.emplace_back();
      for (std::size_t i = 0; i < categories.size(); ++i) coefficients.push_back(normal(random));
      coder.text.emplace_back(std::move(categories));
    }
    learnt.intercept = normal(random);

    stride = rows + 3;
    numeric.resize(width * stride, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t j = 0; j < width; ++j) {
      for (std::size_t i = 0; i < rows; ++i) numeric[j * stride + i] = normal(random) * (i % 17 == 0 ? 1e6 : 1.0);
    }
    for (int i = 0; i < 50; ++i) words.push_back(std::to_string(i));  // 40 to 49 are unknown
    for (std::size_t f = 0; f < text_fields; ++f) {
      auto& column = text.emplace_back();
      for (std::size_t i = 0; i < rows; ++i) column.push_back(words[random() % words.size()]);
    }
    for (std::size_t i = 0; i < rows; ++i) expected.push_back(plain_margin(i));
  }

  // The formula as it is documented. `volatile` rounds each product, whatever the flags of this file.
  double plain_margin(std::size_t i) const {
    double z = 0.0;
    for (std::size_t j = 0; j < coder.numeric.size(); ++j) {
      const volatile double term =
          learnt.numeric[j] * ((numeric[j * stride + i] - coder.numeric[j].mean) / coder.numeric[j].scale);
      z += term;
    }
    for (std::size_t f = 0; f < text.size(); ++f) {
      const auto& categories = coder.text[f].categories();
      for (std::size_t c = 0; c < categories.size(); ++c) {
        if (categories[c] == text[f][i]) z += learnt.text[f][c];
      }
    }
    return z + learnt.intercept;
  }

  /// Rows first to first + count, as a block of their own; `columns` holds the block's pointers.
  feature_block block(std::size_t first, std::size_t count, std::vector<const std::string_view*>& columns) const {
    columns.clear();
    for (const auto& column : text) columns.push_back(column.data() + first);
    return {.rows = count,
            .width = coder.numeric.size(),
            .numeric = numeric.data() + first,
            .stride = stride,
            .text = columns};
  }

  std::mt19937 random;
  std::normal_distribution<double> normal;
  feature_names names;
  encoder coder;
  logistic_parameters learnt;
  std::size_t stride = 0;
  std::vector<double> numeric;
  std::vector<std::string> words;
  std::vector<std::vector<std::string_view>> text;
  std::vector<double> expected;
};

std::size_t wrong_rows(const random_case& c, const logistic& model, std::size_t first, std::size_t count) {
  std::vector<const std::string_view*> columns;
  const feature_block x = c.block(first, count, columns);
  scratch memory;
  std::vector<double> margin(count), probability(count);
  model.margins(x, memory, margin);
  model.score(x, memory, probability);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double z = c.expected[first + i];
    wrong += bits(margin[i]) != bits(z) || bits(probability[i]) != bits(1.0 / (1.0 + std::exp(-z)));
  }
  return wrong;
}

}  // namespace

TEST_CASE("margins and probabilities have the bits of the plain loop, in any batch and at any position", "[models]") {
  const random_case c(9, 1, 150, 1);
  for (const kernel k : {kernel::portable, kernel::avx2, kernel::avx512, kernel::best}) {
    if (!available(k)) continue;
    CAPTURE(name(k));
    const logistic model(c.names, c.coder, c.learnt, 0.5, k);
    std::size_t wrong = 0;
    for (std::size_t first = 0; first < 20; ++first) {
      for (std::size_t count = 0; first + count <= 150; ++count) wrong += wrong_rows(c, model, first, count);
    }
    for (std::size_t i = 0; i < 150; ++i) wrong += wrong_rows(c, model, i, 1);
    CHECK(wrong == 0);
  }
}

TEST_CASE("a long block has the bits of the plain loop", "[models]") {
  const random_case c(9, 1, 5000, 2);
  const logistic model(c.names, c.coder, c.learnt, 0.5);
  CHECK(wrong_rows(c, model, 0, 5000) == 0);
  for (const std::size_t count : {511u, 512u, 513u, 1024u, 1025u}) CHECK(wrong_rows(c, model, 7, count) == 0);
}

TEST_CASE("any number of numeric features and text fields is scored", "[models]") {
  for (const std::size_t width : {0u, 1u, 2u, 33u}) {
    for (const std::size_t fields : {0u, 1u, 2u, 5u}) {
      const random_case c(width, fields, 600, static_cast<unsigned>(10 * width + fields));
      const logistic model(c.names, c.coder, c.learnt, 0.25);
      CHECK(wrong_rows(c, model, 0, 600) == 0);
      CHECK(model.features().numeric == c.names.numeric);
      CHECK(model.features().text == c.names.text);
      CHECK(model.threshold() == 0.25);
    }
  }
}

TEST_CASE("quotients by products are the quotients, for extreme numbers too", "[models]") {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  const auto magnitude = [&](int from, int to) {
    return normal(random) * std::pow(10.0, from + static_cast<int>(random() % static_cast<unsigned>(to - from + 1)));
  };
  std::size_t wrong = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::size_t width = 1 + random() % 12;
    const std::size_t rows = 1 + random() % 70;
    std::vector<standardize> scaler(width);
    std::vector<double> coefficient(width), x(width * rows), expected(rows), margin(rows);
    for (std::size_t j = 0; j < width; ++j) {
      scaler[j] = {random() % 8 == 0 ? 0.0 : magnitude(-3, 3), random() % 9 == 0 ? 1.0 : std::abs(magnitude(-3, 3))};
      if (round % 50 == 0) scaler[j].scale = std::nextafter(2.0, 1.0);  // all ones
      if (round % 50 == 1) scaler[j].scale *= 1e-200;
      coefficient[j] = normal(random);
    }
    for (double& v : x) {
      v = magnitude(-4, 4);
      switch (random() % 200) {
        case 0:
          v = random() % 2 == 0 ? 0.0 : -0.0;
          break;
        case 1:
          v *= 1e300;
          break;
        case 2:
          v = std::numeric_limits<double>::denorm_min() * static_cast<double>(random() % 100);
          break;
        case 3:
          v = std::copysign(std::numeric_limits<double>::infinity(), v);
          break;
        case 4:
          v = std::numeric_limits<double>::quiet_NaN();
          break;
        case 5:
          v = scaler[random() % width].mean;
          break;
        default:
          break;
      }
    }
    for (std::size_t j = 0; j < width; ++j) {
      for (std::size_t i = 0; i < rows; ++i) {
        const volatile double term = scaler[j](x[j * rows + i]) * coefficient[j];
        expected[i] += term;
      }
    }
    for (const kernel k : {kernel::portable, kernel::best}) {
      detail::linear_kernel_for(k)({.rows = rows, .width = width, .numeric = x.data(), .stride = rows, .text = {}},
                                   {scaler, coefficient}, margin.data());
      for (std::size_t i = 0; i < rows; ++i) {
        const bool nan = std::isnan(expected[i]) && std::isnan(margin[i]);
        wrong += !nan && bits(margin[i]) != bits(expected[i]);
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("four sigmoids at a time are those of the C library", "[models]") {
  std::mt19937_64 random(12);
  const auto sigmoid = detail::sigmoid_kernel_for(kernel::best);
  std::vector<double> margins{0.0, -0.0, 1e-300, 5e-324, 0x1p-54, -0x1p-60, 511.9999,
                              512, -512, 708,    -745.2, 800,     -800};
  for (const double special : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    margins.insert(margins.end(), {special, -special});
  }
  for (const double size : {1e-3, 1.0, 40.0, 512.0, 760.0}) {
    std::uniform_real_distribution<double> uniform(-size, size);
    for (int i = 0; i < 20'001; ++i) margins.push_back(uniform(random));
  }
  std::vector<double> p = margins;
  sigmoid(p.data(), p.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double expected = 1.0 / (1.0 + std::exp(-margins[i]));
    const bool nan = std::isnan(expected) && std::isnan(p[i]);
    wrong += !nan && bits(p[i]) != bits(expected);
    double alone = margins[i];
    sigmoid(&alone, 1);
    wrong += bits(alone) != bits(p[i]);
  }
  CHECK(wrong == 0);
#if defined(__GLIBC__) && defined(__x86_64__)
  if (available(kernel::avx2)) CHECK(detail::exp_is_glibcs());
#endif
}

TEST_CASE("infinite and missing numbers go through to the probability", "[models]") {
  const logistic model({.numeric = {"x"}, .text = {}}, {.numeric = {{0.0, 1.0}}, .text = {}}, {{2.0}, {}, 0.0}, 0.5);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double x[]{infinity, -infinity, std::numeric_limits<double>::quiet_NaN(), -1e4};
  double p[4];
  scratch memory;
  model.score({.rows = 4, .width = 1, .numeric = x, .stride = 4, .text = {}}, memory, p);
  CHECK(p[0] == 1.0);
  CHECK(p[1] == 0.0);
  CHECK(std::isnan(p[2]));
  CHECK(p[3] == 0.0);
}

TEST_CASE("a number that a step makes infinite has no probability", "[models]") {
  const logistic model({.numeric = {"x", "y"}, .text = {}},
                       {.numeric = {{0.0, 1.0}, {0.0, 1.0}}, .text = {}, .before = {{logarithm{}}, {}}},
                       {{2.0, 1e200}, {}, 0.0}, 0.5);
  const double x[]{0.0, 1.0, 1.0, 0.0, 1.0, 1e200};
  double p[3];
  scratch memory;
  const feature_block block{.rows = 3, .width = 2, .numeric = x, .stride = 3, .text = {}};
  model.score(block, memory, p);
  CHECK(std::isnan(p[0]));
  CHECK(p[1] == 1.0);
  CHECK(p[2] == 1.0);  // the sum is infinite, as the trainer's; no number is
  CHECK(model.find_fault(block, 0, memory).feature == 0);
  CHECK(model.find_fault(block, 0, memory).what == fault::not_finite);
}

TEST_CASE("the margin's bound grows with the terms", "[models]") {
  const random_case c(3, 1, 10, 5);
  const logistic model(c.names, c.coder, c.learnt, 0.5);
  std::vector<const std::string_view*> columns;
  const feature_block x = c.block(0, 10, columns);
  for (std::size_t i = 0; i < 10; ++i) {
    const double bound = model.margin_bound(x, i);
    CHECK(bound >= 4 * 44 * 0x1p-53 * std::abs(c.expected[i]) * 0.999);
    CHECK(bound < 1e-12 * (i == 0 ? 1e8 : 10));
  }
}
