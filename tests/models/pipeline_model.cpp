// SPDX-License-Identifier: MIT
// Model files of kind "pipeline": what they compute, why a row has no probability, and what is said of bad ones.
#include <tabscore/models/load_model.hpp>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/replaced.hpp"

using namespace tabscore;
using support::ContainsSubstring;
using support::replaced;

namespace {

const std::string head = R"({"format":"tabscore-model","version":1,"name":"tiny","kind":"pipeline",
 "classes":["ok","fraud"],
 "provenance":{"trainer":{"name":"by hand","version":"1"},"exporter":"nobody","date":"2026-01-02","training_data":
  {"file":"n.csv","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","rows":10}},
 "features":{"numeric":[{"name":"age"},{"name":"debt"}],"text":[{"name":"color"}]},
)";

const std::string linear = head + R"("model":{"steps":[
  {"op":"replace","in":[0],"from":null,"to":2},
  {"op":"standardize","in":[3,1],"mean":[1,0],"scale":[2,1]},
  {"op":"one_hot","in":[2],"keys":["red","green",null],"columns":[0,1,-1],"width":2},
  {"op":"linear","in":[4,5,6,7],"coefficients":[[0.5,-1,0.25,-0.25]],"intercept":[0.125]},
  {"op":"sigmoid","in":[8]}],"probability":9,"margin":8},
 "threshold":0.5,
 "checks":[{"numeric":[3.0,0.5],"text":["red"],"margin":0.375,"probability":0.5926665999540697},
           {"numeric":[null,0.5],"text":[null],"margin":-0.125,"probability":0.46879062662624377}]})";

const std::string trees = head + R"("model":{"steps":[
  {"op":"lookup","in":[2],"keys":["red","green"],"values":[1,2],"other":null},
  {"op":"constant","values":[0]},
  {"op":"trees","in":[0,1,3,4],"gives":"margin","kind":"sklearn","model":{"format":"sklearn-export-1",
   "kind":"gradient_boosting_classifier","classes":[0,1],"n_features":4,"input_cast":"float32","learning_rate":1,
   "init_raw":[0.5],"trees":[[{"feature":[2,-2,-2],"threshold":[1.5,0,0],"left":[1,-1,-1],"right":[2,-1,-1],
   "value":[0,-1,1],"cover":[10,4,6]}]]}},
  {"op":"sigmoid","in":[5]}],"probability":6,"margin":5},
 "threshold":0.5,
 "checks":[{"numeric":[3.0,0.5],"text":["red"],"margin":-0.5,"probability":0.3775406687981454}]})";

// Every step that a file may hold.
const std::string all = head + R"("model":{"steps":[
  {"op":"require_finite","in":[0,1],"missing":true},
  {"op":"replace","in":[0,1],"from":null,"to":[2,3]},
  {"op":"standardize","in":[3,4],"mean":[1,0],"scale":2},
  {"op":"rescale","in":[3,4],"scale":[1,0.5],"offset":[0,1]},
  {"op":"clip","in":[3,4],"low":["-inf",0],"high":["inf",5]},
  {"op":"missing","in":[0],"value":null},
  {"op":"binarize","in":[3],"threshold":2},
  {"op":"function","in":[4],"name":"log1p"},
  {"op":"bins","in":[3,4],"edges":[[1,2,3],[]]},
  {"op":"yeo_johnson","in":[3],"lambda":0.5,"form":"power"},
  {"op":"yeo_johnson","in":[3],"lambda":0.5,"form":"expm1"},
  {"op":"box_cox","in":[8],"lambda":0.5},
  {"op":"quantile","in":[3],"quantiles":[[0,1,2,9]],"references":[0,0.25,0.75,1],"output":"normal"},
  {"op":"spline","in":[3,4],"knots":[[0,1,2,3,4,5],[0,1,2,3,4,6]],"degree":2,"extrapolation":"linear","bias":false},
  {"op":"isotonic","in":[3],"x":[0,1,2],"y":[0.25,0.5,0.75]},
  {"op":"platt","in":[3],"a":-1,"b":0.5},
  {"op":"multiply","in":[3,3],"by":[4,3]},
  {"op":"add","in":[3],"by":[4]},
  {"op":"subtract","in":[3],"by":[4]},
  {"op":"divide","in":[3],"by":[8]},
  {"op":"constant","values":[1,-1]},
  {"op":"normalize","in":[3,4],"norm":"l2"},
  {"op":"lookup","in":[2],"keys":["red","green",null],"values":[0.5,null,1],"other":2},
  {"op":"lookup","in":[3],"keys":[2,3,null],"values":[0.5,1,1],"other":2},
  {"op":"one_hot","in":[2],"keys":["red","green"],"columns":[0,1],"width":3,"other":2},
  {"op":"linear","in":[3,4,5,6,36],"coefficients":[[0.5,-1,0.25,-0.25,0.125],[1,0,0,0,0]],"intercept":[0.125,0]},
  {"op":"softmax","in":[40,41]},
  {"op":"sigmoid","in":[40,41]},
  {"op":"sum_to_one","in":[42,43]},
  {"op":"weighted_mean","in":[42,43,44,45],"groups":2,"weights":[0.25,0.75]},
  {"op":"sum_to_one","in":[42,43],"zero":null},
  {"op":"float32","in":[46]}],"probability":48},
 "threshold":0.5,
 "checks":[{"numeric":[3.0,0.5],"text":["red"],"probability":0.5}]})";

