// SPDX-License-Identifier: MIT
// Models of every task: what their files say of their numbers, what they compute, and what is said of bad ones.
#include <tabscore/models/load_model.hpp>
#include <tabscore/outputs/check_outputs.hpp>

#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/replaced.hpp"

using namespace tabscore;
using support::ContainsSubstring;
using support::replaced;

namespace {

const std::string head = R"({"format":"tabscore-model","version":1,"name":"tiny","kind":"pipeline",
 "provenance":{"trainer":{"name":"by hand","version":"1"},"exporter":"nobody","date":"2026-01-02","training_data":
  {"file":"n.csv","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","rows":10}},
 "features":{"numeric":[{"name":"age"},{"name":"debt"}],"text":[]},
)";

// Margins age, debt, 0: the class of the largest one.
const std::string classes = head + R"("outputs":{"task":"multiclass","classes":["red","green","blue"]},
 "model":{"steps":[
  {"op":"linear","in":[0,1],"coefficients":[[1,0],[0,1],[0,0]],"intercept":[0,0,0]},
  {"op":"softmax","in":[2,3,4]}],"outputs":[5,6,7],"margins":[2,3,4],"class_by":"margins"},
 "checks":[{"numeric":[0,0],"text":[],"margins":[0,0,0],"outputs":[0.3333333333333333,0.3333333333333333,0.3333333333333333],"class":0},
           {"numeric":[-1000,-2000],"text":[],"outputs":[0,0,1],"class":2}],
 "drift_baseline":{"numeric":[{"name":"age","mean":1,"std":2},{"name":"debt","mean":1,"std":2}],
  "class_rates":[0.5,0.25,0.25],"training_sample_size":10,"histograms":{"text":[],
  "numeric":[{"name":"age","edges":[0,1],"counts":[10],"missing":0},{"name":"debt","edges":[0,1],"counts":[9],"missing":1}],
  "outputs":[{"edges":[0,0.5,1],"counts":[4,6],"missing":0}],"classes":[5,5,0]}}})";

// Two targets: age + 1 and debt - 1.
const std::string targets = head + R"("outputs":{"task":"regression","names":["minutes","price"]},
 "model":{"steps":[
  {"op":"linear","in":[0,1],"coefficients":[[1,0],[0,1]],"intercept":[1,-1]}],"outputs":[2,3]},
 "checks":[{"numeric":[3.0,0.5],"text":[],"outputs":[4,-0.5]}],
 "drift_baseline":{"numeric":[{"name":"age","mean":1,"std":2},{"name":"debt","mean":1,"std":2}],
  "outputs":[{"name":"minutes","mean":2,"std":2},{"name":"price","mean":0,"std":2}],"training_sample_size":10,
  "histograms":{"text":[],
  "numeric":[{"name":"age","edges":[0,1],"counts":[10],"missing":0},{"name":"debt","edges":[0,1],"counts":[9],"missing":1}],
  "outputs":[{"edges":[0,1],"counts":[10],"missing":0},{"edges":[0,0.5,1],"counts":[4,6],"missing":0}]}}})";

// IsolationForest of one tree: depth 1 left of 0.5, 2 elsewhere.
const std::string anomaly = head + R"("outputs":{"task":"anomaly"},"threshold":0,
 "model":{"steps":[
  {"op":"trees","in":[0,1],"gives":"prediction","kind":"sklearn","model":{"format":"sklearn-export-1",
   "kind":"isolation_forest","n_features":2,"input_cast":"float32","average_depth":2,"offset":-0.5,
   "trees":[{"feature":[0,-2,-2],"threshold":[0.5,0,0],"left":[1,-1,-1],"right":[2,-1,-1],
   "value":[0,1,2],"cover":[10,4,6]}]}}],"outputs":[2]},
 "checks":[{"numeric":[1,0],"text":[],"outputs":[0]},{"numeric":[0,0],"text":[],"outputs":[-0.20710678118654757]}]})";

result<any_scorer> load(std::string_view text) {
  const auto file = parse_model_file(text, "tiny.json");
  if (!file) return file.error();
  return make_scorer(*file);
}

