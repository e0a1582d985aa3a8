// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "number_text.hpp"

// The texts of number_text.hpp for numbers with few digits, as most records' are: looked up.
namespace tabscore {

namespace detail {

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

}  // namespace detail

/// As write_integer, faster from 0 to 999,999.
inline char* write_short_integer(char* to, std::int64_t v) noexcept {
  const auto below_thousand = [&](std::uint32_t n) {
    const std::uint32_t text = detail::thousand_texts.whole[n];
    detail::store4(to, text);
    to += text >> 24U;
  };
  if (static_cast<std::uint64_t>(v) >= 1'000'000) return write_integer(to, v);
  const auto n = static_cast<std::uint32_t>(v);
  if (n < 1000) return below_thousand(n), to;
  below_thousand(n / 1000);
  detail::store4(to, detail::thousand_texts.fraction[n % 1000] >> 8U);
  return to + 3;
}

/// As write_real, faster for numbers without a sign below 100,000 with at most three digits behind the point: two
/// decimals of 15 digits or fewer are never the same double, so that the one that was found is the shortest.
template <spelling Spelling = spelling::repr>
char* write_short_real(char* to, double v) noexcept {
  if (std::bit_cast<std::uint64_t>(v) >= std::bit_cast<std::uint64_t>(99'999.0)) return write_real<Spelling>(to, v);
  const auto thousandths = static_cast<std::uint32_t>(v * 1000 + 0.5);
  if (thousandths / 1000.0 != v) return write_real<Spelling>(to, v);
  to = write_short_integer(to, thousandths / 1000);
  const std::uint32_t fraction = detail::thousand_texts.fraction[thousandths % 1000];
  detail::store4(to, fraction);
  return to + 2 + (fraction >> 16U != 0x3030U) + (fraction >> 24U != 0x30U);
}

}  // namespace tabscore
