// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/replaced.hpp"
#include "tabscore/models/contributions.hpp"
#include "tabscore/models/load_lightgbm.hpp"
#include "tabscore/models/load_model.hpp"

using namespace tabscore;
using support::replaced;

namespace {

const std::string header =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\nobjective=regression\n"
    "feature_names=a b\nfeature_infos=[0:9] -1:2:0:1\n";
const std::string stump =
    "num_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\ndecision_type=10\nleft_child=-1\nright_child=-2\n"
    "leaf_value=-1.5 2.5\nleaf_count=5 5\ninternal_count=10\nis_linear=0\nshrinkage=1\n\n\n";

std::string trees(int count, const std::string& body = stump) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "Tree=" + std::to_string(i) + "\n" + body;
  return text;
}
std::string sizes(std::vector<std::size_t> of) {
  std::string line = "tree_sizes=";
  for (const std::size_t n : of) line += std::to_string(n) + " ";
  line.back() = '\n';
  return line + "\n";
}
const std::size_t size = trees(1).size();
const std::string whole = header + sizes({size, size}) + trees(2) + "end of trees\n";

std::string refusal(const std::string& text, const load_options& options = {}) {
  const auto model = read_lightgbm(text, "m.txt", options);
  if (!model) return model.error().message;
  const auto f = forest::build(*model, "m.txt");
  return f ? "" : f.error().message;
}

forest built(const std::string& text, const load_options& options = {}) {
  auto model = read_lightgbm(text, "m.txt", options);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return forest::build(*std::move(model)).value();
}

double predicted(const forest& f, std::vector<double> row) {
  scratch memory;
  double out = 0;
  f.predict(row_major(row.data(), 1, row.size()), std::span(&out, 1), memory);
  return out;
}

}  // namespace

TEST_CASE("LightGBM's objectives are known by all their names", "[models][lightgbm]") {
  using f = link::function;
  const std::pair<std::vector<std::string>, f> names[] = {
      {{"regression",
        "regression_l2",
        "mean_squared_error",
        "mse",
        "l2",
        "l2_root",
        "root_mean_squared_error",
        "rmse",
        "regression_l1",
        "mean_absolute_error",
        "l1",
        "mae",
        "huber",
        "huber sqrt",
        "fair",
        "quantile",
        "quantile_l2",
        "mape",
        "mean_absolute_percentage_error",
        "lambdarank",
        "rank_xendcg",
        "xendcg",
        "xe_ndcg",
        "xe_ndcg_mart",
        "xendcg_mart",
        "custom",
        "none",
        "null",
        "na"},
       f::identity},
      {{"binary sigmoid:1", "cross_entropy", "xentropy", "multiclassova num_class:1 sigmoid:1", "ova sigmoid:1",
        "ovr sigmoid:2", "multiclass_ova sigmoid:1"},
       f::logistic},
      {{"multiclass num_class:1", "softmax num_class:1"}, f::softmax},
      {{"poisson", "gamma", "tweedie"}, f::exponential},
      {{"cross_entropy_lambda", "xentlambda"}, f::log1p_exp},
      {{"regression sqrt", "l2 sqrt", "regression_l1 sqrt", "quantile sqrt", "mape sqrt", "fair sqrt"},
       f::signed_square}};
  for (const auto& [texts, form] : names) {
    for (const std::string& text : texts) {
      INFO(text);
      CHECK(built(replaced(whole, "objective=regression", "objective=" + text)).model().output_link.form == form);
    }
  }
  CHECK(built(replaced(whole, "objective=regression\n", "")).model().output_link.form == f::identity);
  CHECK(predicted(built(replaced(whole, "regression", "xentropy")), {0, 0}) == Approx(1 / (1 + std::exp(3.0))));

  const std::pair<const char*, const char*> wrong[] = {
      {"binary", "objective binary should have sigmoid:"},
      {"binary sigmoid:0", "sigmoid:, a number above 0"},
      {"binary sigmoid:inf", "sigmoid:, a number above 0"},
      {"ova num_class:1", "objective ova should have sigmoid:"},
      {"multiclass num_class:3", "multiclass has 3 outputs, but num_tree_per_iteration is 1"},
      {"multiclass num_class:x", "multiclass has 0 outputs"},
      {"l3", "objective \"l3\""}};
  for (const auto& [text, words] : wrong) {
    CHECK_THAT(refusal(replaced(whole, "regression", text)), Catch::Contains(words));
  }
  std::string two = replaced(whole, "num_tree_per_iteration=1", "num_tree_per_iteration=2");
  CHECK_THAT(refusal(replaced(two, "regression", "poisson")), Catch::Contains("poisson has 1 outputs"));
  CHECK(refusal(two).empty());
}

