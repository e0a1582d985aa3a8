// SPDX-License-Identifier: MIT
// Predictions of every task through a pipeline: numbers, classes, labels, errors, answers, log lines and totals.
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <tabscore/tabscore.hpp>
#include <utility>
#include <vector>

#include "../../examples/diabetes_server/diabetes.hpp"
#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

using point = ts::schema<ts::real<"x">, ts::real<"y">>;

/// Gives the columns that a function makes of x and y.
struct made_up {
  ts::feature_names names{{"x", "y"}, {}};
  ts::model_outputs described;
  std::function<void(double, double, std::span<double>)> numbers;
  double limit = 0.5;
  std::size_t tie = 99;  ///< the class that it decides for; 99: the first of equals

  const ts::feature_names& features() const { return names; }
  const ts::model_outputs& outputs() const { return described; }
  double threshold() const { return limit; }
  void score(const ts::feature_block& block, ts::scratch&, std::span<double> out) const {
    const std::size_t n = described.columns;
    for (std::size_t i = 0; i < block.rows; ++i) numbers(block.column(0)[i], block.column(1)[i], out.subspan(i * n, n));
  }
  std::size_t decide_tie(const ts::feature_block&, std::size_t, std::size_t first, ts::scratch&) const {
    return tie == 99 ? first : tie;
  }
};

ts::model_outputs three_classes(bool probabilities = true) {
  return {ts::task::multiclass, 3, probabilities, {"a", "b", "c"}, ts::class_kind::text, {}};
}

made_up model_of(ts::model_outputs outputs, std::function<void(double, double, std::span<double>)> numbers = {}) {
  made_up model;
  model.described = std::move(outputs);
  model.numbers = std::move(numbers);
  return model;
}

template <class Prediction>
auto make(made_up model) {
  return ts::make_pipeline(point{}, ts::rules{}, ts::features{}, std::move(model), ts::sinks{}, Prediction{});
}
template <class Prediction>
std::string refusal(const ts::model_outputs& outputs, double threshold = 0.5) {
  const auto pipe = make<Prediction>({.described = outputs, .numbers = {}, .limit = threshold});
  return pipe ? std::string() : pipe.error().message;
}

ts::batch<point> points(std::initializer_list<std::pair<double, double>> all) {
  ts::batch<point> b;
  for (const auto& [x, y] : all) b.push_back(x, y);
  return b;
}

template <class Pipeline>
std::string answer(const Pipeline& pipe, const ts::predictions& p, std::size_t top = SIZE_MAX) {
  ts::text_buffer out;
  ts::prediction_names(pipe.layout()).append_list(out, p, top);
  return std::string(out.view());
}

std::string log_lines(const ts::batch<point>& records, const ts::predictions& p) {
  ts::text_buffer out;
  ts::jsonl_lines().append(out, ts::scored<point>{records.view(), p}, {});
  std::string text(out.view());
  const std::string time = "\"timestamp_utc\": \"1970-01-01T00:00:00+00:00\", ";
  for (std::size_t at; (at = text.find(time)) != std::string::npos;) text.erase(at, time.size());
  return text;
}

const auto shares = [](double x, double y, std::span<double> out) {
  out[0] = x;
  out[1] = y;
  out[2] = 1 - x - y;
};

}  // namespace

