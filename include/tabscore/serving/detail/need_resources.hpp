// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "../../core/config.hpp"
#include "../../core/result.hpp"

#if TABSCORE_EXCEPTIONS
#include <new>
#include <system_error>
#endif

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The error that f() gives; its own where the system has no memory or no thread for f() (a container's limit of
/// processes, say). Without exceptions that ends the program.
template <class F>
std::optional<error> need_resources(F&& f) {
#if TABSCORE_EXCEPTIONS
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return error{errc::io, "there is not enough memory for it"};
  } catch (const std::system_error& e) {
    return error{errc::io, std::string("no thread can be started for it: ") + e.what()};
  }
#else
  return f();
#endif
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