TEST_CASE("a random forest of a version 2 text is refused, or read as the caller says", "[models][lightgbm]") {
  const std::string text =
      replaced(replaced(whole, "version=v4", "version=v2"), "feature_names", "average_output\nfeature_names");
  for (const char* objective : {"binary sigmoid:1", "regression sqrt", "poisson", "xentropy", "xentlambda"}) {
    const std::string forest = replaced(text, "regression", objective);
    const std::string message = refusal(forest);
    CHECK_THAT(message, Catch::Contains("2.2.2") && Catch::Contains("2.2.3"));
    CHECK_THAT(message, Catch::Contains("averaged::as_is") && Catch::Contains("averaged::linked"));
    CHECK(predicted(built(forest, {.version_2_forest = averaged::as_is}), {1, 0}) == 2.5);
  }
  const std::string binary = replaced(text, "regression", "binary sigmoid:1");
  CHECK(predicted(built(binary, {.version_2_forest = averaged::linked}), {1, 0}) == 1 / (1 + std::exp(-2.5)));
  CHECK(predicted(built(text), {1, 0}) == 2.5);  // no function, one meaning
  CHECK(predicted(built(replaced(binary, "v2", "v3")), {1, 0}) == 1 / (1 + std::exp(-2.5)));
  CHECK_THAT(refusal(header + "average_output\n\nend of trees\n"), Catch::Contains("average_output of no trees"));
}

TEST_CASE("texts of LightGBM 2.0.12 to 2.1.2 end without \"end of trees\"", "[models][lightgbm]") {
  const std::string old = replaced(header, "v4", "v2");
  const std::string text = old + sizes({size, size}) + trees(2) + "\nfeature importances:\na=2\n";
  CHECK(predicted(built(text), {1, 0}) == 5.0);
  CHECK(predicted(built(old + "\n" + trees(2) + "\nfeature importances:\n"), {1, 0}) == 5.0);
  CHECK(predicted(built(old + sizes({size, size}) + trees(2)), {1, 0}) == 5.0);  // all that tree_sizes names
  CHECK_THAT(refusal(header + sizes({size, size}) + trees(2)), Catch::Contains("the file is cut off"));
  CHECK_THAT(refusal(old + "\n" + trees(2)), Catch::Contains("the file is cut off"));
  const std::size_t trees_end = text.find("\nfeature importances");
  for (std::size_t n = 0; n < trees_end; ++n) {
    INFO(n);
    CHECK(refusal(text.substr(0, n)) != "");
  }
  for (std::size_t n = trees_end; n < text.size(); ++n) CHECK(refusal(text.substr(0, n)).empty());
  CHECK_THAT(refusal(replaced(text, "version=v2\n", "")), Catch::Contains("version is missing"));
}

