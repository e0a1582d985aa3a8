// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>
#include <tabscore/features/feature_block.hpp>

#include <array>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

/// The trainer's rows with the trainer's own numbers. They are not part of the repository: empty when they are not
/// there.
struct golden_rows {
  std::vector<double> numeric;  // 9 columns, column-major
  std::vector<std::string> countries;
  std::vector<std::string_view> text;
  std::vector<double> margin, probability;

  std::size_t rows() const { return countries.size(); }

  golden_rows(const std::vector<std::string>& names, std::string_view margin_member,
              std::string_view probability_member) {
    std::ifstream lines(TABSCORE_SOURCE_DIR "/../shared/models/golden_predictions.jsonl");
    std::vector<double> by_row;
    simdjson::dom::parser parser;
    for (std::string line; std::getline(lines, line);) {
      const simdjson::dom::element row = parser.parse(line).value();
      for (std::size_t j = 0; j < names.size(); ++j) {
        by_row.push_back(row[j < 6 ? "features" : "engineered"][names[j]].get_double());
      }
      countries.emplace_back(row["features"]["student_country"].get_string().value());
      margin.push_back(row[margin_member].get_double());
      probability.push_back(row[probability_member].get_double());
    }
    text.assign(countries.begin(), countries.end());
    numeric.resize(by_row.size());
    for (std::size_t i = 0; i < rows(); ++i) {
      for (std::size_t j = 0; j < names.size(); ++j) numeric[j * rows() + i] = by_row[i * names.size() + j];
    }
  }

  /// Calls f(block, first) for every block of `count` rows.
  template <class F>
  void each_block(std::size_t count, F&& f) const {
    for (std::size_t first = 0; first + count <= rows(); first += count) {
      const std::array<const std::string_view*, 1> column{text.data() + first};
      f(tabscore::feature_block{.rows = count,
                                .width = numeric.size() / rows(),
                                .numeric = numeric.data() + first,
                                .stride = rows(),
                                .text = column},
        first);
    }
  }
};
