// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The training rows by bin of one number. Values and edges are compared in single precision:
/// bin i holds edges[i] <= x < edges[i + 1], the last one its upper edge too.
struct binned_rows {
  std::vector<double> edges;          ///< ascending, at least two
  std::vector<std::uint64_t> counts;  ///< one per bin
  std::uint64_t missing = 0;          ///< NaN

  /// Training rows counted.
  std::uint64_t rows() const noexcept {
    std::uint64_t all = missing;
    for (const std::uint64_t n : counts) all += n;
    return all;
  }
};

/// The training rows by category of one text field.
struct categorised_rows {
  std::vector<std::uint64_t> counts;  ///< one per category of the encoder, the missing value included
  std::uint64_t unseen = 0;           ///< of no category
  std::uint64_t missing = 0;          ///< without a value, unless that is a category

  /// Training rows counted.
  std::uint64_t rows() const noexcept {
    std::uint64_t all = unseen + missing;
    for (const std::uint64_t n : counts) all += n;
    return all;
  }
};

/// How the training rows spread, feature by feature.
struct training_histograms {
  static constexpr std::size_t max_bins = 20;  ///< of a numeric feature
  std::vector<binned_rows> numeric;            ///< in model order
  std::vector<categorised_rows> text;          ///< in model order
  std::vector<binned_rows> outputs;            ///< of the predictions for these rows: one a column; of several classes
                                               ///< only one, of each row's largest number
  std::vector<std::uint64_t> classes;          ///< rows by predicted class; of several classes
};

/// The distribution of the training rows, the reference of live traffic. Plain data.
struct drift_baseline {
  /// The training distribution of one feature.
  struct feature {
    std::string name;  ///< the feature's name
    double mean = 0;   ///< of the training rows
    double std = 0;    ///< population standard deviation, unscaled units
  };
  std::vector<feature> numeric;                        ///< one entry per numeric feature, in model order
  double training_positive_rate = 0;                   ///< of two classes: share of positive labels, 0..1
  std::uint64_t training_sample_size = 0;              ///< rows that the exporter counted
  std::optional<training_histograms> histograms = {};  ///< without them there is no drift monitoring
  std::vector<double> class_rates = {};                ///< of several classes: share of the labels of each
  std::vector<feature> outputs = {};  ///< of other tasks: the model's predictions for the training rows
};

}  // namespace tabscore::inline TABSCORE_ABI
