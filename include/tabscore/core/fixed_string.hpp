// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Text as a template argument: field<"name">. N counts the terminating zero.
template <std::size_t N>
struct fixed_string {
  char text[N]{};

  // NOLINTNEXTLINE(google-explicit-constructor): a literal is meant to convert.
  constexpr fixed_string(const char (&literal)[N]) noexcept {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

}  // namespace tabscore::inline TABSCORE_ABI
