// SPDX-License-Identifier: MIT
// Files that are no models of the loader they are given to: each is named in one sentence.
#include <fmt/format.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "tabscore/models/load_model.hpp"

using namespace tabscore;
using namespace std::string_view_literals;

namespace {

const std::string xgboost = "load_xgboost reads what XGBoost's booster.save_model(\"model.json\") writes";
const std::string lightgbm = "load_lightgbm reads what LightGBM's booster.save_model(\"model.txt\") writes";
const std::string sklearn = "load_sklearn reads what models/export_sklearn_trees.py writes";
const std::string catboost = "load_catboost reads what CatBoost's model.save_model(\"model.cbm\") writes";
const std::string ours = "load_model_file reads what models/export_sklearn.py writes";

void check_all(std::string_view bytes, const std::string& what, const std::string& advice) {
  INFO(what);
  CHECK(read_xgboost(bytes, "m").error().message == "m: this is " + what + "; " + (advice.empty() ? xgboost : advice));
  CHECK(read_lightgbm(bytes, "m").error().message ==
        "m: this is " + what + "; " + (advice.empty() ? lightgbm : advice));
  CHECK(read_sklearn(bytes, "m").error().message == "m: this is " + what + "; " + (advice.empty() ? sklearn : advice));
  const bool loader = advice == xgboost || advice == lightgbm || advice == catboost;
  const std::string both = loader ? advice + ", " + ours : advice;
  CHECK(parse_model_file(bytes, "m").error().message == "m: this is " + what + "; " + (advice.empty() ? ours : both));
}

}  // namespace

TEST_CASE("an unknown file is refused with its name and the remedy", "[models]") {
  check_all("", "an empty file", "");
  check_all("\xEF\xBB\xBF{}", "text behind a byte order mark", "save it again as UTF-8 without one");
  check_all("\xFF\xFE{\0}\0"sv, "text behind a byte order mark", "save it again as UTF-8 without one");
  check_all("\x1F\x8B\x08\0"sv, "a gzip archive", "unpack it with gunzip");
  check_all("PK\x03\x04\0"sv, "a zip archive", "unpack it with unzip");
  check_all("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "a pointer of Git LFS, not the file itself", "fetch that with git lfs pull");
  check_all("<!DOCTYPE html>\n<html></html>", "a page of HTML", "download the file itself");
  check_all("\n\n<html lang=\"en\">", "a page of HTML", "download the file itself");
  check_all("<?xml version=\"1.0\"?><PMML version=\"4.4\">", "a PMML document, which no loader reads", "");
  check_all("<?xml version=\"1.0\"?><a/>", "an XML document", "");
  const std::string pickle = "a Python pickle (joblib writes them too), which only Python reads";
  check_all("\x80\x04\x95\x01\0"sv, pickle, "");
  check_all("ccopy_reg\n_reconstructor\n", pickle, "");
  check_all("x\x9C\xDD\x9A", pickle, "");
  check_all("\x08\x08\x12\x07skl2onnx", "an ONNX model, which no loader reads", "");
  check_all("\x08\x04\x12\x95\x03\x0A\x0B\x0A\x01"sv, "a Core ML model, which no loader reads", "");
  check_all("X\n\0\0\0\x03"sv, "an R object, which only R reads", "");
}

TEST_CASE("other files of a trainer are not taken for models", "[models]") {
  check_all("CBM1\x10\0"sv, "a CatBoost model", catboost);
  check_all(R"({"model_info": {"catboost_version_info": "1"}, "oblivious_trees": []})", "a CatBoost model", catboost);
  const std::string again =
      "load it with XGBoost 3.0 or older and save it again: "
      "xgboost.Booster(model_file=\"old.model\").save_model(\"model.json\")";
  check_all("binf\0\0\0\x3F\x05\0\0\0"sv, "an XGBoost model in the old binary format", again);
  std::string old(136, '\0');
  old += "\x0F\0\0\0\0\0\0\0binary:logistic\x06\0\0\0\0\0\0\0gbtree"sv;
  check_all(old, "an XGBoost model in the old binary format", again);
  const std::string dump = "an XGBoost dump_model, for people";
  check_all("booster[0]:\n0:[f0<1] yes=1,no=2,missing=1\n", dump, xgboost);
  check_all("[\n  { \"nodeid\": 0, \"leaf\": 1 }\n]", dump, xgboost);
  check_all("[\"  { \\\"nodeid\\\": 0, \\\"leaf\\\": 1 }\"]", dump, xgboost);
  const std::string snapshot = "a snapshot of an XGBoost booster in memory (serialize, pickle)";
  check_all("{L\0\0\0\0\0\0\0\6Config{}L\0\0\0\0\0\0\0\5Model{}}"sv, snapshot, xgboost);
  check_all("CONFIG-offset:\xBA\x03"sv, snapshot, xgboost);
  check_all(R"({"learner":{"learner_train_param":{}},"version":[3,4,1]})",
            "an XGBoost save_config, parameters without a model", xgboost);
  check_all(R"({"name":"tree","tree_info":[{"tree_structure":{}}]})", "a LightGBM dump_model, for people", lightgbm);
}

TEST_CASE("the error for another trainer's model names its loader", "[models]") {
  const std::string booster = R"({"version":[3,4,1],"learner":{"gradient_booster":{},"learner_model_param":{}}})";
  CHECK(read_lightgbm(booster, "m").error().message == "m: this is an XGBoost model; " + xgboost);
  CHECK(parse_model_file(booster, "m").error().message == "m: this is an XGBoost model; " + xgboost + ", " + ours);
  CHECK(read_xgboost(booster, "m").error().message == "m: learner.learner_model_param.num_feature is missing");
  CHECK(parse_model_file("tree\nversion=v4\n", "m").error().message ==
        "m: this is a LightGBM model; " + lightgbm + ", " + ours);
  CHECK(read_xgboost("tree\nversion=v4\n", "m").error().message == "m: this is a LightGBM model; " + lightgbm);
  CHECK(read_xgboost(R"({"format": "tabscore-model"})", "m").error().message ==
        "m: this is a tabscore model file; " + ours);
  CHECK(read_xgboost(R"({"format": "sklearn-export-1"})", "m").error().message ==
        "m: this is an export of scikit-learn's trees; " + sklearn);
  CHECK(load_xgboost("/").error().message == "/: is a folder, not a file");
  CHECK(load_model_file("/").error().message ==
        "/: expected a model file: it is a folder; load_model() finds the model in one");
}

namespace {

struct folder : support::temporary_folder {
  void with(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name) << content;
  }
};

std::string found(const std::string& path) {
  const auto file = find_model_file(path);
  return file ? *file : file.error().message;
}

}  // namespace

