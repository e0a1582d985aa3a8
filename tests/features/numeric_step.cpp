// SPDX-License-Identifier: MIT
#include <tabscore/features/encoder.hpp>
#include <tabscore/features/numeric_step.hpp>

#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace tabscore;

namespace {
// What scikit-learn 1.2.1 gives (numeric_step_expected.py), written with the digits that read back to the same double.
struct case_of {
  numeric_step step;
  std::vector<double> in, out;
};
}  // namespace

TEST_CASE("a step gives scikit-learn's bits", "[features]") {
  const std::vector<case_of> cases{
#include "numeric_step_expected.inc"
  };
  for (const case_of& c : cases) {
    for (std::size_t i = 0; i < c.in.size(); ++i) {
      const double got = std::visit([&](const auto& step) { return step(c.in[i]); }, c.step);
      CAPTURE(c.step.index(), c.in[i]);
      CHECK((got == c.out[i] || (std::isnan(got) && std::isnan(c.out[i]))));
      CHECK(std::signbit(got) == std::signbit(c.out[i]));
    }
  }
}

TEST_CASE("steps are applied in order before the scaler", "[features]") {
  const encoder e{
      .numeric = {{.mean = 1, .scale = 2}, {}},
      .text = {},
      .before = {{impute{std::expm1(3.0)}, logarithm1p{}}, {clip{0, 5}, rescale{.scale = 0.5, .offset = 1}}}};
  const std::vector<double> numbers{NAN, 0, /* second feature */ 9, -INFINITY};
  const feature_block x{.rows = 2, .width = 2, .numeric = numbers.data(), .stride = 2, .text = {}};
  std::vector<double> out(4);
  e.encode(x, out.data());
  CHECK(out == std::vector<double>{(std::log1p(std::expm1(3.0)) - 1) / 2, 3.5, -0.5, 1});
  scratch memory;
  const feature_block prepared = e.prepared(x, memory);
  CHECK(prepared.column(0)[1] == 0);
  CHECK(prepared.column(1)[0] == 3.5);
  CHECK(numbers[2] == 9);
}

TEST_CASE("a category's position is one column, with a number for unknown texts", "[features]") {
  const encoder e{
      .numeric = {}, .text = {one_hot({"a", "b"}), one_hot({"x", "y"}, "y")}, .before = {}, .ordinal = {-1.0}};
  REQUIRE(e.width() == 3);
  const std::vector<std::string_view> first{"b", "?", "a"}, second{"x", {}, ""};
  const std::vector<const std::string_view*> text{first.data(), second.data()};
  const feature_block x{.rows = 3, .width = 0, .numeric = nullptr, .stride = 3, .text = text};
  std::vector<double> out(9);
  e.encode(x, out.data());
  CHECK(out == std::vector<double>{1, 1, 0, -1, 0, 1, 0, 0, 0});  // an absent text is the imputed one, "" is not
}

TEST_CASE("an absent text is the category of those that were missing in training", "[features]") {
  const one_hot town({"a", std::nullopt});
  CHECK(town.code({}) == 1);
  CHECK(town.code("") == one_hot::unknown);
  CHECK(one_hot({"a"}).code({}) == one_hot::unknown);
}
