// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/replaced.hpp"
#include "tabscore/models/feature_match.hpp"
#include "tabscore/models/load_lightgbm.hpp"
#include "tabscore/models/load_model.hpp"
#include "tabscore/models/load_sklearn.hpp"
#include "tabscore/models/load_xgboost.hpp"

using namespace tabscore;
using support::replaced;

namespace {

/// A model of one stump, x0 < 1.5 ? -1 : 2, whose pieces a test may replace.
std::string xgboost_text(std::vector<std::pair<std::string, std::string>> changes = {}) {
  std::string text = R"({"version": [1, 7, 4], "learner": {
    "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2", "num_target": "1"},
    "feature_names": ["a", "b"], "feature_types": ["float", "float"],
    "objective": {"name": "binary:logistic"},
    "gradient_booster": {"name": "gbtree", "model": {
      "gbtree_model_param": {"num_trees": "1"}, "tree_info": [0],
      "trees": [{"tree_param": {"num_nodes": "3", "size_leaf_vector": "0"},
        "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
        "split_conditions": [1.5, -1.0, 2.0], "default_left": [1, 0, 0], "split_type": [0, 0, 0],
        "sum_hessian": [3, 1, 2], "categories": [], "categories_nodes": [], "categories_segments": [],
        "categories_sizes": []}]}}}})";
  for (const auto& [from, to] : changes) {
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
  }
  return text;
}

const std::string lightgbm_text =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\nobjective=binary "
    "sigmoid:2\nfeature_names=a b\nfeature_infos=[0:1] [0:1]\ntree_sizes=1\n\nTree=0\nnum_leaves=3\nnum_cat=1\n"
    "split_feature=0 1\nthreshold=0.5 0\ndecision_type=2 1\nleft_child=1 -1\nright_child=-2 -3\nleaf_value=1 2 4\n"
    "cat_boundaries=0 1\ncat_threshold=5\nis_linear=0\nshrinkage=1\n\n\nend of trees\n";

const std::string sklearn_text =
    R"({"format": "sklearn-export-1", "kind": "decision_tree_regressor", "n_features": 2, "n_outputs": 1,)"
    R"( "input_cast": "float32", "trees": [{"feature": [0, -2, -2], "threshold": [0.5, -2.0, -2.0], "left": [1, -1, -1],)"
    R"( "right": [2, -1, -1], "value": [[0.0], [1.0], [2.0]]}]})";

/// The model may be refused by its loader or by the check that every forest goes through.
std::string refusal(const result<forest_model>& model) {
  if (!model) return model.error().message;
  const auto f = forest::build(*model, "built");
  return f ? "" : f.error().message;
}

template <class Read>
void check_refused(Read read, const std::string& text, const std::string& words) {
  const std::string message = refusal(read(text));
  INFO("refusal: " << message);
  CHECK(message.find(words) != message.npos);
}

const auto xgboost = [](const std::string& text) { return read_xgboost(text, "m.json"); };
const auto lightgbm = [](const std::string& text) { return read_lightgbm(text, "m.txt"); };
const auto sklearn = [](const std::string& text) { return read_sklearn(text, "m.json"); };

double margin(const forest& f, std::vector<double> row) {
  scratch memory;
  double out = 0;
  f.margins(row_major(row.data(), 1, row.size()), std::span(&out, 1), memory);
  return out;
}

}  // namespace

TEST_CASE("a model has a million features without names at most", "[models]") {
  const auto of = [](const char* count) {
    const std::string text = xgboost_text({{R"("num_feature": "2")", std::string(R"("num_feature": ")") + count + "\""},
                                           {R"(["a", "b"])", "[]"},
                                           {R"(["float", "float"])", "[]"}});
    return make_encoded_forest(forest::build(read_xgboost(text, "m").value(), "m").value(), {}, "m");
  };
  CHECK(of("1048576"));
  for (const char* many : {"1048577", "2147483647"}) {
    CHECK(of(many).error().message == std::string("m: ") + many +
                                          " features without names are more than 1048576: train with names; a forest "
                                          "scores rows without them");
  }
}

TEST_CASE("an XGBoost stump scores as written", "[models][xgboost]") {
  const auto f = forest::build(*read_xgboost(xgboost_text()));
  REQUIRE(f);
  CHECK(margin(*f, {1.0, 0.0}) == -1.0);
  CHECK(margin(*f, {1.5, 0.0}) == 2.0);
  CHECK(margin(*f, {std::nan(""), 0.0}) == -1.0);
}

