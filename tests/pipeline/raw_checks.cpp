// SPDX-License-Identifier: MIT
#include <tabscore/models/load_model.hpp>
#include <tabscore/pipeline/pipeline.hpp>

#include <string>

#include "support/catch.hpp"

namespace ts = tabscore;
using support::ContainsSubstring;
using ts::col;

namespace {
using loan = ts::schema<ts::integer<"previous">, ts::real<"amount">, ts::optional<ts::text<"region">>,
                        ts::optional<ts::integer<"age">>, ts::boolean<"home">>;
const ts::features right{ts::feature<"ratio">(col<"amount"> / col<"previous">),
                         ts::feature<"logged">(ts::log1p(col<"amount">)),
                         ts::feature<"north">(where(col<"region"> == "north", 1.0, 0.0))};
const ts::features swapped{ts::feature<"ratio">(col<"previous"> / col<"amount">),
                           ts::feature<"logged">(ts::log1p(col<"amount">)),
                           ts::feature<"north">(where(col<"region"> == "north", 1.0, 0.0))};

std::string file(const std::string& raw) {
  return R"({"format": "tabscore-model", "version": 1, "name": "tiny", "kind": "logistic",
    "provenance": {"trainer": {"name": "by hand", "version": "1"}, "exporter": "nobody", "date": "2026-01-02",
      "training_data": {"file": "none.csv",
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "rows": 10}},
    "features": {"numeric": [{"name": "previous", "mean": 0, "scale": 1}, {"name": "amount", "mean": 0, "scale": 1},
      {"name": "age", "mean": 0, "scale": 1, "steps": [{"impute": 0}]}, {"name": "home", "mean": 0, "scale": 1},
      {"name": "ratio", "mean": 0, "scale": 1}, {"name": "logged", "mean": 0, "scale": 1},
      {"name": "north", "mean": 0, "scale": 1}], "text": []},
    "model": {"numeric_coefficients": [0, 0, 0, 0, 1, 0, 0], "text_coefficients": [], "intercept": 0},
    "threshold": 0.5, "checks": [{"numeric": [0, 0, 0, 0, 0, 0, 0], "text": [], "margin": 0, "probability": 0.5}])" +
         (raw.empty() ? std::string() : ", \"raw_checks\": " + raw) + "}";
}
std::string raw(const std::string& rows, const std::string& values,
                const std::string& fields = R"(["id", "amount", "previous", "region", "age", "home"])",
                const std::string& features = R"(["ratio", "logged", "north", "age"])") {
  return R"({"fields": )" + fields + R"(, "rows": )" + rows + R"(, "features": )" + features + R"(, "values": )" +
         values + "}";
}
const std::string good = raw(R"([["a", 100.5, 4, "north", 33, true], ["b", 7, 2.0, null, null, 0]])",
                             R"([[25.125, 4.620058798481842, 1, 33], [3.5, 2.0794415416798357, 0, null]])");

template <class Features>
std::string problem(const std::string& text, const Features& features) {
  const auto read = ts::parse_model_file(text, "m.json");
  if (!read) return read.error().message;
  const auto model = ts::make_scorer(*read);
  if (!model) return model.error().message;
  const auto pipe = ts::make_pipeline(loan{}, ts::rules{}, features, *model);
  return pipe ? "" : pipe.error().message;
}
}  // namespace

TEST_CASE("raw rows of the model file tell another formula under the same name", "[pipeline]") {
  CHECK(problem(file(""), right).empty());
  CHECK(problem(file(""), swapped).empty());  // nothing to compare with
  CHECK(problem(file(good), right).empty());
  CHECK(problem(file(good), swapped) ==
        "m.json: raw_checks: the feature 'ratio' of row 0 is 25.125 in the training code and 0.03980099502487562 here; "
        "most likely the formula is another one");
#if TABSCORE_EXCEPTIONS
  const auto model = ts::make_logistic(ts::parse_model_file(file(good), "m.json").value()).value();
  CHECK_NOTHROW(ts::pipeline{loan{}, ts::rules{}, right, model});
  CHECK_THROWS_WITH((ts::pipeline{loan{}, ts::rules{}, swapped, model}), ContainsSubstring("'ratio' of row 0"));
#endif
}

