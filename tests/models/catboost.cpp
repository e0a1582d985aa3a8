// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/replaced.hpp"
#include "tabscore/features/category_lookups.hpp"
#include "tabscore/models/load_catboost.hpp"
#include "tabscore/models/scorer.hpp"

using namespace tabscore;
using support::replaced;

namespace {

std::string file(const std::string& name) {
  return support::contents(TABSCORE_SOURCE_DIR "/tests/trainers/sets/cb-1.2.10/" + name);
}
std::string refusal(const std::string& bytes, const load_options& options = {}) {
  const auto model = read_catboost(bytes, "m", options);
  return model ? std::string() : model.error().message;
}
encoded_forest built(const std::string& bytes, const load_options& options = {}) {
  auto model = read_catboost(bytes, "m", options);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return *std::move(model);
}

/// A model of one tree of two levels, whose numeric features are a (missing goes right) and b.
const std::string small =
    R"({"features_info":{"float_features":[)"
    R"({"feature_index":0,"flat_feature_index":0,"feature_id":"a","has_nans":true,"nan_value_treatment":"AsTrue","borders":[1.5,2.5]},)"
    R"({"feature_index":1,"flat_feature_index":1,"feature_id":"b","has_nans":true,"nan_value_treatment":"AsFalse","borders":[0.5]}]},)"
    R"("model_info":{"params":{"loss_function":{"type":"RMSE"}}},)"
    R"("oblivious_trees":[{"leaf_values":[1,2,4,8],"leaf_weights":[1,1,1,1],"splits":[{"split_index":1},{"split_index":2}]}],)"
    R"("scale_and_bias":[0.5,[0.25]]})";

double scored(const encoded_forest& model, std::vector<double> numbers,
              const std::vector<std::string_view>& texts = {}) {
  std::vector<const std::string_view*> text;
  for (const std::string_view& t : texts) text.push_back(&t);
  scratch memory;
  std::vector<double> out(model.outputs().columns);
  model.score({1, numbers.size(), numbers.data(), 1, text}, memory, out);
  return out.front();
}

}  // namespace

TEST_CASE("a CatBoost tree takes its bits from its levels, missing values by their mode", "[models][catboost]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const encoded_forest model = built(small);
  CHECK(model.features().numeric == std::vector<std::string>{"a", "b"});
  CHECK(scored(model, {2.5, 0.5}) == 0.75);        // 0.5 * 1 + 0.25
  CHECK(scored(model, {2.6, 0.5}) == 1.25);        // bit 0
  CHECK(scored(model, {2.5, 0.6}) == 2.25);        // bit 1
  CHECK(scored(model, {nan, 0.6}) == 4.25);        // above all borders of a
  CHECK(scored(model, {nan, nan}) == 1.25);        // below those of b
  CHECK(scored(model, {2.5 + 1e-12, 0}) == 0.75);  // float32 first
}

TEST_CASE("null is an empty array in CatBoost's JSON, as its versions before 1.1 write it", "[models][catboost]") {
  const std::string empty =
      replaced(replaced(small, "[0.5]}]}",
                        R"([0.5]},{"feature_index":2,"flat_feature_index":2,"feature_id":"c","borders":null}]})"),
               R"("oblivious_trees":[)", R"("oblivious_trees":[{"leaf_values":[3],"leaf_weights":[4],"splits":null},)");
  CHECK(built(empty).features().numeric == std::vector<std::string>{"a", "b", "c"});
  CHECK(scored(built(empty), {2.5, 0.5, 7}) == 2.25);  // 0.5 * (3 + 1) + 0.25
}

TEST_CASE("a CatBoost file that does not say the loss needs the task", "[models][catboost]") {
  const std::string silent = replaced(small, R"("type":"RMSE")", R"("type":"PythonUserDefinedPerObject")");
  CHECK(refusal(silent) == "m: the loss function \"PythonUserDefinedPerObject\" is not known: set load_options::task");
  CHECK(refusal(replaced(small, R"("params")", R"("other")")) ==
        "m: the file does not say the loss function: set load_options::task");
  load_options options;
  options.task = task::score;
  CHECK(built(silent, options).outputs().task == task::score);
  options.task = task::binary;
  CHECK(built(silent, options).outputs().task == task::binary);
  CHECK(built(replaced(small, R"("type":"RMSE")", R"("type":"RMSPE")")).outputs().task == task::regression);
  options.task = task::multiclass;
  CHECK(refusal(silent, options) == "m: a model of 1 dimensions cannot be of multiclass");
}