TEST_CASE("base_score is read in the layouts of XGBoost 1, 2 and 3", "[models][xgboost]") {
  const auto base = [](const std::string& text) { return read_xgboost(text)->base; };
  CHECK(base(xgboost_text({{"5E-1", "[5E-1]"}, {"[1, 7, 4]", "[3, 1, 0]"}})) == std::vector{0.0});
  CHECK(base(xgboost_text({{"\"5E-1\"", "0.25"}}))[0] == Approx(-std::log(3.0)));
  CHECK(base(xgboost_text({{"5E-1", "[1E0,2.5]"},
                           {"binary:logistic", "multi:softprob"},
                           {"\"num_class\": \"0\"", "\"num_class\": \"2\""}})) == std::vector{1.0, 2.5});
  check_refused(xgboost, xgboost_text({{"5E-1", "[5E-1,5E-1]"}}), "base_score should be one number");
  check_refused(xgboost, xgboost_text({{"5E-1", "[5E-1"}}), "base_score");
  check_refused(xgboost, xgboost_text({{"5E-1", "2"}}), "base_score 2 is outside what binary:logistic allows");
  check_refused(xgboost, xgboost_text({{"5E-1", ""}}), "base_score should be");
}

TEST_CASE("weights that XGBoost 3.4 keeps beside the trees multiply their leaves", "[models][xgboost]") {
  const auto model = read_xgboost(xgboost_text({{"\"tree_info\": [0]", "\"tree_info\": [0], \"weight_drop\": [0.5]"}}));
  REQUIRE(model);
  CHECK(model->trees[0].leaves == std::vector{-0.5, 1.0});
}

TEST_CASE("a broken XGBoost model is refused with its place", "[models][xgboost]") {
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"[1, -1, -1]", "[3, -1, -1]"}, "a child is node 3, but there are 3"},
      {{"[1, -1, -1]", "[0, -1, -1]"}, "trees[0]: node 0 is reached twice"},
      {{"[1, -1, -1]", "[2, -1, -1]"}, "node 2 is reached twice"},
      {{"[1, -1, -1]", "[1, -1]"}, "right_children should be 2 elements, not 3"},
      {{"[1, -1, -1]", "[1.5, -1, -1]"}, "left_children[0] should be a whole number in range"},
      {{"[1, -1, -1]", "[-7, -1, -1]"}, "a child is node -7"},
      {{"[1, -1, -1]", "\"x\""}, "left_children[0] should be"},
      {{"[0, 0, 0],", "[2, 0, 0],"}, "split_indices[0] should be below 2"},
      {{"[1.5,", "[NaN,"}, "the threshold is NaN"},
      {{"-1.0, 2.0]", "NaN, 2.0]"}, "a leaf value is NaN"},
      {{"\"tree_info\": [0]", "\"tree_info\": [1]"}, "tree_info[0] should be an output below 1"},
      {{"\"tree_info\": [0]", "\"tree_info\": []"}, "tree_info[0]"},
      {{"\"tree_info\": [0]", "\"tree_info\": [0, 0]"}, "tree_info should be one number for each of 1 trees"},
      {{"\"num_feature\": \"2\"", "\"num_feature\": \"-2\""}, "num_feature should be a whole number"},
      {{"\"num_feature\": \"2\"", "\"num_feature\": \"1e30\""}, "num_feature should be a whole number"},
      {{"\"num_class\": \"0\"", "\"num_class\": \"99999999\""}, "num_class should be a whole number"},
      {{"[1, 7, 4]", "[9, 0, 0]"}, "version 9.0.0"},
      {{"[1, 7, 4]", "[1, 7]"}, "version should be three numbers"},
      {{"\"version\": [1, 7, 4], ", ""}, "version is missing"},
      {{"gbtree\"", "gbforest\""}, "booster \"gbforest\""},
      {{"binary:logistic", "binary:other"}, "objective \"binary:other\""},
      {{"\"size_leaf_vector\": \"0\"", "\"size_leaf_vector\": \"3\""}, "size_leaf_vector should be 1, the outputs"},
      {{"\"split_type\": [0, 0, 0]", "\"split_type\": [1, 0, 0]"}, "split_type[0]"},
      {{"\"categories\": [], \"categories_nodes\": [], \"categories_segments\": [],",
        "\"categories\": [1], \"categories_nodes\": [0], \"categories_segments\": [0],"},
       "categories_sizes should be as long"},
      {{"[\"a\", \"b\"]", "[\"a\"]"}, "1 feature names for 2 features"},
  };
  for (const auto& [change, words] : cases) {
    INFO("change: " << change.first << " -> " << change.second);
    check_refused(xgboost, xgboost_text({change}), words);
  }
  check_refused(xgboost, std::string(1 << 20, '['), "not valid JSON");
  check_refused(xgboost, std::string(1 << 20, '{'), "not valid UBJSON");
  check_refused(xgboost, "", "m.json: this is an empty file");
}

