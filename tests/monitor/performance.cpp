// SPDX-License-Identifier: MIT
#include <tabscore/monitor/performance.hpp>
#include <tabscore/monitor/performance_json.hpp>
#include <tabscore/monitor/performance_report.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

ts::model_outputs outputs_of(ts::task t, std::size_t columns = 1, std::vector<std::string> classes = {}) {
  ts::model_outputs m;
  m.task = t;
  m.columns = columns;
  m.classes = std::move(classes);
  return m;
}

struct row {
  std::vector<double> prediction, label;
  std::uint32_t predicted = 0;
};

struct example {
  ts::model_outputs model;
  std::vector<row> rows;
  std::map<std::string, double> expected;

  ts::performance_counts counts() const {
    ts::performance_counts c(model);
    for (const row& r : rows) CHECK_FALSE(c.add(r.prediction, r.predicted, r.label));
    return c;
  }
};

std::vector<example> examples() {
  std::ifstream in(TABSCORE_SOURCE_DIR "/tests/monitor/performance_expected.txt");
  std::vector<example> all;
  std::string task;
  std::size_t rows = 0, names = 0;
  while (in >> task >> rows >> names) {
    example e;
    for (const ts::task t : {ts::task::binary, ts::task::multiclass, ts::task::regression, ts::task::quantiles,
                             ts::task::score, ts::task::anomaly}) {
      if (ts::name(t) == task) e.model.task = t;
    }
    const bool classes = e.model.task == ts::task::multiclass;
    std::vector<std::string> read(names);
    for (std::string& n : read) in >> n;
    (classes ? e.model.classes : e.model.names) = read;
    e.model.columns = names == 0 ? 1 : names;
    const bool decides = e.model.task != ts::task::regression && e.model.task != ts::task::quantiles;
    for (std::size_t i = 0; i < rows; ++i) {
      row r;
      r.prediction.resize(e.model.columns);
      r.label.resize(ts::performance_counts::label_numbers(e.model));
      for (double& x : r.prediction) in >> x;
      for (double& x : r.label) in >> x;
      double predicted = 0;
      if (decides) in >> predicted;
      r.predicted = static_cast<std::uint32_t>(predicted);
      e.rows.push_back(r);
    }
    std::size_t figures = 0;
    in >> figures;
    for (std::size_t i = 0; i < figures; ++i) {
      std::string name;
      in >> name;
      in >> e.expected[name];
    }
    all.push_back(e);
  }
  return all;
}

struct found {
  double value = 0, least = 0, most = 0, low = 0, high = 0;
};

std::map<std::string, found> figures_of(const ts::performance_report& r) {
  std::map<std::string, found> all;
  const auto add = [&](const std::string& name, const ts::figure& f) {
    const bool exact = std::isnan(f.at_least);
    all[name] = {f.value.value, exact ? f.value.value : f.at_least, exact ? f.value.value : f.at_most, f.value.low,
                 f.value.high};
  };
  const auto number = [&](const std::string& name, double x) { all[name] = {x, x, x, x, x}; };
  for (const auto& f : r.figures) add(std::string(f.name), f);
  for (std::size_t i = 0; i < r.parts.size(); ++i) {
    for (const auto& f : r.parts[i].figures) add("part." + std::to_string(i) + "." + std::string(f.name), f);
  }
  for (std::size_t i = 0; i < r.curve.size(); ++i) {
    number("curve." + std::to_string(i) + ".actual", r.curve[i].actual.value);
    number("curve." + std::to_string(i) + ".predicted", r.curve[i].predicted);
  }
  for (std::size_t i = 0; i < r.gains.size(); ++i) add("gain." + std::to_string(i), r.gains[i].captured);
  for (std::size_t i = 0; i < r.confusion.size(); ++i) {
    number("confusion." + std::to_string(i / r.classes.size()) + "." + std::to_string(i % r.classes.size()),
           static_cast<double>(r.confusion[i]));
  }
  return all;
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b)); }

std::string json(const ts::performance_counts& c) {
  ts::text_buffer out;
  ts::append_performance(out, ts::report_performance(c));
  return std::string(out.view());
}

}  // namespace

TEST_CASE("the bounds of average precision hold where positive labels tie", "[monitor]") {
  for (const auto& groups :
       {std::vector<ts::score_group>{{50, 0}, {0, 5}, {45, 0}}, std::vector<ts::score_group>{{50, 0}, {3, 5}, {45, 2}},
        std::vector<ts::score_group>{{0, 1}, {7, 9}}}) {
    const double tied = ts::rank_groups(groups, true).average_precision.value;
    const ts::bounded cells = ts::rank_groups(groups, false).average_precision;
    CHECK(cells.least < tied);
    CHECK(cells.most > tied - 1e-15);
  }
}

