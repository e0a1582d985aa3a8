// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "../core/config.hpp"
#include "padded_text.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// True when a text is UTF-8.
bool is_utf8(std::string_view text) noexcept;
/// True when a JSON text is UTF-8, encoded surrogates (ED A0 80 and so on) let through as Python does.
bool utf8_or_surrogates(std::string_view text) noexcept;

/// True when the zero bytes or the byte order mark say UTF-16 or UTF-32: JSON begins with two ASCII characters.
inline bool looks_like_utf16_or_32(std::string_view text) noexcept {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  return (text.size() == 2 || text.size() > 3) && (text[0] == '\0' || text[1] == '\0');
}

/// The text without its byte order mark.
inline std::string_view without_mark(std::string_view text) noexcept {
  return text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
#include <simdjson.h>

namespace tabscore::inline TABSCORE_ABI::detail {

static_assert(padded_text::padding <= simdjson::SIMDJSON_PADDING);

TABSCORE_INLINE bool is_utf8(std::string_view text) noexcept {
  const bool is_short = text.size() < 16;
  if (is_short && std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; })) {
    return true;
  }
  return simdjson::validate_utf8(text.data(), text.size());
}

TABSCORE_INLINE bool utf8_or_surrogates(std::string_view text) noexcept {
  if (is_utf8(text)) return true;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  // Validates the pieces between surrogates.
  std::size_t begin = 0;
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (byte(i) != 0xED || byte(i + 1) < 0xA0 || byte(i + 1) > 0xBF || (byte(i + 2) & 0xC0U) != 0x80) continue;
    if (i > begin && !is_utf8(text.substr(begin, i - begin))) return false;
    begin = i + 3;
    i += 2;
  }
  return is_utf8(text.substr(begin));
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