TEST_CASE("a huge category in a small file is refused, not allocated", "[models][xgboost]") {
  check_refused(xgboost,
                xgboost_text({{"\"split_type\": [0, 0, 0]", "\"split_type\": [1, 0, 0]"},
                              {"\"categories\": []", "\"categories\": [2000000000]"},
                              {"\"categories_nodes\": []", "\"categories_nodes\": [0]"},
                              {"\"categories_segments\": []", "\"categories_segments\": [0]"},
                              {"\"categories_sizes\": []", "\"categories_sizes\": [1]"}}),
                "categories[0] should be below 2^24");
  check_refused(xgboost,
                xgboost_text({{"\"split_type\": [0, 0, 0]", "\"split_type\": [1, 0, 0]"},
                              {"\"categories\": []", "\"categories\": [2]"},
                              {"\"categories_nodes\": []", "\"categories_nodes\": [0]"},
                              {"\"categories_segments\": []", "\"categories_segments\": [1]"},
                              {"\"categories_sizes\": []", "\"categories_sizes\": [1]"}}),
                "categories_segments[0] should be inside categories");
}

TEST_CASE("a model cut off at any byte is an error, never a crash", "[models]") {
  const auto cut = [](const std::string& text, auto read) {
    for (std::size_t n = 0; n < text.size(); ++n) {
      const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
      const auto model = read(std::string_view(exact.data(), exact.size()));
      if (model) FAIL("accepted " << n << " of " << text.size() << " bytes");
    }
  };
  cut(xgboost_text(), [](std::string_view t) { return read_xgboost(t); });
  cut(sklearn_text, [](std::string_view t) { return read_sklearn(t); });
  cut(lightgbm_text.substr(0, lightgbm_text.size() - 1), [](std::string_view t) { return read_lightgbm(t); });
  cut(support::contents(TABSCORE_SOURCE_DIR "/tests/trainers/sets/xgb-1.7/squared/model.ubj"),
      [](std::string_view t) { return read_xgboost(t); });
}

TEST_CASE("a LightGBM model scores as written", "[models][lightgbm]") {
  const auto model = read_lightgbm(lightgbm_text);
  REQUIRE(model);
  const auto f = forest::build(*model);
  REQUIRE(f);
  CHECK(margin(*f, {0.5, 2.0}) == 1.0);  // bit 2 of 5: left
  CHECK(margin(*f, {0.5, 1.0}) == 4.0);
  CHECK(margin(*f, {0.5, -0.4}) == 1.0);  // truncates to category 0
  CHECK(margin(*f, {0.5, std::nan("")}) == 4.0);
  CHECK(margin(*f, {0.6, 2.0}) == 2.0);
  CHECK(f->model().output_link.scale == 2.0);
}

TEST_CASE("a broken LightGBM model is refused with its place", "[models][lightgbm]") {
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"tree\n", "forest\n"}, "the first line should be"},
      {{"version=v4", "version=v9"}, "version \"v9\""},
      {{"num_leaves=3", "num_leaves=-3"}, "tree 0: num_leaves should be a whole number"},
      {{"num_leaves=3", "num_leaves=1000000000"}, "leaf_value should have 1000000000 numbers"},
      {{"num_cat=1", "num_cat=900000000"}, "cat_boundaries should have"},
      {{"cat_boundaries=0 1", "cat_boundaries=0 99999999999"}, "cat_threshold should have"},
      {{"cat_boundaries=0 1", "cat_boundaries=2 1"}, "cat_boundaries[0] is out of order"},
      {{"left_child=1 -1", "left_child=7 -1"}, "a child is split 7"},
      {{"left_child=1 -1", "left_child=0 -1"}, "split 0 is reached twice"},
      {{"left_child=1 -1", "left_child=1 -2"}, "leaf 1 is reached twice"},
      {{"left_child=1 -1", "left_child=1 -9"}, "a child is leaf 8"},
      {{"threshold=0.5 0", "threshold=nan 0"}, "the threshold is NaN"},
      {{"threshold=0.5 0", "threshold=0.5 4"}, "threshold[1] should be one of 1 category sets"},
      {{"split_feature=0 1", "split_feature=0 2"}, "feature 2 of 2 does not exist"},
      {{"split_feature=0 1", "split_feature=0 x"}, "split_feature[1] is not a number"},
      {{"decision_type=2 1", "decision_type=14 1"}, "no missing type 3"},
      {{"is_linear=0", "is_linear=1"}, "tree 0: leaf_const of linear leaves is missing"},
      {{"end of trees", "end"}, "\"end of trees\" is missing"},
      {{"objective=binary", "objective=other"}, "objective \"other\""},
      {{"feature_names=a b", "feature_names=a"}, "feature_names should have 2 names"},
      {{"max_feature_idx=1", "max_feature_idx=-1"}, "max_feature_idx should be"},
      {{"Tree=0", "Tree=5"}, "\"Tree=0\" should begin here"},
  };
  for (const auto& [change, words] : cases) {
    INFO("change: " << change.first << " -> " << change.second);
    check_refused(lightgbm, replaced(lightgbm_text, change.first, change.second), words);
  }
}

