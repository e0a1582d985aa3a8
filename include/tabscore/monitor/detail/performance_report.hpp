// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

inline double real_of(std::uint64_t n) noexcept { return static_cast<double>(n); }

inline estimate clamped(estimate e, double low, double high) noexcept {
  e.low = e.low < low ? low : e.low;  // NaN stays
  e.high = e.high > high ? high : e.high;
  return e;
}

/// F1 = 2 J / (1 + J) of the share J of right records among those that are in the class or predicted to be, which is
/// one of trials: the interval is J's by Wilson, transformed.
inline estimate f1_of(const std::array<std::uint64_t, 3>& totals) noexcept {
  estimate e = estimate_share(totals[0], totals[1] + totals[2] - totals[0]);
  for (double* const x : {&e.value, &e.low, &e.high}) *x = 2 * *x / (1 + *x);
  return e;
}

inline std::vector<figure> class_figures(const std::array<std::uint64_t, 3>& totals) {
  return {{"precision", estimate_share(totals[0], totals[1])},
          {"recall", estimate_share(totals[0], totals[2])},
          {"f1", f1_of(totals)}};
}

/// The mean of the classes' F1, each with the same weight or with its share of the labels. The interval is the delta
/// method's on the multinomial confusion matrix (Takahashi et al. 2022, "Confidence interval for micro-averaged F1 and
/// macro-averaged F1 scores"). Classes without records and predictions count as 0.
inline estimate averaged_f1(const performance_counts& c, bool weighted) {
  const std::size_t k = c.label_classes();
  const double n = real_of(c.pairs());
  std::vector<double> f1(k), slope(k), weight(k);
  estimate e;
  e.samples = c.pairs();
  if (c.pairs() == 0) return e;
  e.value = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const auto [right, predicted, actual] = c.class_totals(i);
    const double both = real_of(predicted + actual);
    f1[i] = both > 0 ? 2 * real_of(right) / both : 0;
    weight[i] = weighted ? real_of(actual) / n : 1 / real_of(k);
    slope[i] = both > 0 ? weight[i] * n / both : 0;
    e.value += weight[i] * f1[i];
  }
  if (!c.has_matrix()) return e;
  double squares = 0, mean = 0;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      const double p = real_of(c.confusion(i, j)) / n;
      double g = -f1[i] * slope[i] - f1[j] * slope[j];
      if (i == j) g += 2 * slope[i];
      if (weighted) g += f1[i];
      squares += p * g * g;
      mean += p * g;
    }
  }
  return clamped(estimate_normal(e.value, std::sqrt((std::max)(0.0, squares - mean * mean) / n), c.pairs()), 0, 1);
}

/// The standard error of the area under the ROC curve (Hanley and McNeil 1982).
inline double roc_error(double auc, double positives, double negatives) noexcept {
  const double one = auc / (2 - auc), two = 2 * auc * auc / (1 + auc);
  const double spread = auc * (1 - auc) + (positives - 1) * (one - auc * auc) + (negatives - 1) * (two - auc * auc);
  return std::sqrt((std::max)(0.0, spread) / (positives * negatives));
}

/// A bounded figure whose interval begins at the lower bound's and ends at the upper one's. Interval: value to
/// estimate.
template <class Interval>
figure bounded_figure(std::string_view name, const bounded& b, Interval&& interval) {
  figure f{name, interval(b.value)};
  f.value.low = interval(b.least).low;
  f.value.high = interval(b.most).high;
  if (b.least != b.most) f.at_least = b.least, f.at_most = b.most;
  return f;
}

inline void rank_figures(performance_report& report, const performance_counts& counts,
                         std::span<const score_group> exact) {
  const std::vector<score_group> cells = exact.empty() ? counts.groups() : std::vector<score_group>();
  const ranking r = rank_groups(exact.empty() ? std::span<const score_group>(cells) : exact, !exact.empty());
  const double p = real_of(r.positives), n = real_of(r.negatives);
  report.figures.push_back(bounded_figure("roc_auc", r.roc_auc, [&](double auc) {
    return clamped(estimate_normal(auc, roc_error(auc, p, n), counts.pairs()), 0, 1);
  }));
  // The binomial variance of Boyd, Eng and Page 2013, "Area under the precision-recall curve", inverted as Wilson's:
  // its ends rise with the value, so that the bounds' ends hold those of all values between.
  report.figures.push_back(bounded_figure("pr_auc", r.average_precision, [&](double ap) {
    estimate e = wilson(ap, p);
    e.samples = counts.pairs();
    return e;
  }));
  // Both distribution functions lie within the band of Dvoretzky, Kiefer, Wolfowitz and Massart (1990), each with a
  // chance of 97.5 %: wider than need be.
  report.figures.push_back(bounded_figure("ks", r.kolmogorov_smirnov, [&](double ks) {
    const double band = std::sqrt(std::log(80.0) / 2) * (1 / std::sqrt(p) + 1 / std::sqrt(n));
    return clamped(estimate{ks, ks - band, ks + band, counts.pairs()}, 0, 1);
  }));
  for (std::size_t i = 0; i < r.captured.size() && r.positives > 0 && r.negatives > 0; ++i) {
    const double records = real_of(i + 1) / 10;
    const bounded& c = r.captured[i];
    const auto gained = [&](double scale) {
      return [&, scale](double positives) {
        estimate e = estimate_share(static_cast<std::uint64_t>(std::lround(positives)), r.positives);
        e.value = positives / p;
        for (double* const x : {&e.value, &e.low, &e.high}) *x /= scale;
        return e;
      };
    };
    gain g{records, bounded_figure("captured", c, gained(1)), bounded_figure("lift", c, gained(records))};
    if (c.least != c.most) {
      g.captured.at_least = c.least / p, g.captured.at_most = c.most / p;
      g.lift.at_least = c.least / p / records, g.lift.at_most = c.most / p / records;
    }
    report.gains.push_back(g);
  }
}

