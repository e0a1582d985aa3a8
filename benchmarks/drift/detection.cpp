// SPDX-License-Identifier: MIT
// Prints what the drift monitor and the reference service's z-score find in windows of the student data set:
//   drift_detection <model.json> <students.csv> [rows per window] [trials] [clean windows]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "support/student_faults.hpp"

namespace {

struct outcome {
  std::size_t found = 0, z_found = 0;
  double least = 1e300, most = 0;  // of each window's largest index beyond its noise
  std::string by;                  // the feature that stands out in the last window
};

double beyond_noise(const ts::feature_drift& d) { return d.stability_index - d.stability_noise; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return fmt::print(stderr, "usage: drift_detection model.json students.csv [rows] [trials] [clean]\n"), 2;
  const auto number = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  const std::size_t size = number(3, 500), trials = number(4, 200), clean = number(5, 1000);
  const auto file = ts::load_model_file(argv[1]).value();
  const auto model = ts::make_logistic(file).value();
  const auto reference = ts::make_drift_reference(file).value();
  const auto rows = student_faults::read_rows(argv[2]);
  if (rows.size() < size) return fmt::print(stderr, "{}: fewer rows than a window\n", argv[2]), 1;

  std::mt19937_64 random(2026);
  const auto run = [&](const student_faults::fault& f, std::size_t windows) {
    outcome o;
    for (std::size_t i = 0; i < windows; ++i) {
      ts::drift_monitor_st monitor(reference);
      const ts::pipeline pipe{student{}, student_columns::rules, student_columns::features, model, ts::sinks{monitor}};
      ts::score_buffers buffers;
      static_cast<void>(pipe.score(student_faults::window(rows, size, f, random), buffers));
      const auto report = ts::report_drift(reference, monitor.counts(ts::window::total));
      const auto top =
          *std::max_element(report.features.begin(), report.features.end(),
                            [](const auto& a, const auto& b) { return beyond_noise(a) < beyond_noise(b); });
      o.found += report.alarm;
      o.z_found += ts::assess_drift(monitor.read(), &reference.baseline).should_retrain();
      o.least = std::min(o.least, beyond_noise(top));
      o.most = std::max(o.most, beyond_noise(top));
      o.by = top.name;
    }
    fmt::print("| {:<39} | {:>4} of {:<4} | {:>4} of {:<4} | {:>6.3f} to {:<6.3f} | {:<22} |\n", f.name, o.found,
               windows, o.z_found, windows, o.least, o.most, o.by);
  };
  fmt::print("windows of {} rows\n", size);
  fmt::print("| {:<39} | {:<12} | {:<12} | {:<16} | {:<22} |\n", "fault", "alarm", "z-score", "index - noise",
             "most in");
  fmt::print("|{:-<41}|{:-<14}|{:-<14}|{:-<18}|{:-<24}|\n", "", "", "", "", "");
  for (const auto& f : student_faults::all()) run(f, trials);
  run(student_faults::none(), clean);
  return 0;
}
