// SPDX-License-Identifier: MIT
// A booster saved by XGBoost (train.py) scores a matrix of the caller, then records in a pipeline. The output is
// XGBoost's.
#include <fmt/ranges.h>
#include <tabscore/models/encoded_forest.hpp>
#include <tabscore/models/feature_match.hpp>
#include <tabscore/models/load_xgboost.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <array>
#include <cmath>
#include <vector>

#include "../standard_streams.hpp"

namespace ts = tabscore;

using loan =
    ts::schema<ts::integer<"months", ts::gt{0}>, ts::real<"amount", ts::gt{0}>, ts::optional<ts::real<"income">>>;

int main(int argc, char** argv) {
  const auto fail = [](const ts::error& e) {
    fmt::print(stderr, "{}\n", e.message);
    return 1;
  };
  const auto trees = ts::load_xgboost(argc > 1 ? argv[1] : "examples/xgboost_model/loans.json");
  if (!trees) return fail(trees.error());

  // A matrix: rows x features, float or double, row- or column-major. NaN is missing.
  const std::vector<std::string> names{"months", "amount", "income"};
  if (const auto wrong = ts::match_features(trees->model(), names)) return fail(*wrong);
  const std::array<double, 9> matrix{48, 12000, 2800, 24, 30000, NAN, 120, 49000, 3200};
  std::array<double, 3> chance{};
  ts::scratch memory;  // one per thread; the trees are shared
  trees->predict(ts::row_major(matrix.data(), 3, 3), chance, memory);
  for (const double p : chance) fmt::print("{:.6f}\n", p);

  // Records: the same trees behind a schema with its bounds, rules and sinks. The trees were trained on unscaled
  // numbers, so the encoder neither scales nor encodes.
  const ts::encoder as_they_are{std::vector<ts::standardize>(3), {}};
  const auto model = ts::encoded_forest::make({names, {}}, as_they_are, *trees, 0.5);
  if (!model) return fail(model.error());
  const ts::pipeline pipe{loan{}, ts::rules{}, ts::features{}, *model};
  ts::batch<loan> batch;
  batch.push_back(48, 12000.0, 2800.0);
  batch.push_back(24, 30000.0, std::nullopt);
  ts::score_buffers buffers;
  const auto outcome = pipe.score(batch, buffers);
  if (const auto* p = std::get_if<ts::predictions>(&outcome)) fmt::print("{:.6f}\n", fmt::join(p->probability, "\n"));
  return is_output_written("xgboost_model") ? 0 : 1;
}