TEST_CASE("a CatBoost row of two classes is positive as the trainer's raw value decides", "[models][catboost]") {
  // Raw values that differ from the border, but whose probability is that of the border.
  const std::string binary =
      replaced(replaced(small, R"("type":"RMSE")", R"("type":"Logloss")"), "[0.5,[0.25]]", "[1,[0]]");
  const auto label_of = [](const std::string& bytes, double a, double b) {
    const encoded_forest model = built(bytes);
    const double numbers[] = {a, b};
    const feature_block x{1, 2, numbers, 1, {}};
    scratch memory;
    double probability = 0;
    model.score(x, memory, {&probability, 1});
    const any_scorer erased = model;
    const bool positive = is_positive(erased, x, 0, probability, erased.threshold(), memory);
    CHECK(positive == is_positive(model, x, 0, probability, model.threshold(), memory));
    return std::pair{probability, positive};
  };
  const std::string near_zero = replaced(binary, "[1,2,4,8]", "[0,1e-17,-1e-17,0]");
  CHECK(label_of(near_zero, 0, 0) == std::pair{0.5, false});
  CHECK(label_of(near_zero, 3, 0) == std::pair{0.5, true});
  CHECK(label_of(near_zero, 0, 1) == std::pair{0.5, false});
  const std::string lower =
      replaced(replaced(binary, R"("model_info":{)", R"("model_info":{"binclass_probability_threshold":"0.3",)"),
               "[1,2,4,8]", "[-0.8472978603872037,-0.8472978603872036,-1,0]");
  CHECK_FALSE(label_of(lower, 0, 0).second);
  CHECK(label_of(lower, 3, 0).second);
  CHECK_FALSE(label_of(lower, 0, 1).second);
  CHECK(label_of(lower, 3, 1).second);
}

TEST_CASE("an unsupported CatBoost model is refused with advice", "[models][catboost]") {
  CHECK(refusal(replaced(small, R"("features_info":{)", R"("features_info":{"text_features":[],)")) ==
        "m: the model has text_features, which are not supported: train without them");
  CHECK(refusal(replaced(small, "[1.5,2.5]", "[2.5,1.5]")) ==
        "m: border 1 of feature \"a\" is 1.5, expected ascending ones");
  CHECK(refusal(replaced(small, "[1.5,2.5]", "[1.5,NaN]")) ==
        "m: border 1 of feature \"a\" is nan, expected ascending ones");
  CHECK(refusal(replaced(small, R"("split_index":2)", R"("split_index":3)")) ==
        "m: tree 0: condition 3 of 3 does not exist");
  CHECK(refusal(replaced(small, "[1,2,4,8]", "[1,2,4]")) ==
        "m: oblivious_trees[0].leaf_values should be values of 2^2 leaves");
  CHECK(refusal(replaced(small, "[0.25]", "[0.25,1]")) == "m: 2 biases for 1 dimensions");
  CHECK(refusal(replaced(small, "\"b\"", "\"a\"")) == "m: two features are named \"a\"");
  CHECK(refusal(replaced(small, "\"flat_feature_index\":1", "\"flat_feature_index\":0")) ==
        "m: numeric feature 1: the indices 1 and 0 are negative or another feature's");
}

TEST_CASE("CatBoost's categories are texts, or whole numbers where that is said", "[models][catboost]") {
  const std::string bytes = file("integer_categories/model.cbm");
  const encoded_forest texts = built(bytes);
  CHECK(texts.features().text.size() == 2);
  const load_options options{.integer_categories = {"c0"}};
  const encoded_forest numbers = built(bytes, options);
  REQUIRE(numbers.features().text == std::vector<std::string>{"c1"});
  CHECK(numbers.features().numeric.back() == "c0");
  const std::size_t width = texts.features().numeric.size();
  const bool first = texts.features().text.front() == "c0";
  for (const int category : {-3, 0, 7, 29, 1000}) {
    std::vector<double> row(width, 0.5);
    const std::string text = std::to_string(category);
    const std::vector<std::string_view> both =
        first ? std::vector<std::string_view>{text, "bb"} : std::vector<std::string_view>{"bb", text};
    const double as_text = scored(texts, row, both);
    row.push_back(category);
    CHECK(scored(numbers, row, {"bb"}) == as_text);
  }
  // A number that is not whole and an absent category have no prediction, as CatBoost refuses both.
  std::vector<double> row(width + 1, 0.5);
  const std::string_view bb = "bb";
  const std::string_view absent;
  const std::string_view* text = &bb;
  scratch memory;
  CHECK(std::isnan(scored(numbers, row, {bb})));
  feature_fault found = numbers.find_fault({1, row.size(), row.data(), 1, {&text, 1}}, 0, memory);
  CHECK((found.feature == width && found.what == fault::not_integer));
  row.back() = 1234567890123456789.0;  // one of several integers
  CHECK(std::isnan(scored(numbers, row, {bb})));
  row.back() = 3;
  text = &absent;
  CHECK(std::isnan(scored(numbers, row, {absent})));
  found = numbers.find_fault({1, row.size(), row.data(), 1, {&text, 1}}, 0, memory);
  CHECK((found.feature == width + 1 && found.what == fault::model_needs));
  CHECK(refusal(bytes, {.integer_categories = {"n0"}}) ==
        "m: load_options::integer_categories names \"n0\", which is not a categorical feature of the model");
}