TEST_CASE("several classes: the likeliest, of equal ones the first or the model's", "[pipeline]") {
  using prediction = ts::multiclass<"species", "probabilities">;
  const auto records = points({{0.5, 0.25}, {0.25, 0.25}, {0.375, 0.375}});
  ts::score_buffers buffers;
  const auto pipe = make<prediction>({.described = three_classes(), .numbers = shares});
  REQUIRE(pipe);
  const auto outcome = pipe->score(records.view(), buffers);
  const auto* const p = std::get_if<ts::predictions>(&outcome);
  REQUIRE(p != nullptr);
  CHECK(p->class_of(0) == "a");
  CHECK(p->class_of(1) == "c");
  CHECK(p->class_of(2) == "a");
  CHECK(p->probability(1, 2) == 0.5);
  CHECK(p->class_names().size() == 3);
  CHECK(p->label.empty());
  CHECK(answer(*pipe, p->slice(0, 2)) ==
        R"({"predictions":[{"species":"a","probabilities":{"a":0.5,"b":0.25,"c":0.25}},)"
        R"({"species":"c","probabilities":{"a":0.25,"b":0.25,"c":0.5}}]})");
  CHECK(answer(*pipe, p->slice(1, 2), 2) == R"({"predictions":[{"species":"c","probabilities":{"c":0.5,"a":0.25}},)"
                                            R"({"species":"a","probabilities":{"a":0.375,"b":0.375}}]})");
  CHECK(log_lines(points({{0.5, 0.25}}), p->slice(0, 1)) ==
        "{\"species\": \"a\", \"probabilities\": {\"a\": 0.5, \"b\": 0.25, \"c\": 0.25}, "
        "\"features\": {\"x\": 0.5, \"y\": 0.25}}\n");

  const auto other = make<prediction>({.described = three_classes(), .numbers = shares, .tie = 1});
  const auto decided = other->score(records.view(), buffers);
  CHECK(std::get<ts::predictions>(decided).class_of(0) == "a");  // no tie
  CHECK(std::get<ts::predictions>(decided).class_of(2) == "b");
}

TEST_CASE("classes are written as the trainer had them", "[pipeline]") {
  ts::score_buffers buffers;
  const auto written = [&](ts::class_kind kind, std::vector<std::string> names) {
    ts::model_outputs outputs{ts::task::multiclass, names.size(), true, std::move(names), kind, {}};
    const auto pipe = make<ts::multiclass<"class", "p">>(
        {.described = std::move(outputs),
         .numbers = [](double x, double, std::span<double> out) { out[0] = x, out[1] = 1 - x; }});
    REQUIRE(pipe);
    const auto outcome = pipe->score(points({{0.25, 0}}).view(), buffers);
    return answer(*pipe, std::get<ts::predictions>(outcome));
  };
  CHECK(written(ts::class_kind::number, {"10", "2.5"}) ==
        R"({"predictions":[{"class":2.5,"p":{"10":0.25,"2.5":0.75}}]})");
  CHECK(written(ts::class_kind::boolean, {"false", "true"}) ==
        R"({"predictions":[{"class":true,"p":{"false":0.25,"true":0.75}}]})");
  CHECK(written(ts::class_kind::text, {"x\"y", "\n"}) ==
        R"({"predictions":[{"class":"\n","p":{"x\"y":0.25,"\n":0.75}}]})");
}

TEST_CASE("numbers, quantiles, several targets and scores", "[pipeline]") {
  ts::score_buffers buffers;
  const auto records = points({{1.5, -2}, {3, 4}});
  const auto two = [](double x, double y, std::span<double> out) { out[0] = x, out[1] = y; };
  const auto check = [&]<class Prediction>(Prediction, ts::model_outputs outputs, std::string_view first,
                                           std::string_view logged) {
    const auto pipe = make<Prediction>({.described = std::move(outputs), .numbers = two});
    REQUIRE(pipe);
    const auto outcome = pipe->score(records.view(), buffers);
    const auto* const p = std::get_if<ts::predictions>(&outcome);
    REQUIRE(p != nullptr);
    CHECK(p->value(1) == 3);
    CHECK(p->value(0, 1) == -2);
    CHECK(answer(*pipe, p->slice(0, 1)) == "{\"predictions\":[" + std::string(first) + "]}");
    CHECK(log_lines(points({{1.5, -2}}), p->slice(0, 1)) ==
          std::string(logged) + ", \"features\": {\"x\": 1.5, \"y\": -2.0}}\n");
  };
  check(ts::quantiles<"p10", "p90">{}, {ts::task::quantiles, 2, false, {}, ts::class_kind::text, {"0.1", "0.9"}},
        R"({"p10":1.5,"p90":-2.0})", R"({"p10": 1.5, "p90": -2.0)");
  check(ts::outputs<ts::regression<"minutes">, ts::regression<"price">>{},
        {ts::task::regression, 2, false, {}, ts::class_kind::text, {}}, R"({"minutes":1.5,"price":-2.0})",
        R"({"minutes": 1.5, "price": -2.0)");

  const auto one =
      make<ts::regression<"price">>({.described = {ts::task::regression, 1, false, {}, ts::class_kind::text, {}},
                                     .numbers = [](double x, double, std::span<double> out) { out[0] = 100 * x; }});
  REQUIRE(one);
  const auto outcome = one->score(records.view(), buffers);
  CHECK(std::get<ts::predictions>(outcome).value(1) == 300);
  CHECK(std::get<ts::predictions>(outcome).probability.empty());
  CHECK(answer(*one, std::get<ts::predictions>(outcome)) == R"({"predictions":[{"price":150.0},{"price":300.0}]})");
}

