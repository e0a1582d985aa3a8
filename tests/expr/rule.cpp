// SPDX-License-Identifier: MIT
#include <tabscore/expr/rule.hpp>
#include <tabscore/schema/batch.hpp>

#include <optional>

#include "support/catch.hpp"

namespace ts = tabscore;
using ts::col;

namespace {
using exams = ts::schema<ts::integer<"started">, ts::integer<"passed">, ts::optional<ts::real<"score">>>;
const ts::rules both{ts::rule(col<"passed"> <= col<"started">, "passed cannot exceed started"),
                     ts::rule(col<"score"> >= 0 || missing(col<"score">), "score cannot be negative")};
std::size_t asked = 0;
std::optional<int> first_row(std::size_t row) { return ++asked, row == 0 ? std::optional(0) : std::nullopt; }
}  // namespace

TEST_CASE("the records that break a rule are given to any function, until it says no", "[expr]") {
  ts::batch<exams> b;
  for (int i = 0; i < 4; ++i) b.push_back(1, 2, std::nullopt);
  const auto rule = ts::rule(col<"passed"> <= col<"started">, "passed cannot exceed started");
  std::size_t calls = 0;
  rule.for_each_broken(b.view(), [&](std::size_t row) { return ++calls, row < 2; });
  CHECK(calls == 3);
  rule.for_each_broken(b.view(), first_row);
  CHECK(asked == 2);
}

TEST_CASE("a rule holds only when every record meets it", "[expr]") {
  for (const std::size_t size : {1U, 2U, 17U, 2047U, 2048U, 2049U, 10000U}) {
    ts::batch<exams> b;
    for (std::size_t i = 0; i < size; ++i) b.push_back(3, 3, std::nullopt);
    CHECK_FALSE(both.first_broken(b.view()));
    for (const std::size_t bad : {std::size_t{0}, size / 2, size - 1}) {
      b.data<1>()[bad] = 4;
      const auto broken = both.first_broken(b.view());
      REQUIRE(broken);
      CHECK(broken->rule == 0);
      CHECK(broken->row == bad);
      CHECK(broken->message == "passed cannot exceed started");
      b.data<1>()[bad] = 0;
    }
  }
}

TEST_CASE("of several broken rules the first declared is named, by its first record", "[expr]") {
  ts::batch<exams> b;
  b.push_back(1, 1, -1.0);
  b.push_back(1, 2, 5.0);
  CHECK(both.first_broken(b.view())->rule == 0);
  CHECK(both.first_broken(b.view())->row == 1);
  b.data<1>()[1] = 0;
  CHECK(both.first_broken(b.view())->rule == 1);
  CHECK(both.first_broken(b.view())->row == 0);
}

TEST_CASE("a rule over texts finds the first record that breaks it", "[expr]") {
  using loans = ts::schema<ts::text<"country">, ts::real<"amount">, ts::optional<ts::text<"coupon">>>;
  const ts::rules checked{
      ts::rule(in(col<"country">, {"US", "CA"}), "we lend in two countries"),
      ts::rule(col<"country"> != "CA" || col<"amount"> <= 100, "at most 100 in Canada"),
      ts::rule(is_missing(col<"coupon">) || (0 < col<"amount"> && col<"amount"> < 50), "coupons are below 50")};
  for (const std::size_t size : {1U, 17U, 2048U, 2049U, 5000U}) {
    ts::batch<loans> b;
    for (std::size_t i = 0; i < size; ++i) b.push_back(i % 2 ? "CA" : "US", 60.0, std::nullopt);
    CHECK_FALSE(checked.first_broken(b.view()));
    for (const std::size_t bad : {std::size_t{0}, size / 2, size - 1}) {
      const auto country = b.data<0>()[bad];
      b.data<0>()[bad] = "MX";
      CHECK(checked.first_broken(b.view())->rule == 0);
      CHECK(checked.first_broken(b.view())->row == bad);
      b.data<0>()[bad] = "CA";
      b.data<1>()[bad] = 101;
      CHECK(checked.first_broken(b.view())->rule == 1);
      b.data<1>()[bad] = 60;
      b.data<2>()[bad] = "SAVE";
      CHECK(checked.first_broken(b.view())->rule == 2);
      CHECK(checked.first_broken(b.view())->row == bad);
      b.data<2>()[bad] = {};
      b.data<0>()[bad] = country;
    }
  }
}

TEST_CASE("no rules and no records break nothing", "[expr]") {
  ts::batch<exams> b;
  CHECK_FALSE(both.first_broken(b.view()));
  b.push_back(0, 1, 0.0);
  CHECK_FALSE(ts::rules{}.first_broken(b.view()));
}

TEST_CASE("a rule counts conditions as whole numbers", "[expr]") {
  const ts::rule rule(where(ts::col<"started"> > 2, 1, 0) + ts::col<"passed"> > 1, "too few");
  ts::batch<exams> b;
  b.push_back(3, 1, 0.0);
  b.push_back(2, 1, 0.0);
  CHECK(rule.first_broken(b.view()) == 1U);
}
