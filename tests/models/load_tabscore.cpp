// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <simdjson.h>

#include <tabscore/models/load_model.hpp>
#include <tabscore/models/load_xgboost.hpp>

#include <cmath>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/replaced.hpp"

using namespace tabscore;
using support::ContainsSubstring;

namespace {

const std::string good = R"({
  "format": "tabscore-model",
  "version": 1,
  "name": "tiny",
  "kind": "logistic",
  "provenance": {
    "trainer": {"name": "by hand", "version": "1"},
    "exporter": "nobody",
    "date": "2026-01-02",
    "training_data": {"file": "none.csv",
      "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "rows": 10},
    "split": {"training_rows": 8, "holdout_rows": 2, "seed": 42, "stratified": true},
    "metrics": {"auc": 0.75}
  },
  "features": {
    "numeric": [{"name": "age", "mean": 1.0, "scale": 2.0}, {"name": "debt", "mean": 0, "scale": 1}],
    "text": [{"name": "color", "categories": ["red", "green", null]}, {"name": "size", "categories": ["S", "L"]}]
  },
  "model": {
    "numeric_coefficients": [0.5, -1.0],
    "text_coefficients": [[0.25, -0.25, 1.0], [1.5, -1.5]],
    "intercept": 0.125
  },
  "threshold": 0.4,
  "drift_baseline": {
    "numeric": [{"name": "age", "mean": 1.0, "std": 2.0}, {"name": "debt", "mean": 0.5, "std": 0.0}],
    "training_positive_rate": 0.25,
    "training_sample_size": 8,
    "histograms": {
      "numeric": [{"name": "age", "edges": [0, 1.5, 9], "counts": [5, 2], "missing": 1},
                  {"name": "debt", "edges": [-1, 1], "counts": [8], "missing": 0}],
      "text": [{"name": "color", "counts": [4, 3, 1], "unseen": 0}, {"name": "size", "counts": [3, 3], "unseen": 1, "missing": 1}],
      "probability": {"edges": [0, 0.25, 1], "counts": [6, 2], "missing": 0}
    }
  },
  "checks": [
    {"numeric": [3.0, 0.5], "text": ["red", "L"], "margin": -1.125, "probability": 0.24508501313237172},
    {"numeric": [1, 0], "text": ["blue", ""], "margin": 0.125, "probability": 0.5312093733737563}
  ]
})";

/// The good file with its first `from` replaced.
std::string with(std::string_view from, std::string_view to) { return support::replaced(good, from, to); }

/// Reads from memory of exactly that size, so that a sanitizer sees a read past its end.
result<logistic> load(std::string_view text) {
  const std::vector<char> bytes(text.begin(), text.end());
  const result<model_file> file = parse_model_file({bytes.data(), bytes.size()}, "tiny.json");
  if (!file) return file.error();
  return make_logistic(*file);
}

}  // namespace

