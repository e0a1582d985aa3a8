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

#include "../../core/config.hpp"
#include "../../core/detail/skip.hpp"
#include "../../core/read_number.hpp"
#include "../../core/write_number.hpp"

// Pieces of JSON read many bytes at a time. Called with p <= end, everything here may look at the 64 bytes behind
// `end`, whose contents are unknown, and may even return a place there: callers decline what ends behind `end`.

namespace tabscore::inline TABSCORE_ABI::detail {

using bytes16 = std::array<char, 16>;

/// For each of the 16 bytes at p a bit: set where it equals the one of `others`.
[[gnu::always_inline]] inline std::uint32_t equal_bytes(const char* p, const bytes16& others) noexcept {
#if defined(__SSE2__)
  const auto at = [](const char* q) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(q)); };
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(at(p), at(others.data()))));
#else
  std::uint32_t equal = 0;
  for (unsigned i = 0; i < 16; ++i) equal |= std::uint32_t{p[i] == others[i]} << i;
  return equal;
#endif
}
/// equal_bytes(p, a) | equal_bytes(p, b)
[[gnu::always_inline]] inline std::uint32_t equal_either(const char* p, const bytes16& a, const bytes16& b) noexcept {
#if defined(__SSE2__)
  const auto at = [](const char* q) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(q)); };
  const __m128i bytes = at(p);
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, at(a.data())), _mm_cmpeq_epi8(bytes, at(b.data())))));
#else
  return equal_bytes(p, a) | equal_bytes(p, b);
#endif
}
/// equal_bytes(p, a) & equal_bytes(q, b)
[[gnu::always_inline]] inline std::uint32_t equal_both(const char* p, const bytes16& a, const char* q,
                                                       const bytes16& b) noexcept {
#if defined(__SSE2__)
  const auto at = [](const char* r) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(r)); };
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(at(p), at(a.data())), _mm_cmpeq_epi8(at(q), at(b.data())))));
#else
  return equal_bytes(p, a) & equal_bytes(q, b);
#endif
}

constexpr bytes16 sixteen(char c) noexcept {
  bytes16 a{};
  for (char& each : a) each = c;
  return a;
}

/// Up to 64 bytes that others are compared with.
class piece {
 public:
  static constexpr std::size_t capacity = 64;

  constexpr piece() noexcept = default;
  constexpr explicit piece(std::string_view text) noexcept : size_(text.size()) {
    for (std::size_t i = 0; i < size_; ++i) bytes_[i / 16][i % 16] = text[i];
    if (size_ < 16) {
      last_ = bytes_[0];
      ignored_ = 0xFFFFU << size_ & 0xFFFFU;
    } else {
      tail_ = size_ - 16;
      ignored_ = 0;
      for (std::size_t i = 0; i < 16; ++i) last_[i] = text[tail_ + i];
    }
  }

  /// What nothing equals.
  static constexpr piece none() noexcept {
    piece p;
    p.ignored_ = 0x10000;
    return p;
  }

  constexpr std::size_t size() const noexcept { return size_; }

  /// Compares with the size() bytes at p; may read 16 in any case.
  [[gnu::always_inline]] bool matches(const char* p) const noexcept {
    std::uint32_t equal = equal_both(p, bytes_[0], p + tail_, last_);
    for (std::size_t i = 1; i * 16 < tail_; ++i) equal &= equal_bytes(p + i * 16, bytes_[i]);
    return (equal | ignored_) == 0xFFFFU;
  }

 private:
  alignas(64) std::array<bytes16, capacity / 16> bytes_{};
  alignas(16) bytes16 last_{};  // the last 16 bytes; of fewer, all
  std::size_t tail_ = 0;        // where those begin
  std::size_t size_ = 0;
  std::uint32_t ignored_ = 0xFFFFU;
};

