// SPDX-License-Identifier: MIT
// The step "additive": bins of numbers and categories, pairs, contributions, faults, and what is said of bad tables.
#include <tabscore/models/detail/program/additive_op.hpp>
#include <tabscore/models/load_model.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/replaced.hpp"

using namespace tabscore;
using support::ContainsSubstring;
using support::replaced;

namespace {

const std::string table = R"({"format":"tabscore-model","version":1,"name":"tiny","kind":"pipeline",
 "provenance":{"trainer":{"name":"by hand","version":"1"},"exporter":"nobody","date":"2026-01-02","training_data":
  {"file":"n.csv","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","rows":10}},
 "features":{"numeric":[{"name":"age"},{"name":"zone"}],"text":[{"name":"home"}]},
 "model":{"steps":[{"op":"additive","in":[0,2,0,1],
  "bins":[{"cuts":[25,40]},{"keys":["own","rent",null]},{"cuts":[30]},{"keys":[1,2]}],
  "intercept":[600],
  "terms":[{"bins":[0],"values":[[-10,5,20,0.5]]},{"bins":[1],"values":[[15,-5,1,null]]},
           {"bins":[2,3],"values":[[1,2,3,4,5,6,7,8,9]]},{"bins":[],"values":[[0.25]]}]}],
  "outputs":[3]},
 "outputs":{"task":"score"},
 "checks":[{"numeric":[25.0,1.0],"text":["own"],"outputs":[621.25]},
           {"numeric":[null,7.0],"text":[null],"outputs":[610.75]}]})";

result<any_scorer> load(std::string_view text) {
  const auto file = parse_model_file(text, "tiny.json");
  if (!file) return file.error();
  return make_scorer(*file);
}

void refused(const std::string& text, std::string_view sentence) {
  const auto model = load(text);
  REQUIRE(!model);
  CHECK_THAT(model.error().message, ContainsSubstring(std::string(sentence)));
}

double score(const any_scorer& model, double age, double zone, std::string_view home) {
  const double numeric[]{age, zone};
  const std::vector<const std::string_view*> text{&home};
  double out[1];
  scratch memory;
  model.score({1, 2, numeric, 1, text}, memory, out);
  return out[0];
}

const double absent = std::nan("");
const double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("an additive model adds the number of each bin, in order", "[models]") {
  const auto model = load(table);
  REQUIRE(model);
  CHECK(score(*model, 24.999, 1, "own") == 600 - 10 + 15 + 1 + 0.25);
  CHECK(score(*model, 25, 1, "own") == 600 + 5 + 15 + 1 + 0.25);
  CHECK(score(*model, 40, 2, "rent") == 600 + 20 - 5 + 5 + 0.25);
  CHECK(score(*model, std::nextafter(40, 0), 3, "rent") == 600 + 5 - 5 + 6 + 0.25);
  CHECK(score(*model, infinity, absent, {}) == 600 + 20 + 1 + 6 + 0.25);
  CHECK(score(*model, -infinity, 1, {}) == 600 - 10 + 1 + 1 + 0.25);
  CHECK(score(*model, absent, 2, "own") == 600 + 0.5 + 15 + 8 + 0.25);
  CHECK(std::isnan(score(*model, 30, 2, "tent")));
  CHECK(model->takes_missing(0));
  CHECK(model->takes_missing(1));
  CHECK(model->takes_missing(2));
}

TEST_CASE("a cell without a number names the feature", "[models]") {
  const auto model = load(table);
  REQUIRE(model);
  scratch memory;
  const double numeric[]{30, 2};
  const std::string_view home = "tent";
  const std::vector<const std::string_view*> text{&home};
  const feature_fault found = model->find_fault({1, 2, numeric, 1, text}, 0, memory);
  CHECK(found.feature == 2);
  CHECK(found.what == fault::unlisted);

  const auto needs = load(replaced(table, "20,0.5]]", "20,null]]").replace(0, 0, ""));
  REQUIRE(!needs);  // its own check has a missing age
  const auto other = load(replaced(replaced(table, "20,0.5]]", "20,null]]"),
                                   R"("numeric":[null,7.0],"text":[null],"outputs":[610.75])",
                                   R"("numeric":[20.0,7.0],"text":[null],"outputs":[594.25])"));
  REQUIRE(other);
  CHECK(!other->takes_missing(0));
  CHECK(other->takes_missing(1));
  const double missing[]{absent, 2};
  const std::string_view own = "own";
  const std::vector<const std::string_view*> good{&own};
  const feature_fault needed = other->find_fault({1, 2, missing, 1, good}, 0, memory);
  CHECK(needed.feature == 0);
  CHECK(needed.what == fault::model_needs);
}

TEST_CASE("a pair's number is its features' in equal shares", "[models]") {
  const auto model = load(table);
  REQUIRE(model);
  REQUIRE(model->explain_error() == nullptr);
  const double numeric[]{40, 2};
  const std::string_view home = "rent";
  const std::vector<const std::string_view*> text{&home};
  scratch memory;
  std::vector<double> parts(4);
  model->contributions({1, 2, numeric, 1, text}, memory, parts);
  CHECK(parts == std::vector<double>{20 + 2.5, 2.5, -5, 600.25});
}

