// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A reference: the figure at the model's validation, or a required value.
struct performance_reference {
  std::string figure;         ///< the report's name or scikit-learn's
  double value = 0;           ///< the figure's value there
  std::string_view source{};  ///< its origin; a literal

  friend bool operator==(const performance_reference&, const performance_reference&) = default;
};

/// The conditions of an alarm.
struct performance_alarm_settings {
  double tolerance = 0.05;         ///< the share of the reference by which a figure may be worse
  std::uint64_t min_labels = 200;  ///< with fewer there is no alarm
};

/// A figure beside its reference. An alarm: the whole interval is worse than the limit, in a sample that is large
/// enough.
struct performance_check {
  performance_reference reference;  ///< the value that the figure is compared with
  double limit = 0;                 ///< a figure beyond it is worse than tolerated
  bool alarm = false;               ///< the interval lies beyond the limit, and there are enough labels
};

/// Figures that may have a reference; `lower` are the better the lower they are.
struct comparable_figure {
  std::string_view name;  ///< its name here
  std::string_view also;  ///< scikit-learn's name
  bool lower;             ///< the lower the better
};
/// All of them.
inline constexpr comparable_figure comparable_figures[]{{"accuracy", "accuracy_score", false},
                                                        {"precision", "precision_score", false},
                                                        {"recall", "recall_score", false},
                                                        {"f1", "f1_score", false},
                                                        {"roc_auc", "roc_auc_score", false},
                                                        {"pr_auc", "average_precision", false},
                                                        {"ks", "ks_statistic", false},
                                                        {"macro_f1", "f1_macro", false},
                                                        {"weighted_f1", "f1_weighted", false},
                                                        {"r2", "r2_score", false},
                                                        {"log_loss", "logloss", true},
                                                        {"brier", "brier_score", true},
                                                        {"ece", "expected_calibration_error", true},
                                                        {"mae", "mean_absolute_error", true},
                                                        {"rmse", "root_mean_squared_error", true}};

/// Finds a figure by its name or scikit-learn's; nullptr: unknown.
inline const comparable_figure* find_comparable(std::string_view name) noexcept {
  for (const comparable_figure& f : comparable_figures) {
    if (f.name == name || f.also == name) return &f;
  }
  return nullptr;
}

/// The references among a model file's metrics: names of figures, optionally after "holdout_", "validation_" or
/// "test_". `declared` come first and replace them; scikit-learn's names become the report's, and unknown ones are left
/// out.
inline std::vector<performance_reference> performance_references(
    std::vector<performance_reference> declared, std::span<const std::pair<std::string, double>> metrics) {
  std::erase_if(declared, [](const auto& r) { return find_comparable(r.figure) == nullptr; });
  for (performance_reference& r : declared) r.figure = find_comparable(r.figure)->name;
  for (const auto& [metric, value] : metrics) {
    std::string_view name = metric;
    for (const std::string_view before : {"holdout_", "validation_", "test_"}) {
      if (name.starts_with(before)) {
        name.remove_prefix(before.size());
        break;
      }
    }
    const comparable_figure* const found = find_comparable(name);
    if (found == nullptr || !std::isfinite(value)) continue;
    const bool known =
        std::any_of(declared.begin(), declared.end(), [&](const auto& r) { return r.figure == found->name; });
    if (!known) declared.push_back({std::string(found->name), value, "model file"});
  }
  return declared;
}

/// Compares a report with references of performance_references(); those of figures that it does not have are left out.
inline std::vector<performance_check> check_performance(const performance_report& report,
                                                        std::span<const performance_reference> references,
                                                        const performance_alarm_settings& settings = {}) {
  std::vector<performance_check> checks;
  for (const performance_reference& r : references) {
    const auto found =
        std::find_if(report.figures.begin(), report.figures.end(), [&](const figure& f) { return f.name == r.figure; });
    const comparable_figure* const kind = find_comparable(r.figure);
    if (found == report.figures.end() || kind == nullptr) continue;
    const double allowed = std::abs(r.value) * settings.tolerance;
    performance_check c{r, kind->lower ? r.value + allowed : r.value - allowed, false};
    c.alarm = found->value.samples >= settings.min_labels &&
              (kind->lower ? found->value.low > c.limit : found->value.high < c.limit);  // NaN: no alarm
    checks.push_back(std::move(c));
  }
  return checks;
}

}  // namespace tabscore::inline TABSCORE_ABI