TEST_CASE("counts of a LightGBM text that lie are refused", "[models][lightgbm]") {
  CHECK(refusal(whole).empty());
  const std::string end = "end of trees\n";
  CHECK_THAT(refusal(header + sizes({size, size, size}) + trees(2) + end),
             Catch::Contains("tree_sizes names 3 trees, but the file has 2"));
  CHECK_THAT(refusal(header + sizes({size}) + trees(2) + end), Catch::Contains("tree_sizes names 1 trees"));
  CHECK_THAT(refusal(header + sizes({size + 1, size}) + trees(2) + end), Catch::Contains("tree_sizes[0] is"));
  CHECK_THAT(refusal(header + "tree_sizes=\n\n" + trees(1) + end), Catch::Contains("tree_sizes names 0 trees"));
  CHECK_THAT(refusal(replaced(whole, "feature_infos=[0:9] ", "feature_infos=")),
             Catch::Contains("feature_infos should have 2 ranges, not 1"));
  CHECK_THAT(refusal(replaced(whole, "num_cat=0", "num_cat=0\nnum_cat=0")), Catch::Contains("num_cat stands twice"));
  CHECK_THAT(refusal(replaced(whole, "label_index=0", "objective=l2")), Catch::Contains("objective stands twice"));

  std::string lines_of_windows;
  for (const char c : whole) lines_of_windows += c == '\n' ? "\r\n" : std::string(1, c);
  CHECK(predicted(built(lines_of_windows), {1, 0}) == 5.0);
  const auto none = read_lightgbm(header + "tree_sizes=\n\nend of trees\n");
  REQUIRE(none);
  CHECK(none->rounds.used == 0);
  CHECK(built(whole).model().rounds.used == 2);
  CHECK(read_lightgbm(replaced(whole, "feature_names=a b", "feature_names=a\tx b"))->feature_names[0] == "a\tx");
}

TEST_CASE("linear leaves give the constant and the terms, or the plain value beside a missing one", "[models]") {
  const std::string linear = replaced(replaced(stump, "num_leaves=2", "num_leaves=3"), "is_linear=0",
                                      "is_linear=1\nleaf_const=0.25 -1 3\nnum_features=2 0 1\nleaf_features=0 1   1  \n"
                                      "leaf_coeff=0.1 -2   10  ");
  const std::string text =
      header + "\nTree=0\n" +
      replaced(replaced(replaced(replaced(replaced(replaced(linear, "split_feature=0", "split_feature=0 1"),
                                                   "threshold=0.5", "threshold=0.5 4"),
                                          "decision_type=10", "decision_type=10 0"),
                                 "left_child=-1", "left_child=1 -1"),
                        "right_child=-2", "right_child=-2 -3"),
               "leaf_value=-1.5 2.5\nleaf_count=5 5\ninternal_count=10", "leaf_value=-1.5 2.5 7") +
      "end of trees\n";
  const forest f = built(text);
  const double nan = std::nan("");
  CHECK(predicted(f, {0.5, 3.0}) == 0.25 + 0.1 * 0.5 + -2 * 3.0);
  CHECK(predicted(f, {nan, 3.0}) == -1.5);
  CHECK(predicted(f, {0.6, nan}) == -1.0);  // its leaf reads nothing
  CHECK(predicted(f, {0.5, 5.0}) == 3 + 10 * 5.0);
  CHECK(std::isinf(predicted(f, {0.5, std::numeric_limits<double>::infinity()})));
  CHECK_THAT(explainer::build(f).error().message, Catch::Contains("linear leaves"));
  const forest g = built(replaced(text, "leaf_const=0.25", "leaf_const=-nan"));  // of infinite training values
  CHECK(std::isnan(predicted(g, {0.5, 3.0})));
  CHECK(predicted(g, {nan, 3.0}) == -1.5);
  CHECK(predicted(g, {0.5, 5.0}) == 3 + 10 * 5.0);

  CHECK_THAT(refusal(replaced(text, "leaf_const=0.25 -1 3\n", "")), Catch::Contains("linear leaves"));
  CHECK_THAT(refusal(replaced(text, "num_features=2 0 1", "num_features=2 0 2")),
             Catch::Contains("leaf_features should have 4 numbers, not 3"));
  CHECK_THAT(refusal(replaced(text, "num_features=2 0 1", "num_features=4294967295 4294967295 1")),
             Catch::Contains("leaf_features should have"));
  CHECK_THAT(refusal(replaced(text, "leaf_features=0 1", "leaf_features=0 2")),
             Catch::Contains("reads feature 2 of 2"));
  CHECK_THAT(refusal(replaced(text, "leaf_coeff=0.1", "leaf_coeff=nan")), Catch::Contains("weight is NaN"));
}