/// Up to 16 bytes that tend to come again: a comma or a colon, and the blanks and quotes around it.
class separator {
 public:
  constexpr separator() noexcept = default;
  separator(const char* from, const char* until) noexcept {
    size_ = static_cast<std::size_t>(until - from);
    if (size_ - 1 > 15) return;
    std::memcpy(bytes_.data(), from, size_);
    ignored_ = 0xFFFFU << size_ & 0xFFFFU;
  }

  /// Moves p behind them, if they are there.
  [[gnu::always_inline]] bool skip(const char*& p) const noexcept {
    if ((equal_bytes(p, bytes_) | ignored_) != 0xFFFFU) return false;
    p += size_;
    return true;
  }

 private:
  alignas(16) bytes16 bytes_{};
  std::size_t size_ = 0;
  std::uint32_t ignored_ = 0x10000;  // which nothing equals
};

/// `actual`; where the guess is right, what follows need not wait for how it was found: the processor goes on with the
/// guess at once. (A compiler must neither know that the two are the same then, nor choose without a branch.)
[[gnu::always_inline]] inline const char* speculate(const char* guess, const char* actual) noexcept {
  const char* unknown = guess;
  asm("" : "+r"(unknown));
  if (guess != actual) return actual;
  asm volatile("" : "+r"(unknown));
  return unknown;
}

/// Up to eight digits as a number.
class digits8 {
 public:
  /// The first `size` bytes of a text that begins with these, 1 to 8 of them; of any other size, something.
  [[gnu::always_inline]] digits8(std::uint64_t bytes, std::size_t size) noexcept
      : digits_((bytes ^ zeros) << ((0 - 8 * size) & 63U)) {}

  /// 0 when all are digits.
  [[gnu::always_inline]] std::uint64_t others() const noexcept {
    return (digits_ | (digits_ + 0x7676767676767676U)) & 0x8080808080808080U;  // 10 + 0x76 = 0x80
  }
  /// Bit 7 of the first byte that is a point, and maybe of later ones; 0 when there is none.
  [[gnu::always_inline]] std::uint64_t points() const noexcept {
    return first_equal_byte(digits_, 0x1E1E1E1E1E1E1E1EU);  // '.' ^ '0'
  }
  /// Without the byte whose bit 7 is the lowest one of `points`; those before it move up.
  [[gnu::always_inline]] digits8 without_first(std::uint64_t points) const noexcept {
    const std::uint64_t up_to = points ^ (points - 1);
    return digits8((digits_ & up_to >> 8U) << 8U | (digits_ & ~up_to));
  }
  [[gnu::always_inline]] std::int64_t value() const noexcept {
    const std::uint64_t d = digits_ * 10 + (digits_ >> 8U);  // pairs
    constexpr std::uint64_t pairs = 0x000000FF000000FFU;
    return static_cast<std::int64_t>(((d & pairs) * 0x000F424000000064U + (d >> 16U & pairs) * 0x0000271000000001U) >>
                                     32U);
  }

 private:
  [[gnu::always_inline]] explicit digits8(std::uint64_t digits) noexcept : digits_(digits) {}

  static constexpr std::uint64_t zeros = 0x3030303030303030U;
  std::uint64_t digits_;  // one each byte, the last in the highest; 0 in front of the first
};

/// Bytes [begin, end) of a body.
struct extent {
  const char* begin;
  const char* end;

  std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
  std::string_view view() const noexcept { return {begin, size()}; }
};

/// A number, and 0 when there was one.
template <class T>
struct parsed {
  T value;
  std::uint64_t wrong;
};

/// An integer of at most 8 digits, and nothing else: of its text the first eight bytes and the size. Without branches.
[[gnu::always_inline]] inline parsed<std::int64_t> read_short_integer(std::uint64_t bytes, std::size_t size) noexcept {
  const digits8 d(bytes, size);
  const std::int64_t v = d.value();
  // Less than this has a zero in front; of other sizes everything is less.
  constexpr std::int64_t none = std::int64_t{1} << 62;
  static constexpr std::array<std::int64_t, 16> least{none,     0,    10,   100,  1000, 10000, 100000, 1000000,
                                                      10000000, none, none, none, none, none,  none,   none};
  return {v, d.others() | size >> 4U | static_cast<std::uint64_t>(v - least[size & 15U]) >> 63U};
}

