// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A count that one thread raises and any thread reads. With a count per thread, which the reader adds up, counting
/// needs neither a lock nor a locked instruction.
class metric_count {
 public:
  /// One thread adds; others may read.
  void add(std::uint64_t n = 1) noexcept { value_.store(value() + n, std::memory_order_relaxed); }
  /// The count.
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

/// The counts of a histogram: integers, so that those of many threads add up in any order.
template <std::size_t Bounds>
struct histogram_counts {
  std::array<std::uint64_t, Bounds + 1> in{};  ///< values above bound i - 1 and up to bound i; the last: above all
  std::uint64_t sum = 0;                       ///< of the values

  /// Adds other counts.
  histogram_counts& operator+=(const histogram_counts& other) noexcept {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] += other.in[i];
    sum += other.sum;
    return *this;
  }
};

/// Counts whole numbers (nanoseconds, say) between ascending bounds. One thread counts, any thread reads.
template <std::size_t Bounds>
class metric_histogram {
 public:
  /// The bounds must outlive it.
  explicit constexpr metric_histogram(const std::array<std::uint64_t, Bounds>& bounds) noexcept : bounds_(&bounds) {}

  /// Counts a value. One thread observes; others may read.
  void observe(std::uint64_t value) noexcept {
    in_[static_cast<std::size_t>(std::lower_bound(bounds_->begin(), bounds_->end(), value) - bounds_->begin())].add();
    sum_.add(value);
  }
  /// The counts.
  histogram_counts<Bounds> read() const noexcept {
    histogram_counts<Bounds> counts;
    for (std::size_t i = 0; i < in_.size(); ++i) counts.in[i] = in_[i].value();
    counts.sum = sum_.value();
    return counts;
  }

 private:
  const std::array<std::uint64_t, Bounds>* bounds_;
  std::array<metric_count, Bounds + 1> in_;
  metric_count sum_;
};

}  // namespace tabscore::inline TABSCORE_ABI