TEST_CASE("linear leaves: every kernel gives the same bits, alone and in a block", "[models][lightgbm]") {
  std::mt19937_64 draw(7);
  std::uniform_real_distribution<double> number(-2, 2);
  forest_model model;
  model.features = 4;
  model.outputs = 3;
  model.tiny_is_zero = true;
  model.base = {0, 0, 0};
  for (std::uint32_t i = 0; i < 150; ++i) {
    tree& t = model.trees.emplace_back();
    t.output = i % 3;
    for (std::int32_t k = 0; k < 7; ++k) {  // a chain
      t.splits.push_back({static_cast<std::uint32_t>(draw() % 4), k == 6 ? ~7 : k + 1, ~k, split::numeric, number(draw),
                          missing_rule::nan, draw() % 2 == 0});
    }
    for (std::size_t leaf = 0; leaf < 8; ++leaf) {
      t.leaves.push_back(number(draw));
      if (i % 5 == 0) continue;  // plain leaves in between
      linear_leaf& l = t.linear.emplace_back();
      l.constant = number(draw);
      for (std::size_t n = draw() % 4; n > 0; --n)
        l.terms.push_back({static_cast<std::uint32_t>(draw() % 4), number(draw)});
    }
  }
  constexpr std::size_t rows = 700;
  std::vector<double> x(rows * 4);
  for (double& value : x) value = draw() % 8 == 0 ? std::nan("") : number(draw);
  scratch memory;
  std::vector<double> want(rows * 3);
  forest::build(model, "m", kernel::reference)->margins(row_major(x.data(), rows, 4), want, memory);
  for (const kernel k : {kernel::portable, kernel::avx2, kernel::avx512}) {
    if (!available(k)) continue;
    const forest f = forest::build(model, "m", k).value();
    CHECK(f.used_kernel() == k);
    std::vector<double> have(rows * 3);
    f.margins(row_major(x.data(), rows, 4), have, memory);
    CHECK(have == want);
    for (std::size_t row = 0; row < rows; row += 50) {
      std::vector<double> alone(3);
      f.margins(row_major(x.data() + row * 4, 1, 4), alone, memory);
      CHECK(std::equal(alone.begin(), alone.end(), want.begin() + static_cast<std::ptrdiff_t>(row * 3)));
    }
  }
}

