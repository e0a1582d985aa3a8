// SPDX-License-Identifier: MIT
// What XGBoost's own files say beside the trees: rounds, missing numbers, names of categories.
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/replaced.hpp"
#include "tabscore/models/detail/xgboost/document.hpp"
#include "tabscore/models/load_model.hpp"
#include "tabscore/models/load_xgboost.hpp"

using namespace tabscore;
using support::contents;
using support::replaced;

namespace {

const std::string sets = TABSCORE_SOURCE_DIR "/tests/parity/sets/";
const std::string versions = TABSCORE_SOURCE_DIR "/tests/trainers/sets/";

std::string refusal(const std::string& text, load_options options = {}) {
  const auto model = read_xgboost(text, "m.json", options);
  return model ? "" : model.error().message;
}

std::vector<double> margins(const forest& f, std::vector<double> row) {
  scratch memory;
  std::vector<double> out(f.outputs());
  f.margins(row_major(row.data(), 1, row.size()), std::span(out), memory);
  return out;
}

/// Lines of cells; an empty cell is a text of nothing.
std::vector<std::vector<std::string>> cells_of(const std::string& path, char separator) {
  std::istringstream lines(contents(path));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line);) {
    auto& row = rows.emplace_back();
    std::size_t begin = 0;
    while (begin <= line.size()) {
      const std::size_t end = std::min(line.find(separator, begin), line.size());
      row.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return rows;
}

/// A block of numeric columns and texts; "" stands for an absent one.
struct table {
  std::vector<std::vector<double>> numbers;
  std::vector<std::vector<std::string>> texts;

  std::vector<double> score(const encoded_forest& model) const {
    const std::size_t rows = texts[0].size();
    std::vector<double> matrix;
    for (const auto& column : numbers) matrix.insert(matrix.end(), column.begin(), column.end());
    std::vector<std::vector<std::string_view>> views;
    std::vector<const std::string_view*> columns;
    for (const auto& column : texts) {
      auto& view = views.emplace_back();
      for (const std::string& text : column) view.push_back(text.empty() ? std::string_view() : text);
    }
    for (const auto& view : views) columns.push_back(view.data());
    scratch memory;
    std::vector<double> out(rows);
    model.score({rows, numbers.size(), matrix.data(), rows, columns}, memory, out);
    return out;
  }
};

}  // namespace

TEST_CASE("the rounds up to the best are scored, or all on request", "[models][xgboost]") {
  const std::string text = contents(sets + "xgb34_early/model.json");
  const forest_model best = *read_xgboost(text);
  CHECK(best.rounds.used == 2);
  CHECK(best.rounds.saved == 6);
  CHECK(best.trees.size() == 2);
  const forest_model all = *read_xgboost(text, "m", {.rounds = rounds::all});
  CHECK(all.rounds.used == 6);
  CHECK(all.trees.size() == 6);
  CHECK(load_xgboost(sets + "xgb34_early/model.json", {.rounds = rounds::all})->model().trees.size() == 6);
  const forest_model parallel = *read_xgboost(contents(sets + "xgb34_early_classes_parallel/model.json"));
  CHECK(parallel.trees.size() == parallel.rounds.used * 3 * 3);
  // 1.5 always writes the best round, and says how many trees a round has by the trees up to it alone.
  const std::string forest_15 = replaced(
      replaced(replaced(text, "\"iteration_indptr\"", "\"unknown\""), "\"num_parallel_tree\"", "\"unknown_too\""),
      "\"best_iteration\":\"1\"", "\"best_iteration\":\"1\",\"best_ntree_limit\":\"6\"");
  CHECK(read_xgboost(forest_15)->trees.size() == 6);
  CHECK(read_xgboost(replaced(forest_15, "_limit\":\"6\"", "_limit\":\"5\""))->trees.size() == 2);

  const std::string beyond = replaced(text, "\"best_iteration\":\"1\"", "\"best_iteration\":\"6\"");
  CHECK(
      refusal(beyond) ==
      "m.json: learner.attributes.best_iteration is 6, but there are 6 rounds; the option rounds::all scores them all");
  CHECK(refusal(beyond, {.rounds = rounds::all}).empty());
  CHECK(refusal(replaced(text, "\"best_iteration\":\"1\"", "\"best_iteration\":\"x\"")) ==
        "m.json: learner.attributes.best_iteration should be a whole number from 0 to 1073741824");
  CHECK(refusal(replaced(text, "\"iteration_indptr\":[0,", "\"iteration_indptr\":[1,")) ==
        "m.json: learner.gradient_booster.model.iteration_indptr should be ascending numbers from 0 to 6, the trees");
}

