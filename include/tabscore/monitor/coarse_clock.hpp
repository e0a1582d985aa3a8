// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <ctime>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The steady clock as of the system's last tick, a few milliseconds ago at most: reading it costs a quarter.
struct coarse_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<coarse_clock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
    std::timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
#else
    return time_point(std::chrono::steady_clock::now().time_since_epoch());
#endif
  }
};

}  // namespace tabscore::inline TABSCORE_ABI