/// The expected calibration error of tenths: the mean distance of the mean probability and the share of positive
/// labels. The interval takes each share as binomial; in small samples the error itself is too large.
inline figure calibration(performance_report& report, const performance_counts& counts) {
  const double n = real_of(counts.pairs());
  double error = 0, spread = 0;
  for (std::size_t i = 0; i < performance_counts::tenths; ++i) {
    const auto t = counts.tenth_at(i);
    if (t.records == 0) continue;
    const double records = real_of(t.records);
    const estimate actual = estimate_share(t.positives, t.records);
    report.curve.push_back({real_of(i) * 0.1, real_of(i + 1) * 0.1, t.probabilities / records, actual});
    error += std::abs(t.probabilities - real_of(t.positives)) / n;
    spread += records / n * actual.value * (1 - actual.value) / n;
  }
  return {"ece", clamped(estimate_normal(counts.pairs() == 0 ? std::nan("") : error, std::sqrt(spread), counts.pairs()),
                         0, 1)};
}

/// The figures of one target.
inline std::vector<figure> number_figures(const performance_counts& c, std::size_t target) {
  const std::uint64_t n = c.pairs();
  const estimate square = estimate_mean(c.mean_at(4 * target + 2), n);
  const auto root = [](double x) { return std::sqrt(x < 0 ? 0 : x); };
  // The labels' variance is taken as known for the interval.
  const double labels = n == 0 ? 0 : centred_squares(c.mean_at(4 * target + 3), n) / real_of(n);
  estimate explained;
  explained.samples = n;
  if (n > 1 && labels > 0)
    explained = {1 - square.value / labels, 1 - square.high / labels, 1 - square.low / labels, n};
  return {{"mae", clamped(estimate_mean(c.mean_at(4 * target + 1), n), 0, std::numeric_limits<double>::infinity())},
          {"rmse", {root(square.value), root(square.low), root(square.high), n}},
          {"bias", estimate_mean(c.mean_at(4 * target), n)},
          {"r2", clamped(explained, -std::numeric_limits<double>::infinity(), 1)}};
}

inline void quantile_figures(performance_report& report, const performance_counts& c) {
  const std::uint64_t n = c.pairs();
  const auto& levels = c.levels();
  for (std::size_t k = 0; k < levels.size(); ++k) {
    performance_part part{c.model().names[k], {}};
    part.figures.push_back({"pinball_loss", estimate_mean(c.mean_at(k), n)});
    part.figures.push_back({"share_not_above", estimate_share(c.covered(k), n)});
    part.figures.back().expected = levels[k];
    report.parts.push_back(std::move(part));
  }
  if (levels.size() < 2) return;
  report.figures.push_back({"interval_coverage", estimate_share(c.covered(levels.size()), n)});
  report.figures.back().expected = levels[c.highest_level()] - levels[c.lowest_level()];
  report.figures.push_back({"interval_width", estimate_mean(c.mean_at(levels.size()), n)});
}

}  // namespace detail

TABSCORE_INLINE performance_report report_performance(const performance_counts& counts,
                                                      std::span<const score_group> groups) {
  const model_outputs& model = counts.model();
  const std::uint64_t n = counts.pairs();
  performance_report report;
  report.task = model.task;
  report.pairs = n;
  const std::size_t classes = model.task == task::score ? 0 : counts.label_classes();
  if (classes != 0) {
    std::uint64_t right = 0;
    for (std::size_t i = 0; i < classes; ++i) right += counts.class_totals(i)[0];
    report.figures.push_back({"accuracy", estimate_share(right, n)});
    if (!model.classes.empty()) {
      report.classes = model.classes;
    } else {
      report.classes = {"0", "1"};
    }
    for (std::size_t i = 0; i < classes && counts.has_matrix(); ++i) {
      for (std::size_t k = 0; k < classes; ++k) report.confusion.push_back(counts.confusion(i, k));
    }
  }
  switch (model.task) {
    case task::binary:
    case task::anomaly: {
      const auto positive = detail::class_figures(counts.class_totals(1));
      report.figures.insert(report.figures.end(), positive.begin(), positive.end());
      if (model.task == task::binary) {
        report.figures.push_back({"log_loss", detail::clamped(estimate_mean(counts.mean_at(0), n), 0, 40)});
        report.figures.push_back({"brier", detail::clamped(estimate_mean(counts.mean_at(1), n), 0, 1)});
        report.figures.push_back(detail::calibration(report, counts));
      }
      [[fallthrough]];
    }
    case task::score:
      detail::rank_figures(report, counts, groups);
      break;
    case task::multiclass:
      report.figures.push_back({"macro_f1", detail::averaged_f1(counts, false)});
      report.figures.push_back({"weighted_f1", detail::averaged_f1(counts, true)});
      if (model.probabilities)
        report.figures.push_back({"log_loss", detail::clamped(estimate_mean(counts.mean_at(0), n), 0, 50)});
      for (std::size_t i = 0; i < classes; ++i) {
        report.parts.push_back({model.classes[i], detail::class_figures(counts.class_totals(i))});
      }
      break;
    case task::regression:
      for (std::size_t k = 0; k < model.columns; ++k) {
        auto figures = detail::number_figures(counts, k);
        if (model.columns == 1) {
          report.figures = std::move(figures);
        } else {
          report.parts.push_back({model.names.empty() ? std::to_string(k) : model.names[k], std::move(figures)});
        }
      }
      break;
    case task::quantiles:
      detail::quantile_figures(report, counts);
      break;
  }
  return report;
}

}  // namespace tabscore::inline TABSCORE_ABI
