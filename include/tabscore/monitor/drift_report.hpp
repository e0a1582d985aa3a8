// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "distance.hpp"
#include "drift_reference.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The conditions of an alarm: the size of the effect, its significance, and the size of the sample.
struct alarm_settings {
  double stability_index = 0.2;     ///< least difference of the index and its mean without drift
  double false_alarms = 0.001;      ///< at most this share of reports without drift alarms, of however many features
  std::uint64_t min_records = 200;  ///< below it there is no alarm
  double rare_level = 0.01;         ///< categories with a smaller share of the training rows count as one
};

/// How far one feature (or a number or class of the predictions) has moved. The name points into the reference.
struct feature_drift {
  std::string_view name;       ///< the feature's or output's name
  monitored_kind kind{};       ///< of the feature
  double stability_index = 0;  ///< without correction
  double stability_noise = 0;  ///< its mean without drift
  double p_value = 1;  ///< probability of so large an index without drift, adjusted for the number of features (Holm)
  double jensen_shannon = 0;      ///< distance, natural logarithm: 0 to sqrt(ln 2), about 0.83
  double kolmogorov_smirnov = 0;  ///< of numbers that are not missing; 0 for texts
  double wasserstein = 0;         ///< the same, in training rows: 0.1 is a shift past a tenth of them; 0 for texts
  chi_square chi;                 ///< with its p-value
  double missing_share = 0;       ///< of the records
  double unseen_share = 0;        ///< outside the training range, or of categories that were not in training
  bool alarm = false;             ///< effect, p-value and sample all reach their limits
};

/// Drift of a window against the training data.
struct drift_report {
  std::uint64_t records = 0;            ///< records of the window
  bool enough = false;                  ///< records reach the minimum
  bool alarm = false;                   ///< one of the features has an alarm
  std::vector<feature_drift> features;  ///< in the reference's order
};

namespace detail {

/// The cells of a text field with rare categories taken together. Reused from feature to feature.
struct pooled_cells {
  std::vector<std::uint64_t> training;
  std::vector<std::uint64_t> live;

  pooled_cells(cell_counts trained, cell_counts seen, double rare_level);
};

/// Adjusts each p-value for their number by Holm's method: those below a level have all together at most that chance
/// of a false one among them, however the features depend on each other.
void adjust_by_holm(std::span<feature_drift> features);

/// Where the cells of a number stand among the training rows: the middle of each cell's share, 0 to 1.
std::vector<double> ranks_of(cell_counts trained);

}  // namespace detail

/// Compares counts of the reference's cells with those of its training rows.
drift_report report_drift(const drift_reference& reference, std::span<const std::uint64_t> counts,
                          const alarm_settings& settings = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE pooled_cells::pooled_cells(cell_counts trained, cell_counts seen, double rare_level) {
  const double rare = rare_level * sum_of(trained);
  std::uint64_t rare_training = 0;
  std::uint64_t rare_live = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) {
    if (i + 2 < trained.size() && real(trained[i]) < rare) {
      rare_training += trained[i];
      rare_live += seen[i];
    } else {
      training.push_back(trained[i]);
      live.push_back(seen[i]);
    }
  }
  training.push_back(rare_training);
  live.push_back(rare_live);
}

TABSCORE_INLINE void adjust_by_holm(std::span<feature_drift> features) {
  std::vector<feature_drift*> ascending;
  for (feature_drift& d : features) ascending.push_back(&d);
  std::stable_sort(ascending.begin(), ascending.end(),
                   [](const feature_drift* a, const feature_drift* b) { return a->p_value < b->p_value; });
  double largest = 0;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    double& p = ascending[i]->p_value;
    largest = (std::max)(largest, p * static_cast<double>(ascending.size() - i));
    p = (std::min)(largest, 1.0);
  }
}

TABSCORE_INLINE std::vector<double> ranks_of(cell_counts trained) {
  std::vector<double> ranks;
  const double n = sum_of(trained);
  std::uint64_t before = 0;
  for (const std::uint64_t count : trained) {
    ranks.push_back(n > 0 ? (real(before) + real(count) / 2) / n : 0);
    before += count;
  }
  return ranks;
}

}  // namespace detail

TABSCORE_INLINE drift_report report_drift(const drift_reference& reference, std::span<const std::uint64_t> counts,
                                          const alarm_settings& settings) {
  TABSCORE_ASSERT(counts.size() == reference.cells(), "counts of other cells than the reference's");
  drift_report report;
  if (reference.empty()) return report;
  for (const std::uint64_t n : reference.features.back().of(counts)) report.records += n;
  report.enough = report.records > 0 && report.records >= settings.min_records;
  const double n = report.records > 0 ? static_cast<double>(report.records) : 1;
  for (const monitored& m : reference.features) {
    const cell_counts training = m.of(reference.training);
    const cell_counts live = m.of(counts);
    feature_drift d;
    d.name = m.name;
    d.kind = m.kind;
    d.missing_share = detail::real(live.back()) / n;
    const auto compare = [&](cell_counts a, cell_counts b) {
      d.stability_index = population_stability_index(a, b);
      d.stability_noise = population_stability_noise(a, b);
      d.jensen_shannon = jensen_shannon_distance(a, b);
      d.chi = chi_square_of(a, b);
      // The larger one: cells of few training rows make the index large by chance, cells of few rows in all Pearson's.
      d.p_value = (std::max)(population_stability_p_value(a, b), chi_square_tail(d.chi.statistic, d.chi.freedom));
    };
    if (!m.is_number()) {
      const detail::pooled_cells pooled(training, live, settings.rare_level);
      compare(pooled.training, pooled.live);
      d.unseen_share = detail::real(live[live.size() - 2]) / n;
    } else {
      compare(training, live);
      const cell_counts a = training.first(training.size() - 1);
      const cell_counts b = live.first(live.size() - 1);
      d.kolmogorov_smirnov = kolmogorov_smirnov_distance(a, b);
      d.wasserstein = wasserstein_distance(detail::ranks_of(a), a, b);
      d.unseen_share = (detail::real(b.front()) + detail::real(b.back())) / n;
    }
    report.features.push_back(d);
  }
  detail::adjust_by_holm(report.features);
  for (feature_drift& d : report.features) {
    const bool effect = d.stability_index - d.stability_noise >= settings.stability_index;
    d.alarm = report.enough && effect && d.p_value <= settings.false_alarms;
    report.alarm |= d.alarm;
  }
  return report;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
