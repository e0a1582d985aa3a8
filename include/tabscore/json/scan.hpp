// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "../core/number_parse.hpp"
#include "../core/number_text.hpp"

// Pieces of JSON read many bytes at a time. Called with p <= end, everything here may look at the 64 bytes behind
// `end`, whose contents are unknown, and may even return a place there: callers decline what ends behind `end`.

namespace tabscore::detail {

inline std::uint64_t load8(const char* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
  return v;
}

inline const char* skip_blanks(const char* p, const char* end) noexcept {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
  return p;
}

/// Up to 64 bytes to compare others with, eight at a time.
class piece {
 public:
  static constexpr std::size_t capacity = 64;

  constexpr piece() noexcept = default;
  constexpr explicit piece(std::string_view text) noexcept : length_(text.size()), words_((text.size() + 7) / 8) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      bytes_[i / 8] |= std::uint64_t{static_cast<unsigned char>(text[i])} << (i % 8 * 8);
      mask_[i / 8] |= std::uint64_t{0xFF} << (i % 8 * 8);
    }
  }

  constexpr std::size_t size() const noexcept { return length_; }

  bool matches(const char* p) const noexcept {
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < 4; ++i) difference |= (load8(p + 8 * i) ^ bytes_[i]) & mask_[i];
    for (std::size_t i = 4; i < words_; ++i) difference |= (load8(p + 8 * i) ^ bytes_[i]) & mask_[i];
    return difference == 0;
  }

 private:
  std::array<std::uint64_t, capacity / 8> bytes_{};
  std::array<std::uint64_t, capacity / 8> mask_{};
  std::size_t length_ = 0;
  std::size_t words_ = 0;
};

/// A run of up to eight digits.
struct digit_run {
  std::uint64_t digits;  // 0 to 9 in each byte, the first digit in the lowest; what follows the run is garbage
  unsigned count;        // 8: eight, or more

  explicit digit_run(const char* p) noexcept : digits(load8(p) ^ 0x3030303030303030U) {
    const std::uint64_t others = (digits | (digits + 0x7676767676767676U)) & 0x8080808080808080U;
    count = static_cast<unsigned>(std::countr_zero(others)) / 8;
  }
  bool leading_zero() const noexcept { return (digits & 0xFFU) == 0 && count > 1; }

  /// count must be 1 to 8.
  std::uint64_t value() const noexcept {
    std::uint64_t d = digits << (64 - 8 * count);  // leading zeros in front
    d = d * 10 + (d >> 8U);                        // pairs
    constexpr std::uint64_t pairs = 0x000000FF000000FFU;
    return ((d & pairs) * 0x000F424000000064U + (d >> 16U & pairs) * 0x0000271000000001U) >> 32U;
  }
};

/// An integer of at most 18 digits; nullptr when there is none. The caller looks at what follows.
inline const char* read_integer(const char* p, std::int64_t& v) noexcept {
  const digit_run first(p);
  if (first.count - 1 < 7) [[likely]] {
    v = static_cast<std::int64_t>(first.value());
    return first.leading_zero() ? nullptr : p + first.count;
  }
  const bool negative = *p == '-';
  p += negative;
  const char* const begin = p;
  std::uint64_t magnitude = 0;
  for (; *p >= '0' && *p <= '9' && p - begin < 19; ++p)
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(*p - '0');
  if (p == begin || p - begin > 18 || (*begin == '0' && p - begin > 1)) return nullptr;
  v = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return p;
}

/// The end of the number that begins at p, nullptr when there is none.
inline const char* number_end(const char* p, const char* end) noexcept {
  const auto digits = [&] {
    const char* const begin = p;
    while (p < end && *p >= '0' && *p <= '9') ++p;
    return p - begin;
  };
  p += *p == '-';
  const bool zero = *p == '0';
  const auto count = digits();
  if (count == 0 || count > 4300 || (zero && count > 1)) return nullptr;
  if (*p == '.') {
    ++p;
    if (digits() == 0) return nullptr;
  }
  if (*p == 'e' || *p == 'E') {
    ++p;
    p += *p == '-' || *p == '+';
    if (digits() == 0) return nullptr;
  }
  return p;
}

