// SPDX-License-Identifier: MIT
// What a second thread costs the first: CPU time per record of one thread, and of two that share a pipeline and its
// monitoring, each with a workspace of its own. Passes of both in turn; medians. The last number is how much more two
// cores of their own would do than one: twice the CPU time of one thread over that of two.
//   threads [--passes 15] [--json]
#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/models/load_tabscore.hpp>
#include <tabscore/monitor/drift_monitor.hpp>
#include <tabscore/monitor/moments.hpp>
#include <tabscore/pipeline/score_json.hpp>

#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "bodies.hpp"
#include "flags.hpp"
#include "measure.hpp"
#include "student.hpp"

namespace {

const auto file = ts::load_model_file(TABSCORE_MODELS "/student_logistic.json").value();

struct scored {
  ts::logistic model = ts::make_logistic(file).value();
  ts::moments totals;
  ts::drift_monitor drift{ts::make_drift_reference(file).value()};
  ts::pipeline<student, decltype(student_columns::rules), decltype(student_columns::features), ts::logistic,
               ts::sinks<ts::moments, ts::drift_monitor>>
      pipe{student{}, student_columns::rules, student_columns::features, model, ts::sinks{totals, drift}};

  /// CPU nanoseconds of `threads` threads that score the body `rounds` times each.
  double run(const simdjson::padded_string& body, std::size_t threads, std::size_t rounds) {
    std::vector<double> ns(threads);
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        ts::workspace<student> w;
        const auto score = [&] {
          if (!std::holds_alternative<ts::predictions>(ts::score_json(pipe, body, w))) std::abort();
        };
        score();
        const double begin = thread_cpu_ns();
        for (std::size_t i = 0; i < rounds; ++i) score();
        ns[t] = thread_cpu_ns() - begin;
      });
    }
    double sum = 0;
    for (std::size_t t = 0; t < threads; ++t) {
      all[t].join();
      sum += ns[t];
    }
    return sum;
  }
};

}  // namespace

int main(int argc, char** argv) {
  flags of{.passes = 15};
  if (!of.read(argc, argv, "threads [--passes 15] [--json]")) return 2;
  scored s;
  std::string_view before = "[";
  for (const std::size_t records : {3U, 100U, 1000U}) {
    const simdjson::padded_string body(bodies::request(bodies::layouts[1], records));
    const std::size_t rounds = 200'000 / records;
    std::vector<double> one, two;
    for (std::size_t pass = 0; pass < of.passes; ++pass) {
      const auto work = static_cast<double>(rounds * records);
      one.push_back(s.run(body, 1, rounds) / work);
      two.push_back(s.run(body, 2, rounds) / (2 * work));
    }
    const double a = median(one);
    const double b = median(two);
    if (of.json) {
      fmt::print(R"({}{{"records": {}, "one_thread_ns": {:.1f}, "two_threads_ns": {:.1f}, "speed_up": {:.2f}}})",
                 before, records, a, b, 2 * a / b);
      before = ",\n ";
    } else {
      fmt::print("{:>7} records: one thread {:6.1f} ns CPU/record, two {:6.1f}: {:.2f} x\n", records, a, b, 2 * a / b);
    }
  }
  if (of.json) fmt::print("]\n");
}
