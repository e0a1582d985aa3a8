// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A window: the records that are counted.
enum class window : std::uint8_t {
  total,    ///< everything since the state began
  records,  ///< the last ones: the number asked for and up to a tenth more (and batches, which are never cut)
  hour,     ///< 59 to 60 minutes
  day       ///< 23 h 45 min to 24 h
};
/// In the order in which reports list them.
inline constexpr std::array all_windows{window::total, window::records, window::hour, window::day};

/// Counts of a fixed number of cells over several windows. A batch is added to the array of its minute. The increase
/// goes into a ring when a tenth of the record window is over, and the whole array into rings of time spans at the end
/// of the minute. Not for concurrent use.
class sliding_counts {
 public:
  /// The time since any fixed moment.
  using minutes = std::chrono::minutes;

  /// Cells of the reference, and records of the window that is counted in records.
  sliding_counts(std::size_t cells, std::uint64_t window_records);

  /// The array that the next batch of `records` is added to. Threads may add a batch late: then the time goes back.
  std::span<std::uint64_t> add(std::uint64_t records, minutes now);
  /// How many records, one at least, end the piece of the record window that the next batch falls into.
  std::uint64_t room() const noexcept {
    const std::uint64_t records = piece_[at_].records;
    return records >= step_ ? step_ : step_ - records;
  }
  /// Adds to the total alone.
  void merge(std::span<const std::uint64_t> counts) { add_to(total_, counts); }

  /// The counts within a window.
  std::vector<std::uint64_t> read(window w, minutes now) const;

 private:
  static constexpr std::size_t pieces = 10;
  struct part {
    explicit part(std::size_t cells) : counts(cells) {}
    std::vector<std::uint64_t> counts;
    std::int64_t span = -1;     // which minute or quarter of an hour
    std::uint64_t records = 0;  // in a piece of the record window, with those that are not settled
  };

  static void add_to(std::span<std::uint64_t> sum, std::span<const std::uint64_t> counts) noexcept {
    TABSCORE_ASSERT(sum.size() == counts.size(), "counts of other cells");
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += counts[i];
  }

  /// The increase of the recent counts since they were settled.
  void add_growth_to(std::span<std::uint64_t> sum) const noexcept {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += recent_[i] - settled_[i];
  }
  /// Gives the piece its part of the recent counts; a full one makes place for the next.
  void settle_piece();
  void pour(minutes now);

  std::vector<std::uint64_t> recent_;   // of this minute
  std::vector<std::uint64_t> settled_;  // those of them that pieces have
  std::vector<std::uint64_t> total_;
  std::uint64_t step_;
  minutes now_{0};
  std::vector<part> minute_;
  std::vector<part> quarter_;
  std::vector<part> piece_;
  std::size_t at_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/sliding_counts.hpp"
#endif