template <class Model>
std::vector<double> score(const Model& model, const std::vector<double>& columns) {
  const std::size_t width = model.features().numeric.size(), rows = columns.size() / width;
  scratch memory;
  std::vector<double> out(rows * outputs_of(model).columns);
  model.score({rows, width, columns.data(), rows, {}}, memory, out);
  return out;
}

model_outputs says(task predicted, std::size_t columns, std::vector<std::string> named = {},
                   class_kind kind = class_kind::text, std::vector<std::string> names = {}) {
  return {predicted, columns, true, std::move(named), kind, std::move(names)};
}

forest_model stump(std::size_t outputs, link::function form) {
  forest_model m;
  m.features = 1;
  m.outputs = outputs;
  m.base.assign(outputs, 0.0);
  m.output_link.form = form;
  for (std::uint32_t o = 0; o < outputs; ++o) {
    tree t;
    t.output = o;
    t.splits = {{0, ~0, ~1, split::numeric, 0.5 * (o + 1), missing_rule::nan, true}};
    t.leaves = {1.0 * o, -1.0 * o};
    t.split_cover = {4};
    t.leaf_cover = {1, 3};
    m.trees.push_back(t);
  }
  return m;
}

}  // namespace

TEST_CASE("a model of several classes gives each row a number a class, and decides by its margins", "[models][tasks]") {
  const auto model = load(classes);
  REQUIRE(model);
  const model_outputs& out = model->outputs();
  CHECK(out.task == task::multiclass);
  CHECK(out.columns == 3);
  CHECK(out.probabilities);
  CHECK(out.classes == std::vector<std::string>{"red", "green", "blue"});
  CHECK(out.classes_are == class_kind::text);
  const std::vector<double> p = score(*model, {5, 0, 1, 9});  // rows (5, 1) and (0, 9)
  REQUIRE(p.size() == 6);
  CHECK(p[0] > 0.9);
  CHECK(p[4] > 0.9);
  CHECK(p[0] + p[1] + p[2] == 1.0);
  // The probabilities of margins 1e-20 and 0 are the same; the class is that of the larger margin.
  scratch memory;
  const std::vector<double> tie{1e-20, -1e-20, 0, -1e-20};
  const feature_block x{2, 2, tie.data(), 2, {}};
  const std::vector<double> equal = score(*model, tie);
  CHECK(equal[3] == equal[4]);
  CHECK(model->decide_tie(x, 0, 0, memory) == 0);
  CHECK(model->decide_tie(x, 1, 0, memory) == 2);
  const auto pipeline = make_pipeline_model(*parse_model_file(classes, "m")).value();
  CHECK(class_of_row(pipeline, x, 1, std::span(equal).subspan(3), memory) == 2);
  const auto by_outputs = make_pipeline_model(
      *parse_model_file(replaced(classes, R"("class_by":"margins")", R"("class_by":"outputs")"), "m"));
  CHECK(class_of_row(*by_outputs, x, 1, std::span(equal).subspan(3), memory) == 0);
  // Of equal margins the first, or the last.
  const std::string last = replaced(classes, R"("class_by":"margins")", R"("class_by":"last_margins")");
  const auto by_last = make_pipeline_model(*parse_model_file(last, "m")).value();
  const std::vector<double> zeros(2);
  const feature_block zero{1, 2, zeros.data(), 1, {}};
  CHECK(pipeline.decide_tie(zero, 0, 0, memory) == 0);
  CHECK(by_last.decide_tie(zero, 0, 0, memory) == 2);
  CHECK(by_last.decide_tie(x, 0, 0, memory) == 0);
  CHECK(class_of_row(by_last, x, 1, std::span(equal).subspan(3), memory) == 2);
  CHECK(load(replaced(last, R"("class":0)", R"("class":2)")));
}