TEST_CASE("pandas_categorical gives features their categories", "[models][lightgbm]") {
  const auto read = [](const std::string& infos, const std::string& after) {
    return read_lightgbm(replaced(whole, "[0:9] -1:2:0:1", infos) + "\nfeature_importances:\na=2\n" + after, "m.txt");
  };
  using texts = std::vector<std::string>;
  const auto model = read("[0:9] -1:2:0:1", "pandas_categorical:[[\"x\", \"s\\u00fcd \\\"q\\\"\", \"5\"]]\n");
  REQUIRE(model);
  REQUIRE(model->categories.size() == 2);
  CHECK(model->categories[0].empty());
  CHECK(model->categories[1].texts == texts{"x", "s\u00fcd \"q\"", "5"});
  CHECK(model->unseen == unseen_rule::missing);
  CHECK(model->nameless.empty());

  CHECK(read("[0:9] 0:2:1", "pandas_categorical:[[30, 1.5, true]]")->categories[1].numbers ==
        std::vector<double>{30, 1.5, 1});
  CHECK(read("[0:9] 0:2:1", "pandas_categorical:null\n")->categories.empty());
  CHECK(read("[0:9] 0:2:1", "pandas_categorical:[]\n")->categories.empty());
  CHECK(read("[0:9] 0:2:1", "")->categories.empty());

  CHECK(read("[0:2] 0:2:1", "pandas_categorical:[[\"x\", \"y\", \"z\"]]\n")->categories[1].texts.size() == 3);
  CHECK(read("[0:1] 0:1", "pandas_categorical:[[false, true]]\n")->categories[1].numbers == std::vector<double>{0, 1});
  CHECK(read("[0:1] 0:2:1", "pandas_categorical:[[10, 20, 30]]\n")->categories[1].numbers.size() == 3);
  // Ordered categories are numbers to LightGBM: the range of their codes tells them.
  const auto ordered = read("[0:9] [0:2]", "pandas_categorical:[[\"lo\", \"mid\", \"hi\"]]\n");
  CHECK(ordered->categories[1].texts == texts{"lo", "mid", "hi"});
  // A column of one category is constant: the parameters tell it.
  const auto constant =
      read("[0:9] none", "[categorical_feature: 1]\nend of parameters\n\npandas_categorical:[[\"k\"]]\n");
  CHECK(constant->categories[1].texts == texts{"k"});

  for (const auto& [infos, lists] : {std::pair{"[0:1] [0:2]", "[[\"lo\", \"mid\", \"hi\"]]"},  // either
                                     std::pair{"[0:9] 0:3:1", "[[\"x\", \"y\"]]"},             // codes past its end
                                     std::pair{"[0:2] 0:2:1", "[[10, 20, 30]]"},               // codes of either
                                     std::pair{"0:2:1 [0:2]", "[[10, 20, 30]]"},               // also before a number
                                     std::pair{"[0:9] 0:2:1", "[[\"x\", \"y\", \"z\"], [\"u\"]]"}}) {
    const auto open = read(infos, std::string("pandas_categorical:") + lists + "\n");
    REQUIRE(open);
    CHECK(open->categories.empty());
    const auto scorer = make_encoded_forest(forest::build(*open).value(), 0.5, "m.txt");
    CHECK_THAT(scorer.error().message, Catch::Contains("m.txt: pandas_categorical names"));
  }
  const auto mixed = read("[0:9] 0:2:1", "pandas_categorical:[[3, \"x\", 0]]\n");
  REQUIRE(mixed);
  CHECK_THAT(make_encoded_forest(forest::build(*mixed).value(), 0.5, "m.txt").error().message,
             Catch::Contains("neither all texts nor all numbers"));
  CHECK_THAT(read("[0:9] 0:2:1", "pandas_categorical:[[\"x\", \"y").error().message,
             Catch::Contains("pandas_categorical: not valid JSON"));
  CHECK_THAT(read("[0:9] 0:2:1", "pandas_categorical:[1]").error().message,
             Catch::Contains("pandas_categorical should be a list of lists"));
  CHECK_THAT(read("[0:9] 0:2:1", "pandas_categorical:{}").error().message, Catch::Contains("list of lists"));
}

TEST_CASE("a LightGBM text is scored by the names of its features and categories", "[models][lightgbm]") {
  const std::string folder = std::string(TABSCORE_SOURCE_DIR) + "/tests/trainers/sets/lgb-4.7/category_texts/";
  const auto model = make_encoded_forest(load_lightgbm(folder + "model.txt").value(), 0.5);
  REQUIRE(model);
  CHECK(model->features().numeric == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(model->features().text == std::vector<std::string>{"e"});

  std::ifstream inputs(folder + "inputs.csv");
  std::ifstream expected(folder + "expected.csv");
  std::string line, want;
  std::getline(inputs, line);
  std::getline(expected, want);
  std::size_t rows = 0;
  while (std::getline(inputs, line) && std::getline(expected, want)) {
    std::vector<std::string> cells(5);
    std::istringstream in(line);
    for (std::string& cell : cells) std::getline(in, cell, ',');
    std::vector<double> numeric;
    for (const std::size_t c : {0U, 1U, 3U, 4U}) {
      numeric.push_back(cells[c].empty() ? std::nan("") : std::strtod(cells[c].c_str(), nullptr));
    }
    const std::string_view text = cells[2].empty() ? std::string_view() : std::string_view(cells[2]);
    const std::string_view* texts = &text;
    scratch memory;
    double margin = 0;
    model->margins({.rows = 1, .width = 4, .numeric = numeric.data(), .stride = 1, .text = std::span(&texts, 1)},
                   memory, std::span(&margin, 1));
    CHECK(margin == std::strtod(want.c_str(), nullptr));
    ++rows;
  }
  CHECK(rows == 20);
}
