// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Whether no byte is above 127. Short texts, which most are, take loads that overlap instead of a loop.
inline bool is_ascii(std::string_view text) noexcept {
  const char* const p = text.data();
  const std::size_t size = text.size();
  const auto load = [p](auto& word, std::size_t at) { std::memcpy(&word, p + at, sizeof word); };
  if (size >= 8) {
    std::uint64_t bits = 0, some = 0;
    for (std::size_t at = 0; at + 8 < size; at += 8) load(some, at), bits |= some;
    load(some, size - 8);
    return ((bits | some) & 0x8080808080808080U) == 0;
  }
  if (size >= 4) {
    std::uint32_t first = 0, last = 0;
    load(first, 0);
    load(last, size - 4);
    return ((first | last) & 0x80808080U) == 0;
  }
  return size == 0 || ((p[0] | p[size / 2] | p[size - 1]) & 0x80) == 0;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
