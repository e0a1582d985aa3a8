// SPDX-License-Identifier: MIT
// The bundled model against its trainer. The recorded rows are not part of the repository; they are used when present.
#include <simdjson.h>
#include <tabscore/models/load_tabscore.hpp>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/golden_rows.hpp"

using namespace tabscore;

namespace {

const std::string model_path = TABSCORE_SOURCE_DIR "/models/student_logistic.json";
const std::string recorded = TABSCORE_SOURCE_DIR "/../shared/models/";

bool same(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

TEST_CASE("the bundled model gives its trainer's numbers", "[models]") {
  const result<model_file> file = load_model_file(model_path);
  REQUIRE(file);
  CHECK(file->name == "student_logistic");
  CHECK(file->origin.data_rows == 17761);
  CHECK(file->features.numeric.size() == 9);
  CHECK(file->features.text == std::vector<std::string>{"student_country"});
  CHECK(file->encoder.width() == 174);
  CHECK(file->threshold == 0.43828732093346334);
  REQUIRE(file->baseline);
  CHECK(file->baseline->training_sample_size == 14208);
  REQUIRE(file->baseline->histograms);
  CHECK(file->baseline->histograms->numeric[0].edges.size() == 11);
  CHECK(file->checks.size() == 32);

  const result<logistic> model = load_logistic(model_path);
  REQUIRE(model);
  CHECK(model->threshold() == 0.43828732093346334);
}

TEST_CASE("the bundled model has every number of the recorded export", "[models]") {
  const std::string path = recorded + "student_lr.json";
  if (!std::filesystem::exists(path)) {
    WARN("not compared: " << path << " is not there");
    return;
  }
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.load(path).value();
  const result<model_file> file = load_model_file(model_path);
  REQUIRE(file);
  const auto& learnt = std::get<logistic_parameters>(file->model);

  std::size_t wrong = 0;
  const auto compare = [&](simdjson::dom::element expected, double ours) {
    wrong += !same(expected.get_double(), ours);
  };
  std::vector<double> coefficients = learnt.numeric;
  coefficients.insert(coefficients.end(), learnt.text.at(0).begin(), learnt.text.at(0).end());
  REQUIRE(root["coefficients"].get_array().size() == coefficients.size());
  for (std::size_t i = 0; i < coefficients.size(); ++i) compare(root["coefficients"].at(i), coefficients[i]);
  compare(root["intercept"], learnt.intercept);
  compare(root["threshold"], file->threshold);
  const auto baseline = root["drift_baseline"];
  for (std::size_t j = 0; j < 9; ++j) {
    const std::string& name = file->features.numeric[j];
    CHECK(root["numeric"]["columns"].at(j).get_string().value() == name);
    compare(root["numeric"]["mean"].at(j), file->encoder.numeric[j].mean);
    compare(root["numeric"]["scale"].at(j), file->encoder.numeric[j].scale);
    CHECK(file->baseline->numeric[j].name == name);
    compare(baseline["numeric_feature_stats"][name]["mean"], file->baseline->numeric[j].mean);
    compare(baseline["numeric_feature_stats"][name]["std"], file->baseline->numeric[j].std);
  }
  compare(baseline["training_positive_rate"], file->baseline->training_positive_rate);
  CHECK(baseline["training_sample_size"].get_uint64().value() == file->baseline->training_sample_size);
  const auto& categories = file->encoder.text.at(0).categories();
  REQUIRE(root["categorical"]["categories"].get_array().size() == categories.size());
  for (std::size_t i = 0; i < categories.size(); ++i) {
    const simdjson::dom::element expected = root["categorical"]["categories"].at(i);
    wrong += expected.is_null() ? categories[i].has_value() : expected.get_string().value() != categories[i];
  }
  CHECK(wrong == 0);
}

TEST_CASE("the bundled model has the bits of every golden row, together and alone", "[models]") {
  const result<logistic> model = load_logistic(model_path);
  REQUIRE(model);
  const golden_rows golden(model->features().numeric, "lr_decision", "lr_probability");
  if (golden.rows() == 0) {
    WARN("not compared: the golden rows are not there");
    return;
  }
  REQUIRE(golden.rows() == 300);
  scratch memory;
  std::size_t wrong = 0;
  for (const std::size_t count : {300U, 1U, 7U}) {
    golden.each_block(count, [&](const feature_block& x, std::size_t first) {
      std::vector<double> margin(count), probability(count);
      model->margins(x, memory, margin);
      model->score(x, memory, probability);
      for (std::size_t i = 0; i < count; ++i) {
        wrong += !same(margin[i], golden.margin[first + i]) || !same(probability[i], golden.probability[first + i]);
      }
    });
  }
  CHECK(wrong == 0);
}