TEST_CASE("a bin may have a reason of its own", "[models]") {
  const auto reasons = [](std::string_view list) {
    return replaced(table, "[[-10,5,20,0.5]]", R"([[-10,5,20,0.5]],"reasons":)" + std::string(list));
  };
  const auto model = load(reasons(R"([{"code":"A1","text":"young"},null,null,{"code":"A9","text":"no age"}])"));
  REQUIRE(model);
  REQUIRE(model->bin_reasons().size() == 2);
  CHECK(model->bin_reasons()[1].code == "A9");
  const double numeric[]{20, absent, 30, 1, 1, 1};
  const std::vector<std::string_view> homes{"own", "own", "own"};
  const std::vector<const std::string_view*> text{homes.data()};
  scratch memory;
  std::vector<std::uint16_t> found(9);
  model->find_bin_reasons({3, 2, numeric, 3, text}, memory, found);
  constexpr std::uint16_t none = record_reasons::none;
  CHECK(found == std::vector<std::uint16_t>{0, none, none, 1, none, none, none, none, none});
  refused(reasons("[null]"), "model.steps[0].terms[0].reasons: expected 4 reasons, one per bin, found 1");
  refused(reasons(R"([{"code":"A","text":"a"},{"code":"A","text":"b"},null,null])"),
          "terms[0].reasons[1].text: the code has another text in another bin");
  refused(reasons(R"([{"code":"","text":"a"},null,null,null])"), "expected a text that is not empty");
  refused(replaced(table, "7,8,9]]", R"(7,8,9]],"reasons":[])"),
          "terms[2].reasons: reasons belong to the bins of one column");
}

TEST_CASE("bins of any number of cuts are those of std::upper_bound", "[models]") {
  std::mt19937 draw(7);
  for (std::size_t count = 0; count < 70; ++count) {
    std::vector<double> cuts;
    for (std::size_t k = 0; k < count; ++k) cuts.push_back(static_cast<double>(draw() % 1000) / 8);
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<double> x{absent, infinity, -infinity, 0.0, -0.0};
    for (const double c : cuts) x.insert(x.end(), {c, std::nextafter(c, -infinity), std::nextafter(c, infinity)});
    const detail::bin_axis axis(0, cuts);
    const feature_block block{x.size(), 1, x.data(), x.size(), {}};
    const double* columns[]{x.data()};
    scratch memory;
    const detail::column_run run{block, 0, x.size(), x.size(), columns, nullptr, memory};
    std::vector<std::uint32_t> bin(x.size());
    axis.find(run, bin.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto right = std::upper_bound(cuts.begin(), cuts.end(), x[i]) - cuts.begin();
      CHECK(bin[i] == (std::isnan(x[i]) ? cuts.size() + 1 : static_cast<std::size_t>(right)));
    }
  }
}

TEST_CASE("bad tables are refused by a sentence", "[models]") {
  refused(replaced(table, "[25,40]", "[40,25]"),
          "model.steps[0].bins[0].cuts[1]: expected a number greater than the one before");
  refused(replaced(table, "[25,40]", "[25,25]"), "expected a number greater than the one before");
  refused(replaced(table, "[25,40]", "[25,null]"), "model.steps[0].bins[0].cuts[1]: expected a number, found null");
  refused(replaced(table, "[25,40]", "[25,40,50]"), "expected lists of 5 numbers, one per cell, found 4");
  refused(replaced(table, "7,8,9]", "7,8]"),
          "model.steps[0].terms[2].values: expected lists of 9 numbers, one per cell, found 8");
  refused(replaced(table, "[[0.25]]", "[[0.25],[1]]"), "expected 1 lists, one per number of the intercept, found 2");
  refused(replaced(table, "[600]", "[]"), "model.steps[0].intercept: expected at least one number");
  refused(replaced(table, "\"bins\":[2,3]", "\"bins\":[2,9]"),
          "model.steps[0].terms[2].bins[1]: expected a number below 4");
  refused(replaced(table, "\"bins\":[2,3]", "\"bins\":[3,3]"), "the term reads these bins twice");
  refused(replaced(table, "\"in\":[0,2,0,1]", "\"in\":[0,2,0]"), "expected 3 bins, one per column of in");
  refused(replaced(table, "\"in\":[0,2,0,1]", "\"in\":[0,2,0,1,1]"), "expected 5 bins, one per column of in, found 4");
  refused(replaced(table, "\"in\":[0,2,0,1]", "\"in\":[2,2,0,1]"), "expected a column of numbers, not a text feature");
  refused(replaced(table, "\"in\":[0,2,0,1]", "\"in\":[0,9,0,1]"), "expected a column below 3");
  refused(replaced(table, "[\"own\",\"rent\",null]", "[\"own\",\"own\",null]"), "the key \"own\" appears twice");
  refused(replaced(table, "[\"own\",\"rent\",null]", "[\"own\",1,null]"), "expected a text");
  refused(replaced(table, "{\"cuts\":[30]}", "{\"cuts\":[30],\"keys\":[1]}"), "keys");
  refused(replaced(table, "{\"cuts\":[30]}", "{}"), "cuts: the member is missing");
}

TEST_CASE("an additive model that is cut anywhere is refused", "[models]") {
  for (std::size_t length = 0; length < table.size(); ++length) REQUIRE(!load(table.substr(0, length)));
}
