// SPDX-License-Identifier: MIT
// What makes an alarm false: chance over many features, ties, constants, columns without values. And what must be one.
#include <tabscore/monitor/report_json.hpp>
#include <tabscore/monitor/seasonal_counts.hpp>

#include "support/catch.hpp"
#include "support/simulated_drift.hpp"

namespace {

const ts::feature_drift& of(const ts::drift_report& report, std::string_view name) {
  return *std::find_if(report.features.begin(), report.features.end(), [&](const auto& f) { return f.name == name; });
}

double least_p_value(const ts::drift_report& report) {
  double least = 1;
  for (const auto& f : report.features) least = std::min(least, f.p_value);
  return least;
}

}  // namespace

TEST_CASE("the tail of the chi-square distribution is SciPy's", "[monitor]") {
  // scipy.stats.chi2.sf(statistic, freedom)
  const auto near = [](double expected) { return Approx(expected).epsilon(1e-11); };
  CHECK(ts::chi_square_tail(3, 0) == 1);
  CHECK(ts::chi_square_tail(0, 5) == 1);
  CHECK(ts::chi_square_tail(3.841458820694124, 1) == near(0.05));
  CHECK(ts::chi_square_tail(2, 2) == near(0.36787944117144233));
  CHECK(ts::chi_square_tail(20, 9) == near(0.017912404529843298));
  CHECK(ts::chi_square_tail(30, 12) == near(0.0027924293327009145));
  CHECK(ts::chi_square_tail(1500, 1200) == near(6.341071285724709e-09));
  CHECK(ts::chi_square_tail(1e6, 10) == 0);
  CHECK(ts::chi_square_tail(1e-300, 10) == 1);
}

TEST_CASE("p-values are adjusted by Holm's method", "[monitor]") {
  std::vector<ts::feature_drift> features(4);
  const double p[]{0.02, 0.01, 0.9, 0.005};
  for (std::size_t i = 0; i < 4; ++i) features[i].p_value = p[i];
  ts::detail::adjust_by_holm(features);
  CHECK(features[3].p_value == 0.02);
  CHECK(features[1].p_value == 0.03);
  CHECK(features[0].p_value == 0.04);
  CHECK(features[2].p_value == 0.9);
}

TEST_CASE("clean windows of several seeds have as few small p-values as stated, and no alarm", "[monitor]") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    std::mt19937_64 random(seed);
    const auto reference = simulated::reference_of(simulated::rows(5000, random));
    std::size_t unlikely = 0, alarms = 0;
    constexpr std::size_t windows = 300;
    for (std::size_t i = 0; i < windows; ++i) {
      const auto counts = simulated::counts_of(reference, simulated::rows(250, random));
      const auto report = ts::report_drift(reference, counts);
      REQUIRE(report.enough);
      unlikely += least_p_value(report) <= 0.05;
      alarms += report.alarm;
    }
    INFO(seed);
    CHECK(unlikely <= windows / 10);  // 0.05 stated: 15, and three standard deviations more
    CHECK(alarms == 0);
  }
}

TEST_CASE("a model of few training rows does not alarm by chance where the index alone would", "[monitor]") {
  // 133 wines, 15 things to compare: an index of 0.2 beyond its noise is no rare thing in 200 records.
  auto reference =
      ts::make_drift_reference(ts::load_model_file(TABSCORE_SOURCE_DIR "/models/wine.json").value()).value();
  const auto population = reference.training;
  std::mt19937_64 random(5);
  std::size_t by_index = 0, alarms = 0;
  for (int i = 0; i < 1000; ++i) {
    reference.training = simulated::drawn(reference, population, 133, random);
    const auto report = ts::report_drift(reference, simulated::drawn(reference, population, 200, random));
    alarms += report.alarm;
    by_index += std::any_of(report.features.begin(), report.features.end(),
                            [](const auto& d) { return d.stability_index - d.stability_noise >= 0.2; });
  }
  CHECK(by_index > 20);
  CHECK(alarms <= 4);  // one is stated, and three standard deviations more
}

TEST_CASE("a constant, ties and columns without values alarm when they move, and only then", "[monitor]") {
  std::mt19937_64 random(9);
  const auto reference = simulated::reference_of(simulated::rows(5000, random));
  const auto report_of = [&](const simulated::change& change) {
    return ts::report_drift(reference, simulated::counts_of(reference, simulated::rows(500, random, change)));
  };
  const auto clean = report_of({});
  CHECK(of(clean, "constant").stability_index == 0);
  CHECK(of(clean, "constant").p_value == 1);
  CHECK_FALSE(clean.alarm);
  for (const double moved : {3.0, 4.0, 3.5000002, -1e300}) {
    const auto report = report_of([&](auto& r, auto&) { r.constant = moved; });
    INFO(moved);
    CHECK(of(report, "constant").alarm == (std::abs(moved - 3.5) > 1e-6));
    CHECK_FALSE(of(report, "ties").alarm);
  }
  const auto tied = report_of([](auto& r, auto&) { r.ties = 2; });
  CHECK(of(tied, "ties").alarm);
  const auto zero = report_of([](auto& r, auto&) { r.zeros = 0; });
  CHECK(of(zero, "zeros").alarm);  // the tenth of the rows that has others is gone
  const auto half = report_of([](auto& r, auto& g) { r.zeros = g() % 2 == 0 ? r.zeros : 0.5; });
  CHECK(of(half, "zeros").alarm);
  const auto empty = report_of([](auto& r, auto&) { r.normal = r.skewed = r.gaps = simulated::missing; });
  for (const std::string_view name : {"normal", "skewed", "gaps"}) {
    CHECK(of(empty, name).alarm);
    CHECK(of(empty, name).missing_share == 1);
    CHECK(of(empty, name).kolmogorov_smirnov == 0);
  }
  ts::text_buffer text;
  ts::append_report(text, ts::window::total, reference, empty, std::vector<std::uint64_t>(reference.cells()));
  CHECK(text.view().find("nan") == std::string_view::npos);
  CHECK(text.view().find("null") == std::string_view::npos);
}