result<any_scorer> load(std::string_view text) {
  const std::vector<char> bytes(text.begin(), text.end());
  const auto file = parse_model_file({bytes.data(), bytes.size()}, "tiny.json");
  if (!file) return file.error();
  return make_scorer(*file);
}

pipeline_model unchecked(const std::string& text) {
  return pipeline_model(parse_model_file(text, "tiny.json").value());
}

struct rows {
  std::vector<double> numeric;
  std::vector<std::string_view> text;
  std::vector<const std::string_view*> columns;

  feature_block block(std::size_t first, std::size_t count) {
    columns = {text.data() + first};
    return {count, 2, numeric.data() + first, text.size(), columns};
  }
};

rows random_rows(std::size_t n) {
  std::mt19937 random(3);
  const std::vector<std::string_view> texts{"red", "green", "", std::string_view{}, "another"};
  rows r;
  for (std::size_t i = 0; i < 2 * n; ++i) {
    r.numeric.push_back(random() % 9 == 0 ? std::nan("") : static_cast<double>(random() % 64) / 8 - 1);
  }
  for (std::size_t i = 0; i < n; ++i) r.text.push_back(texts[random() % texts.size()]);
  return r;
}

}  // namespace

TEST_CASE("a pipeline is read and gives its trainer's numbers", "[models]") {
  const auto file = parse_model_file(linear, "tiny.json");
  REQUIRE(file);
  CHECK(file->kind == "pipeline");
  CHECK(file->outputs.classes == std::vector<std::string>{"ok", "fraud"});
  CHECK_FALSE(file->checks[1].text[0]);
  const auto model = make_pipeline_model(*file);
  REQUIRE(model);
  CHECK(model->margin_columns() == 1);
  CHECK(make_scorer(*file)->outputs() == file->outputs);
  CHECK_FALSE(make_logistic(*file));
  CHECK(load(trees));
}

TEST_CASE("every step: a row's bits are those that it has alone, in any thread", "[models]") {
  for (const std::string& text : {linear, trees, all}) {
    const pipeline_model model = unchecked(text);
    constexpr std::size_t n = 700;
    rows r = random_rows(n);
    std::vector<double> together(n);
    scratch memory;
    model.score(r.block(0, n), memory, together);
    CHECK(std::any_of(together.begin(), together.end(), [](double p) { return p > 0 && p < 1; }));
    const auto same = [&](std::size_t seed) {
      rows mine = random_rows(n);
      scratch own;
      bool equal = true;
      for (std::size_t first = 0, count = 1; first < n; first += count, count = count * 5 % 7 + seed) {
        count = std::min(count, n - first);
        std::vector<double> part(count);
        model.score(mine.block(first, count), own, part);
        equal = equal && std::memcmp(part.data(), together.data() + first, count * sizeof(double)) == 0;
      }
      return equal;
    };
    std::vector<std::thread> threads;
    std::vector<char> equal(4);
    for (std::size_t t = 0; t < 4; ++t) threads.emplace_back([&, t] { equal[t] = same(t) ? 1 : 0; });
    for (std::thread& t : threads) t.join();
    CHECK(equal == std::vector<char>(4, 1));
  }
}

