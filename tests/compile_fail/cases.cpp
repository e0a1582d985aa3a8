// SPDX-License-Identifier: MIT
// Each CASE must fail to compile with the message that stands above it; without a CASE the file compiles.
#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/monitor/sink.hpp>
#include <tabscore/schema/batch.hpp>

namespace ts = tabscore;
using ts::col;

using record = ts::schema<ts::text<"name">, ts::integer<"age", ts::ge{0}>, ts::optional<ts::real<"income">>>;

[[maybe_unused]] static void use(ts::batch<record>& b) {
  b.push_back("a", 1, std::nullopt);
  static_cast<void>(ts::rule(col<"age"> >= 18, "adult").first_broken(b.view()));
#if CASE == 1  // tabscore: the schema has no field with this name
  static_cast<void>((col<"agee"> + 1).evaluate(b.view()));
#elif CASE == 2  // tabscore: a text field has no place in arithmetic
  static_cast<void>((col<"name"> + 1).evaluate(b.view()));
#elif CASE == 3  // tabscore: a rule is a condition
  static_cast<void>(ts::rule(col<"age"> + 1, "not a condition").first_broken(b.view()));
#elif CASE == 4  // tabscore: only an optional field can be std::nullopt
  b.push_back("a", std::nullopt, 1.0);
#elif CASE == 5  // tabscore: a value does not fit its field
  b.push_back(1, 1, 1.0);
#elif CASE == 6  // tabscore: two fields of a schema have the same name
  static_cast<void>(ts::schema<ts::integer<"x">, ts::real<"x">>::size);
#elif CASE == 7  // tabscore: a sink has a noexcept record(batch)
  struct silent {
  } s;
  const ts::sinks all{s};
  all.record<2>(ts::scored<record>{}, ts::feature_block{});
#elif CASE == 8  // tabscore: the schema has no field with this name
  static_cast<void>(b.view().get<"nme">());
#endif
}