TEST_CASE("an interval from cells holds that of the exact value", "[monitor]") {
  std::mt19937_64 random(31);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int t = 0; t < 300; ++t) {
    ts::performance_counts counts{ts::model_outputs()};
    ts::score_pairs pairs;
    const double base = std::pow(uniform(random), 3), spread = std::pow(uniform(random), 2);
    for (int i = 0; i < 40; ++i) {
      const double label = uniform(random) < base,
                   p = 0.5 + spread / 64 * (uniform(random) - 0.5) + 0.4 * (i % 4 == 0) * label;
      REQUIRE_FALSE(counts.add({&p, 1}, p >= 0.5, {&label, 1}));
      pairs.add(p, label == 1);
    }
    const auto groups = pairs.groups();
    const auto exact = figures_of(ts::report_performance(counts, groups));
    const auto binned = figures_of(ts::report_performance(counts));
    for (const auto* const name : {"roc_auc", "pr_auc", "ks"}) {
      const found &e = exact.at(name), &b = binned.at(name);
      if (std::isnan(e.value)) continue;
      INFO(name << " " << e.low << " " << e.high << " in " << b.low << " " << b.high);
      CHECK(b.least <= e.value + 1e-12);
      CHECK(e.value <= b.most + 1e-12);
      CHECK(b.low <= e.low + 1e-12);
      CHECK(e.high <= b.high + 1e-12);
    }
  }
}

TEST_CASE("figures are scikit-learn's: exact from pairs, within the bounds from cells", "[monitor]") {
  const auto all = examples();
  REQUIRE(all.size() == 14);
  for (const example& e : all) {
    const ts::performance_counts counts = e.counts();
    ts::score_pairs pairs;
    if (counts.label_classes() == 2) {
      for (const row& r : e.rows) pairs.add(counts.ranked(r.prediction[0]), r.label[0] == 1);
    }
    const auto groups = pairs.groups();
    const bool tied = groups.size() < pairs.size();
    const auto exact = figures_of(ts::report_performance(counts, groups));
    const auto binned = figures_of(ts::report_performance(counts));
    REQUIRE(exact.size() == binned.size());
    for (const auto& [name, value] : e.expected) {
      INFO(ts::name(e.model.task) << " of " << e.rows.size() << " rows: " << name);
      REQUIRE(exact.contains(name));
      CHECK(near(exact.at(name).value, value));
      CHECK(binned.at(name).least <= value + 1e-12);
      CHECK(value <= binned.at(name).most + 1e-12);
      if (!tied) CHECK(binned.at(name).most - binned.at(name).least <= 0.04);
      CHECK_FALSE(binned.at(name).low > exact.at(name).value + 1e-12);  // of some F1 there is no interval
      CHECK_FALSE(exact.at(name).value > binned.at(name).high + 1e-12);
    }
  }
}

TEST_CASE("counts of parts merge into those of all, bit for bit and in any order", "[monitor]") {
  std::mt19937_64 random(7);
  for (const example& e : examples()) {
    const ts::performance_counts whole = e.counts();
    for (int trial = 0; trial < 3; ++trial) {
      std::vector<row> rows = e.rows;
      std::shuffle(rows.begin(), rows.end(), random);
      std::vector<ts::performance_counts> parts(1 + random() % 7, ts::performance_counts(e.model));
      for (const row& r : rows) REQUIRE_FALSE(parts[random() % parts.size()].add(r.prediction, r.predicted, r.label));
      std::shuffle(parts.begin(), parts.end(), random);
      ts::performance_counts all(e.model);
      for (const auto& part : parts) REQUIRE_FALSE(all.merge(part));
      CHECK(all == whole);
      CHECK(json(all) == json(whole));
    }
  }
  ts::performance_counts other(outputs_of(ts::task::score));
  CHECK(other.merge(ts::performance_counts(ts::model_outputs())));
}

