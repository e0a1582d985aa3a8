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

TEST_CASE("a logistic model's terms are its margin, bit for bit", "[models][contributions]") {
  const model_file file = load_model_file(models + "student_logistic.json").value();
  const logistic model = make_logistic(file).value();
  std::size_t wrong = 0;
  CHECK(each_row(file, model, [&](double sum, double margin) { wrong += sum != margin; }) >= file.checks.size());
  CHECK(wrong == 0);
}

TEST_CASE("the trees' contributions, folded back to their fields, sum to the margin", "[models][contributions]") {
  const model_file file = load_model_file(models + "student_gbm.json").value();
  const encoded_forest model = make_encoded_forest(file).value();
  double worst = 0;
  each_row(file, model, [&](double sum, double margin) { worst = std::max(worst, std::abs(sum - margin)); });
  CHECK(worst < 1e-5);
  CHECK(worst > 0);  // the margin was rounded to float32 after each tree
}

TEST_CASE("any scorer tells what its model tells, or that it tells nothing", "[models][contributions]") {
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