TEST_CASE("outliers are below the threshold", "[pipeline]") {
  ts::score_buffers buffers;
  const auto pipe = make<ts::anomaly<"score", "is_outlier">>(
      {.described = {ts::task::anomaly, 1, false, {}, ts::class_kind::text, {}},
       .numbers = [](double x, double, std::span<double> out) { out[0] = x; },
       .limit = -0.25});
  REQUIRE(pipe);
  const auto records = points({{-0.5, 0}, {-0.25, 0}, {0.5, 0}});
  const auto outcome = pipe->score(records.view(), buffers);
  const auto& p = std::get<ts::predictions>(outcome);
  CHECK(std::vector<std::uint8_t>(p.label.begin(), p.label.end()) == std::vector<std::uint8_t>{1, 0, 0});
  CHECK(answer(*pipe, p.slice(0, 2)) ==
        R"({"predictions":[{"score":-0.5,"is_outlier":1},{"score":-0.25,"is_outlier":0}]})");
  CHECK(log_lines(records, p).starts_with(R"({"threshold": -0.25, "score": -0.5, "is_outlier": 1, "features": {)"));
}

TEST_CASE("a model of another task, or with names that do not fit, is refused", "[pipeline]") {
  using Catch::Matchers::Contains;
  const auto of = [](ts::task task, std::size_t columns, std::vector<std::string> names = {}) {
    return ts::model_outputs{task, columns, false, {}, ts::class_kind::text, std::move(names)};
  };
  CHECK(refusal<ts::regression<"v">>(of(ts::task::regression, 1)).empty());
  CHECK(
      refusal<ts::binary<>>(of(ts::task::regression, 1)) ==
      "the model's task is regression, the declared prediction's is binary: declare ts::regression<\"name\"> for this "
      "model");
  CHECK(refusal<ts::regression<"v">>(of(ts::task::regression, 2)) ==
        "the model gives 2 numbers a record, the declared prediction has 1: declare "
        "ts::outputs<ts::regression<\"name\">, "
        "ts::regression<\"name\">> for this model");
  CHECK(refusal<ts::regression<"v">>(three_classes()) ==
        "the model's task is multiclass, the declared prediction's is regression: declare ts::multiclass<\"class\", "
        "\"probabilities\"> for this model");
  CHECK(refusal<ts::quantiles<"p10", "p90">>(of(ts::task::quantiles, 2, {"0.1", "0.9"})).empty());
  CHECK(refusal<ts::quantiles<"low", "high">>(of(ts::task::quantiles, 2, {"0.1", "0.9"})).empty());
  CHECK(refusal<ts::quantiles<"p5", "p975">>(of(ts::task::quantiles, 2, {"0.05", "0.975"})).empty());
  CHECK(refusal<ts::quantiles<"p90", "p10">>(of(ts::task::quantiles, 2, {"0.1", "0.9"})) ==
        "the model's quantile 0 is of the level 0.1, the declared name 'p90' says 0.9");
  CHECK_THAT((refusal<ts::quantiles<"p50", "p100">>(of(ts::task::quantiles, 2, {"0.5", "0.9"}))), Contains("says 1"));
  using trip = ts::outputs<ts::regression<"minutes">, ts::regression<"price">>;
  CHECK(refusal<trip>(of(ts::task::regression, 2, {"minutes", "price"})).empty());
  CHECK(refusal<trip>(of(ts::task::regression, 2, {"t0", "t1"})).empty());
  CHECK(refusal<trip>(of(ts::task::regression, 2, {"price", "minutes"})) ==
        "the model's target 0 is 'price', the declared prediction calls it 'minutes'");
  using species = ts::multiclass<"species", "probabilities">;
  auto outputs = three_classes();
  outputs.classes[1] = "species";
  CHECK(
      refusal<species>(outputs) ==
      "the model has a class with the name of the prediction's member 'species': declare another name for the member");
  outputs.classes[1] = "a";
  CHECK_THAT(refusal<species>(outputs), Contains("\"a\" appears twice"));
  outputs.classes[1] = "";
  CHECK_THAT(refusal<species>(outputs), Contains("empty"));
  outputs = {ts::task::multiclass, 10'000, true, {}, ts::class_kind::number, {}};
  for (std::size_t k = 0; k < outputs.columns; ++k) outputs.classes.push_back(std::to_string(k));
  CHECK_THAT(refusal<species>(outputs), Contains("2 to 1000 classes, found 10000"));
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_THAT(refusal<ts::anomaly<>>(of(ts::task::anomaly, 1), infinite), Contains("threshold"));
  CHECK(refusal<ts::anomaly<>>(of(ts::task::anomaly, 1), -17).empty());
  CHECK_THAT((refusal<ts::binary<>>(ts::model_outputs(), 1.5)), Contains("the model's threshold"));
}

TEST_CASE("numbers that a task does not allow are faults of their record", "[pipeline]") {
  ts::score_buffers buffers;
  const auto fault_of = [&]<class Prediction>(Prediction, ts::model_outputs outputs, double x, double y) {
    const auto pipe = make<Prediction>({.described = std::move(outputs), .numbers = shares});
    REQUIRE(pipe);
    const auto outcome = pipe->score(points({{0.5, 0.25}, {x, y}}).view(), buffers);
    const auto* const bad = std::get_if<ts::unscorable>(&outcome);
    REQUIRE(bad != nullptr);
    CHECK(bad->row == 1);
    return bad->what;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  const ts::multiclass<> classes;
  CHECK(fault_of(classes, three_classes(), 0.75, 0.5) == ts::fault::not_probability);  // the third is below 0
  CHECK(fault_of(classes, three_classes(false), nan, 0.5) == ts::fault::not_finite);
  CHECK(fault_of(classes, three_classes(false), 0, infinite) == ts::fault::not_finite);
  const ts::outputs<ts::regression<"a">, ts::regression<"b">, ts::regression<"c">> numbers;
  const ts::model_outputs three{ts::task::regression, 3, false, {}, ts::class_kind::text, {}};
  CHECK(fault_of(numbers, three, 0.5, nan) == ts::fault::not_finite);
  CHECK(fault_of(numbers, three, -infinite, 1) == ts::fault::not_finite);
}

TEST_CASE("totals of every task are exact, whatever the batches", "[pipeline]") {
  const auto totals_of = [](auto prediction, const ts::model_outputs& outputs, std::size_t batch_rows) {
    ts::moments totals;
    const auto pipe = ts::make_pipeline(point{}, ts::rules{}, ts::features{}, model_of(outputs, shares),
                                        ts::sinks{totals}, prediction);
    REQUIRE(pipe);
    ts::score_buffers buffers;
    for (std::size_t first = 0; first < 1000; first += batch_rows) {
      ts::batch<point> b;
      for (std::size_t i = first; i < std::min<std::size_t>(1000, first + batch_rows); ++i) {
        b.push_back(static_cast<double>(i % 7) / 17, static_cast<double>(i % 11) / 31);
      }
      REQUIRE(std::holds_alternative<ts::predictions>(pipe->score(b.view(), buffers)));
    }
    return totals.exact();
  };
  const ts::model_outputs numbers{ts::task::regression, 3, false, {}, ts::class_kind::text, {}};
  const ts::outputs<ts::regression<"a">, ts::regression<"b">, ts::regression<"c">> targets;
  const auto whole = totals_of(targets, numbers, 1000), classes = totals_of(ts::multiclass<>{}, three_classes(), 1000);
  CHECK(whole.outputs.size() == 3);
  CHECK(whole.outputs[0] == whole.sums[0]);
  CHECK(whole.outputs[1] == whole.sums[1]);
  CHECK(classes.outputs.size() == 1);
  CHECK(classes.classes.size() == 3);
  CHECK(classes.classes[0] + classes.classes[1] + classes.classes[2] == 1000);
  for (const std::size_t rows : {1U, 3U, 64U, 300U}) {
    CHECK(totals_of(targets, numbers, rows) == whole);
    CHECK(totals_of(ts::multiclass<>{}, three_classes(), rows) == classes);
  }
  auto merged = totals_of(targets, numbers, 64);
  merged.merge(whole);
  CHECK(merged.samples == 2000);
  CHECK(merged.rounded().outputs[0] == 2 * whole.rounded().outputs[0]);
}

TEST_CASE("one number a record is counted alike in batches of any size", "[pipeline]") {
  const auto file = ts::load_model_file(TABSCORE_SOURCE_DIR "/models/diabetes.json");
  REQUIRE(file);
  const auto model = ts::make_scorer(*file);
  const auto reference = ts::make_drift_reference(*file);
  REQUIRE((model && reference));
  ts::batch<patient> records;
  for (int i = 0; i < 1000; ++i) {
    const double more = i % 17;
    records.push_back(20 + 3 * more, 1.0 + i % 2, 18.5 + more / 3, 80 + more, 157.0, 93.2, 38.0, 4.0, 4.0 + i % 5,
                      87.0);
  }
  const auto state_after = [&](std::size_t batch_rows) {
    ts::drift_monitor monitor(*reference);
    const auto pipe = ts::make_pipeline(patient{}, ts::rules{}, ts::features{}, *model, ts::sinks{monitor},
                                        diabetes_progression::prediction{});
    REQUIRE(pipe);
    ts::score_buffers buffers;
    for (std::size_t first = 0; first < records.rows(); first += batch_rows) {
      const std::size_t count = std::min(batch_rows, records.rows() - first);
      REQUIRE(std::holds_alternative<ts::predictions>(pipe->score(records.view().slice(first, count), buffers)));
    }
    return ts::to_json(ts::state_of(monitor));
  };
  const std::string whole = state_after(1000);
  for (const std::size_t rows : {1U, 3U, 64U, 65U, 300U}) CHECK(state_after(rows) == whole);
}

TEST_CASE("a bad record of any task costs the others nothing", "[pipeline]") {
  const auto pipe = make<ts::multiclass<"k", "p">>({.described = three_classes(), .numbers = shares});
  REQUIRE(pipe);
  ts::workspace<point> w;
  const std::string body = R"({"records":[{"x":0.5,"y":0.25},{"x":2,"y":2},{"x":0.25},{"x":0.25,"y":0.5}]})";
  const auto outcome = ts::score_request(&*pipe, body, w, {.on_error = ts::on_error::skip});
  const auto& some = std::get<ts::partial_predictions>(outcome);
  ts::text_buffer out;
  ts::append_partial(out, some, ts::prediction_names(pipe->layout()), {.names = point::names});
  CHECK(out.view().starts_with(R"({"predictions":[{"k":"a","p":{"a":0.5,"b":0.25,"c":0.25}},null,null,)"
                               R"({"k":"b","p":{"a":0.25,"b":0.5,"c":0.25}}],"errors":[)"));
  ts::row_scorer scorer(*pipe);
  const auto rows = scorer.score(points({{0.5, 0.25}, {2, 2}, {0.25, 0.5}}).view(), {});
  REQUIRE(rows.faults.size() == 1);
  CHECK(rows.faults[0].row == 1);
  CHECK(rows.scores.class_of(2) == "b");
  CHECK(rows.scores.value(2, 1) == 0.5);
  CHECK(rows.scores.value(1, 0) != rows.scores.value(1, 0));
}
