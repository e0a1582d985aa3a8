// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#if __cpp_exceptions
#include <exception>
#endif

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../c_api.h"

namespace tabscore::inline TABSCORE_ABI::capi::detail {

/// What the functions of one library have in common.
struct call {
  static std::string& message() noexcept {
    thread_local std::string text;
    return text;
  }
  static int failed(int status, const char* why) noexcept {
#if __cpp_exceptions
    try {
      message() = why;
    } catch (...) {
      message().clear();
    }
#else
    message() = why;
#endif
    return status;
  }
  /// The status of f(), which returns an error or nothing.
  template <class F>
  static int of(F&& f) noexcept {
    message().clear();
    const auto run = [&] {
      const std::optional<error> wrong = f();
      return wrong ? failed(1 + static_cast<int>(wrong->code), wrong->message.c_str()) : int{TABSCORE_OK};
    };
#if __cpp_exceptions
    try {
      return run();
    } catch (const std::bad_alloc&) {
      return failed(TABSCORE_MEMORY, "there is not enough memory");
    } catch (const std::exception& e) {
      return failed(TABSCORE_UNSUPPORTED, e.what());
    }
#else
    return run();
#endif
  }
  static int wrong_argument(const char* why) noexcept { return failed(TABSCORE_ARGUMENT, why); }
};
static_assert(1 + static_cast<int>(errc::check_failed) == TABSCORE_CHECK_FAILED);

/// A text for release().
inline char* released_by_caller(std::string_view text) {
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

}  // namespace tabscore::inline TABSCORE_ABI::capi::detail
