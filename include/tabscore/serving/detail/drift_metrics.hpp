// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string_view>

#include "../../core/config.hpp"
#include "../../monitor/drift_monitor.hpp"
#include "../../monitor/drift_report.hpp"
#include "../../monitor/prometheus.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The last records against the training rows. The report's names point into the monitor.
inline drift_report recent_drift(const drift_monitor& monitor) {
  return report_drift(monitor.reference(), monitor.counts(window::records));
}

/// The largest stability index of a feature beyond its noise; 0 while there are too few records to say.
double largest_drift(const drift_monitor& monitor);

void append_drift(prometheus_text& text, const drift_monitor& monitor);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE double largest_drift(const drift_monitor& monitor) {
  const drift_report report = recent_drift(monitor);
  double largest = 0;
  for (const feature_drift& f : report.features) {
    if (report.enough) largest = (std::max)(largest, f.stability_index - f.stability_noise);
  }
  return largest;
}

TABSCORE_INLINE void append_drift(prometheus_text& text, const drift_monitor& monitor) {
  const drift_report report = recent_drift(monitor);
  const auto family = [&](std::string_view name, std::string_view help, auto&& value) {
    text.family(name, "gauge", help);
    for (const feature_drift& f : report.features) text.sample({{"feature", f.name}}, value(f));
  };
  text.family("tabscore_window_records", "gauge", "Records in the window of these distances.");
  text.sample({}, report.records);
  family("tabscore_feature_stability_index", "Population stability index against the training rows.",
         [](const auto& f) { return f.stability_index; });
  family("tabscore_feature_stability_noise", "Average of that index without drift.",
         [](const auto& f) { return f.stability_noise; });
  family("tabscore_feature_jensen_shannon", "Jensen-Shannon distance from the training rows.",
         [](const auto& f) { return f.jensen_shannon; });
  family("tabscore_feature_kolmogorov_smirnov", "Kolmogorov-Smirnov distance from the training rows.",
         [](const auto& f) { return f.kolmogorov_smirnov; });
  family("tabscore_feature_wasserstein", "Wasserstein-1 distance in ranks of the training rows.",
         [](const auto& f) { return f.wasserstein; });
  family("tabscore_feature_missing_ratio", "Share of records without a value.",
         [](const auto& f) { return f.missing_share; });
  family("tabscore_feature_unseen_ratio", "Share of records with a value that training did not have.",
         [](const auto& f) { return f.unseen_share; });
  family("tabscore_feature_drift_alarm", "1 while the feature has drifted.",
         [](const auto& f) { return f.alarm ? 1 : 0; });
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
