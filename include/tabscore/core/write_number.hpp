// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "config.hpp"

#if TABSCORE_BODIES
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#if FMT_VERSION < 90000 || FMT_VERSION >= 110000
#include <charconv>
#endif
#endif

namespace tabscore::inline TABSCORE_ABI {

/// Bytes that write_real and write_integer may touch from where they begin: a little more than the longest text.
inline constexpr std::size_t number_text_space = 48;

namespace detail {

inline constexpr auto powers_of_ten = [] {
  struct {
    std::uint64_t at[20];
  } table{};
  std::uint64_t p = 1;
  for (auto& entry : table.at) {
    entry = p;
    p *= 10;
  }
  return table;
}();

/// Decimal digits of v, at least one.
inline unsigned count_digits(std::uint64_t v) noexcept {
  const unsigned bits = static_cast<unsigned>(std::bit_width(v | 1U));
  const unsigned guess = bits * 1233U >> 12U;  // log10(2) = 1233 / 4096, one too few at times
  return guess + (v >= powers_of_ten.at[guess]) + (v == 0);
}

/// Eight bytes, the lowest first.
[[gnu::always_inline]] inline void store8(char* to, std::uint64_t bytes) noexcept {
  if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap64(bytes);
  std::memcpy(to, &bytes, sizeof bytes);
}

inline constexpr auto digit_pairs = [] {
  struct {
    char text[200];
  } table{};
  for (int i = 0; i < 100; ++i) {
    table.text[2 * i] = static_cast<char>('0' + i / 10);
    table.text[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

/// v's `count` digits into [to, to + count).
inline void write_digits(char* to, std::uint64_t v, unsigned count) noexcept {
  char* p = to + count;
  for (; v >= 100; v /= 100) std::memcpy(p -= 2, digit_pairs.text + 2 * (v % 100), 2);
  if (v >= 10) {
    std::memcpy(p - 2, digit_pairs.text + 2 * v, 2);
  } else if (p != to) {
    p[-1] = static_cast<char>('0' + v);
  }
}

}  // namespace detail

/// Writes v in decimal; returns the end. `to` has number_text_space bytes.
inline char* write_integer(char* to, std::int64_t v) noexcept {
  std::uint64_t magnitude = static_cast<std::uint64_t>(v);
  if (v < 0) {
    *to++ = '-';
    magnitude = 0 - magnitude;
  }
  const unsigned count = detail::count_digits(magnitude);
  detail::write_digits(to, magnitude, count);
  return to + count;
}

/// The spelling of infinities and NaN: Python's repr, or its json module's (and JavaScript's).
enum class spelling { repr, json };

/// Writes v as Python does: the fewest digits that round-trip, ".0" after whole numbers, an exponent from 1e+16 up and
/// below 1e-4 (1e+22, 6.3e-11), inf and nan (or Infinity and NaN). Returns the end. `to` has number_text_space bytes.
template <spelling Spelling = spelling::repr>
char* write_real(char* to, double v) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

__extension__ typedef unsigned __int128 uint128;

/// 0.d1d2...d17 * 10^point, where digits is d1d2...d17 and d1 is not 0; zeros follow the shortest digits that
/// round-trip.
struct decimal {
  std::uint64_t digits;
  int point;
};

/// The shortest decimal of any finite value > 0.
[[gnu::noinline]] inline decimal shortest_decimal_of_any(double value) noexcept {
#if FMT_VERSION >= 90000 && FMT_VERSION < 110000
  const auto d = fmt::detail::dragonbox::to_decimal(value);
  std::uint64_t digits = d.significand;
  int exponent = d.exponent;
#else  // the algorithm is not fmt's public interface: elsewhere the standard library's
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  std::uint64_t digits = 0;
  int fraction = 0;
  const char* p = text;
  for (bool point = false; *p != 'e'; ++p) {
    if (*p == '.') {
      point = true;
    } else {
      digits = digits * 10 + static_cast<std::uint64_t>(*p - '0');
      fraction += point;
    }
  }
  int exponent = 0;
  std::from_chars(p + (p[1] == '+' ? 2 : 1), end, exponent);
  exponent -= fraction;
#endif
  const unsigned count = count_digits(digits);
  return {digits * powers_of_ten.at[17 - count], static_cast<int>(count) + exponent};
}

/// 5^n for n up to 27, the last that fits 64 bits, shifted until the highest bit is set.
inline constexpr auto powers_of_five = [] {
  struct {
    std::uint64_t at[28];
  } table{};
  std::uint64_t p = 1;
  for (auto& entry : table.at) {
    entry = p << std::countl_zero(p);
    p *= 5;
  }
  return table;
}();

/// The shortest decimal of a finite value > 0. From about 1e-11 to 2^53, except for powers of two, one product is the
/// exact value in units of a power of ten 10^k, where 10^k <= one unit in the last place < 10^(k+1). The numbers that
/// round to the value are no wider than that unit: at most one of them is a multiple of 10^(k+1), which is then the
/// shortest; otherwise the multiple of 10^k that is nearest to the value is. (Steele and White's criterion as in
/// Giulietti 2021, "The Schubfach way to render doubles", where the powers are rounded; here they are exact.)
[[gnu::always_inline]] inline decimal shortest_decimal(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52U) - 1);
  const int q = static_cast<int>(bits >> 52U) - 1075;  // value = c * 2^q
  if (q < -89 || q >= 0 || fraction == 0) [[unlikely]]
    return shortest_decimal_of_any(value);
  const std::uint64_t c = fraction | std::uint64_t{1} << 52U;
  const int k = q * 315653 >> 20;              // floor(log10(2^q))
  const int up = q - (k * 1741647 >> 19) - 1;  // 2^q / 10^k = power / 2^63 * 2^up, from 1 to 10
  const std::uint64_t power = powers_of_five.at[-k];
  const uint128 x = static_cast<uint128>(c << (up + 1)) * power;  // value / 10^k * 2^64
  const uint128 half = static_cast<uint128>(power) << up;         // half a unit of the last place, likewise
  const auto whole = static_cast<std::uint64_t>(x >> 64U);
  const auto rest = static_cast<std::uint64_t>(x);

  const std::uint64_t tens = whole / 10 * 10;
  const uint128 above = static_cast<uint128>(whole - tens) << 64U | rest;
  const uint128 below = (static_cast<uint128>(10) << 64U) - above;
  const uint128 reach = half + (~c & 1U);  // numbers half a unit away from an even c round to the value too
  // No branches: the case is unpredictable.
  const auto choose = [](bool condition, std::uint64_t yes, std::uint64_t no) {
    return no ^ ((no ^ yes) & (0 - std::uint64_t{condition}));
  };
  std::uint64_t digits = whole + (rest > (std::uint64_t{1} << 63U) - (whole & 1U));  // the nearest, of two the even one
  digits = choose(below < reach, tens + 10, digits);
  digits = choose(above < reach, tens, digits);
  const bool sixteen = digits < powers_of_ten.at[16];
  return {digits + (digits * 9 & (0 - std::uint64_t{sixteen})), k + 17 - sixteen};
}

/// The text of v < 10^16 with its leading zeros, the first eight bytes and the last, and how long it is without zeros
/// at its end.
struct sixteen_digits {
  std::uint64_t high;
  std::uint64_t low;
  int count;

