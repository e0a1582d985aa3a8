// SPDX-License-Identifier: MIT
// Trainers' own files as model files.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/replaced.hpp"
#include "tabscore/models/load_model.hpp"

using namespace tabscore;
using support::ContainsSubstring;
using support::replaced;

namespace {

const std::string folder = TABSCORE_SOURCE_DIR "/tests/server/trainer_files/";

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

const std::vector<std::string> loan_numbers{"months", "amount", "income", "instalment"};

/// Scores and contributions of one row of numbers by name.
std::vector<double> numbers_of(const any_scorer& model, std::string_view purpose, std::string_view sector) {
  std::vector<double> row;
  for (const std::string& name : model.features().numeric) {
    row.push_back(name == "months" ? 48 : name == "amount" ? 12000 : name == "income" ? 2600 : 250);
  }
  std::vector<const std::string_view*> texts;
  for (const std::string& name : model.features().text) texts.push_back(name == "purpose" ? &purpose : &sector);
  const feature_block x{1, row.size(), row.data(), 1, texts};
  scratch memory;
  std::vector<double> out(model.outputs().columns), parts(out.size() * (model.features().size() + 1));
  model.score(x, memory, out);
  REQUIRE(model.explain_error() == nullptr);
  model.contributions(x, memory, parts);
  out.push_back(parts.back());
  for (const char* name : {"months", "amount", "income", "instalment"}) {
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (model.features().numeric[j] == name) out.push_back(parts[j]);
    }
  }
  return out;
}

/// A tree of scikit-learn whose rows have these shares of the second class.
std::string votes(std::string_view first, std::string_view second) {
  const auto tree = [](std::string_view share) {
    return std::string(R"({"feature": [-2], "threshold": [-2.0], "left": [-1], "right": [-1], "value": [[)")
        .append(share)
        .append("]]}");
  };
  return R"({"format": "sklearn-export-1", "kind": "random_forest_classifier", "n_features": 1, "classes": [0, 1],)"
         R"( "input_cast": "float32", "trees": [)" +
         tree(first) + "," + tree(second) + "]}";
}

bool positive(const std::string& text) {
  const model_file file = read_model(text, "m").value();
  const any_scorer model = make_scorer(file).value();
  const double value = 1;
  const feature_block x{1, 1, &value, 1, {}};
  scratch memory;
  double probability = 0;
  model.score(x, memory, {&probability, 1});
  return is_positive(model, x, 0, probability, model.threshold(), memory);
}

}  // namespace

TEST_CASE("a trainer's own file fills what it can of a model file", "[models]") {
  const auto read = [](const std::string& name) { return read_model(bytes_of(folder + name), folder + name).value(); };
  const model_file xgboost = read("loan.ubj");
  CHECK(xgboost.kind == "xgboost");
  CHECK(xgboost.origin.trainer == "XGBoost");
  CHECK(xgboost.name == "loan.ubj");
  CHECK(xgboost.features.numeric == std::vector<std::string>{"income", "instalment", "months", "amount"});
  CHECK(xgboost.features.text == std::vector<std::string>{"purpose", "sector"});
  CHECK(xgboost.outputs.task == task::binary);
  CHECK(xgboost.rounds.used < xgboost.rounds.saved);  // trained on past the best
  CHECK(xgboost.threshold == std::nextafter(0.5, 1.0));
  CHECK(xgboost.checks.empty());
  CHECK_FALSE(xgboost.baseline);
  CHECK(read("loan.txt").kind == "lightgbm");
  CHECK(read("loan.cbm").kind == "catboost");
  CHECK(read("wine.cbm").outputs.classes == std::vector<std::string>{"first", "second", "third"});
  CHECK(read("wine.json").outputs.classes == std::vector<std::string>{"0", "1", "2"});
  CHECK(read("wine_forest.json").origin.trainer == "scikit-learn");
  CHECK(read("diabetes.txt").outputs.task == task::regression);
  const std::string own = TABSCORE_SOURCE_DIR "/models/student_gbm.json";
  CHECK(read_model(bytes_of(own), own)->rounds.saved == load_model_file(own)->rounds.saved);
  CHECK(read_model(bytes_of(own), own)->rounds.saved > 0);
  CHECK(make_encoded_forest(xgboost).error().message ==
        folder + "loan.ubj: a trainer's own file is not a model file: make_scorer() takes it");
  CHECK(read_model("{}", "m").error().message.starts_with("m: "));
  CHECK_THAT(read_model("\x80\x04pickle", "m").error().message, ContainsSubstring("a Python pickle"));
  for (const char* name : {"loan.ubj", "loan.txt", "loan.cbm", "wine.json", "wine_forest.json"}) {
    // Behind the trees of LightGBM's text nothing scores.
    const std::string bytes = bytes_of(folder + name), whole = bytes.substr(0, bytes.find("end of trees"));
    INFO(name);
    for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 40) {
      CHECK_FALSE(read_model(whole.substr(0, size), name));
    }
  }
}

