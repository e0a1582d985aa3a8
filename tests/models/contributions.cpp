// SPDX-License-Identifier: MIT
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/random_forest.hpp"
#include "tabscore/models/contributions.hpp"
#include "tabscore/models/load_xgboost.hpp"

using namespace tabscore;

namespace {

/// Cells of a CSV file with a header; an empty cell is NaN.
std::vector<double> cells_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::vector<double> out;
  while (std::getline(file, line)) {
    std::istringstream cells(line + ",");
    std::string cell;
    while (std::getline(cells, cell, ',')) {
      out.push_back(cell.empty() ? std::numeric_limits<double>::quiet_NaN() : std::strtod(cell.c_str(), nullptr));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("contributions equal XGBoost's pred_contribs within 1e-5", "[models][contributions]") {
  for (const char* name :
       {"xgb_binary_contributions", "xgb_regression_base_contributions", "xgb_softprob_contributions"}) {
    INFO(name);
    const std::string folder = std::string(TABSCORE_SOURCE_DIR) + "/tests/parity/sets/" + name;
    const auto f = load_xgboost(folder + "/model.json");
    REQUIRE(f);
    const auto e = explainer::build(*f);
    REQUIRE(e);
    const std::vector<double> inputs = cells_of(folder + "/inputs.csv");
    const std::vector<double> expected = cells_of(folder + "/contributions.csv");
    const std::size_t rows = inputs.size() / f->features();
    REQUIRE(rows == 100);
    REQUIRE(expected.size() == rows * e->width());
    std::vector<double> out(expected.size());
    scratch memory;
    e->explain(row_major(inputs.data(), rows, f->features()), out, memory);
    double worst = 0;
    for (std::size_t i = 0; i < out.size(); ++i) worst = std::max(worst, std::fabs(out[i] - expected[i]));
    CHECK(worst <= 1e-5);
  }
}

TEST_CASE("contributions sum to the margin, also where a feature is met twice on a way", "[models][contributions]") {
  std::mt19937_64 random(5);
  scratch memory;
  for (const int round : {0, 2, 5, 6, 7}) {
    testing::forest_shape shape = testing::shape_of(round);
    shape.splits = std::min<std::size_t>(shape.splits, 60);
    shape.trees = 5;
    forest_model model = testing::random_forest(random, shape);
    for (tree& t : model.trees) {
      for (std::size_t i = 0; i < t.splits.size(); ++i) t.split_cover.push_back(1);
      for (std::size_t i = 0; i <= t.splits.size(); ++i) t.leaf_cover.push_back(1 + static_cast<double>(random() % 9));
    }
    const auto f = forest::build(model);
    REQUIRE(f);
    const auto e = explainer::build(*f);
    REQUIRE(e);
    const auto cells = testing::hard_rows(random, model, 20);
    const auto x = row_major(cells.data(), 20, model.features);
    std::vector<double> margins(20 * model.outputs);
    f->margins(x, margins, memory);
    std::vector<double> out(20 * e->width());
    e->explain(x, out, memory);
    for (std::size_t i = 0; i < margins.size(); ++i) {
      double sum = 0;
      for (std::size_t c = 0; c <= model.features; ++c) sum += out[i * (model.features + 1) + c];
      CHECK(sum == Approx(margins[i]).margin(1e-5));
    }
  }
}

TEST_CASE("many features on a way take many points, and still sum to the margin", "[models][contributions]") {
  // One row of splits, each on a feature of its own: 60 of them need 30 points, eight times four.
  forest_model model;
  model.features = 60;
  model.base = {0.5};
  tree t;
  for (int i = 0; i < 60; ++i) {
    t.splits.push_back({.feature = static_cast<std::uint32_t>(i), .left = ~i, .right = i < 59 ? i + 1 : ~60});
    t.split_cover.push_back(100.0 * (61 - i));
  }
  for (int i = 0; i <= 60; ++i) {
    t.leaves.push_back(i * 0.125 - 3);
    t.leaf_cover.push_back(100);
  }
  model.trees = {t};
  const auto f = forest::build(model);
  REQUIRE(f);
  const auto e = explainer::build(*f);
  REQUIRE(e);
  std::mt19937_64 random(7);
  std::vector<double> x(60);
  scratch memory;
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = 0; i < 60; ++i) x[i] = i < static_cast<std::size_t>(round) || random() % 20 != 0 ? 1 : -1;
    double margin = 0;
    f->margins(row_major(x.data(), 1, 60), std::span(&margin, 1), memory);
    std::vector<double> out(61);
    e->explain(row_major(x.data(), 1, 60), out, memory);
    CHECK(std::accumulate(out.begin(), out.end(), 0.0) == Approx(margin).margin(1e-12));
    CHECK(out[60] == Approx(0.5 + 60 * 0.0625 - 3));  // the base and the mean of the leaves, all covered alike
  }
}

TEST_CASE("a model without covers has no contributions", "[models][contributions]") {
  std::mt19937_64 random(6);
  const auto e = explainer::build(*forest::build(testing::random_forest(random, testing::shape_of(0))));
  REQUIRE_FALSE(e);
  CHECK(e.error().message.find("carries no covers") != std::string::npos);
}

TEST_CASE("a model with endless covers has no contributions", "[models][contributions]") {
  for (const double absurd : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    forest_model model;
    model.features = 1;
    model.base = {0};
    model.trees.resize(1);
    model.trees[0].splits = {{.feature = 0, .left = ~0, .right = ~1}};
    model.trees[0].leaves = {1, 2};
    model.trees[0].split_cover = {2};
    model.trees[0].leaf_cover = {1, absurd};
    const auto e = explainer::build(*forest::build(model));
    REQUIRE_FALSE(e);
    CHECK(e.error().message == "tree 0 has covers that are not finite");
  }
}

TEST_CASE("one-hot columns fold back to their field", "[models][contributions]") {
  const std::vector<double> columns{1.0, 0.25, 0.5, -2.0};
  const std::vector<std::uint32_t> field_of{0, 1, 1, 1};
  std::vector<double> fields(2);
  fold_contributions(columns, field_of, fields);
  CHECK(fields == std::vector{1.0, -1.25});
}
