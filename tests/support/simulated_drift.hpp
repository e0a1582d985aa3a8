// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/models/load_tabscore.hpp>
#include <tabscore/monitor/drift_monitor.hpp>
#include <tabscore/monitor/drift_report.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/schema/batch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ts = tabscore;

/// Simulated records of every shape that a histogram has to deal with, and shifts of a chosen size.
namespace simulated {

using record =
    ts::schema<ts::optional<ts::real<"normal">>, ts::optional<ts::real<"skewed">>, ts::real<"ties">, ts::real<"zeros">,
               ts::optional<ts::real<"gaps">>, ts::real<"constant">, ts::text<"few">, ts::text<"many">>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

inline double uniform(std::mt19937_64& random) { return (static_cast<double>(random() >> 11U) + 0.5) * 0x1p-53; }
inline double normal(std::mt19937_64& random) {
  const double radius = std::sqrt(-2 * std::log(uniform(random)));
  return radius * std::cos(6.283185307179586 * uniform(random));
}

struct row {
  double normal = 0, skewed = 0, ties = 0, zeros = 0, gaps = 0, constant = 3.5;
  std::string_view few, many;
};

/// Shares of the categories of `few`: a 40 %, b 25 %, c 20 %, d 10 %, e 5 %. `many` has sixty, most of them rare.
inline row draw(std::mt19937_64& random) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i < 60; ++i) all.push_back("category " + std::to_string(i));
    return all;
  }();
  row r;
  r.normal = normal(random);
  r.skewed = std::exp(normal(random));
  r.ties = std::floor(-3 * std::log(uniform(random)));
  r.zeros = uniform(random) < 0.9 ? 0 : uniform(random);
  r.gaps = uniform(random) < 0.3 ? missing : uniform(random);
  const double u = uniform(random);
  r.few = u < 0.4 ? "a" : u < 0.65 ? "b" : u < 0.85 ? "c" : u < 0.95 ? "d" : "e";
  const double v = uniform(random);
  r.many = names[static_cast<std::size_t>(60 * v * v * v)];
  return r;
}

using change = std::function<void(row&, std::mt19937_64&)>;

inline std::vector<row> rows(std::size_t count, std::mt19937_64& random, const change& made = {}) {
  std::vector<row> all(count);
  for (row& r : all) {
    r = draw(random);
    if (made) made(r, random);
  }
  return all;
}

/// The probability follows the feature "normal".
struct model {
  ts::feature_names names{{"normal", "skewed", "ties", "zeros", "gaps", "constant"}, {"few", "many"}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) {
      const double v = x.column(0)[i];
      p[i] = v == v ? 0.5 + 0.5 * v / (1 + std::abs(v)) : 0.5;
    }
  }
};

/// The edges that the exporter would write: at most ten bins of about as many rows, each edge half-way between two
/// neighbouring values.
inline std::vector<double> edges_of(const std::vector<double>& values) {
  std::vector<float> present;
  for (const double v : values) {
    if (v == v) present.push_back(static_cast<float>(v));
  }
  std::sort(present.begin(), present.end());
  if (present.empty()) return {0, 1};
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float last = present.back() > present.front() ? present.back() : std::nextafter(present.front(), infinity);
  std::vector<double> edges{present.front()};
  for (std::size_t k = 1; k < 10; ++k) {
    // The end of the run of equal values that is nearest to k tenths.
    const auto at = present.begin() + static_cast<std::ptrdiff_t>(k * present.size() / 10);
    const auto [first, end] = std::equal_range(present.begin(), present.end(), *at);
    const auto place = first == present.begin() || (end != present.end() && end - at < at - first) ? end : first;
    if (place == present.begin() || place == present.end()) continue;
    const float edge = place[-1] + (place[0] - place[-1]) / 2;
    if (edge > edges.back() && edge < last) edges.push_back(edge);
  }
  edges.push_back(last);
  return edges;
}

inline std::vector<std::uint64_t> counts_of(const ts::drift_reference& reference, const std::vector<row>& rows) {
  const auto given = [](double x) { return x == x ? std::optional<double>(x) : std::nullopt; };
  ts::batch<record> batch;
  for (const row& r : rows) {
    batch.push_back(given(r.normal), given(r.skewed), r.ties, r.zeros, given(r.gaps), r.constant, r.few, r.many);
  }
  ts::drift_monitor_st monitor(reference);
  const ts::pipeline pipe{record{}, ts::rules{}, ts::features{}, model{}, ts::sinks{monitor}};
  ts::score_buffers buffers;
  static_cast<void>(pipe.score(batch, buffers));
  return monitor.counts(ts::window::total);
}

/// What live traffic is compared with: bins, categories and counts of these training rows.
inline ts::drift_reference reference_of(const std::vector<row>& training) {
  const auto column = [&](auto member) {
    std::vector<double> values;
    for (const row& r : training) values.push_back(r.*member);
    return values;
  };
  const auto bins = [](std::vector<double> edges) {
    ts::binned_rows rows{std::move(edges), {}, 0};
    rows.counts.assign(rows.edges.size() - 1, 0);
    return rows;
  };
  const auto categories = [&](auto member) {
    std::vector<std::optional<std::string>> names;
    for (const row& r : training) {
      if (std::find(names.begin(), names.end(), std::string(r.*member)) == names.end()) names.emplace_back(r.*member);
    }
    return names;
  };
  ts::model_file file;
  file.path = file.name = "simulated";
  file.features = model{}.names;
  file.baseline = ts::drift_baseline{{}, 0.5, training.size()};
  ts::training_histograms trained;
  for (const auto member : {&row::normal, &row::skewed, &row::ties, &row::zeros, &row::gaps, &row::constant}) {
    trained.numeric.push_back(bins(edges_of(column(member))));
    file.baseline->numeric.push_back({file.features.numeric[trained.numeric.size() - 1], 0, 1});
  }
  for (const auto member : {&row::few, &row::many}) {
    file.encoder.text.emplace_back(categories(member));
    trained.text.push_back({std::vector<std::uint64_t>(file.encoder.text.back().size()), 0});
  }
  trained.outputs.push_back(bins({0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1}));
  file.baseline->histograms = trained;
  ts::drift_reference reference = ts::make_drift_reference(file).value();
  reference.training = counts_of(reference, training);
  return reference;
}

/// Counts of `rows` records whose cells are drawn with the chances that the population's counts give.
inline std::vector<std::uint64_t> drawn(const ts::drift_reference& reference, std::span<const std::uint64_t> population,
                                        std::size_t rows, std::mt19937_64& random) {
  std::vector<std::uint64_t> counts(reference.cells());
  for (const ts::monitored& m : reference.features) {
    const auto cells = m.of(population);
    std::vector<double> up_to;
    for (const std::uint64_t n : cells) up_to.push_back((up_to.empty() ? 0 : up_to.back()) + static_cast<double>(n));
    for (std::size_t i = 0; i < rows; ++i) {
      const double at = uniform(random) * up_to.back();
      const auto cell = std::upper_bound(up_to.begin(), up_to.end(), at) - up_to.begin();
      ++counts[m.first + static_cast<std::size_t>(cell)];
    }
  }
  return counts;
}

}  // namespace simulated