TEST_CASE("a number that means missing is missing to every kernel", "[models][xgboost]") {
  const std::string path = sets + "xgb34_missing_zero/model.json";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const kernel k : {kernel::reference, kernel::portable, kernel::best}) {
    const forest zero = *forest::build(*read_xgboost(contents(path), "m", {.missing = 0.0}), "m", k);
    const forest none = *forest::build(*read_xgboost(contents(path)), "m", k);
    CHECK(margins(zero, {0, -0.0, 1, 0, 2}) == margins(none, {nan, nan, 1, nan, 2}));
    CHECK(margins(zero, {1, nan, 1, 3, 2}) == margins(none, {1, nan, 1, 3, 2}));
  }
  // What the scikit-learn interface of XGBoost 1.x wrote into its file, unless the caller says otherwise.
  const std::string old = contents(versions + "xgb-1.7/sentinel/model.json");
  CHECK(read_xgboost(old)->missing == -999.0);
  CHECK(read_xgboost(old, "m", {.missing = 7.0})->missing == 7.0);
  CHECK_FALSE(read_xgboost(contents(path))->missing);
}

TEST_CASE("a trainer's own file becomes a scorer that takes categories by their names", "[models][xgboost]") {
  const std::string folder = sets + "xgb34_category_names/";
  for (const char* name : {"model.json", "model.ubj"}) {
    const auto trees = load_xgboost(folder + name);
    REQUIRE(trees);
    const auto model = make_encoded_forest(*trees, 0.5, name);
    REQUIRE(model);
    CHECK(model->features().numeric == std::vector<std::string>{"x", "code", "y"});
    CHECK(model->features().text == std::vector<std::string>{"town", "street"});

    const auto rows = cells_of(folder + "inputs.csv", ',');
    const auto expected = cells_of(folder + "expected.csv", ',');
    const auto number = [](const std::string& cell) { return cell.empty() ? std::nan("") : std::stod(cell); };
    table block{{{}, {}, {}}, {{}, {}}};
    std::vector<double> want;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      block.texts[0].push_back(rows[i][0]);
      block.numbers[0].push_back(number(rows[i][1]));
      block.numbers[1].push_back(number(rows[i][2]));
      block.texts[1].push_back(rows[i][3]);
      block.numbers[2].push_back(number(rows[i][4]));
      want.push_back(number(expected[i][1]));
    }
    const std::vector<double> have = block.score(*model);
    REQUIRE(have.size() == want.size());
    for (std::size_t i = 0; i < have.size(); ++i) CHECK(have[i] == Approx(want[i]).epsilon(1e-7));

    // XGBoost refuses a category that it has not seen; a row with one has no prediction.
    block.texts[0][3] = "Rom";
    block.numbers[1][5] = 11;
    const std::vector<double> unseen = block.score(*model);
    for (std::size_t i = 0; i < unseen.size(); ++i) {
      if (i == 3 || i == 5) {
        CHECK(std::isnan(unseen[i]));
      } else {
        CHECK(unseen[i] == have[i]);
      }
    }
  }
}

