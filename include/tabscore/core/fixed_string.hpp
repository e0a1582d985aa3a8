// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Text as a template argument: field<"name">. N counts the terminating zero.
template <std::size_t N>
struct fixed_string {
  char text[N]{};  ///< with its final NUL

  // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant to convert.
  /// Implicit, so that a literal is a template argument.
  constexpr fixed_string(const char (&literal)[N]) noexcept {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
  /// Without the NUL.
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

}  // namespace tabscore::inline TABSCORE_ABI
