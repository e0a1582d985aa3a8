// SPDX-License-Identifier: MIT
#include <tabscore/monitor/expected_performance.hpp>
#include <tabscore/monitor/performance_alarm.hpp>
#include <tabscore/monitor/performance_json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

std::vector<double> probabilities(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> all(n);
  for (double& p : all) p = std::pow(uniform(random), 2.5);
  all[0] = 0, all[1] = 1, all[2] = all[3];
  return all;
}

ts::expected_counts expected(const std::vector<double>& all) {
  ts::expected_counts counts{ts::model_outputs()};
  for (const double p : all) counts.add({&p, 1}, p >= 0.5);
  return counts;
}

template <class Report>
std::map<std::string, ts::figure> by_name(const Report& r) {
  std::map<std::string, ts::figure> all;
  for (const ts::figure& f : r.figures) all[std::string(f.name)] = f;
  return all;
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-12; }

}  // namespace

TEST_CASE("expected figures are the sums over probabilities", "[monitor]") {
  const auto all = probabilities(500, 3);
  const auto report = ts::report_expected(expected(all));
  const auto figures = by_name(report);
  double tp = 0, fp = 0, fn = 0, brier = 0, loss = 0, in_order = 0, pairs = 0;
  for (const double p : all) {
    (p >= 0.5 ? tp : fn) += p;
    if (p >= 0.5) fp += 1 - p;
    brier += p * (1 - p) / 500;
    if (p > 0 && p < 1) loss -= (p * std::log(p) + (1 - p) * std::log(1 - p)) / 500;
    for (const double q : all) {
      pairs += p * (1 - q);
      in_order += p * (1 - q) * (p > q ? 1 : p < q ? 0 : 0.5);
    }
  }
  CHECK(report.predictions == 500);
  CHECK(near(figures.at("accuracy").value.value, (tp + 500 - tp - fp - fn) / 500));
  CHECK(near(figures.at("precision").value.value, tp / (tp + fp)));
  CHECK(near(figures.at("recall").value.value, tp / (tp + fn)));
  CHECK(near(figures.at("f1").value.value, 2 * tp / (2 * tp + fp + fn)));
  CHECK(near(figures.at("brier").value.value, brier));
  CHECK(near(figures.at("log_loss").value.value, loss));
  CHECK(near(report.confusion[3], tp));
  CHECK(near(report.confusion[2], fn));
  CHECK(near(report.confusion[1], fp));
  const ts::figure& auc = figures.at("roc_auc");
  CHECK(auc.at_least <= in_order / pairs + 1e-9);
  CHECK(in_order / pairs <= auc.at_most + 1e-9);
  CHECK(auc.at_most - auc.at_least < 1e-4);
}

TEST_CASE("the intervals of expected figures contain the figures by labels", "[monitor]") {
  const auto all = probabilities(800, 5);
  const auto figures = by_name(ts::report_expected(expected(all)));
  std::mt19937_64 random(17);
  std::map<std::string, int> held;
  constexpr int trials = 400;
  for (int t = 0; t < trials; ++t) {
    ts::performance_counts counts{ts::model_outputs()};
    for (const double p : all) {
      const double label = std::uniform_real_distribution<double>(0, 1)(random) < p;
      REQUIRE_FALSE(counts.add({&p, 1}, p >= 0.5, {&label, 1}));
    }
    const auto seen = by_name(ts::report_performance(counts));
    for (const auto& [name, f] : figures) {
      const double value = seen.at(name).value.value;
      held[name] += f.value.low <= value && value <= f.value.high;
    }
    const auto check = ts::check_calibration(counts);
    CHECK(check.status == ts::calibration_check::state::holds);
  }
  for (const auto& [name, times] : held) {
    INFO(name << " " << times);
    CHECK(times >= trials * 92 / 100);
    CHECK((times <= trials * 98 / 100 || name == "roc_auc"));
  }
}

