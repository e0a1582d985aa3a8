// SPDX-License-Identifier: MIT
// Two sinks: one that reads scored batches, one that also reads the features. record() is called once per fully scored
// batch, by the scoring thread: it must be safe for as many threads as share the pipeline.
#include <fmt/format.h>
#include <tabscore/models/logistic.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <atomic>

#include "../standard_streams.hpp"

namespace ts = tabscore;
using ts::col;

using loan = ts::schema<ts::integer<"months", ts::gt{0}>, ts::real<"amount", ts::gt{0}>>;

struct exposure {  // sum of the amounts of loans that are predicted to default
  std::atomic<double> at_risk = 0;
  void record(const ts::scored<loan>& batch) noexcept {
    const auto amount = batch.records.get<"amount">();
    for (std::size_t i = 0; i < amount.size(); ++i) {
      if (batch.scores.label[i] != 0) at_risk += amount[i];
    }
  }
};

struct largest_instalment {  // features exist one block at a time: observe() sees each, record() the batch's result
  template <std::size_t Width>
  struct partial {
    double largest = 0;
  };
  std::atomic<double> largest = 0;

  template <std::size_t Width>
  void observe(partial<Width>& p, const auto& /*block*/, const ts::feature_block& x) const noexcept {
    for (std::size_t i = 0; i < x.rows; ++i) p.largest = std::max(p.largest, x.column(Width - 1)[i]);
  }
  template <std::size_t Width>
  void record(partial<Width>& p, const auto& /*batch*/) noexcept {
    for (double seen = largest; seen < p.largest && !largest.compare_exchange_weak(seen, p.largest);) {
    }
  }
};

int main() {
  const ts::rules rules{ts::rule(col<"amount"> <= 90000, "no loans above 90000")};
  const ts::features engineered{ts::feature<"instalment">(col<"amount"> / col<"months">)};
  const ts::logistic model({{"months", "amount", "instalment"}, {}}, {{{36, 12}, {9000, 5000}, {250, 100}}, {}},
                           {{0.3, 0.2, 0.5}, {}, -1.5}, 0.5);
  exposure money;
  largest_instalment instalments;
  const ts::pipeline pipe{loan{}, rules, engineered, model, ts::sinks{money, instalments}};
  ts::score_buffers buffers;
  ts::batch<loan> batch;
  for (int i = 1; i <= 1000; ++i) batch.push_back(12 + i % 48, 50.0 * i);
  pipe.score(batch, buffers);
  batch.push_back(12, 100000.0);  // breaks the rule: the sinks receive nothing of this batch
  pipe.score(batch, buffers);
  fmt::print("at risk {:.0f}, largest instalment {:.2f}\n", money.at_risk.load(), instalments.largest.load());
  return is_output_written("custom_sink") ? 0 : 1;
}
