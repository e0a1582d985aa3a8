// SPDX-License-Identifier: MIT
// A model replaced while threads score with it. A batch is scored by the model that was current when it began; no
// thread waits, and the old model is destroyed after its last batch.
#include <fmt/format.h>
#include <tabscore/models/logistic.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>
#include <tabscore/serving/swappable.hpp>

#include <algorithm>
#include <memory>
#include <thread>

#include "../standard_streams.hpp"

namespace ts = tabscore;

using loan = ts::schema<ts::integer<"months", ts::gt{0}>, ts::real<"amount", ts::gt{0}>>;

auto trained(double intercept) {  // usually load_logistic() of a new file, which replays the trainer's rows
  const ts::logistic model({{"months", "amount"}, {}}, {{{36, 12}, {9000, 5000}}, {}}, {{0.3, 0.2}, {}, intercept},
                           0.5);
  return ts::pipeline{loan{}, ts::rules{}, ts::features{}, model};
}
using pipeline = decltype(trained(0));

int main() {
  ts::swappable<pipeline> live(std::make_unique<pipeline>(trained(-1)));
  ts::batch<loan> batch;
  for (int i = 0; i < 1000; ++i) batch.push_back(48, 12000.0);

  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  const auto serve = [&] {  // until stopped: each thread has its own reader and buffers
    ts::swappable<pipeline>::reader reads(live);
    ts::score_buffers buffers;
    while (!done) {
      const auto model = reads.pin();
      const auto outcome = model->score(batch, buffers);
      const auto& p = std::get<ts::predictions>(outcome).probability;
      if (std::ranges::any_of(p, [&](double x) { return x != p[0]; })) ++torn;
    }
  };
  std::thread first(serve), second(serve);

  ts::swappable<pipeline>::reader reads(live);
  ts::score_buffers buffers;
  const auto show = [&](const pipeline& model) {
    fmt::print("{:.6f}\n", std::get<ts::predictions>(model.score(batch, buffers)).probability[0]);
  };
  {
    const auto begun = reads.pin();
    for (int i = 1; i <= 100; ++i) live.publish(std::make_unique<pipeline>(trained(-1 + 0.01 * i)));
    show(*begun);  // still the pinned model
  }
  show(*reads.pin());
  done = true;
  first.join();
  second.join();
  fmt::print("{} batches of two models, {} old models left\n", torn.load(), live.collect());
  return is_output_written("hot_swap") ? 0 : 1;
}