  [[gnu::always_inline]] explicit sixteen_digits(std::uint64_t v) noexcept {
    const std::uint64_t first = v / 100'000'000;
    const std::uint64_t second = v - first * 100'000'000;
    // From both numbers at once: two of four digits each, four of two, eight of one.
#if defined(__SSE2__)
    const __m128i x = _mm_set_epi64x(static_cast<std::int64_t>(second), static_cast<std::int64_t>(first));
    const __m128i q = _mm_srli_epi64(_mm_mul_epu32(x, _mm_set1_epi64x(109951163)), 40);  // / 10^4
    const __m128i fours = _mm_sub_epi64(_mm_or_si128(q, _mm_slli_epi64(x, 32)),
                                        _mm_slli_epi64(_mm_mul_epu32(q, _mm_set1_epi64x(10000)), 32));
    const __m128i h = _mm_srli_epi16(_mm_mulhi_epu16(fours, _mm_set1_epi16(5243)), 3);  // / 100
    const __m128i twos =
        _mm_or_si128(h, _mm_slli_epi32(_mm_sub_epi16(fours, _mm_mullo_epi16(h, _mm_set1_epi16(100))), 16));
    const __m128i t = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554));  // / 10
    const __m128i ones =
        _mm_or_si128(t, _mm_slli_epi16(_mm_sub_epi16(twos, _mm_mullo_epi16(t, _mm_set1_epi16(10))), 8));
    const auto zeros = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(ones, _mm_setzero_si128())));
    count = static_cast<int>(std::bit_width(zeros ^ 0xFFFFU));
    const __m128i text = _mm_or_si128(ones, _mm_set1_epi8('0'));
    high = static_cast<std::uint64_t>(_mm_cvtsi128_si64(text));
    low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(text, text)));
