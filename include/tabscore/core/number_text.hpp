// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if FMT_VERSION < 90000 || FMT_VERSION >= 110000
#include <charconv>
#endif

namespace tabscore {

/// Bytes that write_real and write_integer may touch from where they begin: a little more than the longest text.
inline constexpr std::size_t number_text_space = 48;

namespace detail {

/// value = digits * 10^exponent, the fewest digits that round-trip.
struct decimal {
  std::uint64_t digits;
  int exponent;
};

/// The shortest decimal of a finite value > 0.
inline decimal shortest_decimal(double value) noexcept {
#if FMT_VERSION >= 90000 && FMT_VERSION < 110000
  const auto d = fmt::detail::dragonbox::to_decimal(value);
  return {d.significand, d.exponent};
#else  // the algorithm is not fmt's public interface: elsewhere the standard library's
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  decimal d{0, 0};
  int fraction = 0;
  const char* p = text;
  for (bool point = false; *p != 'e'; ++p) {
    if (*p == '.') {
      point = true;
    } else {
      d.digits = d.digits * 10 + static_cast<std::uint64_t>(*p - '0');
      fraction += point;
    }
  }
  std::from_chars(p + (p[1] == '+' ? 2 : 1), end, d.exponent);
  d.exponent -= fraction;
  for (; d.digits % 10 == 0; d.digits /= 10) ++d.exponent;
  return d;
#endif
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

/// How numbers that are none are spelt: as Python's repr, or as its json module (and JavaScript) does.
enum class spelling { repr, json };

/// Writes v as Python does: the fewest digits that round-trip, ".0" after whole numbers, an exponent from 1e+16 up and
/// below 1e-4 (1e+22, 6.3e-11), inf and nan (or Infinity and NaN). Returns the end. `to` has number_text_space bytes.
template <spelling Spelling = spelling::repr>
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
  const detail::decimal d = detail::shortest_decimal(v);
  const int count = static_cast<int>(detail::count_digits(d.digits));
  const int point = count + d.exponent;  // digits before the decimal point; <= 0: zeros after it
  const auto digits = [&](char* p) { detail::write_digits(p, d.digits, static_cast<unsigned>(count)); };

  if (point > 0 && point <= 16) {
    if (d.exponent >= 0) {
      digits(to);
      std::memset(to + count, '0', 16);
      std::memcpy(to + point, ".0", 2);
      return to + point + 2;
    }
    digits(to + 1);
    std::memmove(to, to + 1, static_cast<std::size_t>(point));
    to[point] = '.';
    return to + count + 1;
  }
  if (point > -4 && point <= 0) {
    std::memcpy(to, "0.000", 5);
    digits(to + 2 - point);
    return to + 2 - point + count;
  }
  digits(to + 1);
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

}  // namespace tabscore
