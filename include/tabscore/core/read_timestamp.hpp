// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Microseconds since 1970 of an ISO 8601 time: "2026-01-31" or "2026-01-31T12:00:00", optionally with a fraction
/// (digits after the sixth are dropped), with "Z" or an offset such as "+01:00", or with a space instead of the T.
/// Without an offset the time is UTC.
std::optional<std::int64_t> read_timestamp(std::string_view text) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::optional<std::int64_t> read_timestamp(std::string_view text) noexcept {
  bool ok = true;
  std::size_t at = 0;
  const auto digits = [&](std::size_t count) __attribute__((always_inline)) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i, ++at) {
      if (at >= text.size() || text[at] < '0' || text[at] > '9') return ok = false, 0;
      value = value * 10 + (text[at] - '0');
    }
    return value;
  };
  const auto is = [&](char c) { return at < text.size() && text[at] == c; };
  const auto skip = [&](char c) { ok = ok && is(c), ++at; };
  const auto within = [&](int value, int most) { ok = ok && value <= most; };
  const int year = digits(4);
  skip('-');
  const int month = digits(2);
  skip('-');
  const int day = digits(2);
  if (!ok) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  std::int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400};
  std::int64_t micros = 0;
  if (is('T') || is(' ')) {
    ++at;
    const int hour = digits(2);
    skip(':');
    const int minute = digits(2);
    within(hour, 23), within(minute, 59);
    seconds += hour * 3600 + minute * 60;
    if (is(':')) {
      ++at;
      const int second = digits(2);
      within(second, 60);
      seconds += second;
      if (is('.')) {
        ++at;
        ok = ok && at < text.size() && text[at] >= '0' && text[at] <= '9';
        std::int64_t unit = 100'000;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
          micros += (text[at] - '0') * unit;
      }
    }
    if (is('Z')) {
      ++at;
    } else if (is('+') || is('-')) {
      const int sign = is('+') ? 1 : -1;
      ++at;
      const int hours = digits(2);
      if (is(':')) ++at;
      const int minutes = digits(2);
      within(hours, 23), within(minutes, 59);
      seconds -= sign * (hours * 3600 + minutes * 60);
    }
  }
  if (!ok || at != text.size()) return std::nullopt;
  return seconds * 1'000'000 + micros;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
