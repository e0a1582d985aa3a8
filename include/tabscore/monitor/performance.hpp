// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../outputs/check_outputs.hpp"
#include "../outputs/task.hpp"
#include "estimate.hpp"
#include "ranking.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Of models with more classes the whole confusion matrix is not kept: right, predicted and actual records of each
/// class are.
inline constexpr std::size_t max_confusion_classes = 100;

/// Counts of predictions with their labels: integers and exact sums, so that the counts of threads, replicas and days
/// merge bit for bit, in any order. Not for concurrent use.
class performance_counts {
 public:
  /// Precondition: check_outputs() finds nothing. The names of quantiles are their levels ("0.1").
  explicit performance_counts(model_outputs model);

  static constexpr std::size_t tenths = 10;  ///< of probability, for calibration

  /// The outputs of the model.
  const model_outputs& model() const noexcept { return model_; }
  /// Pairs of a prediction and its label.
  std::uint64_t pairs() const noexcept { return pairs_; }

  /// Numbers of a label: one for each target; of other tasks one, which of classes is the index (of two classes, of
  /// scores and of outliers: 0 or 1).
  static std::size_t label_numbers(const model_outputs& m) noexcept {
    return m.task == task::regression ? m.columns : 1;
  }

  /// The reason why a prediction and a label cannot be counted, if any.
  std::optional<error> wrong(std::span<const double> prediction, std::uint32_t predicted,
                             std::span<const double> label) const;

  /// Counts a prediction with its label, or returns the reason why not. `predicted` is the class that was decided for:
  /// of two classes and outliers 0 or 1; 0 for other tasks.
  [[nodiscard]] std::optional<error> add(std::span<const double> prediction, std::uint32_t predicted,
                                         std::span<const double> label);

