// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>

#include "config.hpp"
#include "detail/from_chars.hpp"
#include "detail/skip.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The correctly rounded double of decimal text (an optional '-', digits with at most one point, an optional exponent);
/// beyond the range of a double an infinity, below it a zero, with the text's sign.
double parse_real(std::string_view text) noexcept;

/// Whether a whole text is a number in the range of its type (as std::from_chars reads one), which `to` becomes.
template <class Number>
bool parse_number(std::string_view text, Number& to) {
  const auto [end, code] = detail::from_chars(text.data(), text.data() + text.size(), to);
  return code == std::errc{} && end == text.data() + text.size();
}

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE double parse_real(std::string_view text) noexcept {
  double v = 0;
  if (detail::from_chars(text.data(), text.data() + text.size(), v).ec == std::errc{}) return v;
  // Out of range: the place of the leading digit says on which side.
  const char* p = text.data();
  const char* const end = p + text.size();
  const bool negative = p != end && *p == '-';
  const auto skip = [](const char* from, const char* until, char most) {  // digits
    while (from != until && *from >= '0' && *from <= most) ++from;
    return from;
  };
  const char* const whole = p + negative;
  const char* const point = skip(whole, end, '9');
  const char* const fraction = point != end && *point == '.' ? point + 1 : point;
  const char* const mantissa_end = skip(fraction, end, '9');
  const char* const leading = skip(whole, point, '0');
  const char* const leading_decimal = leading == point ? skip(fraction, mantissa_end, '0') : mantissa_end;
  const bool is_zero = leading == point && leading_decimal == mantissa_end;
  // Of the leading digit, counted from the point.
  const std::int64_t magnitude = leading != point ? point - leading : fraction - leading_decimal;
  constexpr std::int64_t beyond = 1'000'000'000'000;
  std::int64_t exponent = 0;
  p = mantissa_end;
  if (p != end) {
    const bool down = *++p == '-';
    if (down || *p == '+') ++p;
    for (; p != end && exponent < beyond; ++p) exponent = exponent * 10 + (*p - '0');
    if (down) exponent = -exponent;
  }
  v = !is_zero && magnitude + exponent > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  return negative ? -v : v;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
