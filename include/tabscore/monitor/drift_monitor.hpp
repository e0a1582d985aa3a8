// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "coarse_clock.hpp"
#include "detail/drift_counter.hpp"
#include "drift_reference.hpp"
#include "moments.hpp"
#include "mutex.hpp"
#include "sink.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A sink that counts for drift reports: the moments, and the counts of every feature's and the predictions'
/// histograms over sliding windows. A reader sees a batch whole or not at all. Small batches are counted many at a
/// time. No concurrent call causes a data race (drift_monitor; drift_monitor_st is for one thread). With
/// tabscore::compiled the mutex is one of these two.
template <class Mutex, class Clock = coarse_clock>
class basic_drift_monitor {
 public:
  /// The pipeline's features must be the model's of the reference. Without histograms there it keeps the moments alone.
  explicit basic_drift_monitor(drift_reference reference, std::uint64_t window_records = 2000)
      : counter_(std::move(reference), window_records) {}

  /// The reference of the comparison.
  const drift_reference& reference() const noexcept { return counter_.reference(); }

  /// Counts of a batch that is being scored.
  template <std::size_t Width>
  class partial {
   public:
    partial() noexcept {}  // the arrays are written before they are read, and only as far as they are used

   private:
    friend basic_drift_monitor;
    detail::drift_counts view() noexcept { return {{moments_.real, moments_.integer}, numbers_, text_, rows_}; }

    moments_st::partial<Width> moments_;
    std::uint64_t rows_ = 0;
    std::array<binner::tally, Width + 1> numbers_;
    std::array<std::uint32_t, max_text_cells> text_;
  };

  /// The sink's hook: counts a block.
  template <schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const scored<Schema>& block, const feature_block& x) const noexcept {
    counter_.observe(part.view(), detail::integer_columns(block.records), block.scores, x);
  }

  /// The sink's hook: adds a batch once all of it is scored.
  template <schema_type Schema, std::size_t Width>
  void record(partial<Width>& part, const scored<Schema>& batch) noexcept {
    counter_.record(part.view(), detail::integer_fields<Schema>, batch.records.rows(), batch.scores, this_minute());
  }

  /// observe() and record() of a batch of one block; few rows are counted later, with others.
  template <std::size_t Width, schema_type Schema>
  void record_block(const scored<Schema>& batch, const feature_block& x) noexcept {
    const auto integers = detail::integer_columns(batch.records);
    const auto now = this_minute();
    if (counter_.wait(integers, batch.scores, x, now)) return;
    partial<Width> part;
    counter_.record_now(part.view(), integers, detail::integer_fields<Schema>, batch.scores, x, now);
  }

  /// Consistent copies: of whole batches.
  totals read() const { return exact().rounded(); }
  /// Totals without rounding, which merge bit for bit.
  exact_totals exact() const { return counter_.exact(); }
  /// Counts of each cell of the reference, within a window.
  std::vector<std::uint64_t> counts(window w) const { return counter_.counts(w, this_minute()); }
  /// Both, taken at the same moment.
  std::pair<exact_totals, std::vector<std::uint64_t>> total() const { return counter_.total(); }
  /// Adds the counts of another replica, or of this one before a restart, to the totals. Windows hold only the records
  /// of this sink.
  void merge(const exact_totals& sums, std::span<const std::uint64_t> counts) { counter_.merge(sums, counts); }

 private:
  static std::chrono::minutes this_minute() noexcept {
    return std::chrono::floor<std::chrono::minutes>(Clock::now().time_since_epoch());
  }

  detail::drift_counter<Mutex> counter_;
};

/// Thread-safe.
using drift_monitor = basic_drift_monitor<std::mutex>;
/// For one thread.
using drift_monitor_st = basic_drift_monitor<no_mutex>;

}  // namespace tabscore::inline TABSCORE_ABI
