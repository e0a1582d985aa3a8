// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "../config.hpp"

// Runs of bytes skipped eight at a time. Nothing behind `end` is read.

namespace tabscore::inline TABSCORE_ABI::detail {

/// The eight bytes at p, the first one in the lowest byte of the result.
inline std::uint64_t load8(const char* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
  return v;
}

/// Bit 7 of the first byte of x that equals the one of `others`, and maybe of later ones; 0 when there is none.
[[gnu::always_inline]] inline std::uint64_t first_equal_byte(std::uint64_t x, std::uint64_t others) noexcept {
  x ^= others;
  return (x - 0x0101010101010101U) & ~x & 0x8080808080808080U;
}

/// JSON's blanks.
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline const char* skip_blanks(const char* p, const char* end) noexcept {
  while (p < end && is_blank(*p)) ++p;
  return p;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The first byte that is no digit, or the end.
inline const char* skip_digits(const char* p, const char* end) noexcept {
  for (; end - p >= 8; p += 8) {
    const std::uint64_t x = load8(p) ^ 0x3030303030303030U;
    const std::uint64_t others = (x | (x + 0x7676767676767676U)) & 0x8080808080808080U;  // 10 + 0x76 = 0x80
    if (others != 0) return p + std::countr_zero(others) / 8;
  }
  while (p < end && is_digit(*p)) ++p;
  return p;
}

/// The first quote, bracket or brace of a JSON document, or the end.
inline const char* skip_to_structure(const char* p, const char* end) noexcept {
  for (; end - p >= 8; p += 8) {
    const std::uint64_t x = load8(p);
    const std::uint64_t braces = x | 0x2020202020202020U;  // '[' and ']' become '{' and '}'
    const std::uint64_t stops = first_equal_byte(x, 0x2222222222222222U) |
                                first_equal_byte(braces, 0x7B7B7B7B7B7B7B7BU) |
                                first_equal_byte(braces, 0x7D7D7D7D7D7D7D7DU);
    if (stops != 0) return p + std::countr_zero(stops) / 8;
  }
  while (p < end && *p != '"' && *p != '[' && *p != ']' && *p != '{' && *p != '}') ++p;
  return p;
}

/// Bit 7 of the first byte of x that is a quote, a backslash or a control character, and maybe of later ones.
inline std::uint64_t first_escaped(std::uint64_t x) noexcept {
  return first_equal_byte(x, 0x2222222222222222U) | first_equal_byte(x, 0x5C5C5C5C5C5C5C5CU) |
         ((x - 0x2020202020202020U) & ~x & 0x8080808080808080U);
}

/// The first quote, backslash or control character of a JSON text, or the end.
inline const char* skip_plain_text(const char* p, const char* end) noexcept {
  for (; end - p >= 8; p += 8) {
    const std::uint64_t stops = first_escaped(load8(p));
    if (stops != 0) return p + std::countr_zero(stops) / 8;
  }
  while (p < end && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20) ++p;
  return p;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