TEST_CASE("a column without values in training alarms when it gets some", "[monitor]") {
  std::mt19937_64 random(10);
  const simulated::change no_gaps = [](auto& r, auto&) { r.gaps = simulated::missing; };
  const auto reference = simulated::reference_of(simulated::rows(5000, random, no_gaps));
  const auto report_of = [&](const simulated::change& change) {
    return ts::report_drift(reference, simulated::counts_of(reference, simulated::rows(500, random, change)));
  };
  const auto still = report_of(no_gaps);
  CHECK(of(still, "gaps").stability_index == 0);
  CHECK_FALSE(still.alarm);
  CHECK(of(report_of({}), "gaps").alarm);
}

TEST_CASE("a season is compared with the same hours before", "[monitor]") {
  using namespace std::chrono_literals;
  std::mt19937_64 random(11);
  const auto reference = simulated::reference_of(simulated::rows(5000, random));
  // At night the numbers are others: no drift for who knows the hour.
  const simulated::change night = [](auto& r, auto&) { r.normal += 2; };
  ts::seasonal_counts seasons(reference.cells(), ts::season::hour);
  std::vector<std::uint64_t> total(reference.cells());
  const auto begin = std::chrono::sys_days(std::chrono::year(2026) / 3 / 2);
  seasons.note(begin, total);
  const auto pass = [&](std::chrono::minutes at, bool is_night, std::size_t records = 30) {
    const auto counts =
        simulated::counts_of(reference, simulated::rows(records, random, is_night ? night : simulated::change()));
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += counts[i];
    seasons.note(begin + at, total);
  };
  for (int hour = 0; hour < 48; ++hour) {
    for (int minute = 10; minute <= 60; minute += 10) pass(60min * hour + 1min * minute, hour % 24 < 6, 60);
  }
  CHECK_FALSE(ts::report_seasonal_drift(reference, seasons).enough);  // the hour has no records yet
  pass(48h + 30min, true, 300);
  const auto same = ts::report_seasonal_drift(reference, seasons);
  CHECK(same.enough);
  CHECK(same.records == 300);
  CHECK_FALSE(same.alarm);
  CHECK(ts::report_drift(reference, seasons.current()).alarm);
  pass(54h, false, 300);  // belongs to the hour of the call before
  CHECK(ts::report_seasonal_drift(reference, seasons).records == 0);
  pass(54h + 30min, true, 300);  // the night goes on
  CHECK(of(ts::report_seasonal_drift(reference, seasons), "normal").alarm);
  // States of replicas merge in any order, and the running hour is in them.
  const auto all = seasons.all();
  ts::seasonal_counts one(reference.cells(), ts::season::hour), other(reference.cells(), ts::season::hour);
  const std::vector<std::uint64_t> ones(all.size(), 1);
  one.merge(all);
  one.merge(ones);
  other.merge(ones);
  other.merge(all);
  CHECK(one.all() == other.all());
  std::uint64_t records = 0;
  for (std::size_t s = 0; s < 24; ++s) {
    for (const auto n : reference.features.back().of(std::span(all).subspan(s * reference.cells(), reference.cells())))
      records += n;
  }
  CHECK(records == 48 * 6 * 60 + 900);
}

TEST_CASE("a weekday is a slot, an hour of the week another; times before 1970, too", "[monitor]") {
  using namespace std::chrono_literals;
  for (const ts::season by : {ts::season::weekday, ts::season::hour_of_week}) {
    ts::seasonal_counts seasons(1, by);
    const auto begin = std::chrono::sys_days(std::chrono::year(1969) / 12 / 20);
    std::vector<std::uint64_t> total{0};
    const auto add = [&](std::chrono::hours at, std::uint64_t n) {
      seasons.note(begin + at, total);
      total[0] += n;
      seasons.note(begin + at + 1min, total);
    };
    add(5h, 10);
    add(24h * 7 + 5h, 1);
    CHECK(seasons.before()[0] == 10);
    CHECK(seasons.current()[0] == 1);
    add(24h * 7 + 6h, 1);
    CHECK(seasons.before()[0] == (by == ts::season::weekday ? 10 : 0));
    add(24h * 14 + 5h, 1);
    CHECK(seasons.before()[0] == (by == ts::season::weekday ? 12 : 11));
    CHECK(seasons.all().size() == (by == ts::season::weekday ? 7 : 168));
  }
}
