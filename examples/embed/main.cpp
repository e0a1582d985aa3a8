// SPDX-License-Identifier: MIT
// Scoring in a backend, without JSON: from its own structs, then from its own columns. The records are loans; nothing
// in the library knows about them.
#include <fmt/format.h>
#include <tabscore/tabscore.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

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
  ts::score_buffers buffers;
  const auto show = [](const char* from, const ts::score_outcome& outcome) {
    if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
      for (std::size_t i = 0; i < p->rows(); ++i) fmt::print("{} {:.6f} {}\n", from, p->probability[i], p->label[i]);
    }
    if (const auto* broken = std::get_if<ts::broken_rule>(&outcome)) fmt::print("{} {}\n", from, broken->message);
  };

  const std::array<application, 2> structs{{{"car", 48, 12000, false, "trade"}, {"study", 24, 30000, true, {}}}};
  ts::batch<loan> batch;
  for (const auto& a : structs) batch.push_back(a.purpose, a.months, a.amount, a.owns_home, a.sector);
  show("structs", pipe.score(batch, buffers));

  const std::vector<std::string_view> purpose{"house", "boat"}, sector{"public", {}};
  const std::vector<std::int64_t> months{120, 60};
  const std::vector<double> amount{49000, 80000};
  const std::array owns_home{false, true};
  show("columns", pipe.score(ts::columns<loan>(purpose, months, amount, owns_home, sector), buffers));
  const std::array nobody_owns{false, false};
  show("columns", pipe.score(ts::columns<loan>(purpose, months, amount, nobody_owns, sector), buffers));
  fmt::print("{} records scored, {} positive\n", totals.read().samples, totals.read().positives);
}
