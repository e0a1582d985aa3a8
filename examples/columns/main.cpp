// SPDX-License-Identifier: MIT
// Scoring the caller's own arrays, one per field, without a copy.
#include <fmt/ranges.h>
#include <tabscore/models/logistic.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/validate.hpp>

#include <string_view>
#include <vector>

#include "../standard_streams.hpp"

namespace ts = tabscore;
using ts::col;

using loan = ts::schema<ts::text<"purpose">, ts::integer<"months", ts::gt{0}>, ts::real<"amount", ts::gt{0}>,
                        ts::real<"income">>;

int main() {
  // As in a data frame or a column store.
  const std::vector<std::string_view> purpose{"house", "boat", "car"};
  std::vector<std::int64_t> months{120, 60, 48};
  const std::vector<double> amount{49000, 80000, 12000};
  const std::vector<double> income{3200, 5100, 2800};
  const ts::columns<loan> table(purpose, months, amount, income);  // four pointers and a length

  const ts::features engineered{ts::feature<"instalment">(col<"amount"> / col<"months">)};
  const ts::logistic model({{"months", "amount", "income", "instalment"}, {"purpose"}},
                           {{{36, 12}, {9000, 5000}, {3000, 900}, {250, 100}}, {ts::one_hot({"car", "house"})}},
                           {{0.1, 0.2, -0.9, 0.5}, {{0.1, -0.2}}, -1.5}, 0.5);
  const ts::pipeline pipe{loan{}, ts::rules{}, engineered, model};
  ts::score_buffers buffers;
  const auto show = [&](const ts::columns<loan>& part) {
    const auto outcome = pipe.score(part, buffers);
    if (const auto* p = std::get_if<ts::predictions>(&outcome)) fmt::print("{:.6f}\n", fmt::join(p->probability, " "));
  };
  show(table);
  show(table.slice(1, 2));  // any range of rows, with the same bits

  months[1] = 0;  // scoring does not check bounds, validate() does
  ts::validation_errors errors;
  ts::validate(table, errors);
  for (const auto& e : errors) fmt::print("row {}: {} must be > {}\n", e.row, loan::names[e.field], e.bound.integer);
  return is_output_written("columns") ? 0 : 1;
}