/// A real number, correctly rounded; nullptr when there is none or it is beyond the range of a double.
inline const char* read_real(const char* p, const char* end, double& v) noexcept {
  const digit_run whole(p);
  if (whole.count - 1 < 7 && !whole.leading_zero()) [[likely]] {
    const char* const point = p + whole.count;
    if (*point != '.') {
      v = static_cast<double>(whole.value());
      if ((*point | 0x20) != 'e') return point;
    } else if (const digit_run fraction(point + 1); fraction.count - 1 < 7) [[likely]] {
      // Both are exact, so that the division rounds once.
      const std::uint64_t scale = powers_of_ten.at[fraction.count];
      v = static_cast<double>(whole.value() * scale + fraction.value()) / static_cast<double>(scale);
      const char* const after = point + 1 + fraction.count;
      if ((*after | 0x20) != 'e') return after;
    }
  }
  const char* const after = number_end(p, end);
  if (after == nullptr) return nullptr;
  v = parse_real({p, static_cast<std::size_t>(after - p)});
  return v - v == 0 ? after : nullptr;
}

/// For each of 32 bytes a bit: is it a quote, is it one that does not stand for itself alone (a backslash, a control
/// character, a part of a longer sequence).
struct text_block {
  std::uint32_t quotes = 0;
  std::uint32_t special = 0;

  explicit text_block(const char* p) noexcept {
#if defined(__SSE2__)
    const auto half = [](const char* from, unsigned shift, std::uint32_t& q, std::uint32_t& s) {
      const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      const __m128i quote = _mm_cmpeq_epi8(b, _mm_set1_epi8('"'));
      const __m128i other = _mm_or_si128(_mm_cmpgt_epi8(_mm_set1_epi8(0x20), b),  // signed: from 0x80 up too
                                         _mm_cmpeq_epi8(b, _mm_set1_epi8('\\')));
      q |= static_cast<std::uint32_t>(_mm_movemask_epi8(quote)) << shift;
      s |= static_cast<std::uint32_t>(_mm_movemask_epi8(other)) << shift;
    };
    half(p, 0, quotes, special);
    half(p + 16, 16, quotes, special);
#else
    for (unsigned i = 0; i < 32; ++i) {
      const auto c = static_cast<unsigned char>(p[i]);
      quotes |= std::uint32_t{c == '"'} << i;
      special |= std::uint32_t{c < 0x20 || c >= 0x80 || c == '\\'} << i;
    }
#endif
  }

  /// True when a quote ends a text of plain ASCII, size() bytes long.
  bool plain() const noexcept { return quotes != 0 && (special & (quotes - 1) & ~quotes) == 0; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(std::countr_zero(quotes)); }
};

/// What a text between quotes turned out to be.
struct text_extent {
  const char* end = nullptr;  // its closing quote; nullptr: none, or something in it is not allowed
  bool ascii = true;
  bool escaped = false;
};

/// Any text, from behind its opening quote. Whether longer sequences are UTF-8 is left to be checked.
inline text_extent read_text(const char* p, const char* end) noexcept {
  text_extent t;
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); };
  while (p < end) {
    const text_block block(p);
    const std::uint32_t stops = block.quotes | block.special;
    if (stops == 0) {
      p += 32;
      continue;
    }
    p += std::countr_zero(stops);
    const auto c = static_cast<unsigned char>(*p);
    if (p >= end || c < 0x20) return {};
    if (c == '"') {
      t.end = p;
      return t;
    }
    if (c != '\\') {
      t.ascii = false;
      while (p < end && static_cast<unsigned char>(*p) >= 0x80) ++p;
      continue;
    }
    t.escaped = true;
    if (p[1] == 'u') {
      if (!hex(p[2]) || !hex(p[3]) || !hex(p[4]) || !hex(p[5])) return {};
      p += 6;
    } else {
      if (std::string_view("\"\\/bfnrt").find(p[1]) == std::string_view::npos) return {};
      p += 2;
    }
  }
  return {};
}

}  // namespace tabscore::detail
