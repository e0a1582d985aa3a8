// SPDX-License-Identifier: MIT
// What is made by hand is checked in every build, not only where assert() is.
#include <tabscore/models/encoded_forest.hpp>
#include <tabscore/models/logistic.hpp>
#include <tabscore/monitor/drift_reference.hpp>
#include <tabscore/schema/batch.hpp>

#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using support::ContainsSubstring;

namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();
const ts::feature_names names{{"a", "b"}, {"c"}};
ts::encoder encoder() { return {{{0, 1}, {2, 3}}, {ts::one_hot({"x", "y"})}}; }
const ts::logistic_parameters learnt{{1, 2}, {{0.5, -0.5}}, 0.25};

std::string problem(const ts::feature_names& n, const ts::encoder& e, const ts::logistic_parameters& p, double t) {
  const auto made = ts::logistic::make(n, e, p, t);
  return made ? "" : made.error().message;
}
}  // namespace

TEST_CASE("a logistic model whose parts do not fit is an error", "[pipeline]") {
  CHECK(problem(names, encoder(), learnt, 0.5).empty());
  CHECK(problem({{"a", "a"}, {"c"}}, encoder(), learnt, 0.5) == "two features are called \"a\"");
  CHECK(problem({{"a", "c"}, {"c"}}, encoder(), learnt, 0.5) == "two features are called \"c\"");
  CHECK(problem(names, encoder(), learnt, 0).empty());
  CHECK(problem(names, encoder(), learnt, 1).empty());
  for (const double t : {1.5, -0.1, none, std::numeric_limits<double>::infinity()}) {
    CHECK_THAT(problem(names, encoder(), learnt, t), ContainsSubstring("expected a probability from 0 to 1"));
  }
  CHECK_THAT(problem({{"a"}, {"c"}}, encoder(), learnt, 0.5),
             ContainsSubstring("scales 2 numeric features, the model has 1"));
  CHECK_THAT(problem({{"a", "b"}, {}}, encoder(), learnt, 0.5), ContainsSubstring("1 text features, the model has 0"));
  CHECK_THAT(problem(names, encoder(), {{1}, {{0.5, -0.5}}, 0}, 0.5),
             ContainsSubstring("has 1 coefficients, expected 2"));
  CHECK_THAT(problem(names, encoder(), {{1, 2}, {}, 0}, 0.5), ContainsSubstring("has 0 coefficients, expected 1"));
  CHECK_THAT(problem(names, encoder(), {{1, 2}, {{1}}, 0}, 0.5), ContainsSubstring("has 1 coefficients, expected 2"));
  CHECK_THAT(problem(names, encoder(), {{1, none}, {{1, 2}}, 0}, 0.5), ContainsSubstring("not finite"));
  CHECK_THAT(problem(names, encoder(), {{1, 2}, {{1, 2}}, none}, 0.5), ContainsSubstring("not finite"));
  for (const double scale : {0.0, -1.0, none}) {
    ts::encoder e = encoder();
    e.numeric[1].scale = scale;
    CHECK_THAT(problem(names, e, learnt, 0.5), ContainsSubstring("numeric feature 1"));
  }
  ts::encoder e = encoder();
  e.before.resize(3);
  CHECK_THAT(problem(names, e, learnt, 0.5), ContainsSubstring("steps of 3 features"));
#if TABSCORE_EXCEPTIONS
  CHECK_THROWS_WITH(ts::logistic(names, encoder(), learnt, 1.5), ContainsSubstring("threshold"));
#endif
}

TEST_CASE("a duplicated category is an error", "[pipeline]") {
  CHECK(ts::one_hot::make({"x", "y", std::nullopt}).has_value());
  CHECK(ts::one_hot::make({"x", "y", "x"}).error().message == "the category \"x\" is duplicated");
  CHECK(ts::one_hot::make({std::nullopt, std::nullopt}).error().message == "the missing category is duplicated");
#if TABSCORE_EXCEPTIONS
  CHECK_THROWS_WITH(ts::one_hot({"US", "US"}), ContainsSubstring("\"US\" is duplicated"));
#endif
}

TEST_CASE("columns of different lengths and histograms without edges are refused", "[pipeline]") {
  CHECK(ts::binner::wrong({0, 1}) == std::nullopt);
  const std::vector<std::vector<double>> bad{{}, {1}, {1, 1}, {2, 1}, {0, none}, {0, 0.1}, std::vector<double>(22, 1)};
  for (const auto& edges : bad) {
    CHECK(ts::binner::wrong(edges));
  }
#if TABSCORE_EXCEPTIONS
  using two = ts::schema<ts::integer<"i">, ts::real<"x">>;
  const std::vector<std::int64_t> i{1, 2};
  const std::vector<double> x{1};
  CHECK_THROWS_WITH((ts::columns<two>(i, x)), ContainsSubstring("different lengths"));
  CHECK_THROWS_WITH(ts::binner({}), ContainsSubstring("1 to 20 bins"));
#endif
}

TEST_CASE("a drift reference of a file that was put together by hand is checked", "[pipeline]") {
  ts::model_file file;
  file.path = "m";
  file.features = names;
  file.encoder = encoder();
  const ts::binned_rows bins{{0, 1, 2}, {5, 5}, 0};
  ts::training_histograms all{{bins, bins}, {{{4, 6}, 0, 0}}, {bins}, {}};
  const auto problem = [&](const ts::training_histograms& h) {
    file.baseline = ts::drift_baseline{{{"a", 0, 1}, {"b", 0, 1}}, 0.5, 10, h};
    const auto r = ts::make_drift_reference(file);
    return r ? "" : r.error().message;
  };
  CHECK(problem(all).empty());
  auto bad = all;
  bad.numeric.pop_back();
  CHECK_THAT(problem(bad), ContainsSubstring("expected a histogram of each feature"));
  bad = all;
  bad.numeric[0].counts.push_back(1);
  CHECK_THAT(problem(bad), ContainsSubstring("a count of each bin"));
  bad = all;
  bad.outputs[0].edges = {};
  CHECK_THAT(problem(bad), ContainsSubstring("ascending edges"));
  bad = all;
  bad.text[0].counts.pop_back();
  CHECK_THAT(problem(bad), ContainsSubstring("a count of each category"));
}
