// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/config.hpp"

namespace tabscore {

/// What of the past is looked at.
enum class window : std::uint8_t {
  total,    ///< everything since the state began
  records,  ///< the last ones: the number asked for and up to a tenth more (and batches, which are never cut)
  hour,     ///< 59 to 60 minutes
  day       ///< 23 h 45 min to 24 h
};
inline constexpr std::array all_windows{window::total, window::records, window::hour, window::day};

/// Counts of a fixed number of cells over several windows at once. A batch is added to one array; that is poured into
/// rings of smaller spans of time or records when a minute or a tenth of the record window is over. Not for concurrent
/// use.
class sliding_counts {
 public:
  using minutes = std::chrono::minutes;

  sliding_counts(std::size_t cells, std::uint64_t window_records)
      : pending_(cells),
        total_(cells),
        step_(std::max<std::uint64_t>(1, window_records / pieces)),
        minute_(60, part(cells)),
        quarter_(96, part(cells)),
        piece_(pieces + 1, part(cells)) {}

  /// The array that the next batch of `records` is added to. Threads may add a batch late: then the time goes back.
  std::span<std::uint64_t> add(std::uint64_t records, minutes now) {
    if (closes(now)) pour(now);
    pending_records_ += records;
    return pending_;
  }
  /// How many records, one at least, end the piece of the record window that the next batch falls into.
  std::uint64_t room() const noexcept {
    const std::uint64_t records = piece_[at_].records + pending_records_;
    return records >= step_ ? step_ : step_ - records;
  }
  /// Adds to the total alone.
  void merge(std::span<const std::uint64_t> counts) { add_to(total_, counts); }

  std::vector<std::uint64_t> read(window w, minutes now) const {
    std::vector<std::uint64_t> sum(pending_.size());
    if (w == window::total) {
      add_to(sum, total_);
    } else if (w == window::records) {
      for (const part& p : piece_) add_to(sum, p.counts);
    } else {
      const auto& ring = w == window::hour ? minute_ : quarter_;
      const auto spans = static_cast<std::int64_t>(ring.size());
      const std::int64_t last = now.count() / (w == window::hour ? 1 : 15);
      for (const part& p : ring) {
        if (p.span > last - spans && p.span <= last) add_to(sum, p.counts);
      }
    }
    const std::int64_t age = (now - now_).count();
    if ((w == window::hour && age >= 60) || (w == window::day && now.count() / 15 - now_.count() / 15 >= 96))
      return sum;
    add_to(sum, pending_);
    return sum;
  }

 private:
  static constexpr std::size_t pieces = 10;
  struct part {
    explicit part(std::size_t cells) : counts(cells) {}
    std::vector<std::uint64_t> counts;
    std::int64_t span = -1;     // which minute or quarter of an hour
    std::uint64_t records = 0;  // in a piece of the record window
  };

  static void add_to(std::span<std::uint64_t> sum, std::span<const std::uint64_t> counts) noexcept {
    TABSCORE_ASSERT(sum.size() == counts.size(), "counts of other cells");
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += counts[i];
  }

  bool closes(minutes now) const noexcept { return now != now_ || piece_[at_].records + pending_records_ >= step_; }

  void pour(minutes now) {
    add_to(total_, pending_);
    const auto into = [&](std::vector<part>& ring, std::int64_t span) {
      part& p = ring[static_cast<std::size_t>(span) % ring.size()];
      if (p.span < span) std::fill(p.counts.begin(), p.counts.end(), 0), p.span = span;
      if (p.span == span) add_to(p.counts, pending_);  // else so late that it is out of the window
    };
    into(minute_, now_.count());
    into(quarter_, now_.count() / 15);
    add_to(piece_[at_].counts, pending_);
    piece_[at_].records += pending_records_;
    if (piece_[at_].records >= step_) {
      at_ = (at_ + 1) % piece_.size();
      std::fill(piece_[at_].counts.begin(), piece_[at_].counts.end(), 0);
      piece_[at_].records = 0;
    }
    std::fill(pending_.begin(), pending_.end(), 0);
    pending_records_ = 0;
    now_ = now;
  }

  std::vector<std::uint64_t> pending_;
  std::vector<std::uint64_t> total_;
  std::uint64_t pending_records_ = 0;
  std::uint64_t step_;
  minutes now_{0};
  std::vector<part> minute_;
  std::vector<part> quarter_;
  std::vector<part> piece_;
  std::size_t at_ = 0;
};

}  // namespace tabscore
