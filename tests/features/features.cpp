// SPDX-License-Identifier: MIT
#include <tabscore/features/as_array.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/schema/batch.hpp>

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using ts::col;

namespace {
using loan = ts::schema<ts::text<"purpose">, ts::integer<"age">, ts::real<"amount">, ts::boolean<"owner">,
                        ts::optional<ts::integer<"children">>>;
const ts::features engineered{ts::feature<"per_year">(col<"amount"> / max(col<"age">, 1)),
                              ts::feature<"adult">(where(col<"age"> >= 18, 1, 0)),
                              ts::feature<"bias">(0 * col<"age"> + 1)};
}  // namespace

TEST_CASE("features are the numeric fields in order, then the engineered ones", "[features]") {
  const auto names = decltype(engineered)::names<loan>();
  const std::vector<std::string_view> expected{"age", "amount", "owner", "children", "per_year", "adult", "bias"};
  CHECK(std::vector<std::string_view>(names.begin(), names.end()) == expected);
}

TEST_CASE("the feature matrix has a column per feature and a row per record", "[features]") {
  ts::batch<loan> b;
  b.push_back("car", 20, 100.0, true, 2);
  b.push_back("house", 0, 50.5, false, std::nullopt);
  const std::size_t stride = 5;
  std::vector<double> x(7 * stride, -1.0);
  engineered.write(b.view(), x.data(), stride);
  CHECK(x[0] == 20.0);
  CHECK(x[1] == 0.0);
  CHECK(x[2] == -1.0);  // beyond the rows nothing is written
  CHECK(x[stride] == 100.0);
  CHECK(x[2 * stride] == 1.0);
  CHECK(x[3 * stride] == 2.0);
  CHECK(std::isnan(x[3 * stride + 1]));
  CHECK(x[4 * stride] == 5.0);
  CHECK(x[4 * stride + 1] == 50.5);
  CHECK(x[5 * stride] == 1.0);
  CHECK(x[5 * stride + 1] == 0.0);
  CHECK(x[6 * stride + 1] == 1.0);
}

TEST_CASE("a block's features are an Eigen array, rows x width, without the rows between its columns", "[features]") {
  ts::batch<loan> b;
  b.push_back("car", 20, 100.0, true, 2);
  b.push_back("house", 0, 50.5, false, 0);
  std::vector<double> x(7 * 5, -1.0);
  engineered.write(b.view(), x.data(), 5);
  const auto array = ts::as_array(ts::feature_block{2, 7, x.data(), 5, {}});
  REQUIRE(array.rows() == 2);
  REQUIRE(array.cols() == 7);
  CHECK(array(0, 4) == 5.0);
  CHECK(array(1, 4) == 50.5);
  CHECK((array.colwise().sum().transpose() == Eigen::ArrayXd{{20, 150.5, 1, 2, 55.5, 1, 2}}).all());
}