TEST_CASE("broken names of categories are refused with their place", "[models][xgboost]") {
  const std::string text = contents(sets + "xgb34_category_names/model.json");
  const std::string place = "m.json: learner.gradient_booster.model.cats.enc[0]";
  CHECK(refusal(replaced(text, "\"offsets\":[0,3,7,11]", "\"offsets\":[0,3,7,12]")) ==
        place + ".offsets should be ascending numbers from 0 to 11, the values");
  CHECK(refusal(replaced(text, "\"offsets\":[0,3,7,11]", "\"offsets\":[0,7,3,11]")).starts_with(place + ".offsets"));
  CHECK(refusal(replaced(text, "[85,108,109,", "[85,108,1.5,")) ==
        place + ".values[2] should be a whole number in range");
  CHECK(refusal(replaced(text, "\"offsets\":[0,3,7,11]", "\"offsets\":[0,0,0,11]")) ==
        place + " should be categories that differ");
  CHECK(refusal(replaced(text, "\"enc\":[", "\"enc\":[{\"offsets\":[],\"values\":[]},")) ==
        "m.json: learner.gradient_booster.model.cats.enc should be an array of 5 features");
}

TEST_CASE("names cut by XGBoost are not names", "[models][xgboost]") {
  const std::string text =
      replaced(contents(sets + "xgb34_category_names/model.json"), "\"version\":[3,4,1]", "\"version\":[3,3,0]");
  const auto model = make_encoded_forest(*forest::build(*read_xgboost(text)), 0.5, "m");
  CHECK(
      model.error().message ==
      "m: XGBoost before 3.4 cut the names of categories that are not ASCII: train with 3.4 or later; a forest itself "
      "scores codes");
}

TEST_CASE("a decimal is read as the float that was written, not by way of a double", "[models][xgboost]") {
  // 7.038531E-26 is the shortest text of 0x15AE43FE; its nearest double lies between that float and the one before.
  const forest_model model = *read_xgboost(contents(sets + "xgb_double_rounding/model.json"));
  CHECK(model.trees[0].splits[0].threshold == static_cast<double>(7.038531E-26F));
  CHECK(detail::single_precision(7.038531E-26) == 7.038531E-26F);
  CHECK(detail::single_precision(0.1) == 0.1F);
  CHECK(detail::single_precision(16777217.0) == 16777216.0F);
  CHECK(detail::single_precision(1e-45) == 1e-45F);
  // In the middle between two floats, and the shortest text of neither.
  CHECK_FALSE(detail::single_precision(1.0 + 0x1p-24));
}

TEST_CASE("bytes after a UBJSON document are refused", "[models][xgboost]") {
  const std::string ubj = contents(versions + "xgb-3.3/dart/model.ubj");
  REQUIRE(read_xgboost(ubj));
  CHECK(refusal(ubj + "x") ==
        "m.json: not valid UBJSON: bytes follow the end of the document at byte " + std::to_string(ubj.size()));
}

TEST_CASE("vector leaves that do not fit the outputs are refused", "[models][xgboost]") {
  const std::string text = contents(versions + "xgb-3.0/vector_leaves/model.json");
  CHECK(read_xgboost(text)->leaf_width == 2);
  CHECK(refusal(replaced(text, "\"size_leaf_vector\":\"2\"", "\"size_leaf_vector\":\"3\"")) ==
        "m.json: learner.gradient_booster.model.trees[0].tree_param.size_leaf_vector should be 2, the outputs");
  CHECK(refusal(replaced(text, "\"base_weights\":[", "\"base_weights\":[0,")).find("base_weights should be") !=
        std::string::npos);
  // A tree of one value a leaf beside them changes its own output alone.
  const std::string newer = contents(sets + "xgb34_vector_leaves_softprob/model.json");
  CHECK(refusal(replaced(newer, "\"leaf_weights\":[", "\"leaf_weights\":[0,0,0,0,")).empty());
  CHECK(refusal(replaced(newer, "\"right_children\":[2,", "\"right_children\":[99,")).find("a child is node 99") !=
        std::string::npos);
}
