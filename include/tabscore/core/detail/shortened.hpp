// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A text as messages show it: of a long one the beginning, and an ellipsis.
inline std::string shortened(std::string_view text) {
  constexpr std::size_t limit = 60;
  if (text.size() <= limit) return std::string(text);
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a code point
  return std::string(text.substr(0, end)).append("...");
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