TEST_CASE("contributions are told for each class and each target", "[models][tasks]") {
  for (const std::string& text : {classes, targets}) {
    const auto model = load(text);
    REQUIRE(model);
    REQUIRE(model->explain_error() == nullptr);
    const std::size_t columns = model->outputs().columns;
    const std::vector<double> numbers{5, 7, 1, 9};  // rows (5, 1) and (7, 9)
    std::vector<double> out(2 * columns * 3);
    scratch memory;
    model->contributions({2, 2, numbers.data(), 2, {}}, memory, out);
    CHECK(out[0] == 4);  // against the training means, which are 1
    CHECK(out[1] == 0);
    CHECK(out[columns * 3] == 6);
    CHECK(out[columns * 3 + 4] == 8);
  }
}

TEST_CASE("a regression has several targets with their names", "[models][tasks]") {
  const auto file = parse_model_file(targets, "tiny.json");
  REQUIRE(file);
  CHECK(file->outputs.names == std::vector<std::string>{"minutes", "price"});
  REQUIRE(file->baseline);
  CHECK(file->baseline->outputs.at(1).name == "price");
  CHECK(file->baseline->histograms->outputs.at(1).counts == std::vector<std::uint64_t>{4, 6});
  CHECK(file->checks[0].outputs == std::vector<double>{4, -0.5});
  const auto model = make_scorer(*file);
  REQUIRE(model);
  CHECK(score(*model, {1, 2, 10, 20}) == std::vector<double>{2, 9, 3, 19});
  const auto one = load(replaced(replaced(replaced(replaced(targets, R"(,"names":["minutes","price"])", ""),
                                                   R"("outputs":[2,3])", R"("outputs":[3])"),
                                          "[4,-0.5]", "[-0.5]"),
                                 R"({"name":"minutes","mean":2,"std":2},)", ""));
  CHECK_THAT(one.error().message, ContainsSubstring("histograms.outputs: expected 1 entries, found 2"));
}

TEST_CASE("a baseline of several classes has their rates and counts", "[models][tasks]") {
  const auto file = parse_model_file(classes, "tiny.json");
  REQUIRE(file);
  REQUIRE(file->baseline);
  CHECK(file->baseline->class_rates == std::vector<double>{0.5, 0.25, 0.25});
  CHECK(file->baseline->histograms->classes == std::vector<std::uint64_t>{5, 5, 0});
  CHECK(file->baseline->histograms->outputs.size() == 1);
  CHECK(file->checks[1].class_at == 2);
  CHECK(file->checks[1].margins.empty());
}

TEST_CASE("an isolation forest gives scikit-learn's decision function", "[models][tasks]") {
  const auto model = load(anomaly);
  REQUIRE(model);
  CHECK(model->outputs().task == task::anomaly);
  CHECK(model->threshold() == 0);
  CHECK(score(*model, {1, 0, 0, 0}) == std::vector<double>{0, -std::exp2(-0.5) + 0.5});
  CHECK(model->explain_error() == nullptr);
  const auto raised = load(replaced(anomaly, R"("threshold":0,)", R"("threshold":-2.5,)"));
  REQUIRE(raised);
  CHECK(raised->threshold() == -2.5);
}

