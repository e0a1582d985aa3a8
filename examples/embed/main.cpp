// SPDX-License-Identifier: MIT
// Scoring in a backend, without JSON: structs of the backend in, probabilities out. The records are loans.
#include <fmt/format.h>
#include <tabscore/models/logistic.hpp>
#include <tabscore/monitor/moments.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <array>
#include <optional>
#include <string>

#include "../standard_streams.hpp"

namespace ts = tabscore;
using ts::col;

using loan = ts::schema<ts::text<"purpose", ts::min_length{1}>, ts::integer<"months", ts::gt{0}>,
                        ts::real<"amount", ts::gt{0}>, ts::boolean<"owns_home">, ts::optional<ts::text<"sector">>>;

struct application {  // the backend's own record
  std::string purpose;
  int months;
  double amount;
  bool owns_home;
  std::optional<std::string> sector;
};

int main() {
  const ts::rules rules{ts::rule(col<"amount"> <= 50000 || col<"owns_home">, "above 50000 a home is needed")};
  const ts::features engineered{ts::feature<"instalment">(col<"amount"> / col<"months">)};
  // Usually loaded from a file. A sector that is missing or unknown sets no indicator.
  const ts::logistic model({{"months", "amount", "owns_home", "instalment"}, {"purpose", "sector"}},
                           {{{36, 12}, {9000, 5000}, {0, 1}, {250, 100}},
                            {ts::one_hot({"car", "house", "study"}), ts::one_hot({"public", "trade"})}},
                           {{0.3, 0.2, -0.7, 0.5}, {{0.1, -0.2, 0.4}, {-0.6, 0.2}}, -1.5}, 0.3);
  ts::moments totals;
  const ts::pipeline pipe{loan{}, rules, engineered, model, ts::sinks{totals}};
  ts::score_buffers buffers;  // one per thread; the pipeline is shared

  const std::array<application, 2> applications{{{"car", 48, 12000, false, "trade"}, {"study", 24, 30000, true, {}}}};
  ts::batch<loan> batch;
  for (const auto& a : applications) batch.push_back(a.purpose, a.months, a.amount, a.owns_home, a.sector);
  const auto outcome = pipe.score(batch, buffers);
  if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
    for (std::size_t i = 0; i < p->rows(); ++i) fmt::print("{:.6f} {}\n", p->probability[i], p->label[i]);
  }

  batch.clear();
  batch.push_back("boat", 60, 80000, false, std::nullopt);
  const auto refused = pipe.score(batch, buffers);
  if (const auto* broken = std::get_if<ts::broken_rule>(&refused)) fmt::print("{}\n", broken->message);
  fmt::print("{} records scored, {} positive\n", totals.read().samples, totals.read().positives);
  return is_output_written("embed") ? 0 : 1;
}
