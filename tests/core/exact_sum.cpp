// SPDX-License-Identifier: MIT
#include <tabscore/core/batched_exact_sum.hpp>
#include <tabscore/core/detail/column_kernels.hpp>
#include <tabscore/core/exact_sum.hpp>
#include <tabscore/core/exact_sum_text.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"

using tabscore::batched_exact_sum;
using tabscore::exact_sum;
namespace detail = tabscore::detail;

namespace {

exact_sum one_by_one(std::span<const double> x) {
  exact_sum sum;
  for (const double v : x) sum.add(v);
  return sum;
}

exact_sum all_at_once(std::span<const double> x, const detail::column_kernels& kernels) {
  batched_exact_sum batched;
  batched.add(x, kernels);
  return batched.sum();
}

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Doubles of one of several kinds, by turns: decimals, any exponent, mostly zero, tiny, whole but for a
/// few, with infinities and NaNs.
std::vector<double> values(std::mt19937_64& random, std::size_t n, unsigned kind) {
  std::vector<double> x(n);
  for (double& v : x) {
    const std::uint64_t bits = random();
    switch (kind % 7) {
      case 0:
        v = static_cast<double>(bits % 53000) / 10;
        break;
      case 1:
        v = std::bit_cast<double>(bits);
        break;
      case 2:
        v = bits % 20 == 0 ? static_cast<double>(bits >> 20) * 0x1p-40 : 0.0;
        break;
      case 3:
        v = std::bit_cast<double>(bits & 0x800FFFFFFFFFFFFFU);
        break;
      case 4:
        v = (static_cast<double>(bits) - 0x1p63) * 0x1p-60;
        break;
      case 5:
        v = static_cast<double>(bits % 100'000) - (bits % 301 == 0 ? 0.25 : bits % 303 == 0 ? 0x1p52 : 0.0);
        break;
      default:
        v = bits % 97 == 0 ? (bits % 2 == 0 ? infinity : not_a_number) : 0.1;
        break;
    }
  }
  return x;
}

}  // namespace

TEST_CASE("a sum is the exact one, rounded once", "[core]") {
  std::ifstream file(TABSCORE_SOURCE_DIR "/tests/core/exact_sum_expected.txt");
  std::size_t cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    std::istringstream words(line);
    std::vector<double> x;
    for (std::string word; words >> word;) x.push_back(std::strtod(word.c_str(), nullptr));
    const double expected = x.back();
    x.pop_back();
    INFO(line);
    CHECK(one_by_one(x).value() == expected);
    for (const auto* k : detail::usable_column_kernels()) CHECK(all_at_once(x, *k) == one_by_one(x));
  }
  CHECK(cases == 48);
}

TEST_CASE("order, grouping and the CPU's kernel leave no trace in the bits of a sum", "[core]") {
  std::mt19937_64 random(7);
  for (unsigned round = 0; round < 300; ++round) {
    const auto x = values(random, 1 + random() % 3000, round);
    const exact_sum expected = one_by_one(x);
    for (const auto* k : detail::usable_column_kernels()) REQUIRE(all_at_once(x, *k) == expected);
    auto shuffled = x;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    exact_sum left, right;
    const std::size_t cut = random() % (x.size() + 1);
    for (const double v : std::span(shuffled).first(cut)) left.add(v);
    for (const double v : std::span(shuffled).subspan(cut)) right.add(v);
    exact_sum other_way = right;
    other_way.merge(left);
    left.merge(right);
    REQUIRE(left == expected);
    REQUIRE(other_way == expected);
  }
}

