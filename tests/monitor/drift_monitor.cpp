// SPDX-License-Identifier: MIT
#include <simdjson.h>
#include <tabscore/models/load_tabscore.hpp>
#include <tabscore/monitor/drift_monitor.hpp>
#include <tabscore/monitor/drift_report.hpp>
#include <tabscore/monitor/report_json.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

using record = ts::schema<ts::optional<ts::real<"x">>, ts::optional<ts::text<"town">>>;

struct half_of_x {
  ts::feature_names names{{"x"}, {"town"}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) p[i] = x.column(0)[i] == x.column(0)[i] ? x.column(0)[i] / 2 : 0.25;
  }
};

ts::model_file file() {
  ts::model_file f;
  f.path = "made up";
  f.name = "half";
  f.features = {{"x"}, {"town"}};
  f.encoder.text.emplace_back(std::vector<std::optional<std::string>>{"A", "B", std::nullopt});
  f.baseline = ts::drift_baseline{{{"x", 1, 1}}, 0.5, 100};
  f.baseline->histograms =
      ts::training_histograms{{{{0, 1, 2}, {40, 50}, 10}}, {{{60, 30, 10}, 0}}, {{{0, 0.5, 1}, {50, 50}, 0}}, {}};
  return f;
}

struct hand_clock {
  static inline std::chrono::minutes minute{1000};
  static std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::time_point(minute); }
};

ts::batch<record> records(std::size_t n) {
  ts::batch<record> b;
  const std::array<std::optional<std::string_view>, 4> towns{"A", "B", "C", std::nullopt};
  for (std::size_t i = 0; i < n; ++i) {
    b.push_back(i % 5 == 4 ? std::optional<double>() : static_cast<double>(i % 5) * 0.5, towns[i % 4]);
  }
  return b;
}

using drift_monitor = ts::basic_drift_monitor<std::mutex, hand_clock>;

void score(drift_monitor& monitor, const ts::batch<record>& b) {
  const ts::pipeline pipe{record{}, ts::rules{}, ts::features{}, half_of_x{}, ts::sinks{monitor}};
  ts::score_buffers buffers;
  static_cast<void>(pipe.score(b, buffers));  // no check here: several threads call it
}

}  // namespace

TEST_CASE("every record is counted once for each feature, text and probability, in blocks or alone", "[monitor]") {
  const ts::drift_reference reference = ts::make_drift_reference(file()).value();
  // x: below, [0, 1), [1, 2], above, missing; town: A, B, the missing category, unseen, missing; probability as x.
  CHECK(reference.training == std::vector<std::uint64_t>{0, 40, 50, 0, 10, 60, 30, 0, 0, 10, 0, 50, 50, 0, 0});
  drift_monitor whole(reference), alone(reference);
  score(whole, records(1000));
  CHECK(whole.counts(ts::window::total) == std::vector<std::uint64_t>{0, 400, 400, 0, 200, 250, 250, 0, 250, 250,  //
                                                                      0, 600, 400, 0, 0});
  for (int i = 0; i < 50; ++i) score(alone, records(20));
  CHECK(alone.counts(ts::window::total) == whole.counts(ts::window::total));
  CHECK(alone.exact() == whole.exact());
  CHECK(whole.read().samples == 1000);
}

TEST_CASE("a monitor's windows drop older records", "[monitor]") {
  hand_clock::minute = std::chrono::minutes(1000);
  drift_monitor monitor(ts::make_drift_reference(file()).value(), 100);
  const auto seen = [&](ts::window w) { return ts::report_drift(monitor.reference(), monitor.counts(w)).records; };
  score(monitor, records(100));
  hand_clock::minute += std::chrono::minutes(59);
  CHECK(seen(ts::window::hour) == 100);
  hand_clock::minute += std::chrono::minutes(1);
  CHECK(seen(ts::window::hour) == 0);
  CHECK(seen(ts::window::day) == 100);
  for (int i = 0; i < 20; ++i) score(monitor, records(20));
  CHECK(seen(ts::window::hour) == 400);
  CHECK(seen(ts::window::records) >= 100);
  CHECK(seen(ts::window::records) <= 240);
  hand_clock::minute += std::chrono::hours(24);
  CHECK(seen(ts::window::day) == 0);
  CHECK(seen(ts::window::total) == 500);
}

