// SPDX-License-Identifier: MIT
// The student booster of the shared folder, when it is there, against its trainer's margins.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <simdjson.h>

#include "support/catch.hpp"
#include "tabscore/models/load_xgboost.hpp"

using namespace tabscore;

TEST_CASE("the student booster gives its trainer's margins, bit for bit", "[models][forest]") {
  const std::string folder = std::string(TABSCORE_SOURCE_DIR) + "/../shared/models/";
  if (!std::filesystem::exists(folder + "student_xgb.json")) return;
  simdjson::dom::parser parser;
  simdjson::dom::element meta;
  REQUIRE(parser.load(folder + "student_xgb_meta.json").get(meta) == simdjson::SUCCESS);
  std::vector<std::string> columns;
  std::vector<double> mean;
  std::vector<double> scale;
  std::vector<std::string> categories;
  for (auto e : meta["numeric"]["columns"].get_array()) columns.emplace_back(std::string_view(e));
  for (auto e : meta["numeric"]["mean"].get_array()) mean.push_back(double(e));
  for (auto e : meta["numeric"]["scale"].get_array()) scale.push_back(double(e));
  for (auto e : meta["categorical"]["categories"].get_array()) {
    categories.emplace_back(e.is_null() ? std::string_view() : std::string_view(e));
  }
  for (const char* name : {"student_xgb.json", "student_xgb.ubj"}) {
    const auto f = load_xgboost(folder + name);
    REQUIRE(f);
    REQUIRE(f->features() == columns.size() + categories.size());
    std::ifstream lines(folder + "golden_predictions.jsonl");
    std::string line;
    std::vector<double> cells;
    std::vector<double> margins;
    std::vector<double> probabilities;
    simdjson::dom::parser line_parser;
    while (std::getline(lines, line)) {
      simdjson::dom::element row;
      REQUIRE(line_parser.parse(line).get(row) == simdjson::SUCCESS);
      for (std::size_t c = 0; c < columns.size(); ++c) {
        double value = 0;
        if (row["features"][columns[c]].get(value) != simdjson::SUCCESS) value = double(row["engineered"][columns[c]]);
        cells.push_back((value - mean[c]) / scale[c]);
      }
      std::string_view country;
      if (row["features"]["student_country"].get(country) != simdjson::SUCCESS) country = {};
      for (const auto& category : categories) cells.push_back(category == country ? 1.0 : 0.0);
      margins.push_back(double(row["xgb_margin_float32"]));
      probabilities.push_back(double(row["xgb_probability_float32"]));
    }
    REQUIRE(margins.size() == 300);
    scratch memory;
    std::vector<double> out(margins.size());
    f->margins(row_major(cells.data(), margins.size(), f->features()), out, memory);
    CHECK(out == margins);
    f->predict(row_major(cells.data(), margins.size(), f->features()), out, memory);
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - probabilities[i]) <= 1e-6);
  }
}
