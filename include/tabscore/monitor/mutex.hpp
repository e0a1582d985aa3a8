// SPDX-License-Identifier: MIT
#pragma once

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A lock that locks nothing, for the _st variants of sinks: cheaper, and for one thread only.
struct no_mutex {
  /// Does nothing.
  void lock() noexcept {}
  /// Does nothing.
  void unlock() noexcept {}
  /// Does nothing.
  bool try_lock() noexcept { return true; }
};

}  // namespace tabscore::inline TABSCORE_ABI
