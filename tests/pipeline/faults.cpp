// SPDX-License-Identifier: MIT
// Records without a probability: which field is the reason, and what models are refused because of that.
#include <simdjson.h>
#include <tabscore/compat/pydantic2.hpp>
#include <tabscore/json/write.hpp>
#include <tabscore/models/load_model.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/pipeline/score_json.hpp>
#include <tabscore/pipeline/workspace.hpp>

#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using ts::col;

namespace {

using record = ts::schema<ts::real<"age">, ts::optional<ts::real<"income">>, ts::text<"town">>;
using needs_income = ts::schema<ts::real<"age">, ts::real<"income">, ts::text<"town">>;

ts::logistic logistic_of(std::vector<std::string> names, bool imputes) {
  ts::encoder encoder;
  encoder.numeric.resize(names.size());
  if (imputes) encoder.before = {{}, {ts::impute{3}}};
  const std::vector<double> weights(names.size(), 0.25);
  return ts::logistic({std::move(names), {}}, std::move(encoder), {weights, {}, 0}, 0.5);
}

/// A program with a step for income, and towns that it knows.
ts::any_scorer program(const std::string& steps = R"({"op":"replace","in":[1],"from":null,"to":3})") {
  const std::string text = R"({"format":"tabscore-model","version":1,"name":"tiny","kind":"pipeline",
    "classes":["ok","fraud"],
    "provenance":{"trainer":{"name":"x","version":"1"},"exporter":"nobody","date":"2026-01-02","training_data":
    {"file":"n","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","rows":10}},
    "features":{"numeric":[{"name":"age"},{"name":"income"}],"text":[{"name":"town"}]},
    "model":{"steps":[)" + steps +
                           R"(,
      {"op":"lookup","in":[2],"keys":["A","B"],"values":[0.5,-0.5]},
      {"op":"linear","in":[0,3,4],"coefficients":[[0.5,0.25,1]],"intercept":[0]},
      {"op":"sigmoid","in":[5]}],"probability":6,"margin":5},
    "threshold":0.5,
    "checks":[{"numeric":[0,2],"text":["B"],"margin":0,"probability":0.5}]})";
  return ts::make_scorer(ts::parse_model_file(text, "tiny.json").value()).value();
}

/// Answers what its only feature is.
struct echo {
  ts::feature_names names{{"x"}, {}};
  const ts::feature_names& features() const { return names; }
  static double threshold() { return 0.5; }
  static void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = x.numeric[i];
  }
};

template <class Pipeline>
std::string answer(const Pipeline& pipe, std::string_view body) {
  ts::workspace<typename Pipeline::schema_t> w;
  const simdjson::padded_string padded(body);
  const ts::outcome out = ts::score_json(pipe, padded, w);
  REQUIRE(std::holds_alternative<ts::validation_errors>(out));
  return ts::to_json(std::get<ts::validation_errors>(out), ts::context_of<typename Pipeline::schema_t>(body));
}

}  // namespace