TEST_CASE("a model file is read member by member", "[models]") {
  const result<model_file> file = parse_model_file(good, "tiny.json");
  REQUIRE(file);
  CHECK(file->path == "tiny.json");
  CHECK(file->name == "tiny");
  CHECK(file->origin.trainer == "by hand");
  CHECK(file->origin.trainer_version == "1");
  CHECK(file->origin.exporter == "nobody");
  CHECK(file->origin.date == "2026-01-02");
  CHECK(file->origin.data_file == "none.csv");
  CHECK(file->origin.data_sha256.substr(0, 8) == "e3b0c442");
  CHECK(file->origin.data_rows == 10);
  REQUIRE(file->origin.split);
  CHECK(file->origin.split->training_rows == 8);
  CHECK(file->origin.split->holdout_rows == 2);
  CHECK(file->origin.split->seed == 42);
  CHECK(file->origin.split->stratified);
  REQUIRE(file->origin.metrics.size() == 1);
  CHECK(file->origin.metrics[0].first == "auc");
  CHECK(file->origin.metrics[0].second == 0.75);
  CHECK(file->features.numeric == std::vector<std::string>{"age", "debt"});
  CHECK(file->features.text == std::vector<std::string>{"color", "size"});
  CHECK(file->encoder.numeric[0].mean == 1.0);
  CHECK(file->encoder.numeric[0].scale == 2.0);
  CHECK(file->encoder.text[0].code("green") == 1);
  CHECK(file->encoder.text[0].size() == 3);
  const auto& learnt = std::get<logistic_parameters>(file->model);
  CHECK(learnt.numeric == std::vector<double>{0.5, -1.0});
  CHECK(learnt.text == std::vector<std::vector<double>>{{0.25, -0.25, 1.0}, {1.5, -1.5}});
  CHECK(learnt.intercept == 0.125);
  CHECK(file->threshold == 0.4);
  REQUIRE(file->baseline);
  CHECK(file->baseline->numeric[1].name == "debt");
  CHECK(file->baseline->numeric[1].mean == 0.5);
  CHECK(file->baseline->numeric[1].std == 0.0);
  CHECK(file->baseline->training_positive_rate == 0.25);
  CHECK(file->baseline->training_sample_size == 8);
  REQUIRE(file->baseline->histograms);
  const training_histograms& rows = *file->baseline->histograms;
  CHECK(rows.numeric[0].edges == std::vector<double>{0, 1.5, 9});
  CHECK(rows.numeric[0].counts == std::vector<std::uint64_t>{5, 2});
  CHECK(rows.numeric[0].missing == 1);
  CHECK(rows.numeric.size() == 2);
  CHECK(rows.text[0].counts == std::vector<std::uint64_t>{4, 3, 1});
  CHECK(rows.text[0].missing == 0);
  CHECK(rows.text[1].unseen == 1);
  CHECK(rows.text[1].missing == 1);
  CHECK(rows.outputs[0].counts == std::vector<std::uint64_t>{6, 2});
  REQUIRE(file->checks.size() == 2);
  CHECK(file->checks[0].text == std::vector<std::optional<std::string>>{"red", "L"});
  CHECK(file->checks[0].margins == std::vector<double>{-1.125});

  const result<logistic> model = make_logistic(*file);
  REQUIRE(model);
  CHECK(model->threshold() == 0.4);
  CHECK(model->features().text == std::vector<std::string>{"color", "size"});
}

TEST_CASE("baseline, split and metrics may be left out", "[models]") {
  std::string text = good;
  const auto erase = [&](std::string_view from, std::string_view up_to) {
    const std::size_t at = text.find(from);
    text.erase(at, text.find(up_to, at) - at);
  };
  erase("\"drift_baseline\"", "\"checks\"");
  erase(",\n    \"split\"", "\n  },\n  \"features\"");
  const result<model_file> file = parse_model_file(text, "tiny.json");
  REQUIRE(file);
  CHECK_FALSE(file->baseline);
  CHECK_FALSE(file->origin.split);
  CHECK(file->origin.metrics.empty());
}

TEST_CASE("a model of the one kind of feature is enough", "[models]") {
  const std::string text = R"({"format": "tabscore-model", "version": 1, "name": "t", "kind": "logistic", "provenance":
    {"trainer": {"name": "a", "version": "b"}, "exporter": "c", "date": "d", "training_data": {"file": "e", "sha256":
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "rows": 0}}, "features": {"numeric": [], "text":
    [{"name": "t", "categories": ["a"]}]}, "model": {"numeric_coefficients": [], "text_coefficients": [[2]],
    "intercept": -2}, "threshold": 1, "checks": [{"numeric": [], "text": ["a"], "margin": 0, "probability": 0.5}]})";
  REQUIRE(load(text));
}

