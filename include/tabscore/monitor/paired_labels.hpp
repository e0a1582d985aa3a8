// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/siphash.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/task.hpp"
#include "../schema/columns.hpp"
#include "estimate.hpp"
#include "label_window.hpp"
#include "performance.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The last predictions of two models for the same records, until their labels come: the performance of both on the
/// same labels, and the mean difference of their losses, record by record. Thread-safe.
class paired_labels {
 public:
  /// As of label_window; each model has such a window.
  paired_labels(const model_outputs& model, std::size_t capacity, std::chrono::seconds delay, const siphash_key& key)
      : first_(model, capacity, delay, key), second_(model, capacity, delay, key), losses_(losses_of(model)) {}

  /// The mean of second loss - first loss. Of accuracy the share of right classes takes the loss's place.
  struct difference {
    std::string_view figure;  ///< the figure's name
    std::string part;         ///< the target or level; empty: there is one
    exact_mean mean{};        ///< of the pairs' differences
  };
  /// The counts.
  struct contents {
    performance_counts first;             ///< of the model
    performance_counts second;            ///< of the challenger
    std::vector<difference> differences;  ///< second minus first
    std::uint64_t pairs = 0;              ///< labels that met both predictions
    std::size_t kept = 0;                 ///< predictions in the window
  };

  /// Predictions that it keeps of each model.
  std::size_t capacity() const noexcept { return first_.capacity(); }

  /// Keeps the predictions of both models.
  template <schema_type Schema>
  void record(const columns<Schema>& records, const predictions& first, const predictions& second) {
    const std::lock_guard lock(mutex_);
    first_.record(scored<Schema>{records, first});
    second_.record(scored<Schema>{records, second});
  }
  /// Joins a label with both predictions.
  label_outcome join(std::string_view id, std::optional<std::int64_t> time, std::span<const double> numbers);
  /// A copy of the counts.
  contents read() const;

 private:
  static std::vector<difference> losses_of(const model_outputs& model);
  static void find_losses(const model_outputs& model, std::span<const double> values, std::uint32_t predicted,
                          std::span<const double> label, std::vector<double>& to);

  mutable std::mutex mutex_;
  mutable label_window first_, second_;  // always of the same ids; thread-safe
  std::vector<difference> losses_;
  std::uint64_t pairs_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE label_outcome paired_labels::join(std::string_view id, std::optional<std::int64_t> time,
                                                  std::span<const double> numbers) {
  const std::lock_guard lock(mutex_);
  std::vector<double> a, b;
  const auto losses = [&](std::vector<double>& to) {
    return [&](std::span<const double> values, std::uint32_t predicted) {
      find_losses(first_.model(), values, predicted, numbers, to);
    };
  };
  const label_outcome found = first_.join(id, time, numbers, losses(a));
  second_.join(id, time, numbers, losses(b));
  if (a.size() != losses_.size() || b.size() != losses_.size() || found != label_outcome::joined) return found;
  for (std::size_t i = 0; i < a.size(); ++i) losses_[i].mean.add(b[i] - a[i]);
  ++pairs_;
  return found;
}

TABSCORE_INLINE paired_labels::contents paired_labels::read() const {
  const std::lock_guard lock(mutex_);
  auto first = first_.read();
  return {std::move(first.counts), second_.read().counts, losses_, pairs_, first.kept};
}

TABSCORE_INLINE std::vector<paired_labels::difference> paired_labels::losses_of(const model_outputs& model) {
  std::vector<difference> all;
  const auto part = [&](std::size_t k) {
    if (model.columns == 1) return std::string();
    return k < model.names.size() ? model.names[k] : std::to_string(k);
  };
  if (model.task == task::binary) all.push_back({"brier", {}});
  if (model.task == task::binary || (model.task == task::multiclass && model.probabilities)) {
    all.push_back({"log_loss", {}});
  }
  if (model.task == task::binary || model.task == task::multiclass || model.task == task::anomaly) {
    all.push_back({"accuracy", {}});
  }
  for (std::size_t k = 0; k < model.columns; ++k) {
    if (model.task == task::regression) {
      all.push_back({"mae", part(k)});
      all.push_back({"mse", part(k)});
    } else if (model.task == task::quantiles) {
      all.push_back({"pinball_loss", part(k)});
    }
  }
  return all;
}

TABSCORE_INLINE void paired_labels::find_losses(const model_outputs& model, std::span<const double> values,
                                                std::uint32_t predicted, std::span<const double> label,
                                                std::vector<double>& to) {
  const auto clipped = [](double p) {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    return (std::min)((std::max)(p, epsilon), 1 - epsilon);
  };
  const double right = static_cast<double>(predicted) == label[0] ? 1 : 0;
  switch (model.task) {
    case task::binary: {
      const double off = values[0] - label[0], p = clipped(values[0]);
      to = {off * off, -std::log(label[0] == 1 ? p : 1 - p), right};
      break;
    }
    case task::multiclass:
      if (model.probabilities) {
        double sum = 0;
        for (const double p : values) sum += clipped(p);
        to.push_back(-std::log(clipped(values[static_cast<std::size_t>(label[0])]) / sum));
      }
      to.push_back(right);
      break;
    case task::anomaly:
      to = {right};
      break;
    case task::regression:
      for (std::size_t k = 0; k < values.size(); ++k) {
        const double off = values[k] - label[k];
        to.push_back(std::abs(off));
        to.push_back(off * off);
      }
      break;
    case task::quantiles:
      for (std::size_t k = 0; k < values.size(); ++k) {
        const double above = label[0] - values[k], level = detail::number_in(model.names[k]);
        to.push_back(above >= 0 ? level * above : (level - 1) * above);
      }
      break;
    case task::score:
      break;
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