TEST_CASE("a sum does not depend on how records are cut into batches", "[core]") {
  std::mt19937_64 random(8);
  for (unsigned round = 0; round < 300; ++round) {
    const auto x = values(random, random() % 12'000, round);
    batched_exact_sum all;
    for (std::size_t at = 0; at < x.size();) {
      batched_exact_sum batch;
      for (std::size_t block = random() % 10; block > 0 && at < x.size(); --block) {
        const std::size_t n = std::min<std::size_t>(1 + random() % (block % 2 == 0 ? 300 : 5), x.size() - at);
        batch.add(std::span(x).subspan(at, n));
        at += n;
      }
      if (random() % 8 == 0) {
        all.merge(batch.sum());
      } else {
        all.merge(batch);
      }
    }
    REQUIRE(all.sum() == one_by_one(x));
  }
}

TEST_CASE("values at the edges of the slices, and as many as fit, are summed exactly", "[core]") {
  const double below = std::nextafter(0x1p51, 0.0);
  for (const double edge : {0x1p51, below, 0x1p50, 0x1p-1, 0x1p-52, 0x1p-53, 0x1p-104, 0x1p-105, 0x1.8p-104, -0.0, 1.5,
                            1 - 0x1p-53, 0.5 + 0x1p-52, 0x1.0000000000001p-52, 0x1.0000000000001p-53}) {
    for (const double v : {edge, -edge, std::nextafter(edge, infinity), std::nextafter(edge, -infinity)}) {
      for (const std::size_t n : {1U, 3U, 4U, 5U, 16U, 4095U, 4096U, 10'000U}) {
        const std::vector<double> x(n, v);
        const exact_sum expected = one_by_one(x);
        for (const auto* k : detail::usable_column_kernels()) CHECK(all_at_once(x, *k) == expected);
        batched_exact_sum single;
        for (const double each : x) single.add(each);
        CHECK(single.sum() == expected);
      }
    }
  }
  for (const std::int64_t i : {std::int64_t{1} << 51, (std::int64_t{1} << 51) + 1, std::int64_t{-1},
                               std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    batched_exact_sum batched;
    exact_sum expected;
    for (int n = 0; n < 5000; ++n) batched.add_integer(i), expected.add_integer(i);
    CHECK(batched.sum() == expected);
  }
}

TEST_CASE("integers of 64 bits are added without rounding", "[core]") {
  exact_sum sum;
  sum.add_integer(std::numeric_limits<std::int64_t>::min());
  sum.add_integer(std::numeric_limits<std::int64_t>::max());
  sum.add_integer((std::int64_t{1} << 53) + 1);
  sum.add(-0x1p53);
  CHECK(sum.value() == 0);
  CHECK(sum == exact_sum{});
}

TEST_CASE("infinities and NaNs are counted and show in the value", "[core]") {
  exact_sum sum;
  sum.add(1.5);
  sum.add(infinity);
  CHECK(sum.value() == infinity);
  exact_sum negative;
  negative.add(-infinity);
  CHECK(negative.value() == -infinity);
  sum.merge(negative);
  CHECK(std::isnan(sum.value()));
  CHECK(sum.infinities() == 1);
  CHECK(sum.negative_infinities() == 1);
  exact_sum none;
  none.add(not_a_number);
  CHECK(std::isnan(none.value()));
  CHECK(none.nans() == 1);
}

TEST_CASE("a sum has one text, which reads back to its bits", "[core]") {
  const auto text_of = [](double x) {
    exact_sum sum;
    sum.add(x);
    return to_text(sum);
  };
  CHECK(text_of(0) == "0x0p+0");
  CHECK(text_of(-0.0) == "0x0p+0");
  CHECK(text_of(1) == "0x1p+0");
  CHECK(text_of(-53) == "-0x35p+0");
  CHECK(text_of(40) == "0x5p+3");
  CHECK(text_of(5e-324) == "0x1p-1074");
  std::mt19937_64 random(3);
  for (unsigned round = 0; round < 200; ++round) {
    const exact_sum sum = one_by_one(values(random, 1 + random() % 50, round));
    const auto read = tabscore::parse_exact_sum(to_text(sum), sum.nans(), sum.infinities(), sum.negative_infinities());
    REQUIRE(read);
    REQUIRE(*read == sum);
  }
  for (const char* wrong :
       {"",        "0",       "0x",      "0xp+0",    "1p+0",     "0x1",       "0x1p",      "0x1p0",
        "0x1p+-1", "0x01p+0", "0x2p+0",  "0x1P+0",   "0xAp+0",   "0x1p-1075", "0x1p+1101", "0x1p+9999999999",
        "-0x0p+0", " 0x1p+0", "0x1p+0 ", "0x1.8p+0", "0x3p+1100"}) {
    INFO(wrong);
    CHECK_FALSE(tabscore::parse_exact_sum(wrong));
  }
}
