// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "../config.hpp"
#include "../write_number.hpp"

// The texts of write_number.hpp for numbers with few digits, as most records' are: looked up.
namespace tabscore::inline TABSCORE_ABI::detail {

/// The texts of 0 to 999, the first character in the lowest byte: as a whole number, with its length in the highest
/// byte, and as a fraction behind its point.
inline constexpr auto thousand_texts = [] {
  struct {
    std::uint32_t whole[1000];
    std::uint32_t fraction[1000];
  } table{};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint32_t zero = '0';
    const std::uint32_t digits = (zero + i / 100) | (zero + i / 10 % 10) << 8U | (zero + i % 10) << 16U;
    const std::uint32_t size = i < 10 ? 1 : i < 100 ? 2 : 3;
    table.whole[i] = digits >> 8 * (3 - size) | size << 24U;
    table.fraction[i] = '.' | digits << 8U;
  }
  return table;
}();

inline void store4(char* to, std::uint32_t bytes) noexcept {
  if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap32(bytes);
  std::memcpy(to, &bytes, sizeof bytes);
}

/// v < 10^6; without branches: the number of digits is unpredictable. Touches 8 bytes.
inline char* write_six_digits(char* to, std::uint32_t v) noexcept {
  const std::uint32_t high = v / 1000;
  const std::uint32_t low = v - high * 1000;
  const std::uint64_t digits = thousand_texts.fraction[high] >> 8U | std::uint64_t{thousand_texts.fraction[low] >> 8U}
                                                                         << 24U;
  const std::uint32_t size = high != 0 ? (thousand_texts.whole[high] >> 24U) + 3 : thousand_texts.whole[low] >> 24U;
  store8(to, digits >> 8 * (6 - size));
  return to + size;
}

/// As write_integer, faster from 0 to 999,999 and still more so up to 999.
inline char* write_short_integer(char* to, std::int64_t v) noexcept {
  if (static_cast<std::uint64_t>(v) < 1000) {
    const std::uint32_t text = thousand_texts.whole[v];
    store4(to, text);
    return to + (text >> 24U);
  }
  if (static_cast<std::uint64_t>(v) >= 1'000'000) return write_integer(to, v);
  return write_six_digits(to, static_cast<std::uint32_t>(v));
}

/// 1000 v, where v has no sign, is below 99,999 and has at most three digits behind the point; none otherwise. Two
/// decimals of 15 digits or fewer are never the same double, so that this one is the shortest.
inline constexpr std::uint32_t no_thousandths = ~std::uint32_t{0};
inline std::uint32_t thousandths_of(double v) noexcept {
  const bool few_digits = v < 99'999.0 && std::copysign(1.0, v) > 0;
  // NOLINTNEXTLINE(bugprone-incorrect-roundings): not negative, and 1000 * v is near a whole number or not taken
  const auto n = static_cast<std::int32_t>((few_digits ? v : 0) * 1000 + 0.5);
  return few_digits && n / 1000.0 == v ? static_cast<std::uint32_t>(n) : no_thousandths;
}
/// As write_real(to, n / 1000.0), for n below 99,999,000.
inline char* write_thousandths(char* to, std::uint32_t n) noexcept {
  const std::uint32_t units = n / 1000;
  to = write_six_digits(to, units);
  const std::uint32_t fraction = thousand_texts.fraction[n - units * 1000];
  store4(to, fraction);
  return to + 2 + (fraction >> 16U != 0x3030U) + (fraction >> 24U != 0x30U);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
