// SPDX-License-Identifier: MIT
#include <tabscore/core/scratch.hpp>
#include <tabscore/core/text_buffer.hpp>
#include <tabscore/schema/batch.hpp>
#include <tabscore/schema/validate.hpp>

#include <array>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
using loan = ts::schema<ts::text<"purpose", ts::min_length{2}, ts::max_length{5}>, ts::integer<"age", ts::ge{18}>,
                        ts::real<"rate", ts::gt{0}, ts::lt{0.5}>, ts::boolean<"owner">,
                        ts::optional<ts::integer<"children", ts::ge{0}>>, ts::optional<ts::text<"note">>>;
}

TEST_CASE("a batch keeps records as one array per field", "[schema]") {
  ts::batch<loan> b;
  for (int i = 0; i < 100; ++i) b.push_back("car", 20 + i, 0.25, i % 2 == 0, std::nullopt, "x");
  b.push_back("house", 40, 0.125, true, 3, std::nullopt);
  const ts::columns<loan> c = b;
  REQUIRE(c.rows() == 101);
  CHECK(c.get<"purpose">()[100] == "house");
  CHECK(c.get<"age">()[7] == 27);
  CHECK(c.get<"owner">()[1] == false);
  CHECK(std::isnan(c.get<"children">()[0]));
  CHECK(c.get<"children">()[100] == 3.0);
  CHECK(c.get<"note">()[100].data() == nullptr);
  CHECK(c.slice(100, 1).get<0>()[0] == "house");
  b.clear();
  CHECK(b.rows() == 0);
  CHECK(b.capacity() >= 101);
}

TEST_CASE("an empty text is a value, whatever its data() is", "[schema]") {
  ts::batch<ts::schema<ts::text<"required">, ts::optional<ts::text<"optional">>>> b;
  b.push_back(std::string_view(), std::string_view());
  CHECK(b.view().get<"required">()[0].data() != nullptr);
  CHECK(b.view().get<"optional">()[0].data() != nullptr);
}

TEST_CASE("kept texts stay where they are while a batch grows", "[schema]") {
  ts::batch<loan> b;
  std::vector<std::string_view> kept;
  for (int round = 0; round < 2; ++round) {
    kept.clear();
    for (int i = 0; i < 5000; ++i) kept.push_back(b.keep("text " + std::to_string(i)));
    kept.push_back(b.keep(std::string(3'000'000, 'x')));
    for (int i = 0; i < 5000; ++i) REQUIRE(kept[static_cast<std::size_t>(i)] == "text " + std::to_string(i));
    CHECK(kept.back().size() == 3'000'000);
    b.clear();
  }
}

TEST_CASE("the caller's own arrays are columns without a copy", "[schema]") {
  const std::array<std::string_view, 2> purpose{"car", "house"};
  const std::vector<std::int64_t> age{30, 40};
  const std::array rate{0.25, 0.3};
  const std::array owner{true, false};
  const std::array children{1.0, 2.0};
  const ts::columns<loan> c(purpose, age, rate, owner, children, purpose);
  CHECK(c.rows() == 2);
  CHECK(c.get<"age">().data() == age.data());
}

TEST_CASE("validate names row, field, fault and limit of every broken constraint", "[schema]") {
  ts::batch<loan> b;
  b.push_back("car", 18, 0.25, true, std::nullopt, std::nullopt);
  b.push_back("c", 17, std::nan(""), false, -1, "");
  b.push_back("\xC3\xA9t\xC3\xA9\xC3\xA9", 99, 0.5, true, 0, "fine");
  b.push_back("longer", 18, 0.0, true, 0, "fine");
  ts::validation_errors e;
  ts::validate<loan>(b, e);
  REQUIRE(e.size() == 7);
  CHECK(e[0] == ts::field_error{1, 0, ts::fault::min_length, 2});
  CHECK(e[1] == ts::field_error{1, 1, ts::fault::ge, 18});
  CHECK(e[2] == ts::field_error{1, 2, ts::fault::gt, 0});
  CHECK(e[3] == ts::field_error{1, 4, ts::fault::ge, 0});
  CHECK(e[4] == ts::field_error{2, 2, ts::fault::lt, 0.5});
  CHECK(e[5] == ts::field_error{3, 0, ts::fault::max_length, 5});
  CHECK(e[6] == ts::field_error{3, 2, ts::fault::gt, 0});
}