  /// Adds other counts of the same model, or returns the reason why they belong to another one.
  [[nodiscard]] std::optional<error> merge(const performance_counts& other) {
    if (other.model_ != model_)
      return error{errc::mismatch, "expected labelled predictions of a model with the same outputs"};
    pairs_ += other.pairs_;
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    for (std::size_t i = 0; i < means_.size(); ++i) means_[i].merge(other.means_[i]);
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i].merge(other.sums_[i]);
    return std::nullopt;
  }

  /// The difference to the `earlier` counts, bit for bit.
  performance_counts since(const performance_counts& earlier) const {
    performance_counts part = *this;
    part.pairs_ -= earlier.pairs_;
    for (std::size_t i = 0; i < counts_.size(); ++i) part.counts_[i] -= earlier.counts_[i];
    for (std::size_t i = 0; i < means_.size(); ++i) part.means_[i].subtract(earlier.means_[i]);
    for (std::size_t i = 0; i < sums_.size(); ++i) part.sums_[i].subtract(earlier.sums_[i]);
    return part;
  }

  friend bool operator==(const performance_counts&, const performance_counts&) = default;

  /// All that was counted as words, which load() takes of counts of the same model.
  std::size_t words() const noexcept { return 1 + counts_.size() + (2 * means_.size() + sums_.size()) * sum_words; }
  /// Writes words() numbers.
  void save(std::span<std::uint64_t> to) const noexcept;
  /// Reads words() numbers that save() wrote.
  void load(std::span<const std::uint64_t> from) noexcept;

  // What was counted, for reports.

  /// Scores and labels of 0 and 1, whose order counts: binary, score and anomaly.
  bool is_ranked() const noexcept { return model_.task != task::multiclass && label_classes() == 2; }
  /// The task has a confusion matrix.
  bool has_matrix() const noexcept {
    return model_.task != task::multiclass || model_.columns <= max_confusion_classes;
  }
  /// Of binary, anomaly and multiclass: records of an actual and a predicted class. Precondition: has_matrix().
  std::uint64_t confusion(std::size_t actual, std::size_t predicted) const noexcept {
    return counts_[actual * label_classes() + predicted];
  }
  /// Right, predicted and actual records of a class.
  std::array<std::uint64_t, 3> class_totals(std::size_t c) const noexcept;
  /// Of two classes: the records whose probability is in a tenth, the positive ones of them, and their probabilities.
  struct tenth {
    std::uint64_t records;    ///< all of them
    std::uint64_t positives;  ///< with label 1
    double probabilities;     ///< the sum of their probabilities
  };
  /// Of two classes; i from 0 to 9.
  tenth tenth_at(std::size_t i) const noexcept { return {counts_[4 + 2 * i], counts_[5 + 2 * i], sums_[i].value()}; }
  /// Of binary, score and anomaly: labels in each cell, from the score that stands most for the positive label.
  std::vector<score_group> groups() const {
    std::vector<score_group> all(score_cells);
    for (std::size_t i = 0; i < score_cells; ++i) {
      const std::uint64_t* const cell = counts_.data() + counts_.size() - 2 * (i + 1);
      all[i] = {cell[0], cell[1]};
    }
    return all;
  }
  /// The number that ranks a prediction: low scores of anomaly models stand for outliers.
  double ranked(double prediction) const noexcept { return model_.task == task::anomaly ? -prediction : prediction; }

  /// Of binary log loss and squared error; of multiclass log loss; of regression, for each target: error, absolute
  /// error, squared error, label; of quantiles the pinball loss of each level, and the distance of the outer ones.
  const exact_mean& mean_at(std::size_t i) const noexcept { return means_[i]; }
  /// Of quantiles: labels not above a level's number; after the last level: labels between the outer two.
  std::uint64_t covered(std::size_t i) const noexcept { return counts_[i]; }
  /// Of quantiles.
  const std::vector<double>& levels() const noexcept { return levels_; }
  /// Position of the smallest level.
  std::size_t lowest_level() const noexcept {
    return static_cast<std::size_t>(std::min_element(levels_.begin(), levels_.end()) - levels_.begin());
  }
  /// Position of the largest level.
  std::size_t highest_level() const noexcept {
    return static_cast<std::size_t>(std::max_element(levels_.begin(), levels_.end()) - levels_.begin());
  }
  /// Classes that a label may be; 0 where labels are numbers.
  std::size_t label_classes() const noexcept {
    if (model_.task == task::multiclass) return model_.columns;
    return model_.task == task::regression || model_.task == task::quantiles ? 0 : 2;
  }

 private:
  bool is_probability() const noexcept {
    return model_.task == task::binary || (model_.task == task::multiclass && model_.probabilities);
  }
  std::size_t cell_of(double x) const noexcept {
    return model_.task == task::binary ? probability_cell(x) : score_cell(ranked(x));
  }
  /// As scikit-learn clips them, so that one wrong certainty is a loss of 36.
  static double clipped(double p) noexcept {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    return (std::min)((std::max)(p, epsilon), 1 - epsilon);
  }
  static constexpr std::size_t sum_words = exact_sum::limbs + 4;
  template <class F>
  static void each_sum(auto& counts, F&& f) {
    for (auto& m : counts.means_) f(m.sum), f(m.squares);
    for (auto& s : counts.sums_) f(s);
  }
  void add_binary(double p, std::size_t actual) noexcept;
  void add_class(std::span<const double> values, std::size_t predicted, std::size_t actual) noexcept;
  void add_quantiles(std::span<const double> values, double label) noexcept;

  model_outputs model_;
  std::uint64_t pairs_ = 0;
  std::vector<std::uint64_t> counts_;  // the confusion, the tenths, the cells: what the task has of them
  std::vector<exact_mean> means_;
  std::vector<exact_sum> sums_;
  std::vector<double> levels_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE performance_counts::performance_counts(model_outputs model) : model_(std::move(model)) {
  const std::size_t k = model_.columns;
  switch (model_.task) {
    case task::binary:
      counts_.resize(4 + 2 * tenths + 2 * score_cells);
      means_.resize(2);
      sums_.resize(tenths);
      break;
    case task::anomaly:
      counts_.resize(4 + 2 * score_cells);
      break;
    case task::score:
      counts_.resize(2 * score_cells);
      break;
    case task::multiclass:
      counts_.resize(has_matrix() ? k * k : 3 * k);
      means_.resize(model_.probabilities ? 1 : 0);
      break;
    case task::regression:
      means_.resize(4 * k);
      break;
    case task::quantiles:
      counts_.resize(k + 1);
      means_.resize(k + 1);
      break;
  }
  if (model_.task != task::quantiles) return;
  for (const std::string& name : model_.names) levels_.push_back(detail::number_in(name));
}

TABSCORE_INLINE std::optional<error> performance_counts::wrong(std::span<const double> prediction,
                                                               std::uint32_t predicted,
                                                               std::span<const double> label) const {
  const auto refuse = [](const char* text) { return error{errc::structure, text}; };
  if (prediction.size() != model_.columns) return refuse("the prediction has another count of numbers than the model");
  if (label.size() != label_numbers(model_)) return refuse("the label has another count of numbers than the targets");
  if (model_.task == task::quantiles && levels_.size() != model_.columns) {
    return refuse("the levels of the quantiles are not known");
  }
  for (const double x : prediction) {
    if (!std::isfinite(x)) return refuse("a number of the prediction is not finite");
    if (is_probability() && !(x >= 0 && x <= 1)) return refuse("a probability is not from 0 to 1");
  }
  for (const double x : label) {
    if (!std::isfinite(x)) return refuse("the label is not a finite number");
  }
  if (const std::size_t classes = label_classes(); classes != 0) {
    if (!(label[0] >= 0 && label[0] < static_cast<double>(classes) && label[0] == std::floor(label[0]))) {
      return refuse(classes == 2 ? "the label is not 0 or 1" : "the label is not the index of a class");
    }
    if (predicted >= classes) return refuse("the predicted class is not one of the model's");
  }
  return std::nullopt;
}

