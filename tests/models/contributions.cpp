// SPDX-License-Identifier: MIT
#include <cmath>
#include <fstream>
#include <limits>
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
    e->explain(row_major(inputs.data(), rows, f->features()), out);
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
    e->explain(x, out);
    for (std::size_t i = 0; i < margins.size(); ++i) {
      double sum = 0;
      for (std::size_t c = 0; c <= model.features; ++c) sum += out[i * (model.features + 1) + c];
      CHECK(sum == Approx(margins[i]).margin(1e-5));
    }
  }
}

TEST_CASE("a model without covers has no contributions", "[models][contributions]") {
  std::mt19937_64 random(6);
  const auto e = explainer::build(*forest::build(testing::random_forest(random, testing::shape_of(0))));
  REQUIRE_FALSE(e);
  CHECK(e.error().message.find("carries no covers") != std::string::npos);
}

TEST_CASE("one-hot columns fold back to their field", "[models][contributions]") {
  const std::vector<double> columns{1.0, 0.25, 0.5, -2.0};
  const std::vector<std::uint32_t> field_of{0, 1, 1, 1};
  std::vector<double> fields(2);
  fold_contributions(columns, field_of, fields);
  CHECK(fields == std::vector{1.0, -1.25});
}
