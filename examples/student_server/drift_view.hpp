// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>

#include "openapi.hpp"
#include "student.hpp"

/// The last records against the training rows, feature by feature, with the counts to draw.
struct drift_view {
  explicit drift_view(const ts::drift_monitor& monitor)
      : reference(monitor.reference()),
        live(monitor.counts(ts::window::records)),
        report(ts::report_drift(reference, live)) {}

  /// The largest stability index beyond its noise; 0 while there are too few records to say.
  double score() const {
    double largest = 0;
    for (const ts::feature_drift& f : report.features) {
      if (report.enough) largest = std::max(largest, f.stability_index - f.stability_noise);
    }
    return largest;
  }

  void append_to(ts::prometheus_text& text) const {
    const auto family = [&](std::string_view name, std::string_view help, auto&& value) {
      text.family(name, "gauge", help);
      for (const ts::feature_drift& f : report.features) text.sample({{"feature", f.name}}, value(f));
    };
    text.family("tabscore_window_records", "gauge", "Records of the window that these distances are of.");
    text.sample({}, report.records);
    family("tabscore_feature_stability_index", "Population stability index against the training rows.",
           [](const auto& f) { return f.stability_index; });
    family("tabscore_feature_stability_noise", "What that index is on average without drift.",
           [](const auto& f) { return f.stability_noise; });
    family("tabscore_feature_jensen_shannon", "Jensen-Shannon distance from the training rows.",
           [](const auto& f) { return f.jensen_shannon; });
    family("tabscore_feature_kolmogorov_smirnov", "Kolmogorov-Smirnov distance from the training rows.",
           [](const auto& f) { return f.kolmogorov_smirnov; });
    family("tabscore_feature_wasserstein", "Wasserstein-1 distance in ranks of the training rows.",
           [](const auto& f) { return f.wasserstein; });
    family("tabscore_feature_missing_ratio", "Part of the records without a value.",
           [](const auto& f) { return f.missing_share; });
    family("tabscore_feature_unseen_ratio", "Part of the records with a value unlike any in training.",
           [](const auto& f) { return f.unseen_share; });
    family("tabscore_feature_drift_alarm", "1 while the feature has drifted.",
           [](const auto& f) { return f.alarm ? 1 : 0; });
  }

  /// {"records":...,"alarm":...,"features":[{"name":...,"cells":[names],"training":[counts],"live":[counts]}, ...]}
  void append_to(ts::text_buffer& out) const {
    out.append(fmt::format(R"({{"records":{},"enough":{},"alarm":{},"features":[)", report.records, report.enough,
                           report.alarm));
    for (std::size_t i = 0; i < report.features.size(); ++i) {
      const ts::feature_drift& f = report.features[i];
      const ts::monitored& m = reference.features[i];
      using openapi::number;
      out.append(i == 0 ? "" : ",");
      out.append(fmt::format(
          R"({{"name":{},"kind":"{}","alarm":{},"stability_index":{},"stability_noise":{},"jensen_shannon":{},)"
          R"("kolmogorov_smirnov":{},"wasserstein":{},"missing_share":{},"unseen_share":{})",
          openapi::quoted(f.name), kind(f.kind), f.alarm, number(f.stability_index), number(f.stability_noise),
          number(f.jensen_shannon), number(f.kolmogorov_smirnov), number(f.wasserstein), number(f.missing_share),
          number(f.unseen_share)));
      append_list(out, "cells", m.cells, [&](std::size_t c) { return openapi::quoted(cell_name(i, c)); });
      append_list(out, "training", m.cells, [&](std::size_t c) { return std::to_string(m.of(reference.training)[c]); });
      append_list(out, "live", m.cells, [&](std::size_t c) { return std::to_string(m.of(live)[c]); });
      out.append("}");
    }
    out.append("]}");
  }

  const ts::drift_reference& reference;
  std::vector<std::uint64_t> live;
  ts::drift_report report;

 private:
  static std::string_view kind(ts::monitored_kind k) {
    return k == ts::monitored_kind::numeric ? "numeric" : k == ts::monitored_kind::text ? "text" : "probability";
  }
  template <class F>
  static void append_list(ts::text_buffer& out, std::string_view name, std::size_t size, F&& item) {
    out.append(fmt::format(R"(,"{}":[)", name));
    for (std::size_t i = 0; i < size; ++i) out.append((i == 0 ? "" : ",") + item(i));
    out.append("]");
  }

  std::string cell_name(std::size_t feature, std::size_t cell) const {
    const ts::monitored& m = reference.features[feature];
    if (cell == m.cells - 1) return "missing";
    if (m.kind == ts::monitored_kind::text) {
      const auto& categories = reference.text[feature - reference.numeric()].categories();
      return cell == m.cells - 2 ? "unseen" : categories[cell].value_or("missing");
    }
    const auto& edges = reference.edges[m.kind == ts::monitored_kind::probability ? reference.numeric() : feature];
    if (cell == 0) return fmt::format("below {:.4g}", edges.front());
    if (cell == edges.size()) return fmt::format("above {:.4g}", edges.back());
    return fmt::format("{:.4g} to {:.4g}", edges[cell - 1], edges[cell]);
  }
};
