// SPDX-License-Identifier: MIT
#include <tabscore/features/encoder.hpp>

#include <string_view>
#include <vector>

#include "support/catch.hpp"

using tabscore::encoder;
using tabscore::feature_block;
using tabscore::one_hot;

namespace {

const encoder two_and_two{.numeric = {{.mean = 1.0, .scale = 3.0}, {}},
                          .text = {one_hot({"a", "b", std::nullopt}), one_hot({"x", "y"})}};

struct rows_of_three {
  std::vector<double> numeric{2.0, 1.0, -7.0, /* not in the block */ 99.0, 0.1, 1e300, -0.0, 99.0};
  std::vector<std::string_view> first{"b", "unknown", "a"}, second{"x", "y", ""};
  std::vector<const std::string_view*> text{first.data(), second.data()};
  feature_block block{.rows = 3, .width = 2, .numeric = numeric.data(), .stride = 4, .text = text};
};

}  // namespace

TEST_CASE("rows are encoded as scaled numbers followed by one indicator per known text", "[features]") {
  const rows_of_three rows;
  REQUIRE(two_and_two.width() == 7);
  std::vector<double> out(21, 5.0);
  two_and_two.encode(rows.block, out.data());
  CHECK(out == std::vector<double>{(2.0 - 1.0) / 3.0,
                                   0.1,
                                   0,
                                   1,
                                   0,
                                   1,
                                   0,  //
                                   0.0,
                                   1e300,
                                   0,
                                   0,
                                   0,
                                   0,
                                   1,  //
                                   (-7.0 - 1.0) / 3.0,
                                   -0.0,
                                   1,
                                   0,
                                   0,
                                   0,
                                   0});
}

TEST_CASE("float rows are the double rows rounded once", "[features]") {
  const rows_of_three rows;
  std::vector<double> wide(21);
  std::vector<float> narrow(21, 5.0f);
  two_and_two.encode(rows.block, wide.data());
  two_and_two.encode(rows.block, narrow.data());
  for (std::size_t i = 0; i < wide.size(); ++i) CHECK(narrow[i] == static_cast<float>(wide[i]));
}

TEST_CASE("a block fits an encoder of the same numbers of features", "[features]") {
  const rows_of_three rows;
  CHECK(two_and_two.fits(rows.block));
  feature_block other = rows.block;
  other.width = 1;
  CHECK_FALSE(two_and_two.fits(other));
  other = rows.block;
  other.text = other.text.first(1);
  CHECK_FALSE(two_and_two.fits(other));
}

TEST_CASE("an empty block encodes to nothing", "[features]") {
  double untouched = 5;
  const rows_of_three rows;
  feature_block none = rows.block;
  none.rows = 0;
  two_and_two.encode(none, &untouched);
  CHECK(untouched == 5);
}