TEST_CASE("a row without a probability: which feature is the reason", "[models]") {
  rows r;
  const double nan = std::nan("");
  const auto fault_of = [&](const std::string& text, double age, double debt, std::string_view color) {
    const pipeline_model model = unchecked(text);
    r.numeric = {2.5, age, 2.5, debt};  // the second of two rows
    r.text = {"red", color};
    scratch memory;
    std::vector<double> p(2);
    model.score(r.block(0, 2), memory, p);
    CHECK(std::isfinite(p[0]));
    CHECK(std::isnan(p[1]));
    const feature_fault found = model.find_fault(r.block(0, 2), 1, memory);
    return std::pair(found.feature, found.what);
  };
  using found = std::pair<std::size_t, fault>;
  CHECK(fault_of(linear, 1, nan, "red") == found{1, fault::model_needs});
  CHECK(fault_of(linear, 1, HUGE_VAL - HUGE_VAL, "red") == found{1, fault::model_needs});
  CHECK(fault_of(linear, nan, 1, "blue") == found{2, fault::unlisted});
  CHECK(fault_of(linear, nan, 1, "") == found{2, fault::unlisted});
  const std::string no_null =
      replaced(linear, R"(["red","green",null],"columns":[0,1,-1])", R"(["red","green"],"columns":[0,1])");
  CHECK(fault_of(no_null, 1, 1, {}) == found{2, fault::model_needs});
  const std::string log =
      replaced(linear, R"({"op":"sigmoid")",
               R"({"op":"function","in":[1],"name":"log"},{"op":"add","in":[8],"by":[9]},{"op":"sigmoid")");
  CHECK(fault_of(replaced(replaced(log, R"("in":[8]}],"probability":9)", R"("in":[10]}],"probability":11)"), "x", "x"),
                 1, -1, "red") == found{1, fault::not_finite});
  const std::string finite = replaced(all, R"("missing":true)", R"("missing":false)");
  CHECK(fault_of(finite, nan, 1, "red") == found{0, fault::model_needs});
  CHECK(fault_of(finite, 1, HUGE_VAL, "red") == found{1, fault::not_finite});
  CHECK(fault_of(replaced(all, R"("extrapolation":"linear")", R"("extrapolation":"error")"), 3, 9, "red") ==
        found{1, fault::not_finite});

  CHECK(unchecked(linear).takes_missing(0));
  CHECK_FALSE(unchecked(linear).takes_missing(1));
  CHECK(unchecked(linear).takes_missing(2));
  CHECK_FALSE(unchecked(no_null).takes_missing(2));
  CHECK_FALSE(unchecked(trees).takes_missing(2));  // what scikit-learn 1.2 boosts takes none
  CHECK_FALSE(unchecked(finite).takes_missing(0));
  CHECK(unchecked(all).takes_missing(0));
}

