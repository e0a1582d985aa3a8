// SPDX-License-Identifier: MIT
#pragma once

#include "../config.hpp"

#if TABSCORE_EXCEPTIONS
#include <new>
#endif

namespace tabscore::inline TABSCORE_ABI::detail {

/// What f() says, or false when it finds no memory: for sinks, which count their failures and let scoring go on.
/// Without exceptions running out of memory ends the program.
template <class F>
bool unless_out_of_memory(F&& f) noexcept {
#if TABSCORE_EXCEPTIONS
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return false;
  }
#else
  return f();
#endif
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