TEST_CASE("the numbers of a trainer's own file are put in the caller's order", "[models]") {
  for (const char* name : {"loan.ubj", "loan.txt", "loan.cbm"}) {
    INFO(name);
    const std::string bytes = bytes_of(folder + name);
    const model_file as_it_is = read_model(bytes, name).value();
    const model_file ordered = read_model(bytes, name, {.numbers = loan_numbers}).value();
    CHECK(as_it_is.features.numeric != loan_numbers);
    CHECK(ordered.features.numeric == loan_numbers);
    for (const char* purpose : {"car", "study", "nothing known"}) {
      if (purpose[0] == 'n' && ordered.kind == "xgboost") continue;  // it refuses such a category
      CHECK(numbers_of(make_scorer(ordered).value(), purpose, "public") ==
            numbers_of(make_scorer(as_it_is).value(), purpose, "public"));
    }
    // A number that the model was not trained on changes nothing.
    const std::vector<std::string> more{"amount", "?", "months", "income", "instalment", "!"};
    const model_file with_more = read_model(bytes, name, {.numbers = more}).value();
    CHECK(with_more.features.numeric == more);
    CHECK(numbers_of(make_scorer(with_more).value(), "car", "public") ==
          numbers_of(make_scorer(as_it_is).value(), "car", "public"));
    CHECK(read_model(bytes, name, {.numbers = {"x", "y"}}).error().message ==
          std::string(name) +
              ": the file's numeric feature \"income\" is not a number of the records, which have \"x\", ...: train on "
              "a DataFrame whose columns have the names of the records");
  }
}

TEST_CASE("categories that XGBoost before 3.1 did not name are refused", "[models][xgboost]") {
  const std::string path = TABSCORE_SOURCE_DIR "/tests/trainers/sets/xgb-3.0/category_texts/model.json";
  const std::string bytes = bytes_of(path);
  const std::vector<std::string> names = read_model(bytes, "m")->features.numeric;
  REQUIRE(names.size() > 1);
  std::vector<std::string> numbers;  // all but the categories
  const forest_model trees = read_xgboost(bytes).value();
  for (std::size_t f = 0; f < names.size(); ++f) {
    if (trees.feature_types[f] != "c") numbers.push_back(trees.feature_names[f]);
  }
  CHECK_THAT(read_model(bytes, "m", {.numbers = numbers}).error().message,
             ContainsSubstring("it is a category, and the file does not name those: train with XGBoost 3.1 or later"));
}

TEST_CASE("CatBoost's categories that are numbers of the records are whole numbers", "[models][catboost]") {
  const std::string path = TABSCORE_SOURCE_DIR "/tests/trainers/sets/cb-1.2.10/integer_categories/model.cbm";
  const std::string bytes = bytes_of(path);
  const model_file texts = read_model(bytes, "m").value();
  REQUIRE(std::find(texts.features.text.begin(), texts.features.text.end(), "c0") != texts.features.text.end());
  std::vector<std::string> numbers{"c0"};
  numbers.insert(numbers.end(), texts.features.numeric.rbegin(), texts.features.numeric.rend());
  const model_file mixed = read_model(bytes, "m", {.numbers = numbers}).value();
  CHECK(mixed.features.numeric == numbers);
  // The same numbers as with the option that names it, in another order.
  const model_file named = read_model(bytes, "m", {.integer_categories = {"c0"}}).value();
  const any_scorer a = make_scorer(mixed).value(), b = make_scorer(named).value();
  const std::size_t n = numbers.size();
  std::vector<std::string_view> cells(mixed.features.text.size(), "1");
  std::vector<const std::string_view*> columns;
  for (const auto& cell : cells) columns.push_back(&cell);
  for (int at = 0; at < 50; ++at) {
    std::vector<double> of_a(n), of_b(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double value = numbers[j] == "c0" ? at % 7 : 0.37 * at - 3.0 * static_cast<double>(numbers[j].back() % 5);
      of_a[j] = value;
      const auto to = std::find(named.features.numeric.begin(), named.features.numeric.end(), numbers[j]);
      of_b[static_cast<std::size_t>(to - named.features.numeric.begin())] = value;
    }
    scratch memory;
    std::vector<double> from_a(a.outputs().columns), from_b(from_a);
    a.score({1, n, of_a.data(), 1, columns}, memory, from_a);
    b.score({1, n, of_b.data(), 1, columns}, memory, from_b);
    CHECK(from_a == from_b);
    CHECK(from_a[0] == from_a[0]);
  }
}

TEST_CASE("the label of a tie is the trainer's", "[models]") {
  CHECK_FALSE(positive(votes("1, 0", "0, 1")));  // as many votes for each: argmax takes the first
  CHECK_FALSE(positive(votes("0.7, 0.3", "0.3, 0.7")));
  CHECK(positive(votes("0.4, 0.6", "0.5, 0.5")));
  const std::string linear =
      R"({"format": "sklearn-export-1", "kind": "logistic_regression", "classes": [0, 1], "coef": [[1]],)"
      R"( "intercept": [-1]})";
  CHECK_FALSE(positive(linear));
  CHECK(positive(replaced(linear, "[-1]", "[-0.9999999999999999]")));
  const std::string boosting =
      R"({"format": "sklearn-export-1", "kind": "gradient_boosting_classifier", "n_features": 1, "classes": [0, 1],)"
      R"( "input_cast": "float32", "learning_rate": 1, "init_raw": [0], "trees": []})";
  CHECK(positive(boosting));  // its predict() takes a margin of 0 for the second class
  CHECK_FALSE(positive(replaced(boosting, "[0],", "[-1e-300],")));
  // A caller's threshold is reached by equal numbers.
  const auto at_half = make_encoded_forest(forest::build(*read_sklearn(votes("1, 0", "0, 1")), "m").value(), 0.5);
  CHECK(at_half->threshold() == 0.5);
}