TEST_CASE("categories are hashed as CatBoost hashes them", "[models][catboost]") {
  CHECK(category_lookups::hash_of(std::string_view("u")) == 1981898051U);
  CHECK(category_lookups::hash_of(std::string_view("ccc")) == 2897599157U);
  CHECK(category_lookups::hash_of(40.0) == 1435255456U);
  CHECK(category_lookups::hash_of(std::string_view("dddd \xC3\xA9")) == 1652778433U);
  CHECK(category_lookups::hash_of(std::string_view("a long category name of more than thirty-two bytes, and some more "
                                                   "bytes beyond sixty-four")) == 3448578141U);
}

TEST_CASE("a CatBoost file that is cut off is refused", "[models][catboost]") {
  for (const char* name : {"combinations/model.cbm", "binary_lossguide/model.cbm", "one_hot/model.cbm"}) {
    const std::string whole = file(name);
    const std::size_t step = 1 + whole.size() / 2000;
    for (std::size_t n = 4; n<whole.size(); n += n + 600> whole.size() ? 1 : step) {
      INFO(name << " " << n);
      CHECK(!refusal(whole.substr(0, n)).empty());
    }
    CHECK(refusal(whole + "x") == "m: 1 bytes after the end of the model");
  }
}

TEST_CASE("a CatBoost file with wild bytes is refused or scores", "[models][catboost]") {
  std::mt19937 draw(1);
  for (const char* name : {"combinations/model.cbm", "statistics/model.cbm", "multiclass/model.cbm"}) {
    const std::string whole = file(name);
    for (int i = 0; i < 400; ++i) {
      std::string bytes = whole;
      for (int k = 0; k < 3; ++k) {
        const std::uint32_t value = draw() % 3 == 0 ? ~std::uint32_t{0} : static_cast<std::uint32_t>(draw());
        std::memcpy(bytes.data() + 8 + draw() % (bytes.size() - 12), &value, 1 + draw() % 4);
      }
      const auto model = read_catboost(bytes, "m");
      if (!model) {
        CHECK(model.error().message.starts_with("m: "));
        continue;
      }
      const std::vector<std::string_view> texts(model->features().text.size(), "a");
      (void)scored(*model, std::vector<double>(model->features().numeric.size(), 0.5), texts);
    }
  }
}

TEST_CASE("all kernels give a CatBoost model's bits, alone and in batches", "[models][catboost]") {
  for (const char* name : {"binary/model.cbm", "many_borders/model.cbm", "scale_and_biases/model.cbm",
                           "binary_depthwise/model.cbm", "quantiles/model.cbm", "multiclass/model.cbm"}) {
    const encoded_forest model = built(file(name));
    const forest_model& trees = model.trees().model();
    std::mt19937 draw(2);
    const std::size_t rows = 600;
    std::vector<float> x(rows * trees.features);
    for (float& v : x)
      v = draw() % 9 == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(draw() % 64) / 16.0F - 2.0F;
    std::vector<double> expected(rows * trees.outputs);
    scratch memory;
    forest::build(trees, "m", kernel::reference)->margins(row_major(x.data(), rows, trees.features), expected, memory);
    for (const kernel k : {kernel::portable, kernel::avx2, kernel::avx512}) {
      if (!available(k)) continue;
      const auto f = forest::build(trees, "m", k);
      REQUIRE(f);
      for (const std::size_t batch :
           {std::size_t{1}, std::size_t{5}, std::size_t{6}, std::size_t{33}, std::size_t{256}, std::size_t{600}}) {
        std::vector<double> out(rows * trees.outputs);
        for (std::size_t at = 0; at < rows; at += batch) {
          const std::size_t n = (std::min)(batch, rows - at);
          f->margins(row_major(x.data() + at * trees.features, n, trees.features),
                     std::span(out).subspan(at * trees.outputs, n * trees.outputs), memory);
        }
        INFO(name << " " << tabscore::name(k) << " " << batch);
        CHECK(std::memcmp(out.data(), expected.data(), out.size() * sizeof(double)) == 0);
      }
    }
  }
}

TEST_CASE("contributions of a CatBoost model sum to its raw value", "[models][catboost]") {
  for (const char* name : {"combinations/model.cbm", "scale_and_bias/model.cbm", "binary_lossguide/model.cbm"}) {
    const encoded_forest model = built(file(name));
    REQUIRE(model.explain_error() == nullptr);
    std::vector<double> numbers(model.features().numeric.size(), 0.25);
    const std::string_view bb = "bb";
    const std::vector<const std::string_view*> text(model.features().text.size(), &bb);
    const feature_block x{1, numbers.size(), numbers.data(), 1, text};
    scratch memory;
    std::vector<double> parts(model.features().size() + 1), margin(1);
    model.contributions(x, memory, parts);
    model.margins(x, memory, margin);
    double sum = 0;
    for (const double part : parts) sum += part;
    CHECK(sum == Approx(margin.front()).epsilon(1e-12));
  }
}