TEST_CASE("contributions of a pipeline's columns are those of the features that they are made of", "[models]") {
  for (const std::string& text : {linear, trees}) {
    const pipeline_model model = unchecked(text);
    REQUIRE(model.explain_error() == nullptr);
    rows r;
    r.numeric = {3, 5, 0.5, 1};
    r.text = {"red", "green"};
    std::vector<double> out(8), margin(2);
    scratch memory;
    model.contributions(r.block(0, 2), memory, out);
    model.margins(r.block(0, 2), memory, margin);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(out[4 * i] + out[4 * i + 1] + out[4 * i + 2] + out[4 * i + 3] == Approx(margin[i]));
    }
    if (text == linear) {
      CHECK(std::vector<double>(out.begin(), out.begin() + 4) == std::vector<double>{0.5, -0.5, 0.25, 0.125});
    } else {
      CHECK(out[0] == 0);
      CHECK(out[1] == 0);
      CHECK(out[2] == Approx(-1.2));
    }
  }
  CHECK_THAT(unchecked(all).explain_error()->message, ContainsSubstring("this model has none"));
  const std::string mixed = replaced(linear, R"("in":[3,1],"mean")", R"("in":[3,0],"mean")");
  CHECK(unchecked(mixed).explain_error() == nullptr);
  const std::string product =
      replaced(replaced(linear, R"({"op":"linear","in":[4,5,6,7])",
                        R"({"op":"multiply","in":[4],"by":[5]},{"op":"linear","in":[4,8,6,7])"),
               R"("in":[8]}],"probability":9,"margin":8)", R"("in":[9]}],"probability":10,"margin":9)");
  CHECK_THAT(unchecked(product).explain_error()->message, ContainsSubstring("made of several features"));
}

TEST_CASE("sums of sums may differ more than sums", "[models]") {
  const std::string twice =
      replaced(replaced(linear, R"({"op":"linear","in":[4,5,6,7])",
                        R"({"op":"linear","in":[4,5],"coefficients":[[1,0],[0,1]],"intercept":[0,0]},)"
                        R"({"op":"standardize","in":[8,9],"mean":0,"scale":1},{"op":"linear","in":[10,11,6,7])"),
               R"("in":[8]}],"probability":9,"margin":8)", R"("in":[12]}],"probability":13,"margin":12)");
  for (const auto& [probability, right] : {std::pair{"0.5926665999540697", true}, {"0.5926665999940697", false}}) {
    const auto refused = [&](const std::string& text) {
      const auto file = parse_model_file(replaced(text, "0.5926665999540697", probability), "tiny.json");
      REQUIRE(file);
      return !make_scorer(*file);
    };
    CHECK(refused(linear) == !right);
    CHECK_FALSE(refused(twice));
    CHECK_FALSE(refused(replaced(twice, R"({"op":"standardize","in":[8,9],"mean":0,"scale":1})",
                                 R"({"op":"clip","in":[8,9],"low":-9,"high":9})")));
    CHECK(refused(replaced(twice, R"("in":[10,11,6,7])", R"("in":[4,5,6,7])")) == !right);
  }
}

TEST_CASE("a probability may be as far from the trainer's as large margins make it", "[models]") {
  const auto refused = [](const std::string& text) {
    const auto file = parse_model_file(text, "tiny.json");
    REQUIRE(file);
    return !make_scorer(*file);
  };
  const std::string apart = replaced(linear, "0.5926665999540697", "0.5926665999640697");  // 1e-11
  CHECK(refused(apart));
  // Two large numbers whose sum is the margin: it is known to 1e-11 only.
  const std::string large = replaced(replaced(apart, "[[0.5,-1,0.25,-0.25]]", "[[0.5,-1,0.25,-0.25,1,-1]]"),
                                     R"({"op":"linear","in":[4,5,6,7])",
                                     R"({"op":"constant","values":[8192,8192]},{"op":"linear","in":[4,5,6,7,8,9])");
  CHECK_FALSE(refused(
      replaced(large, R"("in":[8]}],"probability":9,"margin":8)", R"("in":[10]}],"probability":11,"margin":10)")));
}

