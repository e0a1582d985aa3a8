// SPDX-License-Identifier: MIT
#include <tabscore/schema/batch.hpp>
#include <tabscore/schema/validate.hpp>

#include <array>
#include <cmath>
#include <string>

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
