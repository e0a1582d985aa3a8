// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>

#include "detail/from_chars.hpp"

namespace tabscore::detail {

/// The correctly rounded double of decimal text (an optional '-', digits with at most one point, an optional exponent);
/// beyond the range of a double an infinity, below it a zero, with the text's sign.
inline double parse_real(std::string_view text) noexcept {
  double v = 0;
  if (from_chars(text.data(), text.data() + text.size(), v).ec == std::errc{}) return v;
  // Out of range: the place of the leading digit says on which side.
  const bool negative = text.starts_with('-');
  constexpr std::int64_t beyond = 1'000'000'000'000;
  std::int64_t magnitude = 0;  // of the leading digit, counted from the point
  bool point = false;
  bool leading = false;
  std::size_t i = negative;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      point = true;
    } else {
      leading = leading || text[i] != '0';
      if (!point && leading) ++magnitude;
      if (point && !leading) --magnitude;
    }
  }
  std::int64_t exponent = 0;
  if (i < text.size()) {
    const bool down = text[++i] == '-';
    if (down || text[i] == '+') ++i;
    for (; i < text.size(); ++i) {
      if (exponent < beyond) exponent = exponent * 10 + (text[i] - '0');
    }
    if (down) exponent = -exponent;
  }
  v = leading && magnitude + exponent > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  return negative ? -v : v;
}

}  // namespace tabscore::detail