#else
    const auto eight = [](std::uint64_t x) {
      const std::uint64_t q = x / 10000;
      const std::uint64_t fours = q | (x - q * 10000) << 32U;
      const std::uint64_t h = (fours * 10486 >> 20U) & 0x0000007F0000007FU;  // / 100
      const std::uint64_t twos = h | (fours - h * 100) << 16U;
      const std::uint64_t t = (twos * 103 >> 10U) & 0x000F000F000F000FU;  // / 10
      return t | (twos - t * 10) << 8U;
    };
    high = eight(first);
    low = eight(second);
    const auto bytes = [](std::uint64_t x) { return (static_cast<int>(std::bit_width(x)) + 7) / 8; };
    count = low != 0 ? 8 + bytes(low) : bytes(high);
    high |= 0x3030303030303030U;
    low |= 0x3030303030303030U;
#endif
  }
};

}  // namespace detail

template <spelling Spelling>
char* write_real(char* to, double v) noexcept {
  if (std::signbit(v) && v == v) {
    *to++ = '-';
    v = -v;
  }
  const auto literal = [&](std::string_view text) { return text.copy(to, text.size()), to + text.size(); };
  if (v == 0) return literal("0.0");
  if (!std::isfinite(v)) {
    if constexpr (Spelling == spelling::json) return literal(v != v ? "NaN" : "Infinity");
    return literal(v != v ? "nan" : "inf");
  }
  const auto [digits, point] = detail::shortest_decimal(v);
  const std::uint64_t first = digits / detail::powers_of_ten.at[16];
  const detail::sixteen_digits others(digits - first * detail::powers_of_ten.at[16]);
  const int count = 1 + others.count;
  const auto write_digits = [&](char* p) {
    *p = static_cast<char>('0' + first);
    detail::store8(p + 1, others.high);
    detail::store8(p + 9, others.low);
  };

  if (point > -4 && point <= 0) {
    detail::store8(to, 0x3030'3030'3030'2E30U);  // 0.000000
    write_digits(to + 2 - point);
    return to + 2 - point + count;
  }
  if (point > 0 && point <= 16) {
    // The first sixteen digits, and behind the point those that are left when the first `point` are shifted out.
    const detail::uint128 sixteen = static_cast<detail::uint128>(others.low << 8U | others.high >> 56U) << 64U |
                                    (others.high << 8U | ('0' + first));
    const detail::uint128 behind = sixteen >> 8 * (point - 1) >> 8U;
    detail::store8(to, static_cast<std::uint64_t>(sixteen));
    detail::store8(to + 8, static_cast<std::uint64_t>(sixteen >> 64U));
    detail::store8(to + point + 1, static_cast<std::uint64_t>(behind));
    detail::store8(to + point + 9, static_cast<std::uint64_t>(behind >> 64U));
    to[17] = static_cast<char>(others.low >> 56U);
    to[point] = '.';
    return to + 1 + (std::max)(count, point + 1);
  }
  write_digits(to + 1);
  to[0] = to[1];
  to[1] = '.';
  to += count > 1 ? count + 1 : 1;
  *to++ = 'e';
  const int exponent = point - 1;
  *to++ = exponent < 0 ? '-' : '+';
  const auto magnitude = static_cast<std::uint64_t>(exponent < 0 ? -exponent : exponent);
  if (magnitude < 10) *to++ = '0';
  return write_integer(to, static_cast<std::int64_t>(magnitude));
}

#if defined(TABSCORE_COMPILED)
template char* write_real<spelling::repr>(char* to, double v) noexcept;
template char* write_real<spelling::json>(char* to, double v) noexcept;
#endif

}  // namespace tabscore::inline TABSCORE_ABI
#endif
