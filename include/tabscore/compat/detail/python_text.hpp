// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/detail/skip.hpp"
#include "../../core/json_text.hpp"
#include "../../core/read_number.hpp"

// What Python's int() and float() make of a text. Digits of other scripts, which Python takes too, are refused.

namespace tabscore::inline TABSCORE_ABI::detail {

constexpr bool is_python_space(std::uint32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// Without the white space at both ends. The text is UTF-8, encoded surrogates let through.
std::string_view trim_python_space(std::string_view text) noexcept;

/// The text without underscores, in `spare` if it has any; std::nullopt when one does not stand between digits.
std::optional<std::string_view> without_underscores(std::string_view text, std::string& spare);

/// Digits with an optional sign in front, underscores already removed; false when it is anything else.
inline bool is_signed_digits(std::string_view s) noexcept {
  if (s.starts_with('-') || s.starts_with('+')) s.remove_prefix(1);
  const char* const end = s.data() + s.size();
  return !s.empty() && skip_digits(s.data(), end) == end;
}

/// float(text); `spare` is working memory.
std::optional<double> python_float(std::string_view text, std::string& spare);

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE std::string_view trim_python_space(std::string_view text) noexcept {
  while (!text.empty()) {
    const char* p = text.data();
    if (!is_python_space(next_code_point(p, p + text.size()))) break;
    text.remove_prefix(static_cast<std::size_t>(p - text.data()));
  }
  while (!text.empty()) {
    const char* p = text.data() + text.size() - 1;
    while (p != text.data() && (static_cast<unsigned char>(*p) & 0xC0U) == 0x80) --p;
    const char* last = p;
    if (!is_python_space(next_code_point(p, text.data() + text.size()))) break;
    text = text.substr(0, static_cast<std::size_t>(last - text.data()));
  }
  return text;
}

TABSCORE_INLINE std::optional<std::string_view> without_underscores(std::string_view text, std::string& spare) {
  if (text.find('_') == std::string_view::npos) return text;
  spare.clear();
  const auto digit = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      spare += text[i];
    } else if (i == 0 || !digit(i - 1) || !digit(i + 1)) {
      return std::nullopt;
    }
  }
  return spare;
}

TABSCORE_INLINE std::optional<double> python_float(std::string_view text, std::string& spare) {
  const auto plain = without_underscores(trim_python_space(text), spare);
  if (!plain) return std::nullopt;
  std::string_view s = *plain;
  const bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) s.remove_prefix(1);

  const auto is_word = [&](std::string_view word) {
    if (s.size() != word.size()) return false;
    for (std::size_t i = 0; i < s.size(); ++i) {
      if ((s[i] | 0x20) != word[i]) return false;
    }
    return true;
  };
  using limits = std::numeric_limits<double>;
  if (is_word("inf") || is_word("infinity")) return negative ? -limits::infinity() : limits::infinity();
  if (is_word("nan")) return limits::quiet_NaN();

  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    i = static_cast<std::size_t>(skip_digits(s.data() + i, s.data() + s.size()) - s.data());
    return i - begin;
  };
  std::size_t mantissa = digits();
  if (i < s.size() && s[i] == '.') {
    ++i;
    mantissa += digits();
  }
  if (mantissa == 0) return std::nullopt;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
    if (digits() == 0) return std::nullopt;
  }
  if (i != s.size()) return std::nullopt;
  const double v = parse_real(s);
  return negative ? -v : v;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