TEST_CASE("an error of a file's outputs names the member", "[models][tasks]") {
  struct bad {
    const std::string& text;
    std::string_view from, to, said;
  };
  const std::string_view three = R"(["red","green","blue"])";
  const std::vector<bad> cases{
      {classes, three, R"(["red","green","red"])", "outputs: the class \"red\" appears twice"},
      {classes, three, R"(["red","","blue"])", "outputs: the name of a class is empty"},
      {classes, three, R"(["red",1,"blue"])", "outputs.classes: expected a list of texts, of numbers or of booleans"},
      {classes, three, R"(["red",null,"blue"])",
       "outputs.classes: expected a list of texts, of numbers or of booleans"},
      {classes, three, R"([1,NaN,3])", "expected a JSON document with finite numbers"},
      {classes, three, R"([1,1.0,3])", "outputs: the class 1 appears twice"},
      {classes, three, R"([true,false,true])", "outputs: the class \"true\" appears twice"},
      {classes, three, R"(["red"])", "model.outputs: expected 1 columns, as many as outputs says, found 3"},
      {classes, three, R"(["red","green"])", "model.outputs: expected 2 columns, as many as outputs says, found 3"},
      {classes, three, "\"red\"", "outputs.classes: expected a list"},
      {classes, R"("multiclass")", R"("ranking")", "outputs.task: expected \"multiclass\", \"regression\", "},
      {classes, R"("task":"multiclass",)", "", "outputs.classes: unknown member; known are task"},
      {classes, R"("kind":"pipeline")", R"("kind":"logistic")", "features.numeric[0].mean: the member is missing"},
      {classes, R"("margins":[2,3,4])", R"("margins":[2,3])", "model.margins: expected 3 columns, one per output"},
      {classes, R"("margins":[2,3,4],)", "", "model.class_by: expected several classes and the member margins"},
      {classes, R"("class_by":"margins")", R"("class_by":"luck")",
       "model.class_by: expected \"margins\", \"last_margins\" or"},
      {classes, R"("class":2)", R"("class":3)", "checks[1].class: expected a column below 3, found 3"},
      {classes, R"("class":2)", R"("class":1)", "checks[1].class: expected 1 as the trainer gave it, found 2"},
      {classes, "[0,0,1]", "[0,1,0]", "checks[1].outputs[1]: expected 1 as the trainer gave it, found 0"},
      {classes, "[0,0,1]", "[0,1]", "checks[1].outputs: expected 3 numbers, found 2"},
      {classes, R"("margins":[0,0,0])", R"("margins":[0,1,0])", "checks[0].margins[1]: expected 1 as the trainer"},
      {classes, R"(,"class":0)", "", "checks[0].class: the member is missing"},
      {classes, R"("checks")", R"("threshold":0.5,"checks")", "threshold: a threshold is for models of two classes"},
      {classes, R"("checks")", R"("classes":["a","b"],"checks")", "classes: unknown member"},
      {classes, "[0.5,0.25,0.25]", "[0.5,0.25]", "class_rates: expected 3 numbers, found 2"},
      {classes, "[0.5,0.25,0.25]", "[0.5,0.5,0.5]",
       "class_rates: expected shares that add up to 1, found 1.5 together"},
      {classes, "[0.5,0.25,0.25]", "[0.5,-0.25,0.75]", "class_rates[1]: expected a number from 0 to 1"},
      {classes, "[0,0,1]", "[-1,0,2]", "checks[1].outputs[0]: expected a number from 0 to 1"},
      {classes, R"("classes":[5,5,0])", R"("classes":[5,4,0])", "histograms.classes: expected counts of 10 rows"},
      {classes, R"("class_rates":[0.5,0.25,0.25])", R"("training_positive_rate":0.5)",
       "drift_baseline.training_positive_rate: unknown member; known are numeric, class_rates"},
      {targets, R"(["minutes","price"])", R"(["price","price"])", "outputs: the output \"price\" appears twice"},
      {targets, R"(["minutes","price"])", R"(["minutes"])", "model.outputs: expected 1 columns"},
      {targets, R"("outputs":[2,3])", R"("probability":2)",
       "model.probability: unknown member; known are steps, outputs"},
      {targets, R"({"task":"regression","names":["minutes","price"]})", R"({"task":"quantiles","levels":[0.5,1.5]})",
       "outputs: the level \"1.5\" is not between 0 and 1"},
      {targets, R"({"task":"regression","names":["minutes","price"]})", R"({"task":"score"})",
       "model.outputs: expected 1 columns"},
      {anomaly, R"("threshold":0,)", "", "threshold: the member is missing"},
      {anomaly, R"("average_depth":2)", R"("average_depth":0)", "average_depth should be above 0"},
  };
  for (const bad& c : cases) {
    INFO(c.from << " -> " << c.to);
    const auto model = load(replaced(c.text, c.from, c.to));
    REQUIRE_FALSE(model);
    CHECK_THAT(model.error().message, Catch::Matchers::StartsWith("tiny.json: "));
    CHECK_THAT(model.error().message, ContainsSubstring(std::string(c.said)));
  }
  std::string many = "\"0\"";
  for (int k = 1; k < 10000; ++k) many += ",\"" + std::to_string(k) + "\"";
  const auto model =
      load(replaced(replaced(classes, R"("red","green","blue")", many),
                    "\"outputs\":[5,6,7],\"margins\":[2,3,4],\"class_by\":\"margins\"", "\"outputs\":[5]"));
  REQUIRE_FALSE(model);
  CHECK_THAT(model.error().message, ContainsSubstring("expected 10000 columns"));
}