TEST_CASE("a folder stands for the model in it", "[models]") {
  const std::string mlmodel =
      "artifact_path: model\nflavors:\n  python_function:\n    data: other.xgb\n  xgboost:\n"
      "    code: null\n    data: model.ubj\n    xgb_version: 3.0.5\nrun_id: 1\n";
  const folder here;
  const std::string root = here.path.string();
  CHECK_THAT(found(root), support::ContainsSubstring("expected a folder with MLmodel"));
  CHECK_THAT(found(root), support::ContainsSubstring("found nothing"));
  here.with("notes.md", "");
  CHECK_THAT(found(root), support::ContainsSubstring("found notes.md"));
  here.with("model.pkl", "");
  CHECK_THAT(found(root),
             support::ContainsSubstring("the folder holds model.pkl, which only Python reads; load it there"));
  here.with("9/xgboost.json", "");
  here.with("10/xgboost.json", "");
  here.with("011/xgboost.json", "");
  CHECK(found(root) == root + "/10/xgboost.json");
  here.with("model.bst", "");
  CHECK(found(root) == root + "/model.bst");
  here.with("model.txt", "");
  CHECK_THAT(found(root),
             support::ContainsSubstring("the folder holds several models, model.bst, model.txt; name one"));
  CHECK(found(root + "/model.txt") == root + "/model.txt");
  here.with("MLmodel", mlmodel);
  CHECK(found(root) == root + "/model.ubj");
  here.with("model.ubj/model.json", "");
  CHECK(found(root) == root + "/model.ubj/model.json");
  for (const char* const data : {"/etc/passwd", "../model.ubj", "a/../../b", "null"}) {
    std::string text = mlmodel;
    here.with("MLmodel", text.replace(text.find("model.ubj"), 9, data));
    CHECK_THAT(found(root), support::ContainsSubstring("MLmodel: flavors.xgboost.data: expected a file of the folder"));
  }
  here.with("MLmodel", "flavors:\n  python_function:\n    data: x\n  sklearn:\n    pickled_model: model.pkl\n");
  CHECK_THAT(found(root), support::ContainsSubstring("an MLflow model of the flavours python_function, sklearn"));
  here.with("MLmodel", "flavors:\n  null\n    data: model.ubj\n");
  CHECK_THAT(found(root), support::ContainsSubstring("this is an MLflow model of the flavours data, which"));
  here.with("MLmodel", "flavors:\n  lightgbm:\n    data: 'model.skops'\n");
  CHECK_THAT(found(root), support::ContainsSubstring("the MLflow model of the flavour lightgbm is model.skops, which"));
  here.with("spark/metadata/part-00000", "{}");
  here.with("spark/model/_SUCCESS", "");
  here.with("spark/model/part-00000", "");
  CHECK(found(root + "/spark") == root + "/spark/model/part-00000");
  CHECK(found(root + "/spark/model") == root + "/spark/model/part-00000");
  here.with("spark/model/part-00001", "");
  CHECK_THAT(found(root + "/spark"), support::ContainsSubstring("found _SUCCESS, part-00000, part-00001"));
  for (std::size_t length = 0; length < mlmodel.size(); ++length) {
    here.with("MLmodel", mlmodel.substr(0, length));
    (void)find_model_file(root);
  }
}

TEST_CASE("load_model recognises a file by its bytes", "[models]") {
  const std::string sets = std::string(TABSCORE_SOURCE_DIR) + "/tests/trainers/sets/";
  for (const char* const name :
       {"xgb-3.4/squared/model.ubj", "lgb-4.7/regression", "sk-1.9/hist", "sk-1.9/pipeline_columns"}) {
    INFO(name);
    const auto model = load_model(sets + name);
    REQUIRE(model);
    CHECK(model->features().size() > 0);
  }
  CHECK_THAT(load_model(sets + "xgb-3.4/squared/meta.json").error().message, support::ContainsSubstring("meta.json"));
  CHECK_THAT(load_model("/nowhere").error().message, support::ContainsSubstring("/nowhere: expected a model file"));
}