TEST_CASE("parts of expected figures merge into the same bits", "[monitor]") {
  const auto all = probabilities(3000, 9);
  auto parts = expected({all.begin(), all.begin() + 700});
  parts.merge(expected({all.begin() + 700, all.end()}));
  const auto json = [](const ts::expected_counts& c) {
    ts::text_buffer out;
    ts::append_expected(out, ts::report_expected(c), {}, {});
    return std::string(out.view());
  };
  CHECK(json(parts) == json(expected(all)));
  CHECK(json(parts).find(
            R"("calibration":{"labels":0,"ece":null,"noise":null,"limit":0.02,"status":"unknown"},"warning":null})") !=
        std::string::npos);
}

TEST_CASE("of several classes the accuracy is expected", "[monitor]") {
  ts::model_outputs model;
  model.task = ts::task::multiclass;
  model.columns = 3;
  model.classes = {"a", "b", "c"};
  ts::expected_counts counts(model);
  for (int i = 0; i < 10; ++i) counts.add(std::vector<double>{0.5, 0.25, 0.25}, 0);
  for (int i = 0; i < 10; ++i) counts.add(std::vector<double>{0, 0.125, 0.875}, 2);
  const auto report = ts::report_expected(counts);
  REQUIRE(report.figures.size() == 1);
  CHECK(near(report.figures[0].value.value, 0.6875));
  CHECK(report.predictions == 20);
}

TEST_CASE("calibration needs an effect and a sample", "[monitor]") {
  const auto check = [](std::size_t n, double p, double share) {
    ts::performance_counts counts{ts::model_outputs()};
    for (std::size_t i = 0; i < n; ++i) {
      const double label = static_cast<double>(i) < share * static_cast<double>(n);
      REQUIRE_FALSE(counts.add({&p, 1}, p >= 0.5, {&label, 1}));
    }
    return ts::check_calibration(counts).status;
  };
  using state = ts::calibration_check::state;
  CHECK(check(199, 0.9, 0.5) == state::unknown);
  CHECK(check(200, 0.9, 0.5) == state::fails);
  CHECK(check(100000, 0.9, 0.89) == state::holds);
  CHECK(check(100000, 0.9, 0.87) == state::fails);
  CHECK(check(300, 0.9, 0.87) == state::holds);
}

TEST_CASE("a performance alarm needs an interval worse than the limit, and a sample", "[monitor]") {
  const std::vector<std::pair<std::string, double>> metrics{
      {"holdout_accuracy", 0.9}, {"average_precision", 0.5}, {"brier_score", 0.1}, {"something", 1}};
  const auto references = ts::performance_references({{"accuracy", 0.8, "settings"}}, metrics);
  REQUIRE(references.size() == 3);
  CHECK(references[0] == ts::performance_reference{"accuracy", 0.8, "settings"});
  CHECK(references[1] == ts::performance_reference{"pr_auc", 0.5, "model file"});
  CHECK(references[2] == ts::performance_reference{"brier", 0.1, "model file"});
  CHECK(ts::performance_references({{"accuracy_score", 0.8, "settings"}, {"nothing", 1}}, metrics) == references);
  const auto alarms = [&](int n, double share_right) {
    ts::performance_counts counts{ts::model_outputs()};
    for (int i = 0; i < n; ++i) {
      const double p = i % 2 == 0 ? 0.9 : 0.1;
      const bool right = i < share_right * n;
      const double label = (p > 0.5) == right;
      REQUIRE_FALSE(counts.add({&p, 1}, p > 0.5, {&label, 1}));
    }
    std::string all;
    for (const auto& c : ts::check_performance(ts::report_performance(counts), references)) {
      if (c.alarm) all += c.reference.figure + " ";
    }
    return all;
  };
  CHECK(alarms(199, 0.4).empty());
  CHECK(alarms(200, 0.4) == "accuracy brier ");
  CHECK(alarms(2000, 0.9).empty());
  CHECK(alarms(2000, 0.75).find("accuracy") == std::string::npos);  // within the tolerance's interval
  CHECK(alarms(2000, 0.70).find("accuracy") != std::string::npos);
}