TEST_CASE("missing and infinite values of features are compared, last bits are not", "[pipeline]") {
  const auto one = [](const std::string& row, const std::string& values) {
    return problem(file(raw("[" + row + "]", "[" + values + "]")), right);
  };
  CHECK(one(R"(["a", 7, 0, "south", null, false])", R"(["inf", 2.0794415416798357, 0, null])").empty());
  CHECK(one(R"(["a", 7, 2, "", null, false])", R"([3.5, 2.079441541679836, 0, null])").empty());
  CHECK_THAT(one(R"(["a", 7, 0, "", null, false])", R"(["-inf", 2.079441541679836, 0, null])"),
             ContainsSubstring("is -infinity in the training code and infinity here"));
  CHECK_THAT(one(R"(["a", 7, 2, "", 4, false])", R"([3.5, 2.079441541679836, 0, null])"),
             ContainsSubstring("'age' of row 0 is a missing value (NaN) in the training code and 4.0 here"));
  CHECK_THAT(one(R"(["a", 7, 2, "", null, false])", R"([3.5, 2.0794, 0, null])"), ContainsSubstring("'logged'"));
}

TEST_CASE("raw rows that do not fit the schema or the file are refused with a sentence", "[pipeline]") {
  const auto rows = [](const std::string& row) {
    return problem(file(raw("[" + row + "]", "[[3.5, 2.0794415416798357, 0, null]]")), right);
  };
  CHECK(rows(R"(["a", 7, 2, null, null, false])").empty());
  CHECK_THAT(rows(R"(["a", 7, 2.5, null, null, false])"), ContainsSubstring("row 0: the value of 'previous'"));
  CHECK_THAT(rows(R"(["a", 7, null, null, null, false])"), ContainsSubstring("row 0: the value of 'previous'"));
  CHECK_THAT(rows(R"(["a", "7", 2, null, null, false])"), ContainsSubstring("row 0: the value of 'amount'"));
  CHECK_THAT(rows(R"(["a", 7, 2, 3, null, false])"), ContainsSubstring("row 0: the value of 'region'"));
  CHECK_THAT(rows(R"(["a", 7, 2, null, null, 2])"), ContainsSubstring("row 0: the value of 'home'"));
  CHECK_THAT(rows(R"(["a", 7, 2, null, null])"), ContainsSubstring("raw_checks.rows[0]: expected 6 values, found 5"));
  CHECK_THAT(problem(file(raw("[[7]]", "[[3.5]]", R"(["amount"])", R"(["ratio"])")), right),
             ContainsSubstring("the rows have no field 'previous', which the schema requires"));
  CHECK_THAT(problem(file(raw("[[7]]", "[[3.5]]", R"(["amount"])", R"(["rate"])")), right),
             ContainsSubstring("raw_checks.features: \"rate\" is not a numeric feature of the model"));
  CHECK_THAT(problem(file(raw("[[7, 8]]", "[[3.5]]", R"(["amount", "amount"])", R"(["ratio"])")), right),
             ContainsSubstring("raw_checks.fields: \"amount\" appears twice"));
  CHECK_THAT(problem(file(raw("[[7]]", "[]", R"(["amount"])", R"(["ratio"])")), right),
             ContainsSubstring("raw_checks.values: expected as many lists as there are rows"));
  CHECK_THAT(problem(file(raw("[[7]]", R"([["nan"]])", R"(["amount"])", R"(["ratio"])")), right),
             ContainsSubstring("raw_checks.values[0][0]: expected a number"));
  CHECK_THAT(problem(file(R"({"fields": []})"), right), ContainsSubstring("raw_checks.rows: the member is missing"));
}
