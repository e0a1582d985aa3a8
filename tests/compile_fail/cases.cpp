// SPDX-License-Identifier: MIT
// Each CASE must fail to compile with the message that stands above it; without a CASE the file compiles.
#include <tabscore/expr/rule.hpp>
#include <tabscore/features/features.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ts = tabscore;
using ts::col;

using record = ts::schema<ts::text<"name">, ts::integer<"age", ts::ge{0}>, ts::optional<ts::real<"income">>,
                          ts::optional<ts::boolean<"vip">>>;

struct model {
  ts::feature_names names;
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block&, ts::scratch&, std::span<double>) const {}
};
struct throwing_sink {
  void record(const auto&) {}
};

[[maybe_unused]] static void use(ts::batch<record>& b) {
  b.push_back("a", 1, std::nullopt, true);
  static_cast<void>(ts::rule(col<"age"> >= 18, "adult").first_broken(b.view()));
#if CASE == 1  // tabscore: the schema has no field with this name
  static_cast<void>((col<"agee"> + 1).at(b.view(), 0));
#elif CASE == 2   // tabscore: a text field has no place in arithmetic
  static_cast<void>((col<"name"> + 1).at(b.view(), 0));
#elif CASE == 3   // tabscore: a rule is a condition
  static_cast<void>(ts::rule(col<"age"> + 1, "not a condition").first_broken(b.view()));
#elif CASE == 4   // tabscore: only an optional field can be std::nullopt
  b.push_back("a", std::nullopt, 1.0, true);
#elif CASE == 5   // tabscore: a value does not fit its field
  b.push_back(1, 1, 1.0, true);
#elif CASE == 6   // tabscore: two fields of a schema have the same name
  static_cast<void>(ts::schema<ts::integer<"x">, ts::real<"x">>::size);
#elif CASE == 7   // tabscore: a sink has a noexcept record(batch)
  throwing_sink sink;
  static_cast<void>(ts::pipeline{record{}, ts::rules{}, ts::features{}, model{}, ts::sinks{sink}});
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
  static_cast<void>((col<"age"> && col<"age"> > 1).at(b.view(), 0));
#elif CASE == 16  // tabscore: a condition has no place in arithmetic; where(condition, 1, 0) makes a number of it
  static_cast<void>((col<"age"> > 1) + 1);
#elif CASE == 17  // tabscore: a condition has no place in arithmetic
  static_cast<void>(ts::log(col<"age"> > 1));
#elif CASE == 18  // tabscore: a text compares with texts only, a number with numbers
  static_cast<void>((col<"name"> == 1).at(b.view(), 0));
#elif CASE == 19  // tabscore: a text compares with texts only, a number with numbers
  static_cast<void>(ts::rule(col<"age"> == "1", "age").first_broken(b.view()));
#elif CASE == 20  // tabscore: a text compares with texts only, a number with numbers
  static_cast<void>(in(col<"age">, {"1", "2"}).at(b.view(), 0));
#elif CASE == 21  // tabscore: texts have no order here; == != and in compare them
  static_cast<void>((col<"name"> < "b").at(b.view(), 0));
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
#elif CASE == 27  // tabscore: a pipeline takes a model, not a result that may hold an error: check it and give *model
  static_cast<void>(ts::pipeline{record{}, ts::rules{}, ts::features{}, ts::result<model>(model{})});
#elif CASE == 28  // tabscore: a pipeline takes a model, not a result that may hold an error
  static_cast<void>(ts::make_pipeline(record{}, ts::rules{}, ts::features{}, ts::result<model>(model{})));
#elif CASE == 29  // tabscore: a model has features(), threshold() and score(block, scratch, probability)
  static_cast<void>(ts::pipeline{record{}, ts::rules{}, ts::features{}, throwing_sink{}});
#elif CASE == 30  // tabscore: the argument after the model is ts::sinks{a, b}
  static_cast<void>(ts::pipeline{record{}, ts::rules{}, ts::features{}, model{}, throwing_sink{}});
#elif CASE == 31  // tabscore: two features have the same name
  static_cast<void>(ts::pipeline{record{}, ts::rules{}, ts::features{ts::feature<"age">(col<"age"> + 1)}, model{}});
#elif CASE == 32  // tabscore: only an optional field takes a std::optional; declare it as ts::optional<...>
  b.push_back("a", std::optional<int>(), 1.0, true);
#elif CASE == 33  // tabscore: an integer field takes integers that fit 64 bits with a sign
  b.push_back("a", 45.9, 1.0, true);
#elif CASE == 34  // tabscore: an integer field takes integers that fit 64 bits with a sign
  b.push_back("a", 45, 1.0, "no");
#elif CASE == 35  // tabscore: push_back takes one value per field, std::nullopt for one that is missing
  b.push_back("a", 45, 1.0);
#elif CASE == 36  // tabscore: nullptr is not a text; is_missing() asks whether a value is absent
  static_cast<void>(col<"name"> != nullptr);
#elif CASE == 37  // tabscore: an unsigned constant of 64 bits may not fit an integer field; give a std::int64_t
  static_cast<void>(col<"age"> < 18446744073709551615ULL);
#elif CASE == 38  // tabscore: nothing equals a missing value; write is_missing(x) or !is_missing(x)
  static_cast<void>(col<"income"> == std::nullopt);
#elif CASE == 39  // tabscore: nothing equals a missing value; write is_missing(x) or !is_missing(x)
  static_cast<void>(std::nullopt != col<"income">);
#elif CASE == 40  // tabscore: in() takes a list that is written in the formula: in(x, {1, 2})
  static_cast<void>(in(col<"age">, std::vector<int>{1, 2}));
#elif CASE == 41  // tabscore: the values of in() have one type: in(x, {1.0, 2.5}), not in(x, {1, 2.5})
  static_cast<void>(in(col<"age">, {1, 2.5}));
#elif CASE == 42  // tabscore: a required field is never missing; is_missing() is for optional fields and formulas
  static_cast<void>(ts::rule(!is_missing(col<"age">), "age").first_broken(b.view()));
#elif CASE == 43  // tabscore: a required field is never missing
  static_cast<void>(ts::rule(col<"age"> > 3 || missing(col<"name">), "name").first_broken(b.view()));
#elif CASE == 44  // tabscore: a schema has one id at most
  static_cast<void>(ts::schema<ts::id<ts::text<"a">>, ts::id<ts::text<"b">>>::size);
#elif CASE == 45  // tabscore: an id is a text or an integer
  static_cast<void>(ts::schema<ts::id<ts::real<"a">>>::size);
#elif CASE == 46  // tabscore: an integer id is not optional
  static_cast<void>(ts::schema<ts::optional<ts::id<ts::integer<"a">>>>::size);
#elif CASE == 47  // tabscore: two decisions have the same name
  static_cast<void>(ts::decided<ts::score<>, "decision", "approve", "approve">::columns);
#elif CASE == 48  // tabscore: a log line calls the policy's hash
  static_cast<void>(ts::decided<ts::score<>, "policy", "approve", "decline">::columns);
#elif CASE == 49  // tabscore: the text of a temporary std::string is gone after push_back
  b.push_back(std::string("a"), 1, std::nullopt, true);
#elif CASE == 50  // tabscore: an integer field takes integers that fit 64 bits with a sign
  b.push_back("a", sizeof b, std::nullopt, true);
#elif CASE == 51  // and a boolean field true or false
  b.push_back("a", 1, std::nullopt, 2);
#endif
}
