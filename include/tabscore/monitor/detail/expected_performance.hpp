// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../../core/config.hpp"
#include "../expected_performance.hpp"
#include "performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void expected_counts::add(std::span<const double> prediction, std::uint32_t predicted) noexcept {
  const bool binary = model_.task == task::binary;
  const double p = binary ? prediction[0] : predicted < prediction.size() ? prediction[predicted] : -1;
  if (!(p >= 0 && p <= 1) || (binary && predicted > 1)) return;
  const std::size_t at = binary ? predicted : 1;
  const double v = p * (1 - p), off = 1 - 2 * p;
  ++records_[at];
  auto& sum = sums_[at];
  sum[probability].add(p);
  sum[variance].add(v);
  if (!binary) return;
  sum[brier_variance].add(v * off * off);
  if (v > 0) {
    const double yes = std::log(p), no = std::log1p(-p);
    sum[entropy].add(-(p * yes + (1 - p) * no));
    sum[entropy_variance].add(v * (yes - no) * (yes - no));
  }
  const std::size_t c = probability_cell(p);
  const auto [low, high] = detail::ends_of_cell(c);
  ++cells_[c].records;
  cells_[c].offsets += static_cast<std::uint64_t>((p - low) / (high - low) * 0x1p33);
}

namespace detail {

/// The area that labels would give, from the mean probability of each cell. Of two records of a cell the one with the
/// higher score is at least as likely to be the positive one, and at most by as much as the cell's ends differ.
template <class Cells>
bounded expected_roc_auc(const Cells& cells, double positives, double negatives) noexcept {
  double least = 0, most = 0, above = 0;
  for (std::size_t i = cells.size(); i-- > 0;) {
    if (cells[i].records == 0) continue;
    const auto [low, high] = ends_of_cell(i);
    const double n = real_of(cells[i].records);
    const double p = n * low + real_of(cells[i].offsets) * 0x1p-33 * (high - low);
    const double in_order = high * (1 - low), reversed = low * (1 - high);
    least += above * (n - p) + p * (n - p) / 2;
    most += above * (n - p) + p * (n - p) * (cells[i].records == 1 ? 0.5 : in_order / (in_order + reversed));
    above += p;
  }
  const double pairs = positives * negatives;
  return {least / pairs, least / pairs, (std::min)(most / pairs, 1.0)};
}

}  // namespace detail

TABSCORE_INLINE expected_report report_expected(const expected_counts& c) {
  using detail::clamped;
  expected_report report;
  const double n0 = detail::real_of(c.records_[0]), n1 = detail::real_of(c.records_[1]), n = n0 + n1;
  report.predictions = c.records_[0] + c.records_[1];
  const std::uint64_t samples = report.predictions;
  const auto sum = [&](std::size_t predicted, expected_counts::which i) { return c.sums_[predicted][i].sum().value(); };
  const auto both = [&](expected_counts::which i) {
    exact_sum all = c.sums_[0][i].sum();
    all.merge(c.sums_[1][i].sum());
    return all.value();
  };
  const auto share = [&](std::string_view name, double value, double variance, std::uint64_t of) {
    return figure{name, clamped(estimate_normal(value, std::sqrt(variance), of), 0, 1)};
  };
  const double v0 = sum(0, expected_counts::variance), v1 = sum(1, expected_counts::variance);
  if (c.model_.task != task::binary) {
    report.figures.push_back(share("accuracy", sum(1, expected_counts::probability) / n, v1 / (n * n), samples));
    return report;
  }
  const double tp = sum(1, expected_counts::probability), fn = sum(0, expected_counts::probability);
  report.classes = c.model_.classes;
  if (report.classes.empty()) report.classes = {"0", "1"};
  report.confusion = {n0 - fn, n1 - tp, fn, tp};
  const double positives = tp + fn, both_classes = n1 + positives;
  const double by_tp = 2 * (n1 + fn) / (both_classes * both_classes), by_fn = 2 * tp / (both_classes * both_classes);
  const double by_square = positives * positives * positives * positives;
  report.figures = {
      share("accuracy", (tp + n0 - fn) / n, (v0 + v1) / (n * n), samples),
      share("precision", tp / n1, v1 / (n1 * n1), c.records_[1]),
      share("recall", tp / positives, (fn * fn * v1 + tp * tp * v0) / by_square, samples),
      share("f1", 2 * tp / both_classes, by_tp * by_tp * v1 + by_fn * by_fn * v0, samples),
      {"log_loss", clamped(estimate_normal(both(expected_counts::entropy) / n,
                                           std::sqrt(both(expected_counts::entropy_variance)) / n, samples),
                           0, 40)},
      share("brier", (v0 + v1) / n, both(expected_counts::brier_variance) / (n * n), samples)};
  const double negatives = n - positives;
  report.figures.push_back(
      detail::bounded_figure("roc_auc", detail::expected_roc_auc(c.cells_, positives, negatives), [&](double auc) {
        return clamped(estimate_normal(auc, detail::roc_error(auc, positives, negatives), samples), 0, 1);
      }));
  return report;
}

TABSCORE_INLINE calibration_check check_calibration(const performance_counts& counts,
                                                    const calibration_settings& settings) {
  calibration_check check;
  check.labels = counts.pairs();
  if (counts.model().task != task::binary || check.labels == 0) return check;
  const double n = detail::real_of(check.labels);
  check.ece = check.noise = 0;
  double spread = 0;
  for (std::size_t i = 0; i < performance_counts::tenths; ++i) {
    const auto t = counts.tenth_at(i);
    if (t.records == 0) continue;
    const double records = detail::real_of(t.records), mean = t.probabilities / records;
    check.ece += std::abs(t.probabilities - detail::real_of(t.positives)) / n;
    // The distance of a binomial number from its mean, taken as normal: its mean is sqrt(2 / pi) standard deviations.
    const double binomial = (std::max)(0.0, records * mean * (1 - mean));
    check.noise += 0.7978845608028654 * std::sqrt(binomial) / n;
    spread += (1 - 0.6366197723675814) * binomial / (n * n);
  }
  check.noise += 3 * std::sqrt(spread);
  if (check.labels < settings.min_labels) return check;
  const bool fails = check.ece - check.noise >= settings.limit;
  check.status = fails ? calibration_check::state::fails : calibration_check::state::holds;
  return check;
}

}  // namespace tabscore::inline TABSCORE_ABI