TEST_CASE("a broken scikit-learn export is refused with its place", "[models][sklearn]") {
  const auto f = forest::build(*read_sklearn(sklearn_text));
  REQUIRE(f);
  CHECK(margin(*f, {0.5, 0.0}) == 1.0);
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"sklearn-export-1", "sklearn-export-2"}, "format should be"},
      {{"decision_tree_regressor", "svm_regressor"}, "kind \"svm_regressor\""},
      {{"\"n_features\": 2", "\"n_features\": 2.5"}, "n_features should be a whole number"},
      {{"\"n_outputs\": 1", "\"n_outputs\": 1e12"}, "n_outputs should be a whole number"},
      {{"\"left\": [1,", "\"left\": [0,"}, "node 0 is not a node or is reached twice"},
      {{"\"left\": [1,", "\"left\": [9,"}, "node 9 is not a node"},
      {{"\"feature\": [0,", "\"feature\": [2,"}, "feature[0] should be below 2"},
      {{"[[0.0], [1.0], [2.0]]", "[[0.0], [1.0]]"}, "arrays of one length"},
      {{"float32", "float16"}, "input_cast should be"},
      {{"\"trees\": [{", "\"trees\": {}, \"other\": [{"}, "trees should be"},
  };
  for (const auto& [change, words] : cases) {
    INFO("change: " << change.first << " -> " << change.second);
    check_refused(sklearn, replaced(sklearn_text, change.first, change.second), words);
  }
}

TEST_CASE("a broken scikit-learn model of categories or of weights is refused with its place", "[models][sklearn]") {
  const std::string categories =
      R"({"format": "sklearn-export-1", "kind": "hist_gradient_boosting_classifier", "n_features": 1,)"
      R"( "classes": [0, 1], "input_cast": "float64", "baseline": [0.5],)"
      R"( "known_categories": {"bitsets": [[7, 0]], "feature_map": [0]}, "trees": [[{"feature": [0, 0, 0],)"
      R"( "threshold": [0, 0, 0], "left": [1, 0, 0], "right": [2, 0, 0], "value": [0, -1, 2], "is_leaf": [0, 1, 1],)"
      R"( "missing_left": [0, 0, 0], "is_categorical": [1, 0, 0], "bitset_idx": [0, 0, 0], "left_bitsets": [[5]]}]]})";
  const auto f = forest::build(*read_sklearn(categories));
  REQUIRE(f);
  for (const auto& [category, leaf] :
       {std::pair{0.0, -1.0}, {1.0, 2.0}, {2.0, -1.0}, {3.0, 2.0}, {std::nan(""), 2.0}}) {
    CHECK(margin(*f, {category}) == 0.5 + leaf);
  }
  const std::string weights =
      R"({"format": "sklearn-export-1", "kind": "logistic_regression", "classes": [0, 1, 2], "multi_class": "ovr",)"
      R"( "coef": [[1, 2], [3, 4], [5, 6]], "intercept": [0, 0, 0]})";
  REQUIRE(read_sklearn(weights));
  const std::tuple<const std::string&, std::string, std::string, std::string> cases[] = {
      {categories, "[[7, 0]]", "[[-1]]", "known_categories.bitsets should be"},
      {categories, "[[7, 0]]", "[[1,1,1,1,1,1,1,1,1]]", "known_categories.bitsets should be"},
      {categories, "\"feature_map\": [0]", "\"feature_map\": [1]",
       "trees[0].bitset_idx[0] should be one of left_bitsets"},
      {categories, "\"feature_map\": [0]", "\"feature_map\": []",
       "trees[0].bitset_idx[0] should be one of left_bitsets"},
      {categories, "\"bitset_idx\": [0", "\"bitset_idx\": [1", "trees[0].bitset_idx[0] should be one of left_bitsets"},
      {categories, "\"left_bitsets\": [[5]]", "\"left_bitsets\": [[0.5]]", "trees[0].left_bitsets should be"},
      {categories, "\"is_leaf\": [0", "\"is_leaf\": [256", "trees[0].is_leaf should be an array of numbers in range"},
      {categories, "[0.5]", "[0.5, 0.5]", "baseline should be one number per output"},
      {categories, "\"classes\": [0, 1]", "\"classes\": [0]", "classes should be at least two classes"},
      {weights, "\"classes\": [0, 1, 2]", "\"classes\": 3", "classes should be an array"},
      {weights, "\"intercept\": [0, 0, 0]", "\"intercept\": [0, 0]", "intercept and coef should be"},
      {weights, "[5, 6]", "[5]", "intercept and coef should be"},
      {weights, "\"coef\"", "\"coefs\"", "model.coef is missing"},
  };
  for (const auto& [text, from, to, words] : cases) {
    INFO("change: " << from << " -> " << to);
    check_refused(sklearn, replaced(text, from, to), words);
  }
}

