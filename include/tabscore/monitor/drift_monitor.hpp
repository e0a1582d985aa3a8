// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "coarse_clock.hpp"
#include "drift_reference.hpp"
#include "moments.hpp"
#include "mutex.hpp"
#include "sink.hpp"
#include "sliding_counts.hpp"

namespace tabscore {

/// A sink that keeps what drift is read from: the moments, and the counts of every feature's and the probability's
/// histogram over sliding windows. A batch is added under one lock: a reader sees it whole or not at all.
/// No concurrent call causes a data race (drift_monitor; drift_monitor_st is for one thread).
template <class Mutex, class Clock = coarse_clock>
class basic_drift_monitor {
  static constexpr std::size_t few =
      32;  // rows that are not worth a pass of counting: they wait for more of their kind
  static constexpr std::size_t waiting = 256;  // rows that may do so

 public:
  /// The pipeline's features must be the model's of the reference. Without histograms there it keeps the moments alone.
  explicit basic_drift_monitor(drift_reference reference, std::uint64_t window_records = 2000)
      : reference_(std::move(reference)),
        counts_(reference_.cells(), window_records),
        numbers_(reference_.bins.size() * waiting) {}

  const drift_reference& reference() const noexcept { return reference_; }

  template <std::size_t Width>
  class partial {
   public:
    partial() noexcept {}  // the arrays are written before they are read, and only as far as they are used

   private:
    friend basic_drift_monitor;
    moments_st::partial<Width> moments_;
    // Of a few rows: their numbers as histograms see them, column by column, and the cells of their texts.
    std::size_t few_rows_ = 0;
    std::size_t few_texts_ = 0;
    std::array<float, few*(Width + 1)> few_numbers_;
    std::array<std::uint32_t, 4 * few> few_text_cells_;
    // Of many rows: counts.
    std::uint64_t counted_rows_ = 0;
    std::array<binner::tally, Width + 1> numbers_;
    std::array<std::uint32_t, max_text_cells> text_;
  };

  template <schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const scored<Schema>& block, const feature_block& x) const noexcept {
    moments_.observe(part.moments_, block, x);
    if (reference_.empty()) return;
    TABSCORE_ASSERT(Width == reference_.numeric() && x.text.size() == reference_.text.size(),
                    "a drift monitor was given to a pipeline of other features");
    const double* const probability = block.scores.probability.data();
    if (part.few_rows_ + x.rows <= few && part.few_texts_ + x.rows * x.text.size() <= part.few_text_cells_.size()) {
      for (std::size_t i = 0; i < x.rows; ++i, ++part.few_rows_) {
        float* const row = part.few_numbers_.data() + part.few_rows_;
        for (std::size_t j = 0; j < Width; ++j) row[j * few] = static_cast<float>(x.column(j)[i]);
        row[Width * few] = static_cast<float>(probability[i]);
      }
      for (std::size_t f = 0; f < x.text.size(); ++f) {
        const std::size_t first = reference_.features[Width + f].first;
        each_text_cell(x, f, [&](std::size_t, std::size_t at) {
          part.few_text_cells_[part.few_texts_++] = static_cast<std::uint32_t>(first + at);
        });
      }
      return;
    }
    if (part.counted_rows_ == 0) {
      part.numbers_.fill(binner::tally{});
      with_text_copies([&](auto copies) { std::fill_n(part.text_.begin(), text_cells() * copies, 0U); });
    }
    part.counted_rows_ += x.rows;
    for (std::size_t j = 0; j < Width; ++j) reference_.bins[j].count(x.column(j), x.rows, part.numbers_[j]);
    reference_.bins[Width].count(probability, x.rows, part.numbers_[Width]);
    with_text_copies([&](auto copies) {
      std::uint32_t* cell = part.text_.data();
      for (std::size_t f = 0; f < x.text.size(); ++f) {
        each_text_cell(x, f, [&](std::size_t i, std::size_t at) { ++cell[at * copies + i % copies]; });
        cell += (reference_.text[f].size() + 2) * copies;
      }
    });
  }

