// SPDX-License-Identifier: MIT
// The bundled boosted trees against their trainer; and the files of the same booster as XGBoost wrote them, when
// present.
#include <tabscore/models/load_model.hpp>

#include <cmath>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/golden_rows.hpp"

using namespace tabscore;

namespace {
const std::string model_path = TABSCORE_SOURCE_DIR "/models/student_gbm.json";
const std::string shared = TABSCORE_SOURCE_DIR "/../shared/models/";
}  // namespace

TEST_CASE("the bundled trees load as any_scorer, and the wrong kind is refused by name", "[models]") {
  const result<model_file> file = load_model_file(model_path);
  REQUIRE(file);
  CHECK(file->name == "student_gbm");
  CHECK(file->threshold == 0.5956512689590454);
  const result<any_scorer> scorer = make_scorer(*file);
  REQUIRE(scorer);
  CHECK(scorer->threshold() == file->threshold);
  const result<logistic> wrong = load_logistic(model_path);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == model_path + ": kind: expected \"logistic\", found \"xgboost\"");
  const result<model_file> other = load_model_file(TABSCORE_SOURCE_DIR "/models/student_logistic.json");
  REQUIRE(other);
  CHECK(make_encoded_forest(*other).error().code == errc::mismatch);
}

TEST_CASE("trees that disagree with their trainer's rows are refused", "[models]") {
  model_file file = load_model_file(model_path).value();
  file.checks[5].margins[0] = std::nextafter(file.checks[5].margins[0], 100.0);
  const auto refused = make_scorer(file);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::check_failed);
  CHECK(refused.error().message.find("checks[5].margin") != std::string::npos);
}

TEST_CASE("trees that read other columns than the encoder writes are refused", "[models]") {
  model_file file = load_model_file(model_path).value();
  file.encoder.text.clear();
  file.features.text.clear();
  for (check& c : file.checks) c.text.clear();
  const auto refused = make_scorer(file);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == model_path + ": model: the trees read 174 columns, the features are encoded in 9");
}

TEST_CASE("the bundled trees have the bits of every golden row, together and alone", "[models]") {
  const model_file file = load_model_file(model_path).value();
  const golden_rows golden(file.features.numeric, "xgb_margin_float32", "xgb_probability_float32");
  if (golden.rows() == 0) {
    WARN("not compared: the golden rows are not there");
    return;
  }
  REQUIRE(golden.rows() == 300);
  std::vector<encoded_forest> same_booster{make_encoded_forest(file).value()};
  for (const char* name : {"student_xgb.json", "student_xgb.ubj"}) {
    same_booster.push_back(
        encoded_forest::make(file.features, file.encoder, load_xgboost(shared + name).value(), file.threshold).value());
  }
  for (const encoded_forest& model : same_booster) {
    scratch memory;
    std::size_t wrong = 0;
    for (const std::size_t count : {300U, 1U, 7U}) {
      golden.each_block(count, [&](const feature_block& x, std::size_t first) {
        std::vector<double> margin(count), probability(count);
        model.margins(x, memory, margin);
        model.score(x, memory, probability);
        for (std::size_t i = 0; i < count; ++i) {
          wrong += margin[i] != golden.margin[first + i] ||
                   !(std::abs(probability[i] - golden.probability[first + i]) <= encoded_forest::probability_bound());
        }
      });
    }
    CHECK(wrong == 0);
  }
}
