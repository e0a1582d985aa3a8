// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../../../core/config.hpp"
#include "../../../core/detail/from_chars.hpp"
#include "../../../core/detail/skip.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A JSON number of up to 16 digits before its point, 16 behind it and two of its exponent: digits times a power of
/// ten. What is read depends on the number's length by data, not by branches, wherever trainers' numbers differ.
struct plain_number {
  std::uint64_t digits = 0;
  int exponent = 0;
  bool negative = false;
  bool whole = true;  ///< without a point and an exponent

  /// Reads the number at p, of a text that ends at `limit`, and gives its end; nullptr: another number, or none.
  [[gnu::always_inline]] const char* read(const char* p, const char* limit) noexcept {
    if (limit - p >= room) return read(p);
    std::array<char, room> copy{};
    std::memcpy(copy.data(), p, static_cast<std::size_t>(limit - p));
    const char* const end = read(copy.data());
    return end == nullptr ? nullptr : p + (end - copy.data());
  }

  /// The nearest double of a number read from [first, last), as simdjson gives it: -0 is 0, and -0.0 is not.
  double value(const char* first, const char* last) const noexcept {
    if (whole) {
      const auto number = static_cast<std::int64_t>(digits);
      return static_cast<double>(negative ? -number : number);
    }
    double real = 0;
    if (FLT_EVAL_METHOD == 0 && digits <= std::uint64_t{1} << 53 && exponent >= -22 && exponent <= 22) {
      real = static_cast<double>(digits);  // it and the power are exact, so that one rounding is left
      real = exponent < 0 ? real / powers[static_cast<std::size_t>(-exponent)]
                          : real * powers[static_cast<std::size_t>(exponent)];
      return std::bit_cast<double>(std::bit_cast<std::uint64_t>(real) | std::uint64_t{negative} << 63);
    }
    from_chars(first, last, real);
    return real;
  }

