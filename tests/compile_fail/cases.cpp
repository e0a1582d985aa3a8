// SPDX-License-Identifier: MIT
// Each CASE must fail to compile with the message that stands above it; without a CASE the file compiles.
#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/monitor/sink.hpp>
#include <tabscore/schema/batch.hpp>

namespace ts = tabscore;
using ts::col;

using record = ts::schema<ts::text<"name">, ts::integer<"age", ts::ge{0}>, ts::optional<ts::real<"income">>,
                          ts::optional<ts::boolean<"vip">>>;

[[maybe_unused]] static void use(ts::batch<record>& b) {
  b.push_back("a", 1, std::nullopt, true);
  static_cast<void>(ts::rule(col<"age"> >= 18, "adult").first_broken(b.view()));
#if CASE == 1  // tabscore: the schema has no field with this name
  static_cast<void>((col<"agee"> + 1).evaluate(b.view()));
#elif CASE == 2   // tabscore: a text field has no place in arithmetic
  static_cast<void>((col<"name"> + 1).evaluate(b.view()));
#elif CASE == 3   // tabscore: a rule is a condition
  static_cast<void>(ts::rule(col<"age"> + 1, "not a condition").first_broken(b.view()));
#elif CASE == 4   // tabscore: only an optional field can be std::nullopt
  b.push_back("a", std::nullopt, 1.0, true);
#elif CASE == 5   // tabscore: a value does not fit its field
  b.push_back(1, 1, 1.0, true);
#elif CASE == 6   // tabscore: two fields of a schema have the same name
  static_cast<void>(ts::schema<ts::integer<"x">, ts::real<"x">>::size);
#elif CASE == 7   // tabscore: a sink has a noexcept record(batch)
  struct silent {
  } s;
  const ts::sinks all{s};
  all.record<2>(ts::scored<record>{}, ts::feature_block{});
#elif CASE == 8   // tabscore: the schema has no field with this name
  static_cast<void>(b.view().get<"nme">());
#elif CASE == 9   // tabscore: a comparison of a condition, such as 0 < x < 3, is not what it looks like
  static_cast<void>(0 < col<"age"> < 3);
#elif CASE == 10  // write 0 < x && x < 3
  static_cast<void>(col<"age"> == col<"age"> == 1);
#elif CASE == 11  // tabscore: a comparison of a condition
  static_cast<void>(!col<"age"> > 3);
#elif CASE == 12  // tabscore: && || ! and where take conditions; write x == 1 || x == 2, or in(x, {1, 2})
  static_cast<void>(col<"age"> == 1 || 2);
#elif CASE == 13  // tabscore: && || ! and where take conditions; write x == 1 || x == 2
  static_cast<void>(col<"name"> == "US" || "CA");
#elif CASE == 14  // tabscore: && || ! and where take conditions
  static_cast<void>(!(col<"age"> + 1));
#elif CASE == 15  // compare anything else with something, an optional boolean with true
  static_cast<void>((col<"age"> && col<"age"> > 1).evaluate(b.view()));
#elif CASE == 16  // tabscore: a condition has no place in arithmetic; where(condition, 1, 0) makes a number of it
  static_cast<void>((col<"age"> > 1) + 1);
#elif CASE == 17  // tabscore: a condition has no place in arithmetic
  static_cast<void>(ts::log(col<"age"> > 1));
#elif CASE == 18  // tabscore: a text compares with texts only, a number with numbers
  static_cast<void>((col<"name"> == 1).evaluate(b.view()));
#elif CASE == 19  // tabscore: a text compares with texts only, a number with numbers
  static_cast<void>(ts::rule(col<"age"> == "1", "age").first_broken(b.view()));
#elif CASE == 20  // tabscore: a text compares with texts only, a number with numbers
  static_cast<void>(in(col<"age">, {"1", "2"}).evaluate(b.view()));
#elif CASE == 21  // tabscore: texts have no order here; == != and in compare them
  static_cast<void>((col<"name"> < "b").evaluate(b.view()));
#elif CASE == 22  // tabscore: a formula keeps no text
  static_cast<void>(col<"name"> == std::string("US"));
#elif CASE == 23  // tabscore: where() takes a condition first
  static_cast<void>(where(col<"age"> + 1, 1, 0));
#elif CASE == 24  // tabscore: a rule is a condition
  static_cast<void>(ts::rule(col<"name">, "not a condition").first_broken(b.view()));
#elif CASE == 25  // tabscore: a text has no place in arithmetic
  static_cast<void>(col<"age"> + "1");
#elif CASE == 26  // tabscore: && || ! and where take conditions and required boolean fields
  static_cast<void>(ts::rule(!col<"vip">, "vip").first_broken(b.view()));
#endif
}
