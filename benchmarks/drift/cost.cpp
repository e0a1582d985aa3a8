// SPDX-License-Identifier: MIT
// What monitoring costs per record beside the logistic path that it watches: drift_cost <model.json> [records] [passes]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "support/student_faults.hpp"

int main(int argc, char** argv) {
  using clock = std::chrono::steady_clock;
  const std::size_t records = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
  const int passes = argc > 3 ? std::atoi(argv[3]) : 201;
  const auto file = ts::load_model_file(argc > 1 ? argv[1] : "models/student_logistic.json").value();
  const auto model = ts::make_logistic(file).value();
  std::mt19937_64 random(1);
  const auto batch =
      student_faults::window(student_faults::made_up_rows(records, 1), records, student_faults::none(), random);

  ts::moments moments;
  ts::drift_monitor monitor(ts::make_drift_reference(file).value());
  const auto with = [&](auto sinks) {
    return ts::make_pipeline(student{}, student_columns::rules, student_columns::features, model, sinks).value();
  };
  const auto bare = with(ts::sinks<>{});
  const auto sums = with(ts::sinks<ts::moments>{moments});
  const auto full = with(ts::sinks<ts::drift_monitor>{monitor});
  ts::score_buffers buffers;
  std::array<std::vector<double>, 3> ns;
  const auto pass = [&](const auto& pipe, std::vector<double>& times) {
    const std::size_t repeats = std::max<std::size_t>(1, 20'000 / records);
    const auto begin = clock::now();
    for (std::size_t i = 0; i < repeats; ++i) static_cast<void>(pipe.score(batch, buffers));
    const std::chrono::duration<double, std::nano> t = clock::now() - begin;
    times.push_back(t.count() / static_cast<double>(repeats * records));
  };
  for (int i = 0; i < passes; ++i) pass(bare, ns[0]), pass(sums, ns[1]), pass(full, ns[2]);
  const auto median = [](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
  };
  const double path = median(ns[0]), some = median(ns[1]), all = median(ns[2]);
  fmt::print(
      "{} records a batch, ns per record: logistic path {:.2f}; moments +{:.2f} ({:.0f} %); drift monitor +{:.2f} "
      "({:.0f} %)\n",
      records, path, some - path, 100 * (some / path - 1), all - path, 100 * (all / path - 1));
  return 0;
}