TEST_CASE("the time of counting does not change the counts", "[monitor]") {
  hand_clock::minute = std::chrono::minutes(1000);
  std::mt19937_64 random(5);
  const ts::drift_reference reference = ts::make_drift_reference(file()).value();
  drift_monitor looked_at(reference, 1000), left_alone(reference, 1000);
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 30; ++i) {
      const auto b = records(1 + random() % (i % 10 == 0 ? 600 : 40));
      score(looked_at, b);
      score(left_alone, b);
      for (const ts::window w : ts::all_windows) static_cast<void>(looked_at.counts(w));
      if (random() % 20 == 0) hand_clock::minute += std::chrono::minutes(random() % 40);
    }
    for (const ts::window w : ts::all_windows) REQUIRE(looked_at.counts(w) == left_alone.counts(w));
    REQUIRE(looked_at.total() == left_alone.total());
  }
}

TEST_CASE("small batches of many threads are all there, in the minute in which they came", "[monitor]") {
  hand_clock::minute = std::chrono::minutes(1000);
  drift_monitor monitor(ts::make_drift_reference(file()).value(), 500);
  const auto by_threads = [&](std::size_t threads) {
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
      all.emplace_back([&, t] { score(monitor, records(1 + t % 7)); });  // so few wait until somebody looks
    }
    for (auto& each : all) each.join();
  };
  const auto seen = [&](ts::window w) {
    const auto counts = monitor.counts(w);
    return counts[0] + counts[1] + counts[2] + counts[3] + counts[4];
  };
  by_threads(35);  // 140 records
  hand_clock::minute += std::chrono::minutes(30);
  by_threads(7);
  CHECK(seen(ts::window::total) == 168);
  CHECK(seen(ts::window::records) == 168);
  CHECK(seen(ts::window::hour) == 168);
  hand_clock::minute += std::chrono::minutes(30);
  CHECK(seen(ts::window::hour) == 28);
  CHECK(monitor.exact().samples == 168);
  score(monitor, records(300));  // counted at once
  CHECK(seen(ts::window::hour) == 328);
  CHECK(monitor.total().first.samples == 468);
}

TEST_CASE("an alarm needs an effect and a sample", "[monitor]") {
  const ts::drift_reference reference = ts::make_drift_reference(file()).value();
  const auto of = [&](std::uint64_t times) {
    std::vector<std::uint64_t> counts(reference.training);
    for (auto& n : counts) n *= times;
    return counts;
  };
  CHECK_FALSE(ts::report_drift(reference, std::vector<std::uint64_t>(reference.cells())).alarm);
  CHECK_FALSE(ts::report_drift(reference, of(5)).alarm);
  auto moved = of(2);
  std::swap(moved[1], moved[3]);  // 80 of 200 are above the training range
  const auto found = ts::report_drift(reference, moved);
  CHECK(found.records == 200);
  CHECK(found.alarm);
  CHECK(found.features[0].alarm);
  CHECK(found.features[0].name == "x");
  CHECK(found.features[0].unseen_share == 0.4);
  CHECK(found.features[0].missing_share == 0.1);
  CHECK(found.features[0].kolmogorov_smirnov == Approx(80.0 / 180));
  CHECK_FALSE(found.features[1].alarm);
  CHECK_FALSE(found.features[2].alarm);
  const auto few = ts::report_drift(reference, moved, {.min_records = 201});
  CHECK_FALSE(few.enough);
  CHECK_FALSE(few.alarm);
  CHECK(few.features[0].stability_index == found.features[0].stability_index);
  CHECK_FALSE(ts::report_drift(reference, moved, {.stability_index = 9}).alarm);
}

