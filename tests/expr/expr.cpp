// SPDX-License-Identifier: MIT
#include <tabscore/expr/expr.hpp>
#include <tabscore/features/as_array.hpp>
#include <tabscore/schema/batch.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_view_literals;
using ts::col;

namespace {
using record = ts::schema<ts::text<"name">, ts::integer<"i">, ts::integer<"j">, ts::real<"x">, ts::real<"y">,
                          ts::boolean<"flag">, ts::optional<ts::real<"maybe">>>;

ts::batch<record> sample() {
  ts::batch<record> b;
  b.push_back("a", 3, 2, 0.5, -1.0, true, 1.5);
  b.push_back("b", -7, 2, 1e300, 2.0, false, std::nullopt);
  b.push_back("c", 9007199254740993, 9007199254740992, 0.1, 0.3, true, 0.0);
  return b;
}

template <class E>
auto column(const E& e, const ts::batch<record>& b) {
  return ts::as_array(e, b.view()).eval();
}
}  // namespace

TEST_CASE("integers stay integers until a double or a division meets them", "[expr]") {
  const auto b = sample();
  const auto sum = column(col<"i"> + col<"j"> * 2, b);
  STATIC_REQUIRE(std::same_as<decltype(sum)::Scalar, std::int64_t>);
  CHECK(sum(0) == 7);
  CHECK(sum(1) == -3);
  CHECK(sum(2) == 9007199254740993 + 2 * 9007199254740992);
  const auto ratio = column(col<"i"> / col<"j">, b);
  STATIC_REQUIRE(std::same_as<decltype(ratio)::Scalar, double>);
  CHECK(ratio(1) == -3.5);
  CHECK(column(1 / col<"j">, b)(0) == 0.5);
  CHECK(column(-col<"i">, b)(1) == 7);
  CHECK(column(col<"i"> * col<"j">, b)(2) == 9007199254740992);  // wraps
  const auto distance = column(ts::abs(-col<"i">), b);
  STATIC_REQUIRE(std::same_as<decltype(distance)::Scalar, std::int64_t>);
  CHECK(distance(2) == 9007199254740993);
  CHECK(1 / column(-(0 * col<"x">), b)(0) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("integers are compared exactly beyond 2^53", "[expr]") {
  const auto b = sample();
  CHECK_FALSE(column(col<"i"> <= col<"j">, b)(2));
  CHECK(column(col<"i"> > col<"j">, b)(2));
  CHECK(column(col<"i"> != col<"j">, b)(2));
  CHECK(column(col<"i"> == 9007199254740993, b)(2));
}

TEST_CASE("conditions combine, and where chooses element by element", "[expr]") {
  const auto b = sample();
  const auto c = column((col<"i"> > 0 && col<"flag">) || col<"y"> >= 2, b);
  CHECK(c(0));
  CHECK(c(1));
  CHECK_FALSE(column(!col<"flag">, b)(0));
  const auto w = column(where(col<"i"> > 0, col<"x"> / (col<"j"> + 1e-6), 0), b);
  CHECK(w(0) == 0.5 / (2 + 1e-6));
  CHECK(w(1) == 0.0);
  CHECK(column(where(col<"flag">, 1, 2), b)(1) == 2);
  CHECK(column(col<"flag"> + 1, b)(0) == 2);
}

TEST_CASE("max and min are NumPy's, NaN included", "[expr]") {
  const auto b = sample();
  CHECK(column(max(col<"i">, 1), b)(1) == 1);
  CHECK(column(max(1, col<"i">), b)(0) == 3);
  CHECK(column(min(col<"x">, col<"i">), b)(1) == -7.0);
  CHECK(std::signbit(column(max(0 * col<"x">, -0.0), b)(0)));
  CHECK_FALSE(std::signbit(column(min(-0.0, 0 * col<"x">), b)(0)));
  CHECK(std::isnan(column(max(0.0, col<"maybe">), b)(1)));
  CHECK(std::isnan(column(max(col<"maybe">, 0.0), b)(1)));
  CHECK(std::isnan(column(min(0.0, col<"maybe">), b)(1)));
}

TEST_CASE("an optional number without a value is NaN, and missing says so", "[expr]") {
  const auto b = sample();
  CHECK(column(missing(col<"maybe">), b)(1));
  CHECK_FALSE(column(missing(col<"maybe">), b)(0));
  CHECK_FALSE(column(col<"maybe"> >= 0, b)(1));
  CHECK(std::isnan(column(col<"maybe"> * 2 + 1, b)(1)));
}

namespace {
using trip = ts::schema<ts::text<"from">, ts::optional<ts::text<"to">>, ts::integer<"days">,
                        ts::optional<ts::real<"price">>, ts::optional<ts::boolean<"insured">>>;
ts::batch<trip> trips() {
  ts::batch<trip> b;
  b.push_back("US", "CA", 3, 10.5, true);
  b.push_back("CA", "CA", 9007199254740993, std::nullopt, false);
  b.push_back("", std::nullopt, 0, 0.0, std::nullopt);
  b.push_back("US\0"sv, "", 7, -1.0, std::nullopt);
  b.push_back(std::string_view(), "us", 8, 7.0, true);  // no text in a required field is an empty one
  return b;
}
template <class E>
std::vector<bool> met(const E& e) {
  const auto b = trips();
  const auto values = ts::as_array(e, b.view()).eval();
  STATIC_REQUIRE(std::same_as<typename decltype(values)::Scalar, bool>);
  return {values.begin(), values.end()};
}
using bits = std::vector<bool>;
}  // namespace

TEST_CASE("texts are compared byte by byte, and a missing text equals no text", "[expr]") {
  CHECK(met(col<"from"> == "US") == bits{1, 0, 0, 0, 0});
  CHECK(met("US" != col<"from">) == bits{0, 1, 1, 1, 1});
  CHECK(met(col<"from"> == "US\0"sv) == bits{0, 0, 0, 1, 0});
  CHECK(met(col<"from"> == "") == bits{0, 0, 1, 0, 1});
  CHECK(met(col<"to"> == "") == bits{0, 0, 0, 1, 0});
  CHECK(met(col<"to"> != "CA") == bits{0, 0, 1, 1, 1});
  CHECK(met(col<"to"> == col<"from">) == bits{0, 1, 0, 0, 0});
  CHECK(met(col<"to"> != col<"from">) == bits{1, 0, 1, 1, 1});
  CHECK(met(col<"to"> != col<"to">) == bits{0, 0, 1, 0, 0});
  CHECK(met(!(col<"to"> == "CA")) == met(col<"to"> != "CA"));
}

TEST_CASE("in is true of the listed values", "[expr]") {
  CHECK(met(in(col<"from">, {"US", "CA"})) == bits{1, 1, 0, 0, 0});
  CHECK(met(in(col<"to">, {"", "CA", "a text of more than sixteen bytes"})) == bits{1, 1, 0, 1, 0});
  CHECK(met(in(col<"days">, {3, 7})) == bits{1, 0, 0, 1, 0});
  CHECK(met(in(col<"days">, {9007199254740992, 0L})) == bits{0, 0, 1, 0, 0});
  CHECK(met(in(col<"price">, {0, 7})) == bits{0, 0, 1, 0, 1});
  CHECK(met(in(col<"days"> + 0.5, {3.5})) == bits{1, 0, 0, 0, 0});
  CHECK(met(in(col<"insured">, {true})) == bits{1, 0, 0, 0, 1});
}

TEST_CASE("is_missing asks any optional field, and combines with everything else", "[expr]") {
  CHECK(met(is_missing(col<"to">)) == bits{0, 0, 1, 0, 0});
  CHECK(met(is_missing(col<"price">)) == bits{0, 1, 0, 0, 0});
  CHECK(met(is_missing(col<"insured">)) == bits{0, 0, 1, 1, 0});
  CHECK(met(missing(col<"to">)) == met(is_missing(col<"to">)));
  CHECK(met(col<"insured"> == true) == bits{1, 0, 0, 0, 1});
  CHECK(met(col<"insured"> != true) == bits{0, 1, 1, 1, 0});
  CHECK(met(col<"price"> != 7) == bits{1, 1, 1, 1, 0});
  CHECK(met((col<"from"> == "US" && col<"price"> > 0) || in(col<"to">, {"us"}) || is_missing(col<"price">)) ==
        bits{1, 1, 0, 0, 1});
  const auto b = trips();
  CHECK(ts::as_array(where(col<"to"> == "CA", col<"days">, 0), b.view()).eval()(0) == 3);
}

TEST_CASE("a formula gives each record the bits of a plain loop, wherever it stands in the batch", "[expr]") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> real(0, 5000);
  std::uniform_int_distribution<std::int64_t> integer(0, 300);
  ts::batch<record> b;
  for (int i = 0; i < 1003; ++i)
    b.push_back("n", integer(random), integer(random), real(random), real(random), true, 1.0);
  const auto formula = 0.6 * col<"x"> + 0.3 * col<"i"> + 10.0 * col<"j">;
  const auto logs = log1p(col<"x">) - sqrt(abs(col<"y">)) * log(col<"x"> + 1);
  for (const std::size_t begin : {0U, 1U, 2U, 3U, 5U}) {
    const auto part = b.view().slice(begin, b.rows() - begin);
    const auto got = ts::as_array(formula, part).eval();
    const auto got_logs = ts::as_array(logs, part).eval();
    for (std::size_t i = 0; i < part.rows(); ++i) {
      volatile double p = part.get<"x">()[i] * 0.6;  // volatile: rounded at every step, whatever the flags
      volatile double q = static_cast<double>(part.get<"i">()[i]) * 0.3;
      volatile double r = static_cast<double>(part.get<"j">()[i]) * 10.0;
      volatile double s = p + q;
      REQUIRE(got(static_cast<Eigen::Index>(i)) == s + r);
      volatile double t = std::sqrt(std::abs(part.get<"y">()[i])) * std::log(part.get<"x">()[i] + 1);
      REQUIRE(got_logs(static_cast<Eigen::Index>(i)) == std::log1p(part.get<"x">()[i]) - t);
    }
  }
}
