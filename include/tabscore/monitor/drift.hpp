// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../features/baseline.hpp"
#include "moments.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// When live traffic counts as drifted.
struct drift_settings {
  std::uint64_t min_samples = 50;  ///< below it there is no assessment
  double z_threshold = 3.0;        ///< a feature drifted when its score reaches this
  std::size_t min_features = 2;    ///< number of drifted features that counts as drift
  double rate_shift = 0.1;         ///< a change of the positive rate, or of the rate of a class, that counts as drift
};

/// The result of comparing totals with the baseline.
enum class drift_verdict : std::uint8_t {
  no_baseline,
  no_samples,
  too_few_samples,
  feature_drift,
  rate_shift,        ///< of the predicted classes
  prediction_drift,  ///< of predicted numbers: the z of one reaches the threshold
  steady
};

/// How far the traffic has moved from the training rows. Names point into the baseline.
struct drift_status {
  std::uint64_t samples = 0;                  ///< records seen
  double score = 0;                           ///< the largest |z| of all features; infinite once a sum has overflowed
  std::vector<std::string_view> drifted;      ///< in alphabetical order
  double predicted_positive_rate = 0;         ///< of two classes
  double training_positive_rate = 0;          ///< of binary
  std::vector<double> predicted_class_rates;  ///< of several classes
  std::vector<double> training_class_rates;   ///< of multiclass, in the order of the classes
  std::vector<double> predicted_means;        ///< of numbers
  std::vector<double> training_means;         ///< of regression, one a target
  drift_verdict verdict = drift_verdict::no_baseline;  ///< the assessment

  /// The verdict is drift of any kind.
  bool should_retrain() const noexcept {
    return verdict == drift_verdict::feature_drift || verdict == drift_verdict::rate_shift ||
           verdict == drift_verdict::prediction_drift;
  }
};

/// Compares each feature's running mean with its training mean: z = |mean - training mean| / max(training std, 1e-6).
/// Missing values do not count; a feature without values, or without a training mean, has no z. Without a baseline
/// (nullptr) there is no assessment. Precondition: the baseline has the features of the totals. Means of predicted
/// numbers are compared in the same way, rates of predicted classes by their difference.
drift_status assess_drift(const totals& live, const drift_baseline* baseline, const drift_settings& settings = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE drift_status assess_drift(const totals& live, const drift_baseline* baseline,
                                          const drift_settings& settings) {
  drift_status status;
  if (baseline == nullptr) return status;
  status.training_positive_rate = baseline->training_positive_rate;
  status.training_class_rates = baseline->class_rates;
  for (const auto& output : baseline->outputs) status.training_means.push_back(output.mean);
  if (live.samples == 0) {
    status.verdict = drift_verdict::no_samples;
    return status;
  }
  TABSCORE_ASSERT(live.sums.size() == baseline->numeric.size(), "the baseline is of other features than the totals");
  const double n = static_cast<double>(live.samples);
  status.samples = live.samples;
  status.predicted_positive_rate = static_cast<double>(live.positives) / n;
  const auto distance = [](double mean, const drift_baseline::feature& trained) {
    return std::abs(mean - trained.mean) / (std::max)(trained.std, 1e-6);
  };
  for (std::size_t j = 0; j < live.sums.size(); ++j) {
    const auto& trained = baseline->numeric[j];
    if (live.present(j) == 0 || std::isnan(trained.mean) || std::isnan(trained.std)) continue;
    const double z = distance(live.mean(j), trained);
    status.score = (std::max)(status.score, z);
    if (z >= settings.z_threshold) status.drifted.push_back(trained.name);
  }
  std::sort(status.drifted.begin(), status.drifted.end());
  double shift = std::abs(status.predicted_positive_rate - status.training_positive_rate);
  for (std::size_t k = 0; k < live.classes.size(); ++k) {
    status.predicted_class_rates.push_back(static_cast<double>(live.classes[k]) / n);
    if (k >= baseline->class_rates.size()) continue;
    const double moved = std::abs(status.predicted_class_rates[k] - baseline->class_rates[k]);
    shift = k == 0 ? moved : (std::max)(shift, moved);
  }
  double prediction_score = 0;
  for (std::size_t k = 0; k < live.outputs.size() && live.classes.empty(); ++k) {
    status.predicted_means.push_back(live.outputs[k] / n);
    if (k < baseline->outputs.size()) {
      prediction_score = (std::max)(prediction_score, distance(live.outputs[k] / n, baseline->outputs[k]));
    }
  }
  if (!baseline->outputs.empty()) shift = 0;  // numbers have no rate
  if (live.samples < settings.min_samples) {
    status.verdict = drift_verdict::too_few_samples;
  } else if (status.drifted.size() >= settings.min_features) {
    status.verdict = drift_verdict::feature_drift;
  } else if (prediction_score >= settings.z_threshold) {
    status.verdict = drift_verdict::prediction_drift;
  } else if (shift >= settings.rate_shift) {
    status.verdict = drift_verdict::rate_shift;
  } else {
    status.verdict = drift_verdict::steady;
  }
  return status;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
