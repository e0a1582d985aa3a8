// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Whether no two names are the same.
template <std::size_t Size>
constexpr bool distinct(std::array<std::string_view, Size> names) {
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
