// SPDX-License-Identifier: MIT
// What a newcomer writes first. Every way to get tabscore compiles it, with strict warnings and without exceptions.
#include "first_prediction.hpp"

#include <cstdio>

int main() {
  ts::batch<applicant> batch;
  batch.push_back("US", 45, 320.5);
  batch.push_back("CA", 12, 45.0);

  const ts::pipeline pipe{applicant{}, rules, features, model()};
  ts::score_buffers buffers;
  const auto outcome = pipe.score(batch, buffers);
  const auto* scores = std::get_if<ts::predictions>(&outcome);
  if (scores == nullptr) return 1;
  for (const double p : scores->probability) std::printf("%.6f\n", p);
  return same_elsewhere(batch, scores->probability) ? 0 : 1;
}