TEST_CASE("an optional field needs a model that takes missing values", "[pipeline]") {
  const auto refused = ts::make_pipeline(record{}, ts::rules{}, ts::features{}, logistic_of({"age", "income"}, false));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ts::errc::mismatch);
  CHECK(refused.error().message ==
        "the field 'income' is optional, and the model has no step for a missing value of it: train it with one (a "
        "SimpleImputer before it, say), or require the field");
  CHECK(ts::make_pipeline(record{}, ts::rules{}, ts::features{}, logistic_of({"age", "income"}, true)));
  CHECK(ts::make_pipeline(needs_income{}, ts::rules{}, ts::features{}, logistic_of({"age", "income"}, false)));
  CHECK(ts::make_pipeline(record{}, ts::rules{}, ts::features{}, program()));
  CHECK_FALSE(
      ts::make_pipeline(record{}, ts::rules{}, ts::features{}, ts::any_scorer(logistic_of({"age", "income"}, false))));
  CHECK_FALSE(ts::make_pipeline(record{}, ts::rules{}, ts::features{},
                                program(R"({"op":"standardize","in":[1],"mean":0,"scale":1})")));
  CHECK_FALSE(ts::make_pipeline(record{}, ts::rules{}, ts::features{},
                                program(R"({"op":"require_finite","in":[1],"missing":false},
                                           {"op":"replace","in":[1],"from":null,"to":3})")));
  using optional_town = ts::schema<ts::real<"age">, ts::real<"income">, ts::optional<ts::text<"town">>>;
  CHECK_FALSE(ts::make_pipeline(optional_town{}, ts::rules{}, ts::features{}, program()));
}

TEST_CASE("a formula of a missing value is a fault of the record, which names the field", "[pipeline]") {
  using loan = ts::schema<ts::real<"age">, ts::optional<ts::real<"income">>>;
  const ts::features ratio{ts::feature<"ratio">(col<"age"> / col<"income">)};
  auto model = logistic_of({"age", "income", "ratio"}, true);
  const auto pipe = ts::make_pipeline(loan{}, ts::rules{}, ratio, std::move(model));
  REQUIRE(pipe);
  CHECK(answer(*pipe, R"({"records":[{"age":1,"income":2},{"age":1}]})") ==
        R"({"errors":[{"code":"missing_for_model","path":"/records/1/income",)"
        R"("message":"is missing and the model has no step for it"}]})");
}

TEST_CASE("a category that the model does not know is a fault of its field", "[pipeline]") {
  const auto pipe = ts::make_pipeline(record{}, ts::rules{}, ts::features{}, program());
  REQUIRE(pipe);
  const std::string body = R"({"records":[{"age":1,"town":"A"},{"age":1,"town":"C"},{"age":2,"income":2,"town":"B"}]})";
  CHECK(answer(*pipe, body) == R"({"errors":[{"code":"unlisted_category","path":"/records/1/town",)"
                               R"("message":"must be a category that the model knows"}]})");
  CHECK(pipe->model().outputs().classes == std::vector<std::string>{"ok", "fraud"});

  ts::workspace<record> w;
  const simdjson::padded_string padded(body);
  const auto partial = ts::score_request(&*pipe, padded, w, {.on_error = ts::on_error::skip});
  const auto& found = std::get<ts::partial_predictions>(partial);
  CHECK(found.rows == std::vector<std::uint32_t>{0, 2});
  REQUIRE(found.errors.size() == 1);
  CHECK(found.errors[0] == ts::field_error{1, 2, ts::fault::unlisted, {}});
}

TEST_CASE("a model whose threshold is not a probability makes no pipeline", "[pipeline]") {
  struct careless : echo {
    double chosen;
    double threshold() const { return chosen; }
  };
  using one = ts::schema<ts::real<"x">>;
  for (const double wrong : {1.5, -1.0, std::nan("")}) {
    const auto pipe = ts::make_pipeline(one{}, ts::rules{}, ts::features{}, careless{{}, wrong});
    REQUIRE_FALSE(pipe);
    CHECK_THAT(pipe.error().message, support::ContainsSubstring("expected a probability from 0 to 1"));
  }
}

TEST_CASE("a score that is not a probability is a fault of its record", "[pipeline]") {
  using one = ts::schema<ts::real<"x">>;
  const ts::pipeline pipe{one{}, ts::rules{}, ts::features{}, echo{}};
  ts::score_buffers buffers;
  for (const double wrong : {151.0, -0.25, 1.0000000000000002, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    for (const std::size_t at : {0U, 7U, 300U}) {
      ts::batch<one> b;
      for (std::size_t i = 0; i < 400; ++i) b.push_back(i == at ? wrong : i % 2 == 0 ? 0.0 : 1.0);
      const auto out = pipe.score(b, buffers);
      REQUIRE(std::holds_alternative<ts::unscorable>(out));
      CHECK(std::get<ts::unscorable>(out).row == at);
      CHECK(std::get<ts::unscorable>(out).what == ts::fault::not_probability);
    }
  }
  CHECK(answer(pipe, R"({"records":[{"x":0.5},{"x":151}]})") ==
        R"({"errors":[{"code":"not_probability","path":"/records/1",)"
        R"("message":"has no probability from 0 to 1"}]})");
}