TEST_CASE("integers are compared exactly beyond 2^53", "[schema]") {
  using f = ts::integer<"x", ts::le{9007199254740993}>;
  STATIC_REQUIRE(f::valid(9007199254740993));
  STATIC_REQUIRE_FALSE(f::valid(9007199254740994));
}

TEST_CASE("validate tells what an optional integer or boolean cannot be, which its column of doubles can", "[schema]") {
  using record = ts::schema<ts::optional<ts::integer<"n", ts::ge{0}, ts::le{100}>>, ts::optional<ts::boolean<"b">>>;
  const double nan = std::nan("");
  const std::array n{-0.5, 100.5, 45.9, 1e300, -HUGE_VAL, nan, 101.0, -0x1p63, 0x1p63, -0.0};
  const std::array b{0.0, 1.0, nan, 0.5, 7.0, -1.0, HUGE_VAL, 1.0, 0.0, -0.0};
  ts::validation_errors e;
  ts::validate(ts::columns<record>(n, b), e);
  using found = std::tuple<std::uint32_t, std::uint16_t, ts::fault>;
  std::vector<found> wrong;
  for (const ts::field_error& each : e) wrong.emplace_back(each.row, each.field, each.what);
  CHECK(wrong == std::vector<found>{{0, 0, ts::fault::not_integer},
                                    {1, 0, ts::fault::not_integer},
                                    {2, 0, ts::fault::not_integer},
                                    {3, 0, ts::fault::integer_range},
                                    {3, 1, ts::fault::not_boolean},
                                    {4, 0, ts::fault::not_finite},
                                    {4, 1, ts::fault::not_boolean},
                                    {5, 1, ts::fault::not_boolean},
                                    {6, 0, ts::fault::le},
                                    {6, 1, ts::fault::not_boolean},
                                    {7, 0, ts::fault::ge},
                                    {8, 0, ts::fault::integer_range}});
}

TEST_CASE("a batch, a text and working memory that were moved from are empty and usable", "[schema]") {
  ts::batch<loan> b;
  for (int i = 0; i < 20; ++i) b.push_back(b.keep("car"), 20, 0.25, true, std::nullopt, std::nullopt);
  ts::batch<loan> other = std::move(b);
  CHECK(other.rows() == 20);
  CHECK(b.rows() == 0);  // NOLINT(bugprone-use-after-move)
  b.push_back(b.keep("van"), 30, 0.5, false, 1, std::nullopt);
  CHECK(b.view().get<"purpose">()[0] == "van");
  b = std::move(other);
  CHECK(b.view().get<"purpose">()[19] == "car");
  other.push_back(other.keep("bus"), 30, 0.5, false, 1, std::nullopt);
  CHECK(other.rows() == 1);

  ts::text_buffer text;
  text.append("a text");
  const ts::text_buffer taken = std::move(text);
  CHECK(taken.view() == "a text");
  CHECK(text.view().empty());  // NOLINT(bugprone-use-after-move)
  text.append("another");
  CHECK(text.view() == "another");

  ts::scratch memory;
  memory.get<int>(100)[99] = 7;
  ts::scratch owner = std::move(memory);
  memory.get<int>(50)[49] = 8;  // NOLINT(bugprone-use-after-move)
  CHECK(owner.get<int>(100)[99] == 7);
}

TEST_CASE("a bound beyond 64 bits with a sign is a double", "[schema]") {
  constexpr ts::le most{18446744073709551615U};
  STATIC_REQUIRE(most.value.is_real);
  CHECK(most.value.real() == 0x1p64);
  STATIC_REQUIRE(!ts::ge{-1}.value.is_real);
}