TEST_CASE("a forest that no loader made is checked as well", "[models]") {
  const auto message = [](auto change) {
    forest_model model = *read_sklearn(sklearn_text);
    change(model, model.trees[0]);
    return refusal(model);
  };
  CHECK(message([](auto&, auto&) {}).empty());
  CHECK(message([](auto& m, auto&) { m.outputs = 0; }) == "built: 0 outputs; 1 to 2^20 are expected");
  CHECK(message([](auto& m, auto&) { m.base.clear(); }) == "built: 0 base margins for 1 outputs");
  CHECK(message([](auto& m, auto&) { m.linear = {1}; }) == "built: 1 linear weights for 2 features and 1 outputs");
  CHECK(message([](auto& m, auto&) { m.feature_names = {"a"}; }) == "built: 1 feature names for 2 features");
  CHECK(message([](auto&, tree& t) { t.leaves.pop_back(); }) == "built: tree 0: 1 splits need 2 leaf values, not 1");
  CHECK(message([](auto&, tree& t) { t.output = 1; }) == "built: tree 0: output 1 of 1 does not exist");
  CHECK(message([](auto&, tree& t) { t.splits[0].feature = 2; }) ==
        "built: tree 0, split 0: feature 2 of 2 does not exist");
  CHECK(message([](auto&, tree& t) { t.splits[0].threshold = std::nan(""); }) ==
        "built: tree 0, split 0: the threshold is NaN");
  CHECK(message([](auto&, tree& t) { t.splits[0].categories = 0; }) ==
        "built: tree 0, split 0: category set 0 of 0 does not exist");
  CHECK(message([](auto& m, tree& t) {
          m.compare = comparison::less;
          t.splits[0].threshold = 0.1;
        }) == "built: tree 0, split 0: the threshold is not a 32-bit float");
  CHECK(message([](auto&, tree& t) { t.leaves[1] = std::nan(""); }) == "built: tree 0: a leaf value is NaN");
  CHECK(message([](auto&, tree& t) {
          t.split_cover = {1, 2};
        }) == "built: tree 0: covers do not match its splits and leaves");
  CHECK(message([](auto&, tree& t) { t.splits[0].right = 1; }) == "built: tree 0: a child is split 1, but there are 1");
  CHECK(message([](auto&, tree& t) { t.splits[0].right = 0; }) ==
        "built: tree 0: split 0 is reached twice; a tree has no cycle and shares nothing");
  CHECK(message([](auto&, tree& t) {
          t.splits.push_back(t.splits[0]);
          t.leaves.push_back(3);
        }) == "built: tree 0: 2 of its 5 splits and leaves are not connected to the root");
}

TEST_CASE("features are matched by name, and the first that does not fit is named", "[models]") {
  const auto model = read_xgboost(xgboost_text());
  REQUIRE(model);
  const auto message = [&](std::vector<std::string> columns) {
    const auto wrong = match_features(*model, columns);
    return wrong ? wrong->message : "";
  };
  CHECK(message({"a", "b"}).empty());
  CHECK(message({"a"}) == "the model's feature \"b\" is missing");
  CHECK(message({"a", "b", "c"}) == "\"c\" is not a feature of the model");
  CHECK(message({"b", "a"}) == "feature \"b\" is number 0, the model expects it as number 1");
}

TEST_CASE("a file that is not there is an error with its name", "[models]") {
  for (const auto& message :
       {load_xgboost("no/such.json").error().message, load_lightgbm("no/such.txt").error().message,
        load_sklearn("no/such.json").error().message}) {
    CHECK(message.find("no/such.") == 0);
  }
}
