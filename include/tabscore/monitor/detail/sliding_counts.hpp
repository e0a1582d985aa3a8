// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../core/config.hpp"
#include "../sliding_counts.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE sliding_counts::sliding_counts(std::size_t cells, std::uint64_t window_records)
    : recent_(cells),
      settled_(cells),
      total_(cells),
      step_(std::max<std::uint64_t>(1, window_records / pieces)),
      minute_(60, part(cells)),
      quarter_(96, part(cells)),
      piece_(pieces + 1, part(cells)) {}

TABSCORE_INLINE std::span<std::uint64_t> sliding_counts::add(std::uint64_t records, minutes now) {
  if (piece_[at_].records >= step_) settle_piece();
  if (now != now_) pour(now);
  piece_[at_].records += records;
  return recent_;
}

TABSCORE_INLINE std::vector<std::uint64_t> sliding_counts::read(window w, minutes now) const {
  std::vector<std::uint64_t> sum(recent_.size());
  if (w == window::records) {
    for (const part& p : piece_) add_to(sum, p.counts);
    add_growth_to(sum);
    return sum;
  }
  if (w == window::total) {
    add_to(sum, total_);
  } else {
    const auto& ring = w == window::hour ? minute_ : quarter_;
    const auto spans = static_cast<std::int64_t>(ring.size());
    const std::int64_t last = now.count() / (w == window::hour ? 1 : 15);
    for (const part& p : ring) {
      if (p.span > last - spans && p.span <= last) add_to(sum, p.counts);
    }
  }
  const std::int64_t age = (now - now_).count();
  if ((w == window::hour && age >= 60) || (w == window::day && now.count() / 15 - now_.count() / 15 >= 96)) return sum;
  add_to(sum, recent_);
  return sum;
}

TABSCORE_INLINE void sliding_counts::settle_piece() {
  add_growth_to(piece_[at_].counts);
  settled_ = recent_;
  if (piece_[at_].records < step_) return;
  at_ = (at_ + 1) % piece_.size();
  std::fill(piece_[at_].counts.begin(), piece_[at_].counts.end(), 0);
  piece_[at_].records = 0;
}

TABSCORE_INLINE void sliding_counts::pour(minutes now) {
  settle_piece();
  add_to(total_, recent_);
  const auto into = [&](std::vector<part>& ring, std::int64_t span) {
    part& p = ring[static_cast<std::size_t>(span) % ring.size()];
    if (p.span < span) std::fill(p.counts.begin(), p.counts.end(), 0), p.span = span;
    if (p.span == span) add_to(p.counts, recent_);  // else so late that it is out of the window
  };
  into(minute_, now_.count());
  into(quarter_, now_.count() / 15);
  std::fill(recent_.begin(), recent_.end(), 0);
  std::fill(settled_.begin(), settled_.end(), 0);
  now_ = now;
}

}  // namespace tabscore::inline TABSCORE_ABI
