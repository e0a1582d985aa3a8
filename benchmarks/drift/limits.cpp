// SPDX-License-Identifier: MIT
// Prints the two tables of docs/explanation/drift-detection.md: the smallest shift of each kind that the drift monitor
// finds in 95 of 100 windows, and how often clean windows alarm.
//   drift_limits [seed]
#include <fmt/format.h>
#include <tabscore/models/load_tabscore.hpp>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/simulated_drift.hpp"

namespace {

constexpr std::size_t training_rows = 20000;

/// A kind of shift: `apply` makes one of a size; sizes are multiples of the step, as many as there are steps.
struct kind {
  std::string name;
  double step;
  std::size_t steps;
  void (*apply)(simulated::row& r, double size, std::mt19937_64& random);
  const char* unit;
};

const kind kinds[]{
    {"mean of a number, in standard deviations", 0.01, 256, [](auto& r, double size, auto&) { r.normal += size; }, ""},
    {"standard deviation of a number, times", 0.01, 512, [](auto& r, double size, auto&) { r.normal *= 1 + size; },
     "1 +"},
    {"standard deviation of a number, divided by", 0.01, 512, [](auto& r, double size, auto&) { r.normal /= 1 + size; },
     "1 +"},
    {"share of missing values, from 0", 0.001, 512,
     [](auto& r, double size, auto& g) { r.normal = simulated::uniform(g) < size ? simulated::missing : r.normal; },
     ""},
    {"share of a category, from 0.2", 0.0025, 256,
     [](auto& r, double size, auto& g) {
       if (r.few != "c" && simulated::uniform(g) < size / 0.8) r.few = "c";
     },
     ""},
    {"share of a new category, from 0", 0.001, 512,
     [](auto& r, double size, auto& g) { r.few = simulated::uniform(g) < size ? std::string_view("new") : r.few; }, ""},
};

bool found_in_95(const ts::drift_reference& reference, const kind& k, double size, std::size_t rows,
                 std::mt19937_64& random) {
  for (std::size_t window = 0, missed = 0; window < 100; ++window) {
    const auto live = simulated::rows(rows, random, [&](auto& r, auto& g) { k.apply(r, size, g); });
    missed += !ts::report_drift(reference, simulated::counts_of(reference, live)).alarm;
    if (missed > 5) return false;
  }
  return true;
}

void print_limits(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto reference = simulated::reference_of(simulated::rows(training_rows, random));
  const std::vector<std::size_t> windows{500, 2000, 10000, 50000};
  fmt::print("| shift | 500 | 2,000 | 10,000 | 50,000 |\n|---|---|---|---|---|\n");
  for (const kind& k : kinds) {
    fmt::print("| {} |", k.name);
    for (const std::size_t rows : windows) {
      std::size_t low = 0, high = k.steps;  // the limit is above `low`, at most `high`
      while (high - low > 1) {
        const std::size_t middle = (low + high) / 2;
        (found_in_95(reference, k, k.step * static_cast<double>(middle), rows, random) ? high : low) = middle;
      }
      const double size = k.step * static_cast<double>(high);
      fmt::print(" {:.3g} |", *k.unit != '\0' ? 1 + size : size);
      std::fflush(stdout);
    }
    fmt::print("\n");
  }
}

/// Of reports of clean windows: how many alarm, and how many have a p-value that is at most each level.
struct tally {
  std::size_t reports = 0, alarms = 0, rare = 0, seldom = 0;

  void add(const ts::drift_report& report) {
    double least = 1;
    for (const auto& f : report.features) least = (std::min)(least, f.p_value);
    ++reports;
    alarms += report.alarm;
    seldom += least <= 0.05;
    rare += least <= 0.001;
  }
  void print(std::string_view set, std::size_t features, std::size_t rows) const {
    const auto share = [&](std::size_t n) { return static_cast<double>(n) / static_cast<double>(reports); };
    fmt::print("| {} | {} | {} | {} | {:.4f} | {:.5f} | {} |\n", set, features, rows, reports, share(seldom),
               share(rare), alarms);
  }
};

void print_false_alarms(std::uint64_t seed, const std::vector<std::string>& models) {
  fmt::print(
      "| set | features | records | reports | p <= 0.05 | p <= 0.001 | alarms |\n|---|---|---|---|---|---|---|\n");
  constexpr std::size_t samples = 50;
  const std::pair<std::size_t, std::size_t> sizes[]{{200, 10000}, {500, 10000}, {2000, 5000}, {10000, 1000}};
  for (const auto& [rows, windows] : sizes) {
    tally all;
    for (std::uint64_t s = 0; s < samples; ++s) {
      std::mt19937_64 random(seed + s);
      const auto reference = simulated::reference_of(simulated::rows(training_rows, random));
      for (std::size_t i = 0; i < windows / samples; ++i) {
        all.add(ts::report_drift(reference, simulated::counts_of(reference, simulated::rows(rows, random))));
      }
    }
    all.print("simulated", 9, rows);
  }
  for (const std::string& path : models) {
    const auto file = ts::load_model_file(path).value();
    auto reference = ts::make_drift_reference(file).value();
    const auto population = reference.training;
    std::uint64_t trained = 0;
    for (const std::uint64_t n : reference.features.back().of(population)) trained += n;
    for (const std::size_t rows : {200, 2000}) {
      std::mt19937_64 random(seed);
      tally all;
      for (std::size_t i = 0; i < (trained < 1000 ? 20000U : 2000U); ++i) {
        reference.training = simulated::drawn(reference, population, trained, random);
        all.add(ts::report_drift(reference, simulated::drawn(reference, population, rows, random)));
      }
      all.print(file.name, reference.features.size(), rows);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  print_limits(seed);
  fmt::print("\n");
  const std::string models = TABSCORE_SOURCE_DIR "/models/";
  print_false_alarms(seed, {models + "diabetes.json", models + "loan_default.json", models + "student_gbm.json",
                            models + "wine.json"});
  return 0;
}