 private:
  static constexpr std::ptrdiff_t room = 48;  ///< bytes that read() may touch
  static constexpr std::array<std::uint64_t, 9> tens{1,       10,        100,        1'000,      10'000,
                                                     100'000, 1'000'000, 10'000'000, 100'000'000};
  static constexpr std::array<double, 23> powers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

  /// How many of the eight bytes of x, from the lowest on, are digits; x has them without their '0'.
  static unsigned count_digits(std::uint64_t x) noexcept {
    const std::uint64_t others = (x | (x + 0x7676767676767676U)) & 0x8080808080808080U;  // 10 + 0x76 = 0x80
    return static_cast<unsigned>(std::countr_zero(others)) / 8;
  }
  /// Appends the first `count` of such digits.
  [[gnu::always_inline]] void append(std::uint64_t x, unsigned count) noexcept {
    x = (x << ((64 - 8 * count) & 63)) & (0U - std::uint64_t{count != 0});  // as many zeros before them
    x = x * 10 + (x >> 8);
    digits =
        digits * tens[count] +
        (((x & 0x000000FF000000FFU) * 0x000F424000000064U + (x >> 16 & 0x000000FF000000FFU) * 0x0000271000000001U) >>
         32);
  }

  [[gnu::always_inline]] const char* read(const char* p) noexcept {
    constexpr std::uint64_t zeros = 0x3030303030303030U;
    negative = *p == '-';
    p += negative ? 1 : 0;
    unsigned before = 1;
    if (p[1] == '.' && is_digit(*p)) {
      digits = static_cast<std::uint64_t>(*p - '0');
      ++p;
    } else {
      const std::uint64_t x = load8(p) ^ zeros;
      before = count_digits(x);
      if (before == 0 || (before > 1 && *p == '0')) return nullptr;
      append(x, before);
      p += before;
      if (before == 8) {
        const std::uint64_t more = load8(p) ^ zeros;
        before += count_digits(more);
        append(more, before - 8);
        p += before - 8;
      }
    }
    if (*p == '.') {
      ++p;
      const std::uint64_t x = load8(p) ^ zeros;
      const std::uint64_t more = load8(p + 8) ^ zeros;
      const unsigned count = count_digits(x);
      const unsigned others = count_digits(more) & (0U - count / 8);  // none unless there are 8 before
      if (count == 0 || before + count + others > 18) return nullptr;
      append(x, count);
      append(more, others);
      exponent = -static_cast<int>(count + others);
      whole = false;
      p += count + others;
    }
    if ((*p | 0x20) == 'e') {
      const bool down = *++p == '-';
      p += down ? 1 : 0;
      if (*p == '+' && !down) ++p;
      if (!is_digit(*p)) return nullptr;
      int power = *p++ - '0';
      if (is_digit(*p)) power = power * 10 + (*p++ - '0');
      exponent += down ? -power : power;
      whole = false;
    }
    return p;  // the next byte is no part of a list if there are more digits
  }
};

/// Whether a text is a list of JSON numbers of up to 16 digits before the point and two of the exponent, without their
/// values: byte after byte by a table, in four places of the text at a time, since each byte waits for the one before
/// it.
class number_list {
 public:
  static bool is(std::string_view text) noexcept {
    std::array<std::string_view, 4> part{};
    for (std::size_t k = 3; k > 0 && text.size() >= 64; --k) {
      const std::size_t comma = text.rfind(',', text.size() / (k + 1) * k);
      if (comma == text.npos) return false;
      part[k] = text.substr(comma + 1);
      text = text.substr(0, comma);
    }
    part[0] = text;
    std::array<std::uint8_t, 4> state{before, before, before, before};
    std::size_t together = text.size();
    for (const std::string_view& p : part) together = (std::min)(together, p.size());
    for (std::size_t i = 0; i < together; ++i) {
      for (std::size_t k = 0; k < 4; ++k) state[k] = next[state[k]][static_cast<unsigned char>(part[k][i])];
    }
    bool good = true;
    for (std::size_t k = 0; k < 4; ++k) {
      for (const char c : part[k].substr(together)) state[k] = next[state[k]][static_cast<unsigned char>(c)];
      good &= state[k] >= zero || part[k].data() == nullptr;
    }
    return good;
  }

 private:
  // From `zero` on a number may end; whole + n: n + 1 digits.
  enum : std::uint8_t {
    refused,
    before,
    minus,
    point,
    e,
    e_sign,
    zero,
    fraction,
    power,
    powers,
    behind,
    whole,
    states = whole + 16
  };
  static constexpr auto next = [] {
    std::array<std::array<std::uint8_t, 256>, states> to{};
    const auto digits = [&](std::uint8_t from, std::uint8_t state) {
      for (unsigned c = '0'; c <= '9'; ++c) to[from][c] = state;
    };
    for (const std::uint8_t from : {before, minus}) {
      digits(from, whole);
      to[from]['0'] = zero;
    }
    to[before]['-'] = minus;
    for (std::uint8_t n = whole; n + 1 < states; ++n) digits(n, static_cast<std::uint8_t>(n + 1));
    for (const std::uint8_t from : {point, fraction}) digits(from, fraction);
    for (const std::uint8_t from : {e, e_sign}) digits(from, power);
    digits(power, powers);
    to[e]['-'] = to[e]['+'] = e_sign;
    for (const char blank : {' ', '\n', '\r', '\t'}) to[before][static_cast<unsigned char>(blank)] = before;
    for (std::uint8_t from = zero; from < states; ++from) {
      to[from][','] = before;
      for (const char blank : {' ', '\n', '\r', '\t'}) to[from][static_cast<unsigned char>(blank)] = behind;
      if (from >= whole || from == zero) to[from]['.'] = point;
      if (from >= whole || from == zero || from == fraction) to[from]['e'] = to[from]['E'] = e;
    }
    return to;
  }();
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