TEST_CASE("numbers and booleans are classes as the trainer had them", "[models][tasks]") {
  const std::string numbers = replaced(classes, R"(["red","green","blue"])", "[3,-1.5,7]");
  const auto model = load(numbers);
  REQUIRE(model);
  CHECK(model->outputs().classes == std::vector<std::string>{"3", "-1.5", "7"});
  CHECK(model->outputs().classes_are == class_kind::number);
}

TEST_CASE("a model's description of its outputs is checked", "[models][tasks]") {
  const auto wrong = [](const model_outputs& out) {
    const auto e = check_outputs(out);
    return e ? e->message : std::string();
  };
  using enum class_kind;
  CHECK(wrong({}).empty());
  CHECK(wrong(says(task::multiclass, 1, {"a"})) == "expected 2 to 1000 classes, found 1");
  CHECK(wrong(says(task::multiclass, 2000, std::vector<std::string>(2000, "a"))) ==
        "expected 2 to 1000 classes, found 2000");
  CHECK(wrong(says(task::multiclass, 3, {"a", "b"})) == "expected 3 classes, one a column, found 2");
  CHECK(wrong(says(task::multiclass, 2, {"a", "a"})) == "the class \"a\" appears twice");
  CHECK(wrong(says(task::multiclass, 2, {"a", ""})) == "the name of a class is empty");
  CHECK(wrong(says(task::multiclass, 2, {"1", "nan"}, number)) == "the class \"nan\" is not a finite number");
  CHECK(wrong(says(task::multiclass, 2, {"1", "yes"}, number)) == "the class \"yes\" is not a finite number");
  CHECK(wrong(says(task::binary, 1, {"true", "no"}, boolean)) == "the class \"no\" is not true or false");
  CHECK(wrong(says(task::binary, 1, {"a"})) == "expected two classes, the negative and the positive one, found 1");
  CHECK(wrong(says(task::score, 2)) == "expected one number a row, found 2");
  CHECK(wrong(says(task::regression, 2, {}, text, {"a"})) == "expected 2 names, one a column, found 1");
  CHECK(wrong(says(task::quantiles, 1, {}, text, {"0"})) == "the level \"0\" is not between 0 and 1");
  CHECK(wrong(says(task::quantiles, 2, {}, text, {"0.1", "0.9"})).empty());
}