TEST_CASE("a report is JSON with the cells that it was made from", "[monitor]") {
  const ts::drift_reference reference = ts::make_drift_reference(file()).value();
  auto moved = reference.training;
  std::swap(moved[1], moved[3]);
  const auto report = ts::report_drift(reference, moved, {.min_records = 100});
  ts::text_buffer out;
  ts::append_report(out, ts::window::day, reference, report, moved);
  simdjson::dom::parser parser;
  const simdjson::dom::element document = parser.parse(std::string(out.view())).value();
  CHECK(std::string_view(document["window"]) == "day");
  CHECK(std::uint64_t(document["records"]) == 100);
  CHECK(bool(document["enough"]));
  CHECK(bool(document["alarm"]) == report.alarm);
  const auto texts = [](simdjson::dom::element list) {
    std::string all;
    const simdjson::dom::array items = list.get_array().value();
    for (const simdjson::dom::element e : items) all.append(simdjson::to_string(e)).append(" ");
    return all;
  };
  const simdjson::dom::element x = document["features"].at(0), town = document["features"].at(1);
  const simdjson::dom::element probability = document["features"].at(2);
  CHECK(std::string_view(x["name"]) == "x");
  CHECK(double(x["psi"]) == report.features[0].stability_index);
  CHECK(double(x["kolmogorov_smirnov"]) == report.features[0].kolmogorov_smirnov);
  CHECK(double(x["unseen_share"]) == 0.4);
  CHECK(std::uint64_t(x["degrees_of_freedom"]) == report.features[0].chi.freedom);
  CHECK(texts(x["edges"]) == "0.0 1.0 2.0 ");
  CHECK(texts(x["training"]) == "0 40 50 0 10 ");
  CHECK(texts(x["live"]) == "0 0 50 40 10 ");
  CHECK(texts(town["levels"]) == "\"A\" \"B\" null ");
  CHECK(x["levels"].error() == simdjson::NO_SUCH_FIELD);
  CHECK(texts(probability["edges"]) == "0.0 0.5 1.0 ");
}

TEST_CASE("rare categories count as one, so that many of them are no noise", "[monitor]") {
  auto f = file();
  std::vector<std::optional<std::string>> towns;
  for (int i = 0; i < 300; ++i) towns.emplace_back("town " + std::to_string(i));
  f.encoder.text = {ts::one_hot(towns)};
  f.baseline->histograms->text = {{std::vector<std::uint64_t>(300, 3), 0}};
  const ts::drift_reference reference = ts::make_drift_reference(f).value();
  std::vector<std::uint64_t> counts(reference.training);
  for (std::size_t i = 5; i < 305; ++i) counts[i] = i % 2 == 0 ? 6 : 0;
  CHECK(ts::report_drift(reference, counts).features[1].stability_index == 0);
  CHECK(ts::report_drift(reference, counts, {.rare_level = 0}).features[1].stability_index > 0.2);
}

TEST_CASE("a model file without histograms, or with too many categories, gives no reference but a sentence",
          "[monitor]") {
  auto f = file();
  f.baseline->histograms.reset();
  CHECK(ts::make_drift_reference(f).error().message == "made up: drift_baseline: expected histograms, found none");
  f = file();
  std::vector<std::optional<std::string>> towns;
  for (int i = 0; i < 5000; ++i) towns.emplace_back(std::to_string(i));
  f.encoder.text = {ts::one_hot(towns)};
  f.baseline->histograms->text = {{std::vector<std::uint64_t>(5000), 0}};
  CHECK(ts::make_drift_reference(f).error().message ==
        "made up: drift_baseline: expected at most 4096 cells of text fields, found 5002");
}

TEST_CASE("a monitor shared by threads counts every batch whole", "[monitor]") {
  drift_monitor monitor(ts::make_drift_reference(file()).value(), 500);
  std::atomic<bool> stop = false;
  bool whole = true;
  std::thread reader([&] {
    while (!stop) {
      const auto [sums, counts] = monitor.total();
      whole = whole && sums.samples % 20 == 0 && counts[1] * 5 == sums.samples * 2;
      static_cast<void>(monitor.counts(ts::window::records));
    }
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) score(monitor, records(20));
    });
  }
  for (auto& w : writers) w.join();
  stop = true;
  reader.join();
  CHECK(whole);
  CHECK(monitor.read().samples == 12000);
}
