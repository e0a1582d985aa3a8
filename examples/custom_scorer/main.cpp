// SPDX-License-Identifier: MIT
// A custom model: any type with features(), threshold() and score() is a scorer. Here a scorecard of points, beside a
// logistic regression, both as ts::any_scorer.
#include <fmt/ranges.h>
#include <tabscore/models/logistic.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include "../standard_streams.hpp"

namespace ts = tabscore;
using ts::col;

using loan = ts::schema<ts::text<"purpose">, ts::integer<"months", ts::gt{0}>, ts::real<"amount", ts::gt{0}>>;

class points_card {  // immutable: threads share it; working memory is the caller's scratch
 public:
  const ts::feature_names& features() const noexcept { return names_; }
  double threshold() const noexcept { return 0.5; }

  /// One probability per row of the block; x.column(j) is numeric feature j, x.text[f] text feature f.
  void score(const ts::feature_block& x, ts::scratch& memory, std::span<double> probability) const {
    const std::span<int> points = memory.get<int>(x.rows);
    for (std::size_t i = 0; i < x.rows; ++i) points[i] = x.text[0][i] == "house" ? 10 : 35;
    for (std::size_t i = 0; i < x.rows; ++i) points[i] += x.column(0)[i] > 48 ? 20 : 0;    // months
    for (std::size_t i = 0; i < x.rows; ++i) points[i] += x.column(2)[i] > 1000 ? 40 : 5;  // instalment
    for (std::size_t i = 0; i < x.rows; ++i) probability[i] = points[i] / 100.0;
  }

 private:
  ts::feature_names names_{{"months", "amount", "instalment"}, {"purpose"}};
};
static_assert(ts::scorer<points_card>);

int main() {
  const ts::logistic logistic({{"months", "amount", "instalment"}, {"purpose"}},
                              {{{36, 12}, {9000, 5000}, {250, 100}}, {ts::one_hot({"car", "house"})}},
                              {{0.3, 0.2, 0.5}, {{0.1, -0.2}}, -1.5}, 0.5);
  const ts::features engineered{ts::feature<"instalment">(col<"amount"> / col<"months">)};
  ts::batch<loan> batch;
  batch.push_back("car", 60, 18000.0);
  batch.push_back("house", 120, 250000.0);

  ts::score_buffers buffers;
  for (const ts::any_scorer& model : {ts::any_scorer(points_card{}), ts::any_scorer(logistic)}) {
    const ts::pipeline pipe{loan{}, ts::rules{}, engineered, model};
    const auto outcome = pipe.score(batch, buffers);
    if (const auto* p = std::get_if<ts::predictions>(&outcome)) fmt::print("{:.3f}\n", fmt::join(p->probability, " "));
  }
  return is_output_written("custom_scorer") ? 0 : 1;
}