TABSCORE_INLINE std::optional<error> performance_counts::add(std::span<const double> prediction,
                                                             std::uint32_t predicted, std::span<const double> label) {
  if (auto e = wrong(prediction, predicted, label)) return e;
  ++pairs_;
  const auto actual = label_classes() != 0 ? static_cast<std::size_t>(label[0]) : 0;
  switch (model_.task) {
    case task::binary:
      add_binary(prediction[0], actual);
      [[fallthrough]];
    case task::anomaly:
      ++counts_[actual * 2 + predicted];
      [[fallthrough]];
    case task::score:
      ++counts_[counts_.size() - 2 * score_cells + 2 * cell_of(prediction[0]) + actual];
      break;
    case task::multiclass:
      add_class(prediction, predicted, actual);
      break;
    case task::regression:
      for (std::size_t k = 0; k < model_.columns; ++k) {
        const double error = prediction[k] - label[k];
        means_[4 * k].add(error);
        means_[4 * k + 1].add(std::abs(error));
        means_[4 * k + 2].add(error * error);
        means_[4 * k + 3].add(label[k]);
      }
      break;
    case task::quantiles:
      add_quantiles(prediction, label[0]);
      break;
  }
  return std::nullopt;
}

TABSCORE_INLINE void performance_counts::save(std::span<std::uint64_t> to) const noexcept {
  auto at = to.begin();
  *at++ = pairs_;
  at = std::copy(counts_.begin(), counts_.end(), at);
  each_sum(*this, [&](const exact_sum& s) {
    const auto magnitude = s.magnitude();
    at = std::copy(magnitude.begin(), magnitude.end(), at);
    for (const std::uint64_t n : {std::uint64_t{s.negative()}, s.nans(), s.infinities(), s.negative_infinities()}) {
      *at++ = n;
    }
  });
}

TABSCORE_INLINE void performance_counts::load(std::span<const std::uint64_t> from) noexcept {
  pairs_ = from[0];
  auto at = from.begin() + 1;
  std::copy_n(at, counts_.size(), counts_.begin());
  at += static_cast<std::ptrdiff_t>(counts_.size());
  each_sum(*this, [&](exact_sum& s) {
    std::array<std::uint64_t, exact_sum::limbs> magnitude{};
    std::copy_n(at, magnitude.size(), magnitude.begin());
    at += magnitude.size();
    s = exact_sum::of(magnitude, at[0] != 0, at[1], at[2], at[3]);
    at += 4;
  });
}

TABSCORE_INLINE std::array<std::uint64_t, 3> performance_counts::class_totals(std::size_t c) const noexcept {
  const std::size_t k = label_classes();
  if (!has_matrix()) return {counts_[c], counts_[k + c], counts_[2 * k + c]};
  std::array<std::uint64_t, 3> totals{confusion(c, c), 0, 0};
  for (std::size_t i = 0; i < k; ++i) {
    totals[1] += confusion(i, c);
    totals[2] += confusion(c, i);
  }
  return totals;
}

TABSCORE_INLINE void performance_counts::add_binary(double p, std::size_t actual) noexcept {
  const double right = clipped(p);
  means_[0].add(-std::log(actual == 1 ? right : 1 - right));
  const double off = p - static_cast<double>(actual);
  means_[1].add(off * off);
  // The i-th tenth is above i * 0.1 and up to (i + 1) * 0.1, each a product of doubles, as calibration_curve() bins.
  std::size_t i = 0;
  while (i + 1 < tenths && p > static_cast<double>(i + 1) * 0.1) ++i;
  ++counts_[4 + 2 * i];
  counts_[5 + 2 * i] += actual;
  sums_[i].add(p);
}

TABSCORE_INLINE void performance_counts::add_class(std::span<const double> values, std::size_t predicted,
                                                   std::size_t actual) noexcept {
  const std::size_t k = model_.columns;
  if (has_matrix()) {
    ++counts_[actual * k + predicted];
  } else {
    counts_[actual] += predicted == actual;
    ++counts_[k + predicted];
    ++counts_[2 * k + actual];
  }
  if (means_.empty()) return;
  double sum = 0;
  for (const double p : values) sum += clipped(p);
  means_[0].add(-std::log(clipped(values[actual]) / sum));
}

TABSCORE_INLINE void performance_counts::add_quantiles(std::span<const double> values, double label) noexcept {
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double above = label - values[k];
    means_[k].add(above >= 0 ? levels_[k] * above : (levels_[k] - 1) * above);
    counts_[k] += label <= values[k];
  }
  const double low = values[lowest_level()], high = values[highest_level()];
  counts_.back() += low <= label && label <= high;
  means_.back().add(high - low);
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