TEST_CASE("trees score by the task that their file or their link says", "[models][tasks]") {
  using form = link::function;
  const std::vector<double> x{0, 0.6, 1.2, 9};
  const auto made = [](forest_model m, std::optional<double> threshold = std::nullopt) {
    return make_encoded_forest(forest::build(std::move(m)).value(), threshold, "m");
  };
  const auto several = made(stump(3, form::softmax));
  REQUIRE(several);
  CHECK(several->outputs().task == task::multiclass);
  CHECK(several->outputs().classes == std::vector<std::string>{"0", "1", "2"});
  CHECK(score(*several, x).size() == 12);
  CHECK(made(stump(3, form::softmax), 0.5).error().message ==
        "m: a threshold is for models of two classes, and this one's task is multiclass: leave the threshold out");

  const auto value = made(stump(1, form::exponential));
  REQUIRE(value);
  CHECK(value->outputs().task == task::regression);
  CHECK(score(*value, x) == std::vector<double>{1, 1, 1, 1});

  // A regression from 0 to 1: of two classes only where the caller gives a threshold.
  forest_model entropy = stump(1, form::logistic);
  entropy.predicts = says(task::regression, 1);
  CHECK(made(entropy)->outputs().task == task::regression);
  CHECK(made(entropy, 0.25)->outputs().task == task::binary);
  CHECK(made(entropy, 0.25)->threshold() == 0.25);
  CHECK(made(stump(1, form::logistic))->threshold() == std::nextafter(0.5, 1.0));

  forest_model odd = stump(3, form::identity);
  odd.predicts = model_outputs();
  CHECK(made(odd).error().message == "m: expected trees of two classes: a logistic link, or shares of both");

  // By margins: the softmax of XGBoost's float32 is the same for both, their margins are not.
  forest_model close = stump(2, form::most_likely);
  close.predicts = says(task::multiclass, 2, {"0", "1"}, class_kind::number);
  close.class_by_margins = true;
  close.output_link.single = true;
  close.trees[0].leaves = {1, 1};
  close.trees[1].leaves = {1 + 1e-12, 1};
  const auto decided = made(close);
  REQUIRE(decided);
  const std::vector<double> p = score(*decided, {0});
  CHECK(p == std::vector<double>{0.5, 0.5});
  scratch memory;
  CHECK(decided->decide_tie({1, 1, x.data(), 1, {}}, 0, 0, memory) == 1);
}

TEST_CASE("contributions of trees add up to each margin, or to the prediction of trees that average",
          "[models][tasks]") {
  using form = link::function;
  forest_model averaged = stump(3, form::identity);
  averaged.output_link.divisor = 4;
  forest_model ordered = stump(3, form::ascending);
  for (const forest_model& m : {stump(3, form::softmax), averaged}) {
    const auto model = make_encoded_forest(forest::build(m).value());
    REQUIRE(model);
    REQUIRE(model->explain_error() == nullptr);
    const std::vector<double> x{0, 0.6, 1.2, 9};
    scratch memory;
    std::vector<double> parts(4 * 3 * 2), margins(4 * 3);
    const feature_block block{4, 1, x.data(), 4, {}};
    model->contributions(block, memory, parts);
    model->margins(block, memory, margins);
    for (std::size_t i = 0; i < margins.size(); ++i) {
      CHECK(parts[2 * i] + parts[2 * i + 1] == Approx(margins[i]).margin(1e-12));
    }
  }
  const auto model = make_encoded_forest(forest::build(ordered).value());
  REQUIRE(model);
  REQUIRE(model->explain_error() != nullptr);
  CHECK(model->explain_error()->message.starts_with("contributions are of a margin each"));
}

TEST_CASE("a trainer's own file says its task", "[models][tasks]") {
  struct expected {
    std::string_view file;
    task predicted;
    std::size_t columns;
    std::vector<std::string> names;
  };
  const std::vector<expected> files{
      {"xgb-3.4/logistic/model.json", task::binary, 1, {}},
      {"xgb-3.4/softprob/model.json", task::multiclass, 3, {}},
      {"xgb-3.4/softmax/model.json", task::multiclass, 3, {}},
      {"xgb-3.4/quantiles/model.json", task::quantiles, 3, {"0.1", "0.5", "0.9"}},
      {"xgb-2.0/quantile/model.json", task::quantiles, 1, {"0.3"}},
      {"xgb-3.4/expectile/model.json", task::regression, 3, {}},
      {"xgb-3.4/two_targets/model.json", task::regression, 2, {}},
      {"xgb-3.4/single_target_vectors/model.json", task::regression, 2, {}},
      {"xgb-3.4/reg_logistic/model.json", task::regression, 1, {}},
      {"xgb-3.4/survival_aft/model.json", task::regression, 1, {}},
      {"xgb-3.4/survival_cox/model.json", task::score, 1, {}},
      {"xgb-3.4/rank_ndcg/model.json", task::score, 1, {}},
      {"lgb-4.7/binary/model.txt", task::binary, 1, {}},
      {"lgb-4.7/cross_entropy/model.txt", task::regression, 1, {}},
      {"lgb-4.7/multiclass/model.txt", task::multiclass, 3, {}},
      {"lgb-4.7/quantile/model.txt", task::quantiles, 1, {}},  // the text has no parameters
      {"lgb-4.7/lambdarank/model.txt", task::score, 1, {}},
      {"sk-1.9/random_forest_3/model.json", task::multiclass, 3, {}},
      {"sk-1.9/random_forest/model.json", task::binary, 1, {}},
      {"sk-1.9/hist_regressor/model.json", task::regression, 1, {}},
  };
  for (const expected& e : files) {
    const std::string path = std::string(TABSCORE_SOURCE_DIR) + "/tests/trainers/sets/" + std::string(e.file);
    INFO(path);
    const auto trees = e.file.starts_with("xgb")   ? load_xgboost(path)
                       : e.file.starts_with("lgb") ? load_lightgbm(path)
                                                   : load_sklearn(path);
    REQUIRE(trees);
    const auto model = make_encoded_forest(*trees);
    REQUIRE(model);
    CHECK(model->outputs().task == e.predicted);
    CHECK(model->outputs().columns == e.columns);
    CHECK(model->outputs().names == e.names);
    CHECK(model->outputs().classes.size() == (e.predicted == task::multiclass ? e.columns : 0));
    CHECK_FALSE(check_outputs(model->outputs()));
    if (e.predicted == task::quantiles && e.columns > 1) {
      CHECK_THAT(model->explain_error()->message, ContainsSubstring("train one model for each quantile or expectile"));
    }
  }
}