TEST_CASE("an error of a model file names the member and the expectation", "[models]") {
  struct bad {
    std::string_view from, to;
    errc code;
    std::vector<std::string_view> said;
  };
  using enum errc;
  const std::vector<bad> cases{
      {"tabscore-model", "other-model", structure, {"format: expected \"tabscore-model\", found \"other-model\""}},
      {"\"version\": 1", "\"version\": 2", unsupported, {"version: expected 1", "found 2"}},
      {"\"version\": 1", "\"version\": 1.0", structure, {"version: expected a whole number from 0, found 1.0"}},
      {"\"version\": 1", "\"version\": -1", structure, {"version: expected a whole number from 0, found -1"}},
      {"\"tiny\"", "\"\"", structure, {"name: expected a text that is not empty, found \"\""}},
      {"\"tiny\"", "null", structure, {"name: expected a text, found null"}},
      {"\"kind\": \"logistic\"",
       "\"kind\": \"forest\"",
       unsupported,
       {"kind: expected \"logistic\", \"xgboost\", \"lightgbm\", \"sklearn\" or \"pipeline\"", "forest"}},
      // Members missing, unknown, twice.
      {"\"kind\": \"logistic\",", "", structure, {"kind: the member is missing"}},
      {"\"threshold\": 0.4,", "", structure, {"threshold: the member is missing"}},
      {", \"scale\": 1}", "}", structure, {"features.numeric[1].scale: the member is missing"}},
      {"\"intercept\": 0.125",
       "\"bias\": 0.125",
       structure,
       {"model.bias: unknown member; known are numeric_coefficients"}},
      {"\"threshold\": 0.4",
       "\"threshold\": 0.4, \"threshold\": 0.4",
       structure,
       {"threshold: the member appears twice"}},
      {"\"exporter\"", "\"colour\": 1, \"exporter\"", structure, {"provenance.colour: unknown member"}},
      {"\"rows\": 10", "\"rows\": 10, \"columns\": 3", structure, {"provenance.training_data.columns: unknown member"}},
      {"\"version\": \"1\"", "\"edition\": \"1\"", structure, {"provenance.trainer.edition: unknown member"}},
      {", \"stratified\": true", "", structure, {"provenance.split.stratified: the member is missing"}},
      {", \"margin\": -1.125", "", structure, {"checks[0].margin: the member is missing"}},
      {", \"std\": 2.0", "", structure, {"drift_baseline.numeric[0].std: the member is missing"}},
      // Wrong types.
      {"\"mean\": 1.0", "\"mean\": \"1.0\"", structure, {"features.numeric[0].mean: expected a number, found \"1.0\""}},
      {"\"threshold\": 0.4", "\"threshold\": true", structure, {"threshold: expected a number, found true"}},
      {"\"stratified\": true", "\"stratified\": 1", structure, {"split.stratified: expected true or false, found 1"}},
      {"\"auc\": 0.75", "\"auc\": [1]", structure, {"provenance.metrics.auc: expected a number, found an array"}},
      {"[0.5, -1.0]", "{\"age\": 0.5}", structure, {"model.numeric_coefficients: expected an array, found an object"}},
      {"[0.5, -1.0]", "[0.5, null]", structure, {"model.numeric_coefficients[1]: expected a number, found null"}},
      {"[1.5, -1.5]", "1.5", structure, {"model.text_coefficients[1]: expected an array, found 1.5"}},
      {"\"green\"", "7", structure, {"features.text[0].categories[1]: expected a text, found 7"}},
      {"[\"red\", \"L\"]", "[\"red\", 5]", structure, {"checks[0].text[1]: expected a text, found 5"}},
      {"\"rows\": 10", "\"rows\": 1e1", structure, {"training_data.rows: expected a whole number from 0, found 10"}},
      {"e3b0c442", "E3b0c442", structure, {"sha256: expected 64 hexadecimal digits"}},
      {"e3b0c442", "e3b0c4421", structure, {"sha256: expected 64 hexadecimal digits"}},
      // Numbers out of range.
      {"\"scale\": 2.0",
       "\"scale\": 0.0",
       structure,
       {"features.numeric[0].scale: expected a number greater than 0, found 0.0"}},
      {"\"scale\": 2.0", "\"scale\": -2.0", structure, {"features.numeric[0].scale: expected a number greater than 0"}},
      {"\"scale\": 2.0", "\"scale\": NaN", syntax, {"expected a JSON document with finite numbers"}},
      {"\"scale\": 2.0", "\"scale\": Infinity", syntax, {"expected a JSON document with finite numbers"}},
      {"\"scale\": 2.0", "\"scale\": 1e999", syntax, {"expected a JSON document with finite numbers"}},
      {"\"threshold\": 0.4", "\"threshold\": 1.5", structure, {"threshold: expected a number from 0 to 1, found 1.5"}},
      {"\"threshold\": 0.4",
       "\"threshold\": -0.1",
       structure,
       {"threshold: expected a number from 0 to 1, found -0.1"}},
      {"\"std\": 2.0", "\"std\": -2.0", structure, {"drift_baseline.numeric[0].std: expected a number from 0"}},
      {"rate\": 0.25", "rate\": 2", structure, {"training_positive_rate: expected a number from 0 to 1"}},
      {"0.24508501313237172",
       "1.24508501313237172",
       structure,
       {"checks[0].probability: expected a number from 0 to 1"}},
      // Lengths that disagree.
      {"[0.5, -1.0]", "[0.5]", structure, {"model.numeric_coefficients: expected 2 numbers, found 1"}},
      {"[0.5, -1.0]", "[0.5, -1.0, 3]", structure, {"model.numeric_coefficients: expected 2 numbers, found 3"}},
      {"[0.25, -0.25, 1.0]", "[0.25, -0.25]", structure, {"model.text_coefficients[0]: expected 3 numbers, found 2"}},
      {", [1.5, -1.5]]", "]", structure, {"model.text_coefficients: expected 2 lists of numbers, one per text field"}},
      {"[1.5, -1.5]]", "[1.5, -1.5], []]", structure, {"model.text_coefficients[2]: expected 2 lists of numbers"}},
      {"[3.0, 0.5]", "[3.0]", structure, {"checks[0].numeric: expected 2 numbers, found 1"}},
      {"[\"red\", \"L\"]", "[\"red\"]", structure, {"checks[0].text: expected 2 texts, found 1"}},
      {", {\"name\": \"debt\", \"mean\": 0.5, \"std\": 0.0}",
       "",
       structure,
       {"drift_baseline.numeric: expected 2 entries, one per numeric feature, found 1"}},
      {"\"std\": 0.0}",
       "\"std\": 0.0}, {\"name\": \"debt\", \"mean\": 0.5, \"std\": 0.0}",
       structure,
       {"drift_baseline.numeric[2]: expected no entry beyond the numeric features"}},
      {"{\"name\": \"debt\", \"mean\": 0.5",
       "{\"name\": \"dept\", \"mean\": 0.5",
       structure,
       {"drift_baseline.numeric[1].name: expected \"debt\", as in features.numeric, found \"dept\""}},
      // Histograms.
      {"\"histograms\"", "\"histogram\"", structure, {"drift_baseline.histogram: unknown member"}},
      {", \"missing\": 1}", "}", structure, {"drift_baseline.histograms.numeric[0].missing: the member is missing"}},
      {", \"unseen\": 1", "", structure, {"drift_baseline.histograms.text[1].unseen: the member is missing"}},
      {"\"probability\": {\"edges\"", "\"p\": {\"edges\"", structure, {"drift_baseline.histograms.p: unknown member"}},
      {"[0, 1.5, 9]", "[0, 1.1, 9]", structure, {"edges[1]: expected a single precision number, found 1.1"}},
      {"[0, 1.5, 9]", "[0, 1e300, 9]", structure, {"edges[1]: expected a single precision number, found 1e+300"}},
      {"[0, 1.5, 9]", "[0, 0, 9]", structure, {"edges[1]: expected a number greater than the one before, found 0"}},
      {"[-1, 1]", "[-1]", structure, {"histograms.numeric[1].edges: expected 2 to 21 edges, found 1"}},
      {"[5, 2]", "[5, 2, 0]", structure, {"histograms.numeric[0].counts: expected 2 counts, found 3"}},
      {"[5, 2]", "[5, -2]", structure, {"histograms.numeric[0].counts[1]: expected a whole number from 0, found -2"}},
      {"[5, 2]",
       "[5, 3]",
       structure,
       {"histograms.numeric[0].counts: expected counts of 8 rows as in training_sample_size, found 9"}},
      {"[4, 3, 1]", "[4, 4]", structure, {"histograms.text[0].counts: expected 3 counts, found 2"}},
      {"[4, 3, 1]", "[4, 3, 0]", structure, {"histograms.text[0].counts: expected counts of 8 rows"}},
      {"[6, 2]", "[6, 3]", structure, {"histograms.probability.counts: expected counts of 8 rows"}},
      {"\"name\": \"debt\", \"edges\"",
       "\"name\": \"dept\", \"edges\"",
       structure,
       {"histograms.numeric[1].name: expected \"debt\", as in features, found \"dept\""}},
      {", {\"name\": \"size\", \"counts\": [3, 3], \"unseen\": 1, \"missing\": 1}",
       "",
       structure,
       {"histograms.text: expected 2 entries, one per feature, found 1"}},
      // Twice the same.
      {"\"name\": \"debt\"", "\"name\": \"age\"", structure, {"features: the feature \"age\" appears twice"}},
      {"\"name\": \"size\"", "\"name\": \"age\"", structure, {"features: the feature \"age\" appears twice"}},
      {"\"green\"", "\"red\"", structure, {"features.text[0].categories: the category \"red\" appears twice"}},
      {"\"green\"", "null", structure, {"features.text[0].categories: the category null appears twice"}},
      // The trainer's own rows disagree.
      {"\"margin\": -1.125",
       "\"margin\": -1.1250000000001",
       check_failed,
       {"checks[0].margin: expected -1.1250000000001 as the trainer gave it, found -1.125 when replayed"}},
      {"0.5312093733737563", "0.5312093734", check_failed, {"checks[1].probability: expected 0.5312093734"}},
      {"\"intercept\": 0.125", "\"intercept\": 0.25", check_failed, {"checks[0].margin"}},
      {"[\"S\", \"L\"]", "[\"L\", \"S\"]", check_failed, {"checks[0].margin"}},
      {"\"intercept\": 0.125", "\"intercept\": 1e308", check_failed, {"checks[0].margin"}},
      // Not JSON.
      {"{", "", syntax, {"expected a JSON document"}},
      {"\"red\"", "\"\xff\"", syntax, {"expected a JSON document"}},
      {"\"red\"", "\"\\ud800\"", syntax, {"expected a JSON document"}},
  };
  for (const bad& c : cases) {
    INFO(c.from << " -> " << c.to);
    const result<logistic> model = load(with(c.from, c.to));
    REQUIRE_FALSE(model);
    CHECK(model.error().code == c.code);
    CHECK_THAT(model.error().message, Catch::Matchers::StartsWith("tiny.json: "));
    for (const std::string_view words : c.said)
      CHECK_THAT(model.error().message, ContainsSubstring(std::string(words)));
  }
}

