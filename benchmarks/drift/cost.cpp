// SPDX-License-Identifier: MIT
// What monitoring costs per record beside the logistic path that it watches: drift_cost <model.json> [records] [passes]
// Once from columns to probabilities and once from a body's bytes to the answer's, in turns; medians and fastest
// passes.
#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/tabscore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "support/student_faults.hpp"

namespace {

std::string body_of(const ts::columns<student>& all) {
  std::string text = R"({"records":[)";
  for (std::size_t i = 0; i < all.rows(); ++i) {
    text += fmt::format(R"({}{{"student_country":"{}","days_on_platform":{},"minutes_watched":{},"courses_started":{},)"
                        R"("practice_exams_started":{},"practice_exams_passed":{},"minutes_spent_on_exams":{}}})",
                        i == 0 ? "" : ",", all.get<0>()[i], all.get<1>()[i], all.get<2>()[i], all.get<3>()[i],
                        all.get<4>()[i], all.get<5>()[i], all.get<6>()[i]);
  }
  return text + "]}";
}

struct work {
  std::function<void()> run;
  std::vector<double> ns{};  // per record, one entry a pass
};

}  // namespace

int main(int argc, char** argv) {
  using clock = std::chrono::steady_clock;
  const std::size_t records = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
  const int passes = argc > 3 ? std::atoi(argv[3]) : 201;
  const auto file = ts::load_model_file(argc > 1 ? argv[1] : "models/student_logistic.json").value();
  const auto model = ts::make_logistic(file).value();
  std::mt19937_64 random(1);
  const auto batch =
      student_faults::window(student_faults::made_up_rows(records, 1), records, student_faults::none(), random);
  const simdjson::padded_string body(body_of(batch));

  ts::moments moments;
  ts::drift_monitor monitor(ts::make_drift_reference(file).value());
  const auto with = [&](auto sinks) {
    return ts::make_pipeline(student{}, student_columns::rules, student_columns::features, model, sinks).value();
  };
  const auto bare = with(ts::sinks<>{});
  const auto sums = with(ts::sinks<ts::moments>{moments});
  const auto full = with(ts::sinks<ts::drift_monitor>{monitor});
  ts::score_buffers buffers;
  ts::workspace<student> w;
  ts::text_buffer answer;
  const ts::prediction_names names(probability_name, label_name);
  const auto columns = [&](const auto& pipe) { return [&] { static_cast<void>(pipe.score(batch, buffers)); }; };
  const auto bytes = [&](const auto& pipe) {
    return [&] {
      const auto outcome = ts::score_json(pipe, body, w);
      const auto& p = std::get<ts::predictions>(outcome);
      answer.clear();
      names.append_list(answer, p);
    };
  };
  std::vector<work> all{{columns(bare)}, {columns(sums)}, {columns(full)}, {bytes(bare)}, {bytes(sums)}, {bytes(full)}};
  const std::size_t repeats = std::max<std::size_t>(1, 3'000 / records);
  for (int i = 0; i < passes; ++i) {
    for (work& each : all) {
      const auto begin = clock::now();
      for (std::size_t k = 0; k < repeats; ++k) each.run();
      const std::chrono::duration<double, std::nano> t = clock::now() - begin;
      each.ns.push_back(t.count() / static_cast<double>(repeats * records));
    }
  }
  for (work& each : all) std::sort(each.ns.begin(), each.ns.end());
  const auto print = [&](std::string_view path, std::size_t first) {
    const auto row = [&](std::string_view which, std::size_t at) {
      const double alone = all[first].ns[at], some = all[first + 1].ns[at], most = all[first + 2].ns[at];
      fmt::print(
          "{} records, {}, {}: {:.1f} ns per record; moments +{:.1f} ({:.0f} %); drift monitor +{:.1f} ({:.0f} %)\n",
          records, path, which, alone, some - alone, 100 * (some / alone - 1), most - alone, 100 * (most / alone - 1));
    };
    row("median", all[first].ns.size() / 2);
    row("fastest", 0);
  };
  print("columns to probabilities", 0);
  print("bytes to answer", 3);
}
