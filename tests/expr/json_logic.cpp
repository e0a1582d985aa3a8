// SPDX-License-Identifier: MIT
#include <tabscore/expr/json_logic.hpp>

#include <string>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {
std::string logic(const auto& what) {
  ts::text_buffer out;
  ts::append_json_logic(out, what);
  return std::string(out.view());
}
constexpr auto a = ts::col<"a">;
constexpr auto b = ts::col<"b \"">;
}  // namespace

TEST_CASE("formulas are written as JsonLogic", "[expr]") {
  CHECK(logic(a <= b) == R"({"<=":[{"var":"a"},{"var":"b \""}]})");
  CHECK(logic(a > 1) == R"({"<":[1,{"var":"a"}]})");
  CHECK(logic(0.5 * a + max(b, 1) / 2 - min(a, b)) ==
        R"({"-":[{"+":[{"*":[0.5,{"var":"a"}]},{"/":[{"max":[{"var":"b \""},1]},2]}]},)"
        R"({"min":[{"var":"a"},{"var":"b \""}]}]})");
  CHECK(logic(!(a == 1) && (b != 2.0 || missing(a))) ==
        R"({"and":[{"!":[{"==":[{"var":"a"},1]}]},{"or":[{"!=":[{"var":"b \""},2.0]},{"==":[{"var":"a"},null]}]}]})");
  CHECK(
      logic(where(a < 0, -a, sqrt(abs(log(log1p(b)))))) ==
      R"({"if":[{"<":[{"var":"a"},0]},{"-":[{"var":"a"}]},{"sqrt":[{"abs":[{"log":[{"log1p":[{"var":"b \""}]}]}]}]}]})");
}

TEST_CASE("comparisons of texts are written as JsonLogic", "[expr]") {
  CHECK(logic(a == "U\"S") == R"({"==":[{"var":"a"},"U\"S"]})");
  CHECK(logic("US" != a) == R"({"!=":["US",{"var":"a"}]})");
  CHECK(logic(in(a, {"US", "CA"}) || is_missing(b)) ==
        R"({"or":[{"in":[{"var":"a"},["US","CA"]]},{"==":[{"var":"b \""},null]}]})");
  CHECK(logic(in(a, {1, 2})) == R"({"in":[{"var":"a"},[1,2]]})");
  CHECK(logic(in(a, {0.5})) == R"({"in":[{"var":"a"},[0.5]]})");
}

TEST_CASE("rules are written with their messages", "[expr]") {
  CHECK(logic(ts::rules{}) == "[]");
  CHECK(logic(ts::rules{ts::rule(a <= 1, "a \"small\""), ts::rule(a >= 0, "b")}) ==
        R"([{"message":"a \"small\"","condition":{"<=":[{"var":"a"},1]}},)"
        R"({"message":"b","condition":{"<=":[0,{"var":"a"}]}}])");
}