TEST_CASE("a malformed label or prediction is refused with a sentence and not counted", "[monitor]") {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const auto refused = [](const ts::model_outputs& m, std::vector<double> prediction, std::uint32_t predicted,
                          std::vector<double> label) {
    ts::performance_counts c(m);
    const auto e = c.add(prediction, predicted, label);
    CHECK(c == ts::performance_counts(m));
    return e ? e->message : std::string();
  };
  const ts::model_outputs two;
  CHECK(refused(two, {0.5}, 1, {nan}) == "the label is not a finite number");
  CHECK(refused(two, {0.5}, 1, {2}) == "the label is not 0 or 1");
  CHECK(refused(two, {0.5}, 1, {0.5}) == "the label is not 0 or 1");
  CHECK(refused(two, {0.5}, 1, {-1}) == "the label is not 0 or 1");
  CHECK(refused(two, {1.5}, 1, {1}) == "a probability is not from 0 to 1");
  CHECK(refused(two, {nan}, 1, {1}) == "a number of the prediction is not finite");
  CHECK(refused(two, {0.5}, 2, {1}) == "the predicted class is not one of the model's");
  const ts::model_outputs number = outputs_of(ts::task::regression);
  CHECK(refused(number, {0.5}, 0, {infinity}) == "the label is not a finite number");
  CHECK(refused(number, {0.5}, 0, {1, 2}) == "the label has another count of numbers than the targets");
  CHECK(refused(outputs_of(ts::task::quantiles, 2), {1, 2}, 0, {1}) == "the levels of the quantiles are not known");
  const ts::model_outputs three = outputs_of(ts::task::multiclass, 3, {"a", "b", "c"});
  CHECK(refused(three, {0.5, 0.25, 0.25}, 0, {3}) == "the label is not the index of a class");
  CHECK(refused(three, {0.5, 0.5}, 0, {1}) == "the prediction has another count of numbers than the model");
}

TEST_CASE("no sample, no figure: a report without labels of both kinds says null", "[monitor]") {
  ts::performance_counts c{ts::model_outputs()};
  CHECK(json(c).find(R"("roc_auc":{"value":null,"low":null,"high":null)") != std::string::npos);
  CHECK(json(c).find(R"("accuracy":{"value":null,"low":null,"high":null,"n":0})") != std::string::npos);
  const double p = 0.25, label = 0;
  REQUIRE_FALSE(c.add({&p, 1}, 0, {&label, 1}));
  CHECK(json(c).find(R"("roc_auc":{"value":null)") != std::string::npos);
  CHECK(json(c).find(R"("precision":{"value":null,"low":null,"high":null,"n":0})") != std::string::npos);
  CHECK(json(c).find(R"("brier":{"value":0.0625,"low":null,"high":null,"n":1})") != std::string::npos);
}

TEST_CASE("intervals are the textbooks'", "[monitor]") {
  const ts::estimate share = ts::estimate_share(8, 10);  // Wilson: 0.4901625, 0.9433178
  CHECK(std::abs(share.low - 0.4901625) < 1e-7);
  CHECK(std::abs(share.high - 0.9433178) < 1e-7);
  CHECK(ts::estimate_share(0, 10).low == 0);
  CHECK(ts::estimate_share(10, 10).high == 1);
  ts::exact_mean m;
  for (const double x : {1e15, 1e15 + 2, 1e15 + 4}) m.add(x);
  const ts::estimate mean = ts::estimate_mean(m, 3);
  CHECK(mean.value == 1e15 + 2);
  CHECK(std::abs(mean.high - mean.value - 1.959963984540054 * 2 / std::sqrt(3.0)) < 0.2);  // an ulp is 0.125
}

TEST_CASE("cells of scores ascend", "[monitor]") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<double> p{0, 5e-324, 0.5, std::nextafter(0.5, 0), std::nextafter(1.0, 0), 1};
  std::vector<double> x{-1e300, 1e300, -0.0, 0.0, 1e-9, -1e-9, 65536, 65535, -65535};
  for (int i = 0; i < 5000; ++i) {
    p.push_back(std::pow(unit(random), 1 + i % 7));
    x.push_back((unit(random) - 0.5) * std::pow(10.0, i % 12 - 6));
  }
  std::sort(p.begin(), p.end());
  std::sort(x.begin(), x.end());
  CHECK(std::is_sorted(p.begin(), p.end(),
                       [](double a, double b) { return ts::probability_cell(a) < ts::probability_cell(b); }));
  CHECK(std::is_sorted(x.begin(), x.end(), [](double a, double b) { return ts::score_cell(a) < ts::score_cell(b); }));
  CHECK(ts::probability_cell(0) == 0);
  CHECK(ts::probability_cell(1) == ts::score_cells - 1);
  CHECK(ts::score_cell(-1e300) == 0);
  CHECK(ts::score_cell(1e300) == ts::score_cells - 1);
}
