// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "drift_reference.hpp"
#include "moments.hpp"
#include "mutex.hpp"
#include "sink.hpp"
#include "sliding_counts.hpp"

namespace tabscore {

/// A sink that keeps what drift is read from: the moments, and the counts of every feature's and the probability's
/// histogram over sliding windows. A batch is added under one lock: a reader sees it whole or not at all.
/// No concurrent call causes a data race (drift_monitor; drift_monitor_st is for one thread).
template <class Mutex, class Clock = std::chrono::steady_clock>
class basic_drift_monitor {
 public:
  /// The pipeline's features must be the model's of the reference. Without histograms there it keeps the moments alone.
  explicit basic_drift_monitor(drift_reference reference, std::uint64_t window_records = 2000)
      : reference_(std::move(reference)), counts_(reference_.cells(), window_records) {}

  const drift_reference& reference() const noexcept { return reference_; }

  template <std::size_t Width>
  class partial {
   public:
    partial() noexcept {}  // text_ is zeroed as far as it is used, not all of it for every batch

   private:
    friend basic_drift_monitor;
    moments_st::partial<Width> moments_;
    std::array<binner::tally, Width + 1> numbers_{};
    bool begun_ = false;
    std::array<std::uint32_t, max_text_cells> text_;
  };

  template <schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const scored<Schema>& block, const feature_block& x) const noexcept {
    moments_.observe(part.moments_, block, x);
    if (reference_.empty()) return;
    TABSCORE_ASSERT(Width == reference_.numeric() && x.text.size() == reference_.text.size(),
                    "a drift monitor was given to a pipeline of other features");
    for (std::size_t j = 0; j < Width; ++j) reference_.bins[j].count(x.column(j), x.rows, part.numbers_[j]);
    reference_.bins[Width].count(block.scores.probability.data(), x.rows, part.numbers_[Width]);
    if (!std::exchange(part.begun_, true)) std::fill_n(part.text_.begin(), text_cells(), 0U);
    std::uint32_t* cell = part.text_.data();
    for (std::size_t f = 0; f < x.text.size(); ++f) {
      const one_hot& levels = reference_.text[f];
      for (std::size_t i = 0; i < x.rows; ++i) {
        const std::string_view text = x.text[f][i];
        if (text.data() == nullptr) {
          ++cell[levels.size() + 1];
          continue;
        }
        const std::int32_t code = levels.code(text);
        ++cell[code == one_hot::unknown ? levels.size() : static_cast<std::size_t>(code)];
      }
      cell += levels.size() + 2;
    }
  }

  template <schema_type Schema, std::size_t Width>
  void record(const partial<Width>& part, const scored<Schema>& batch) noexcept {
    const std::uint64_t rows = batch.records.rows();
    const auto now = this_minute();
    const std::lock_guard lock(mutex_);
    moments_.record(part.moments_, batch);
    if (reference_.empty()) return;
    std::uint64_t* cell = counts_.add(rows, now).data();
    const auto number = [&](std::size_t j) {
      reference_.bins[j].add(part.numbers_[j], rows, cell);
      cell += reference_.bins[j].cells();
    };
    for (std::size_t j = 0; j < Width; ++j) number(j);
    const std::size_t texts = text_cells();
    for (std::size_t i = 0; i < texts; ++i) *cell++ += part.text_[i];
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
    return counts_.read(w, now);
  }
  /// Both of one moment.
  std::pair<exact_totals, std::vector<std::uint64_t>> total() const {
    const std::lock_guard lock(mutex_);
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
  static std::chrono::minutes this_minute() {
    return std::chrono::floor<std::chrono::minutes>(Clock::now().time_since_epoch());
  }
  std::size_t text_cells() const noexcept {
    return reference_.features.back().first - reference_.features[reference_.numeric()].first;
  }

  const drift_reference reference_;
  mutable Mutex mutex_;
  moments_st moments_;
  sliding_counts counts_;
};

using drift_monitor = basic_drift_monitor<std::mutex>;
using drift_monitor_st = basic_drift_monitor<no_mutex>;

}  // namespace tabscore