TEST_CASE("a baseline need not have histograms", "[models]") {
  const std::size_t begin = good.find(",\n    \"histograms\"");
  const std::size_t end = good.find("  },\n  \"checks\"");
  const result<model_file> file = parse_model_file(std::string(good).erase(begin, end - begin), "tiny.json");
  REQUIRE(file);
  REQUIRE(file->baseline);
  CHECK_FALSE(file->baseline->histograms);
}

TEST_CASE("a file without checks or without features is refused", "[models]") {
  std::string text = good;
  text.replace(text.find("\"checks\""), std::string::npos, "\"checks\": []}");
  CHECK(load(text).error().message == "tiny.json: checks: expected at least one check, found none");
  text = good;
  const std::size_t at = text.find("\"features\""), end = text.find("\"model\"");
  text.replace(at, end - at, R"("features": {"numeric": [], "text": []}, )");
  CHECK(load(text).error().message == "tiny.json: features: expected at least one feature, found none");
}

TEST_CASE("another document than an object is refused", "[models]") {
  for (const std::string_view text : {"", " ", "[]", "7", "\"tabscore-model\"", "null", "{}", "{\"format\": 1}"}) {
    const result<logistic> model = load(text);
    REQUIRE_FALSE(model);
    CHECK_THAT(model.error().message, Catch::Matchers::StartsWith("tiny.json: "));
  }
  CHECK(load("[]").error().message == "tiny.json: $: expected an object, found an array");
  CHECK_FALSE(load(good + "{}"));
  CHECK_FALSE(load(good + "x"));
  CHECK(load(good + " \n"));
}

