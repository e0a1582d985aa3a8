// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/config.hpp"
#include "drift_reference.hpp"
#include "drift_report.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The hours that the current hour is compared with, in UTC.
enum class season : std::uint8_t {
  hour,         ///< the same hour of all days: 24 slots
  weekday,      ///< the same day of all weeks: 7 slots of a day each
  hour_of_week  ///< the same hour of the same day of all weeks: 168 slots
};

/// Counts of a monitor's cells by season: the reference of an hour is the traffic of the same hour or weekday in the
/// past, for traffic with a daily or weekly pattern. Integers, so that replicas' counts merge in any order. Not for
/// concurrent use.
class seasonal_counts {
 public:
  /// A moment of the wall clock, in UTC.
  using time = std::chrono::system_clock::time_point;

  /// Cells of the reference, and the season whose slots they are counted by.
  seasonal_counts(std::size_t cells, season by) : by_(by), slots_(count(by), counts(cells)), current_(cells) {}

  /// The season.
  season by() const noexcept { return by_; }

  /// Records the running counts of a monitor (window::total), from the first call on: the increase since the last call
  /// belongs to the hour (or day) of the call before. The interval of the calls, a minute for example, is the precision
  /// of the borders.
  void note(time now, std::span<const std::uint64_t> total);

  /// The traffic of the current hour (or day).
  std::span<const std::uint64_t> current() const noexcept { return current_; }
  /// The traffic of the same hours (or days) in the past.
  std::span<const std::uint64_t> before() const noexcept { return slots_[slot_of(span_)]; }

  /// The counts of all slots, the current hour's included: slots x cells.
  std::vector<std::uint64_t> all() const;
  /// Adds the saved counts of a replica or an earlier run.
  void merge(std::span<const std::uint64_t> all);

 private:
  using counts = std::vector<std::uint64_t>;
  static constexpr std::size_t count(season by) noexcept {
    return by == season::hour ? 24 : by == season::weekday ? 7 : 168;
  }
  std::int64_t span_of(time now) const noexcept {
    if (by_ == season::weekday) return std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
    return std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count();
  }
  std::size_t slot_of(std::int64_t span) const noexcept {
    const auto seasons = static_cast<std::int64_t>(slots_.size());
    return static_cast<std::size_t>((span % seasons + seasons) % seasons);
  }
  static void add(std::span<std::uint64_t> to, std::span<const std::uint64_t> counts) noexcept {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += counts[i];
  }

  season by_;
  std::vector<counts> slots_;
  counts current_;
  counts last_;  // of the last call; empty before the first
  std::int64_t span_ = 0;
};

/// Compares the current hour (or day) with the same ones in the past, as report_drift() compares with the training
/// rows. With too few records on either side there is no alarm.
drift_report report_seasonal_drift(const drift_reference& reference, const seasonal_counts& seasons,
                                   const alarm_settings& settings = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void seasonal_counts::note(time now, std::span<const std::uint64_t> total) {
  TABSCORE_ASSERT(total.size() == current_.size(), "counts of other cells");
  if (!last_.empty()) {
    for (std::size_t i = 0; i < total.size(); ++i) current_[i] += total[i] - last_[i];
  }
  last_.assign(total.begin(), total.end());
  const std::int64_t span = span_of(now);
  if (span == span_) return;
  add(slots_[slot_of(span_)], current_);
  std::fill(current_.begin(), current_.end(), 0);
  span_ = span;
}

TABSCORE_INLINE std::vector<std::uint64_t> seasonal_counts::all() const {
  counts sum;
  for (const counts& slot : slots_) sum.insert(sum.end(), slot.begin(), slot.end());
  add(std::span(sum).subspan(slot_of(span_) * current_.size(), current_.size()), current_);
  return sum;
}

TABSCORE_INLINE void seasonal_counts::merge(std::span<const std::uint64_t> all) {
  TABSCORE_ASSERT(all.size() == slots_.size() * current_.size(), "counts of other slots or cells");
  for (std::size_t s = 0; s < slots_.size(); ++s) add(slots_[s], all.subspan(s * current_.size(), current_.size()));
}

TABSCORE_INLINE drift_report report_seasonal_drift(const drift_reference& reference, const seasonal_counts& seasons,
                                                   const alarm_settings& settings) {
  drift_reference before = reference;
  const auto counts = seasons.before();
  before.training.assign(counts.begin(), counts.end());
  drift_report report = report_drift(before, seasons.current(), settings);
  for (std::size_t f = 0; f < report.features.size(); ++f) report.features[f].name = reference.features[f].name;
  std::uint64_t records = 0;
  if (!reference.empty()) {
    for (const std::uint64_t n : reference.features.back().of(counts)) records += n;
  }
  if (records >= settings.min_records) return report;
  report.enough = report.alarm = false;
  for (feature_drift& d : report.features) d.alarm = false;
  return report;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
