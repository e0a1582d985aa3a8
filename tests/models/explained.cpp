// SPDX-License-Identifier: MIT
// Contributions of the bundled models to the margins of the trainer's rows.
#include <tabscore/models/load_model.hpp>

#include <array>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/golden_rows.hpp"

using namespace tabscore;

static_assert(explainable<logistic> && explainable<encoded_forest> && explainable<any_scorer>);

namespace {

const std::string models = TABSCORE_SOURCE_DIR "/models/";

double sum_of(std::span<const double> numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }

/// Calls compare(sum of a row's contributions, its margin) for all of the model's checks and, when they are there, the
/// golden rows; gives the number of rows.
template <class Model, class Compare>
std::size_t each_row(const model_file& file, const Model& model, Compare&& compare) {
  REQUIRE(model.explain_error() == nullptr);
  const std::size_t numbers = model.features().size() + 1;
  scratch memory;
  std::size_t rows = 0;
  const auto block = [&](const feature_block& x) {
    std::vector<double> margin(x.rows), out(x.rows * numbers);
    model.margins(x, memory, margin);
    model.contributions(x, memory, out);
    for (std::size_t i = 0; i < x.rows; ++i) compare(sum_of(std::span(out).subspan(i * numbers, numbers)), margin[i]);
    rows += x.rows;
  };
  for (const check& c : file.checks) {
    const std::string_view text = c.text[0].value();
    const std::array<const std::string_view*, 1> column{&text};
    block({.rows = 1, .width = c.numeric.size(), .numeric = c.numeric.data(), .stride = 1, .text = column});
  }
  const golden_rows golden(file.features.numeric, "lr_decision", "lr_probability");
  if (golden.rows() == 0) WARN("not compared: the golden rows are not there");
  for (const std::size_t count : {300U, 1U}) golden.each_block(count, [&](const auto& x, std::size_t) { block(x); });
  return rows;
}

}  // namespace

TEST_CASE("a logistic model's terms against the training mean add up to its margin", "[models][contributions]") {
  model_file file = load_model_file(models + "student_logistic.json").value();
  const logistic model = make_logistic(file).value();
  double worst = 0;
  const auto compare = [&](double sum, double margin) {
    worst = std::max(worst, std::abs(sum - margin) / (1 + std::abs(margin)));
  };
  CHECK(each_row(file, model, compare) >= file.checks.size());
  CHECK(worst < 1e-13);
  file.baseline.reset();
  std::size_t wrong = 0;
  each_row(file, make_logistic(file).value(), [&](double sum, double margin) { wrong += sum != margin; });
  CHECK(wrong == 0);  // terms alone are the margin, bit for bit
}

TEST_CASE("contributions of a linear model are 0 at the training mean", "[models][contributions]") {
  const model_file file = load_model_file(models + "student_logistic.json").value();
  const logistic model = make_logistic(file).value();
  const auto& text = file.encoder.text[0];
  const auto& counted = file.baseline->histograms->text[0];
  std::vector<double> numeric;
  for (const auto& feature : file.baseline->numeric) numeric.push_back(feature.mean);
  scratch memory;
  std::vector<double> out(model.features().size() + 1);
  double average = 0;
  double rows = 0;
  for (std::size_t c = 0; c < text.size(); ++c) {
    const std::string_view category =
        text.categories()[c] ? std::string_view(*text.categories()[c]) : std::string_view();
    const std::array<const std::string_view*, 1> column{&category};
    model.contributions({1, numeric.size(), numeric.data(), 1, column}, memory, out);
    for (std::size_t j = 0; j < numeric.size(); ++j) CHECK(std::abs(out[j]) < 1e-14);
    average += out[numeric.size()] * static_cast<double>(counted.counts[c]);
    rows += static_cast<double>(counted.counts[c]);
  }
  CHECK(counted.unseen + counted.missing == 0);
  CHECK(std::abs(average / rows) < 1e-12);
}