TEST_CASE("a model file cut at any byte is refused", "[models]") {
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < good.size(); ++size) accepted += load(good.substr(0, size)).has_value();
  CHECK(accepted == 0);
}

TEST_CASE("a model file with any byte changed, lost or doubled is a model or an error, never a crash", "[models]") {
  std::size_t unnamed = 0, refused = 0;
  const auto attempt = [&](const std::string& text) {
    const result<logistic> model = load(text);
    if (model) return;
    ++refused;
    unnamed += !model.error().message.starts_with("tiny.json: ");
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char c : std::string_view("\"\\{}[]:,-0e.n\xff\0", 15)) {
      std::string text = good;
      text[i] = c;
      attempt(text);
    }
    attempt(std::string(good).erase(i, 1));
    attempt(std::string(good).insert(i, 1, good[i]));
  }
  CHECK(unnamed == 0);
  CHECK(refused > good.size() * 10);
}

TEST_CASE("deep and long documents are refused", "[models]") {
  CHECK_FALSE(load(std::string(10'000, '[')));
  CHECK_FALSE(load(with("0.125", std::string(10'000, '[') + std::string(10'000, ']'))));
  const std::string text(10'000'000, 'x');
  const result<logistic> model = load(with("\"threshold\": 0.4", "\"threshold\": \"" + text + "\""));
  REQUIRE_FALSE(model);
  CHECK(model.error().message.size() < 200);
}

TEST_CASE("a file is loaded from its path, and a missing one is named", "[models]") {
  const support::temporary_folder folder;
  const std::string path = folder.file("model.json");
  std::ofstream(path) << good;
  REQUIRE(load_logistic(path));

  const result<logistic> missing = load_logistic(path + ".not");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::io);
  CHECK(missing.error().message == path + ".not: expected a model file: No such file or directory");

  CHECK(load_logistic("").error().message == "the path of the model file is empty");
  CHECK(load_logistic(path + '\0' + ".json").error().message == "the path of the model file has a NUL character");

  const result<logistic> a_folder = load_logistic(folder.path.string());
  REQUIRE_FALSE(a_folder);
  CHECK(a_folder.error().code == errc::io);

  std::ofstream(path).close();
  const result<logistic> nothing = load_logistic(path);
  REQUIRE_FALSE(nothing);
  CHECK_THAT(nothing.error().message, Catch::Matchers::StartsWith(path + ": "));
}

TEST_CASE("trees are read with their file, and their errors name it", "[models]") {
  std::string text = with("\"kind\": \"logistic\"", "\"kind\": \"xgboost\"");
  const std::size_t at = text.find("{", text.find("\"model\": ")), end = text.find("}", at) + 1;
  const std::string before = text.substr(0, at), behind = text.substr(end);
  const result<std::string> student = read_model_bytes(TABSCORE_SOURCE_DIR "/models/student_gbm.json");
  REQUIRE(student);
  simdjson::dom::parser parser;
  const std::string booster = simdjson::to_string(parser.parse(*student)["model"].value());

  const result<model_file> file = parse_model_file(before + booster + behind, "tiny.json");
  REQUIRE(file);
  const result<forest_model> alone = read_xgboost(booster);
  REQUIRE(alone);
  const auto& trees = std::get<forest_model>(file->model).trees;
  REQUIRE(trees.size() == alone->trees.size());
  for (std::size_t t = 0; t < trees.size(); ++t) CHECK(trees[t].leaves == alone->trees[t].leaves);
  CHECK(make_logistic(*file).error().message == "tiny.json: kind: expected \"logistic\", found \"xgboost\"");

  for (const char* const kind : {"xgboost", "sklearn", "lightgbm"}) {
    std::string other = before;
    other.replace(other.find("\"xgboost\""), 9, fmt::format("\"{}\"", kind));
    for (const char* const wrong : {"[]", "{}", "{\"text\": \"tree\"}"}) {
      const result<model_file> refused = parse_model_file(other + wrong + behind, "tiny.json");
      REQUIRE_FALSE(refused);
      CHECK_THAT(refused.error().message, Catch::Matchers::StartsWith("tiny.json: model"));
    }
  }
}

TEST_CASE("the steps of numbers and texts before the model are read in order", "[models]") {
  const auto stepped = [](std::string_view steps) {
    return with("\"scale\": 2.0}", std::string("\"scale\": 2.0, \"steps\": ").append(steps).append("}"));
  };
  // These leave the rows of the checks as they are.
  const std::string text =
      stepped(R"([{"impute": 3.0}, {"clip": [0.0, 10.0]}, {"standardize": [0.0, 1.0]}, {"rescale": [1.0, 0.0]}])");
  const result<model_file> file = parse_model_file(text, "tiny.json");
  REQUIRE(file);
  REQUIRE(file->encoder.before.size() == 1);  // of the first feature; the others have none
  CHECK(file->encoder.before[0].size() == 4);
  const result<logistic> model = make_logistic(*file);
  REQUIRE(model);
  const std::vector<double> ages{std::nan(""), 3.0, 99.0, 10.0, -5.0, 0.0}, debts(6, 0.5);
  std::vector<double> numeric = ages;
  numeric.insert(numeric.end(), debts.begin(), debts.end());
  const std::vector<std::string_view> colors(6, "red"), sizes(6, "L");
  const std::vector<const std::string_view*> texts{colors.data(), sizes.data()};
  std::vector<double> margin(6);
  scratch memory;
  model->margins({6, 2, numeric.data(), 6, texts}, memory, margin);
  CHECK(margin[0] == -1.125);
  for (const std::size_t i : {0U, 2U, 4U}) CHECK(margin[i] == margin[i + 1]);

  const result<model_file> logs = parse_model_file(stepped(R"([{"log1p": {}}, {"log": {}}])"), "tiny.json");
  REQUIRE(logs);
  CHECK(std::holds_alternative<logarithm1p>(logs->encoder.before[0][0]));
  CHECK(std::holds_alternative<logarithm>(logs->encoder.before[0][1]));

  const std::string coded = with("[\"S\", \"L\"]}", R"(["S", "L"], "ordinal": {"unknown": null}, "imputed": "S"})");
  const result<model_file> ordinal =
      parse_model_file(std::string(coded).replace(coded.find("[1.5, -1.5]"), 11, "[1.5]"), "tiny.json");
  REQUIRE(ordinal);
  REQUIRE(ordinal->encoder.ordinal.size() == 2);
  CHECK(!ordinal->encoder.ordinal[0]);
  CHECK(std::isnan(*ordinal->encoder.ordinal[1]));

  const std::pair<std::string, std::string> wrong[] = {
      {stepped(R"([{"round": {}}])"), "unknown step"},
      {stepped(R"([{"impute": 1, "log": {}}])"), "expected one step, found 2"},
      {stepped(R"([{}])"), "expected one step, found 0"},
      {stepped(R"([{"clip": [1]}])"), "clip"},
      {stepped(R"([{"log": 1}])"), "log"},
      {with("[\"S\", \"L\"]}", R"(["S", "L"], "imputed": "M"})"), "expected a category"},
      {with("[\"S\", \"L\"]}", R"(["S", "L"], "ordinal": {}})"), "unknown"},
  };
  for (const auto& [document, words] : wrong) {
    const result<model_file> refused = parse_model_file(document, "tiny.json");
    REQUIRE(!refused);
    CHECK_THAT(refused.error().message, ContainsSubstring(words));
  }
}

TEST_CASE("a file of any kind becomes a scorer when it gives its trainer's numbers", "[models]") {
  const std::string rows = R"("threshold": 0.5, "checks": [{"numeric": [0.25, 1.0], "text": [], "margin": MARGIN,)"
                           R"( "probability": PROBABILITY}]})";
  const auto scorer = [&](std::string_view kind, std::string_view model, std::string_view margin,
                          std::string_view probability) -> result<any_scorer> {
    std::string text = good.substr(0, good.find("  \"features\""));
    text.replace(text.find("logistic"), 8, kind);
    text.append(
        R"("features": {"numeric": [{"name": "a", "mean": 0, "scale": 1}, {"name": "b", "mean": 0, "scale": 1}],)"
        R"( "text": []}, "model": )");
    text.append(model).append(",").append(rows);
    text.replace(text.find("MARGIN"), 6, margin);
    text.replace(text.find("PROBABILITY"), 11, probability);
    const result<model_file> file = parse_model_file(text, "tiny.json");
    if (!file) return file.error();
    return make_scorer(*file);
  };
  const std::string linear = R"({"numeric_coefficients": [4.0, -1.0], "text_coefficients": [], "intercept": 0.0})";
  const std::string lightgbm =
      R"({"text": "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\n)"
      R"(objective=binary sigmoid:1\nfeature_names=a b\nfeature_infos=[0:1] [0:1]\n\nTree=0\nnum_leaves=2\nnum_cat=0\n)"
      R"(split_feature=0\nthreshold=0.5\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=0 2\n)"
      R"(is_linear=0\nshrinkage=1\n\n\nend of trees\n"})";
  const std::string sklearn =
      R"({"format": "sklearn-export-1", "kind": "gradient_boosting_classifier", "n_features": 2, "classes": [0, 1],)"
      R"( "input_cast": "float32", "learning_rate": 1.0, "init_raw": [0.0], "trees": [[{"feature": [0, -2, -2],)"
      R"( "threshold": [0.5, -2.0, -2.0], "left": [1, -1, -1], "right": [2, -1, -1], "value": [[0.0], [0.0], [2.0]]}]]})";
  for (const auto& [kind, model] : {std::pair{"logistic", linear}, {"lightgbm", lightgbm}, {"sklearn", sklearn}}) {
    INFO(kind);
    const auto made = scorer(kind, model, "0.0", "0.5");
    if (!made) FAIL(made.error().message);
    CHECK(made->features().numeric == std::vector<std::string>{"a", "b"});
    const auto other = scorer(kind, model, "1.0", "0.7310585786300049");
    REQUIRE(!other);
    CHECK_THAT(other.error().message, ContainsSubstring("tiny.json"));
    CHECK_THAT(other.error().message, ContainsSubstring("margin"));
  }
  CHECK_THAT(scorer("lightgbm", linear, "0.0", "0.5").error().message, ContainsSubstring("text"));
  CHECK_THAT(scorer("lightgbm", R"({"text": "tree"})", "0.0", "0.5").error().message,
             ContainsSubstring("tiny.json: model"));
}

TEST_CASE("the example in the format's documentation is a model", "[models]") {
  std::string text = support::contents(TABSCORE_SOURCE_DIR "/docs/reference/model-file.md");
  const std::size_t first = text.find("```json\n") + 8;
  text = text.substr(first, text.find("```", first) - first);
  const std::string_view placeholder = "<64 hexadecimal digits>";
  const std::size_t at = text.find(placeholder);
  REQUIRE(at != std::string::npos);
  text.replace(at, placeholder.size(), std::string(64, '0'));
  const result<logistic> model = load(text);
  INFO((model ? "" : model.error().message));
  CHECK(model);
}