/// An integer of at most 18 digits, and nothing else.
parsed<std::int64_t> read_integer(extent t) noexcept;

/// The end of the number that begins at p, nullptr when there is none.
const char* number_end(const char* p, const char* end) noexcept;

/// A real number of at most 8 characters and nothing else, correctly rounded.
[[gnu::always_inline]] inline parsed<double> read_short_real(std::uint64_t bytes, std::size_t size) noexcept {
  const digits8 all(bytes, size);
  const std::uint64_t points = all.points();
  if (points == 0) {
    const auto whole = read_short_integer(bytes, size);
    return {static_cast<double>(whole.value), whole.wrong};
  }
  const auto at = static_cast<unsigned>(std::countr_zero(points)) / 8;  // of 0 to 7; the last character is at 7
  const digits8 d = all.without_first(points);
  const std::size_t whole = at + size - 8;  // digits before the point
  const bool wrong = (whole - 1 > 6) | (at == 7) | (((bytes & 0xFFU) == '0') & (whole != 1));
  // Both are exact, so that the division is the one rounding.
  static constexpr std::array<double, 8> powers{1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0};
  return {static_cast<double>(d.value()) / powers[at], d.others() | size >> 4U | wrong};
}

/// A real number and nothing else, correctly rounded; none where it is beyond the range of a double.
parsed<double> read_real(extent t) noexcept;

/// For each of 32 bytes a bit: is it a quote, is it one that does not stand for itself alone (a backslash, a control
/// character, a part of a longer sequence).
struct text_block {
  std::uint32_t quotes = 0;
  std::uint32_t special = 0;

  [[gnu::always_inline]] explicit text_block(const char* p) noexcept {
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

/// For each of the 16 bytes at p a bit: set where a value may end: a text at a quote, anything else (with the blanks
/// behind it) at a comma or a brace. Without branches: the kind of the next value is unpredictable.
[[gnu::always_inline]] inline std::uint32_t value_ends(const char* p, bool text) noexcept {
  alignas(64) static constexpr bytes16 ends[4]{sixteen(','), sixteen('}'), sixteen('"'), sixteen('"')};
  const bytes16* const mine = ends + 2 * text;
  return equal_either(p, mine[0], mine[1]);
}

/// What a text between quotes turned out to be.
struct text_extent {
  const char* end = nullptr;  // its closing quote; nullptr: none, or something in it is not allowed
  bool ascii = true;
  bool escaped = false;
};

/// Any text, from behind its opening quote. Whether longer sequences are UTF-8 is left to be checked.
text_extent read_text(const char* p, const char* end) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE parsed<std::int64_t> read_integer(extent t) noexcept {
  const bool negative = t.begin != t.end && *t.begin == '-';
  t.begin += negative;
  if (t.size() == 0 || t.size() > 18 || (*t.begin == '0' && t.size() > 1)) return {0, 1};
  std::int64_t v = 0;
  for (const char c : t.view()) {
    if (!is_digit(c)) return {0, 1};
    v = v * 10 + (c - '0');
  }
  return {negative ? -v : v, 0};
}

TABSCORE_INLINE const char* number_end(const char* p, const char* end) noexcept {
  const auto digits = [&] {
    const char* const begin = p;
    p = skip_digits(p, end);
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

TABSCORE_INLINE parsed<double> read_real(extent t) noexcept {
  if (t.size() == 0 || number_end(t.begin, t.end) != t.end) return {0, 1};
  if (t.view() == "-0") return {0, 0};  // the integer, which has no sign
  const double v = parse_real(t.view());
  return {v, v - v != 0};
}

[[gnu::noinline]] TABSCORE_INLINE text_extent read_text(const char* p, const char* end) noexcept {
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

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