TEST_CASE("contributions of a forest of two classes add up to the probability", "[models][tasks]") {
  const auto trees =
      load_sklearn(std::string(TABSCORE_SOURCE_DIR) + "/tests/trainers/sets/sk-1.9/random_forest/model.json");
  REQUIRE(trees);
  const auto model = make_encoded_forest(*trees, 0.5);
  REQUIRE(model);
  REQUIRE(model->explain_error() == nullptr);
  const std::vector<double> x{0.5, -1, 2, 0, 3};
  const std::vector<double> p = score(*model, x);
  std::vector<double> parts(6);
  scratch memory;
  model->contributions({1, 5, x.data(), 1, {}}, memory, parts);
  CHECK(std::accumulate(parts.begin(), parts.end(), 0.0) == Approx(p[0]).margin(1e-12));
}

TEST_CASE("contributions of exported trees add up to their margins", "[models][tasks]") {
  for (const std::string_view name : {"xgb-3.4/pipeline_task_classes", "lgb-4.7/pipeline_task_classes",
                                      "sk-1.9/pipeline_task_classes_hist", "sk-1.9/pipeline_task_targets_forest"}) {
    const auto file =
        load_model_file(std::string(TABSCORE_SOURCE_DIR) + "/tests/trainers/sets/" + std::string(name) + "/model.json");
    REQUIRE(file);
    const auto model = make_scorer(*file);
    REQUIRE(model);
    INFO(name);
    REQUIRE(model->explain_error() == nullptr);
    const std::size_t columns = model->outputs().columns, numbers = model->features().size() + 1;
    scratch memory;
    for (const check& c : file->checks) {
      std::vector<std::string_view> texts;
      for (const auto& text : c.text) texts.push_back(text ? std::string_view(*text) : std::string_view());
      std::vector<const std::string_view*> text;
      for (const std::string_view& t : texts) text.push_back(&t);
      std::vector<double> parts(columns * numbers), sums;
      model->contributions({1, c.numeric.size(), c.numeric.data(), 1, text}, memory, parts);
      for (std::size_t k = 0; k < columns; ++k) {
        const auto first = parts.begin() + static_cast<std::ptrdiff_t>(k * numbers);
        sums.push_back(std::accumulate(first, first + static_cast<std::ptrdiff_t>(numbers), 0.0));
      }
      if (model->outputs().task == task::multiclass) detail::softmax(std::vector<double>(sums), sums, false);
      for (std::size_t k = 0; k < columns; ++k) CHECK(sums[k] == Approx(c.outputs[k]).margin(1e-5));
    }
  }
}