  template <schema_type Schema, std::size_t Width>
  void record(const partial<Width>& part, const scored<Schema>& batch) noexcept {
    const std::lock_guard lock(mutex_);
    moments_.record(part.moments_, batch);
    if (reference_.empty()) return;
    const auto now = this_minute();
    if (counts_.closes(now) || waiting_rows_ + part.few_rows_ > waiting) count_waiting();
    std::uint64_t* cell = counts_.add(batch.records.rows(), now).data();
    for (std::size_t i = 0; i < part.few_texts_; ++i) ++cell[part.few_text_cells_[i]];
    for (std::size_t i = 0; i < part.few_rows_; ++i, ++waiting_rows_) {
      const float* const row = part.few_numbers_.data() + i;
      for (std::size_t j = 0; j <= Width; ++j) numbers_[j * waiting + waiting_rows_] = row[j * few];
    }
    if (part.counted_rows_ == 0) return;
    const auto number = [&](std::size_t j) {
      reference_.bins[j].add(part.numbers_[j], part.counted_rows_, cell);
      cell += reference_.bins[j].cells();
    };
    for (std::size_t j = 0; j < Width; ++j) number(j);
    with_text_copies([&](auto copies) {
      for (std::size_t i = 0; i < text_cells(); ++i) {
        for (std::size_t k = 0; k < copies; ++k) cell[i] += part.text_[i * copies + k];
      }
    });
    cell += text_cells();
    number(Width);
  }

  /// Consistent copies: of whole batches.
  totals read() const { return exact().rounded(); }
  exact_totals exact() const {
    const std::lock_guard lock(mutex_);
    return moments_.exact();
  }
  std::vector<std::uint64_t> counts(window w) const {
    const auto now = this_minute();
    const std::lock_guard lock(mutex_);
    count_waiting();
    return counts_.read(w, now);
  }
  /// Both of one moment.
  std::pair<exact_totals, std::vector<std::uint64_t>> total() const {
    const std::lock_guard lock(mutex_);
    count_waiting();
    return {moments_.exact(), counts_.read(window::total, {})};
  }
  /// Adds what another replica, or this one before it was restarted, has counted, to the totals; windows are of what
  /// this sink has seen itself.
  void merge(const exact_totals& sums, std::span<const std::uint64_t> counts) {
    const std::lock_guard lock(mutex_);
    moments_.merge(sums);
    counts_.merge(counts);
  }

 private:
  static std::chrono::minutes this_minute() noexcept {
    return std::chrono::floor<std::chrono::minutes>(Clock::now().time_since_epoch());
  }
  /// Counts the numbers of small batches, many at a time. Under the lock; nobody can tell that it was done.
  void count_waiting() const noexcept {
    if (waiting_rows_ == 0) return;
    std::uint64_t* const cell = counts_.last().data();
    for (std::size_t j = 0; j < reference_.bins.size(); ++j) {
      binner::tally t{};
      reference_.bins[j].count(numbers_.data() + j * waiting, waiting_rows_, t);
      const monitored& feature = j < reference_.numeric() ? reference_.features[j] : reference_.features.back();
      reference_.bins[j].add(t, waiting_rows_, cell + feature.first);
    }
    waiting_rows_ = 0;
  }
  std::size_t text_cells() const noexcept {
    return reference_.features.back().first - reference_.features[reference_.numeric()].first;
  }
  /// Each cell of a text is counted in several places in turn, when there is room, so that rows with the same text need
  /// not wait for one another.
  template <class Use>
  void with_text_copies(Use&& use) const noexcept {
    constexpr std::size_t copies = 4;
    if (text_cells() <= max_text_cells / copies) {
      use(std::integral_constant<std::size_t, copies>{});
    } else {
      use(std::integral_constant<std::size_t, 1>{});
    }
  }

  /// Calls use(row, cell) for each row of a text field.
  template <class Use>
  void each_text_cell(const feature_block& x, std::size_t field, Use&& use) const noexcept {
    const one_hot& levels = reference_.text[field];
    each_code(x, field, levels, 0, x.rows, [&](std::size_t i, std::int32_t code) {
      const bool missing = x.text[field][i].data() == nullptr;
      use(i, missing ? levels.size() + 1 : code == one_hot::unknown ? levels.size() : static_cast<std::size_t>(code));
    });
  }

  const drift_reference reference_;
  mutable Mutex mutex_;
  moments_st moments_;
  mutable sliding_counts counts_;
  // The numbers of small batches that are not in counts_ yet, column by column.
  mutable std::vector<float> numbers_;
  mutable std::size_t waiting_rows_ = 0;
};

using drift_monitor = basic_drift_monitor<std::mutex>;
using drift_monitor_st = basic_drift_monitor<no_mutex>;

}  // namespace tabscore
