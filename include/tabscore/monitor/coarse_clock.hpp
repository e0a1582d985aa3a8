// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <ctime>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The steady clock at the system's last tick, at most a few milliseconds old. A read takes a quarter of the time that
/// one of steady_clock takes.
struct coarse_clock {
  // As std::chrono requires.
  using duration = std::chrono::steady_clock::duration;      ///< as of steady_clock
  using rep = duration::rep;                                 ///< as of steady_clock
  using period = duration::period;                           ///< as of steady_clock
  using time_point = std::chrono::time_point<coarse_clock>;  ///< of this clock alone
  static constexpr bool is_steady = true;                    ///< it never goes back

  /// The time of the last tick.
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
