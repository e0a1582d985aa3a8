// SPDX-License-Identifier: MIT
// What a record costs by the size of its request, from the body's bytes to the answer's: sizes in turn, pass after
// pass, so that a slow moment of the machine meets each of them; medians of CPU time. Of 1,000 records also as a server
// meets them: another body each time, whose branches the processor has not learned.
//   sizes [--records 3,1000,100000,1000000] [--passes 11] [--fresh]
// --fresh: with new memory for each body, page faults included.
#include <fmt/format.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <tabscore/tabscore.hpp>

#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include "bodies.hpp"
#include "flags.hpp"
#include "measure.hpp"
#include "student.hpp"

namespace {

struct memory {
  ts::workspace<student> workspace;
  ts::text_buffer out;
};

double peak_megabytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  flags of{.records = {3, 1000, 100'000, 1'000'000}, .passes = 11};
  if (!of.read(argc, argv, "sizes [--records 3,1000] [--passes 11] [--fresh]")) return 2;

  ts::moments totals;
  const auto model = ts::make_logistic(ts::load_model_file(TABSCORE_MODELS "/student_logistic.json").value()).value();
  const ts::pipeline pipe(student{}, student_columns::rules, student_columns::features, model, ts::sinks{totals},
                          purchase{});
  const ts::prediction_names names(pipe.layout());

  struct work {
    std::size_t records;
    std::vector<simdjson::padded_string> bodies;
    std::unique_ptr<memory> own = std::make_unique<memory>();
    std::vector<double> ns{};  // a record, of each pass
  };
  std::vector<work> all;
  const double before = peak_megabytes();
  double bytes = 0;
  for (const std::size_t records : of.records) {
    const std::size_t repeats = std::max<std::size_t>(1, 50'000 / records);
    std::vector<simdjson::padded_string> bodies;
    bodies.emplace_back(bodies::request(bodies::layouts[1], records));
    bytes += static_cast<double>(bodies[0].size());
    if (records == 1000) {  // as a part of one long request
      const std::string many = bodies::request(bodies::layouts[1], records * repeats);
      std::vector<simdjson::padded_string> others;
      std::size_t at = many.find('[') + 1;
      for (std::size_t i = 0; i < repeats; ++i) {
        std::size_t end = at;
        for (std::size_t r = 0; r < records; ++r) end = many.find('}', end) + 1;
        others.emplace_back(many.substr(0, many.find('[') + 1) + many.substr(at, end - at) + "]}");
        at = end + 1;
      }
      all.push_back({records, std::move(others)});
    }
    all.push_back({records, std::move(bodies)});
  }
  const auto score = [&](work& w, const simdjson::padded_string& body) {
    if (of.fresh) w.own = std::make_unique<memory>();
    const auto outcome = ts::score_json(pipe, body, w.own->workspace);
    w.own->out.clear();
    names.append_list(w.own->out, std::get<ts::predictions>(outcome));
  };
  for (std::size_t pass = 0; pass <= of.passes; ++pass) {
    for (work& w : all) {
      const std::size_t repeats = std::max<std::size_t>(1, 50'000 / w.records);
      const double begin = thread_cpu_ns();
      for (std::size_t i = 0; i < repeats; ++i) score(w, w.bodies[i % w.bodies.size()]);
      if (pass > 0) w.ns.push_back((thread_cpu_ns() - begin) / static_cast<double>(repeats * w.records));
    }
  }
  const auto thousand = std::find_if(all.begin(), all.end(), [](const work& w) { return w.records == 1000; });
  for (const work& w : all) {
    fmt::print("{:>9} records{} {:8.1f} ns/record", w.records, w.bodies.size() > 1 ? ", always others" : "",
               median(w.ns));
    if (thousand != all.end()) {
      fmt::print("  {:5.2f} x 1,000 others, {:5.2f} x the same 1,000", median(w.ns) / median(thousand->ns),
                 median(w.ns) / median((thousand + 1)->ns));
    }
    fmt::print("\n");
  }
  fmt::print("peak {:.0f} MB, of bodies {:.0f} MB, before {:.0f} MB\n", peak_megabytes(), bytes / 1e6, before);
  return 0;
}