TEST_CASE("so are those of a linear step of a pipeline", "[models][contributions]") {
  const auto made = [](const char* baseline) {
    const std::string text = std::string(R"({"format":"tabscore-model","version":1,"name":"tiny","kind":"pipeline",
 "provenance":{"trainer":{"name":"by hand","version":"1"},"exporter":"nobody","date":"2026-01-02","training_data":
  {"file":"n.csv","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","rows":4}},
 "features":{"numeric":[{"name":"a"}],"text":[{"name":"t","categories":["x","y"]}]},
 "model":{"steps":[{"op":"one_hot","in":[1],"keys":["x","y"],"columns":[0,1],"width":2,"other":-1},
  {"op":"linear","in":[0,2,3],"coefficients":[[2,1,-3]],"intercept":[0.5]}],"outputs":[4]},
 "outputs":{"task":"regression"},)") +
                             baseline + R"("checks":[{"numeric":[3.0],"text":["x"],"outputs":[7.5]}]})";
    return make_scorer(parse_model_file(text, "tiny.json").value()).value();
  };
  const auto parts = [](const any_scorer& model) {
    const double numeric[]{3.0};
    const std::string_view text = "x";
    const std::array<const std::string_view*, 1> column{&text};
    scratch memory;
    std::vector<double> out(3);
    model.contributions({1, 1, numeric, 1, column}, memory, out);
    return out;
  };
  CHECK(parts(made("")) == std::vector<double>{6, 1, 0.5});
  const char* const plain = R"("drift_baseline":{"numeric":[{"name":"a","mean":1.0,"std":1.0}],
   "outputs":[{"name":"n","mean":1.0,"std":1.0}],"training_sample_size":4},)";
  CHECK(parts(made(plain)) == std::vector<double>{4, 1, 2.5});
  const char* const counted = R"("drift_baseline":{"numeric":[{"name":"a","mean":1.0,"std":1.0}],
   "outputs":[{"name":"n","mean":1.0,"std":1.0}],"training_sample_size":4,
   "histograms":{"numeric":[{"name":"a","edges":[0.0,2.0],"counts":[4],"missing":0}],
    "text":[{"name":"t","counts":[1,1],"unseen":2}],
    "outputs":[{"edges":[0.0,9.0],"counts":[4],"missing":0}]}},)";
  CHECK(parts(made(counted)) == std::vector<double>{4, 1.5, 2});
}

TEST_CASE("the trees' contributions, folded back to their fields, sum to the margin", "[models][contributions]") {
  const model_file file = load_model_file(models + "student_gbm.json").value();
  const encoded_forest model = make_encoded_forest(file).value();
  double worst = 0;
  each_row(file, model, [&](double sum, double margin) { worst = std::max(worst, std::abs(sum - margin)); });
  CHECK(worst < 1e-5);
  CHECK(worst > 0);  // the margin was rounded to float32 after each tree
}

TEST_CASE("any_scorer passes on its model's contributions, or its error", "[models][contributions]") {
  struct constant {
    feature_names names{{"a"}, {}};
    const feature_names& features() const { return names; }
    double threshold() const { return 0.5; }
    void score(const feature_block& x, scratch&, std::span<double> p) const { std::fill_n(p.begin(), x.rows, 0.5); }
  };
  static_assert(!explainable<constant>);
  const any_scorer silent{constant{}};
  REQUIRE(silent.explain_error() != nullptr);
  CHECK(silent.explain_error()->code == errc::unsupported);

  const model_file file = load_model_file(models + "student_gbm.json").value();
  const any_scorer trees = make_scorer(file).value();
  CHECK(trees.explain_error() == nullptr);
  CHECK(trees.features().all().back() == "student_country");
  CHECK(trees.features().size() == 10);
}

TEST_CASE("trees without covers are scored, and say that they have no contributions", "[models][contributions]") {
  const model_file file = load_model_file(models + "student_gbm.json").value();
  forest_model without = make_encoded_forest(file).value().trees().model();
  for (tree& t : without.trees) t.leaf_cover.clear(), t.split_cover.clear();
  const auto model =
      encoded_forest::make(file.features, file.encoder, forest::build(without).value(), file.threshold).value();
  REQUIRE(model.explain_error() != nullptr);
  CHECK(model.explain_error()->message.find("carries no covers") != std::string::npos);
}