TEST_CASE("an error of a pipeline's file names the member", "[models]") {
  struct change {
    std::string from, to, sentence;
  };
  const std::vector<change> linear_changes = {
      {R"("in":[0],"from")", R"("in":[9],"from")", "model.steps[0].in[0]: expected a column below 3, found 9"},
      {R"("in":[0],"from")", R"("in":[2],"from")",
       "model.steps[0].in[0]: expected a column of numbers, not a text feature, found 2"},
      {R"("in":[0],"from")", R"("in":[],"from")", "model.steps[0].in: expected at least one column, found none"},
      {R"("in":[0],"from")", R"("in":[-1],"from")", "model.steps[0].in[0]: expected a whole number from 0, found -1"},
      {R"("to":2)", R"("to":[2,3])", "model.steps[0].to: expected 1 numbers, found 2"},
      {R"("to":2)", R"("to":"2")", "model.steps[0].to: expected a number, null, \"inf\" or \"-inf\", found \"2\""},
      {R"("op":"replace")", R"("op":"repair")", "model.steps[0].op: unknown step \"repair\""},
      {R"("op":"replace",)", "", "model.steps[0]: expected an object with the member op"},
      {R"("to":2)", R"("to":2,"more":1)", "model.steps[0].more: unknown member; known are op, in, from, to"},
      {R"("scale":[2,1])", R"("scale":[0,1])", "model.steps[1]: expected numbers that are not 0 as scale"},
      {R"("keys":["red","green",null])", R"("keys":["red","red",null])",
       "model.steps[2].keys: the key \"red\" appears twice"},
      {R"("keys":["red","green",null])", R"("keys":["red",null,null])",
       "model.steps[2].keys: the key null appears twice"},
      {R"("keys":["red","green",null])", R"("keys":["red","green",7])",
       "model.steps[2].keys[2]: expected a text, found 7"},
      {R"("columns":[0,1,-1])", R"("columns":[0,1,2])",
       "model.steps[2].columns[2]: expected a column below 2, or -1 for none, found 2"},
      {R"("columns":[0,1,-1])", R"("columns":[0,1])",
       "model.steps[2].columns: expected 3 columns, one per key, found 2"},
      {R"("width":2)", R"("width":5000000000)",
       "model.steps[2].width: expected at most 4, as many columns as keys and others can set"},
      {R"([[0.5,-1,0.25,-0.25]])", R"([[0.5,-1,0.25]])", "model.steps[3].coefficients[0]: expected 4 numbers, found 3"},
      {R"("intercept":[0.125])", R"("intercept":[])", "model.steps[3].intercept: expected 1 numbers, found 0"},
      {R"("probability":9)", R"("probability":10)", "model.probability: expected a column below 10, found 10"},
      {R"("probability":9,"margin":8)", R"("probability":9)", "checks[0].margin: unknown member"},
      {R"("margin":0.375,)", "", "checks[0].margin: the member is missing"},
      {R"("classes":["ok","fraud"])", R"("classes":["ok","ok"])", "classes: the class \"ok\" appears twice"},
      {R"("classes":["ok","fraud"])", R"("classes":[1,"1"])",
       "classes: expected a list of texts, of numbers or of booleans"},
      {R"("classes":["ok","fraud"])", R"("classes":["ok",""])", "classes: the name of a class is empty"},
      {R"("classes":["ok","fraud"])", R"("classes":["ok",null])",
       "classes: expected a list of texts, of numbers or of booleans"},
      {R"("classes":["ok","fraud"])", R"("classes":["ok"])",
       "classes: expected two classes, the negative and the positive one, found 1"},
      {R"({"name":"age"})", R"({"name":"age","mean":0,"scale":1})",
       "features.numeric[0].mean: unknown member; known are name"},
      {R"("margin":0.375)", R"("margin":0.376)", "the file was changed after its export"},
  };
  for (const auto& c : linear_changes) {
    const auto model = load(replaced(linear, c.from, c.to));
    INFO(c.from << " -> " << c.to);
    REQUIRE_FALSE(model);
    CHECK_THAT(model.error().message, ContainsSubstring(c.sentence));
  }
  const std::vector<change> all_changes = {
      {R"("name":"log1p")", R"("name":"gamma")", "model.steps[7].name: expected one of log, log2"},
      {R"([[1,2,3],[]])", R"([[1,2,3]])", "model.steps[8].edges: expected 2 lists, one per column, found 1"},
      {R"([[1,2,3],[]])", R"([[1,2,1],[]])",
       "model.steps[8].edges[0][2]: expected a number not below the one before, found 1"},
      {R"("form":"power")", R"("form":"pow")", "model.steps[9].form: expected \"power\" or \"expm1\", found \"pow\""},
      {R"("quantiles":[[0,1,2,9]])", R"("quantiles":[[0,1,2]])",
       "model.steps[12].quantiles[0]: expected 4 numbers as in references, found 3"},
      {R"("output":"normal")", R"("output":"gauss")",
       "model.steps[12].output: expected \"uniform\" or \"normal\", found \"gauss\""},
      {R"("degree":2)", R"("degree":3)", "model.steps[13].knots[0]: expected at least 8 numbers, found 6"},
      {R"("degree":2)", R"("degree":99)", "model.steps[13].degree: expected 1 to 32, found 99"},
      {R"("degree":2)", R"("degree":0)", "model.steps[13].degree: expected 1 to 32, found 0"},
      {R"([0,1,2,3,4,6])", R"([0,1,2,3,4,6,7])",
       "model.steps[13].knots[1]: expected 6 knots as in the first list, found 7"},
      {R"([0,1,2,3,4,6])", R"([2,2,2,2,2,2])", "model.steps[13].knots[1]: expected knots between which there is room"},
      {R"("extrapolation":"linear")", R"("extrapolation":"none")", "model.steps[13].extrapolation: expected \"error\""},
      {R"("x":[0,1,2])", R"("x":[0,1])", "model.steps[14].y: expected 2 numbers, found 3"},
      {R"("by":[4,3])", R"("by":[4])", "model.steps[16].by: expected 2 columns as in \"in\", found 1"},
      {R"("norm":"l2")", R"("norm":"l3")", "model.steps[21].norm: expected \"l1\", \"l2\" or \"max\", found \"l3\""},
      {R"("groups":2)", R"("groups":3)", "model.steps[29].groups: expected a number that divides 4 columns, found 3"},
      {R"("groups":2)", R"("groups":0)", "model.steps[29].groups: expected a number that divides 4 columns, found 0"},
      {R"([0.25,0.75])", R"([0.25])", "model.steps[29].weights: expected 2 numbers, found 1"},
      {R"("low":["-inf",0])", R"("low":["-inf",6])",
       "model.steps[4]: expected low numbers that are not above the high ones"},
  };
  for (const auto& c : all_changes) {
    const auto file = parse_model_file(replaced(all, c.from, c.to), "tiny.json");
    INFO(c.from << " -> " << c.to);
    REQUIRE_FALSE(file);
    CHECK_THAT(file.error().message, ContainsSubstring(c.sentence));
  }
  const std::vector<change> tree_changes = {
      {R"("in":[0,1,3,4])", R"("in":[0,1,3])", "model.steps[2].in: expected 4 columns, which the trees read, found 3"},
      {R"("gives":"margin")", R"("gives":"all")",
       "model.steps[2].gives: expected \"margin\" or \"prediction\", found \"all\""},
      {R"("kind":"sklearn")", R"("kind":"catboost")",
       "model.steps[2].kind: expected \"xgboost\", \"lightgbm\" or \"sklearn\""},
      {R"("init_raw":[0.5])", R"("init_raw":0.5)", "tiny.json: model.steps[2].model: "},
  };
  for (const auto& c : tree_changes) {
    const auto file = parse_model_file(replaced(trees, c.from, c.to), "tiny.json");
    INFO(c.from << " -> " << c.to);
    REQUIRE_FALSE(file);
    CHECK_THAT(file.error().message, ContainsSubstring(c.sentence));
  }
}

TEST_CASE("classes are shown as the trainer wrote them", "[models]") {
  CHECK(parse_model_file(replaced(linear, R"(["ok","fraud"])", "[false,true]"), "f")->outputs.classes ==
        std::vector<std::string>{"false", "true"});
  CHECK(parse_model_file(replaced(linear, R"(["ok","fraud"])", "[0,1]"), "f")->outputs.classes ==
        std::vector<std::string>{"0", "1"});
  CHECK(parse_model_file(replaced(linear, R"( "classes":["ok","fraud"],)", ""), "f")->outputs.classes.empty());
}
