// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "number_text.hpp"

// The texts of number_text.hpp for numbers with few digits, as most records' are: a few multiplications, no loop.
namespace tabscore {

namespace detail {

/// The eight digits of v < 10^8, a byte each, the first one in the lowest.
inline std::uint64_t eight_digits(std::uint32_t v) noexcept {
  const std::uint64_t fours = v / 10000 | std::uint64_t{v % 10000} << 32U;
  const std::uint64_t hundreds = fours * 10486 >> 20U & 0x0000007F0000007FU;  // 10486 / 2^20 = 0.0100002
  const std::uint64_t pairs = hundreds | (fours - 100 * hundreds) << 16U;
  const std::uint64_t tens = pairs * 103 >> 10U & 0x000F000F000F000FU;  // 103 / 2^10 = 0.1006
  return tens | (pairs - 10 * tens) << 8U;
}
inline constexpr std::uint64_t eight_zeros = 0x3030303030303030U;

inline void store8(char* to, std::uint64_t bytes) noexcept {
  if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap64(bytes);
  std::memcpy(to, &bytes, sizeof bytes);
}

}  // namespace detail

/// As write_integer, faster when v has at most eight digits and no sign.
inline char* write_short_integer(char* to, std::int64_t v) noexcept {
  if (static_cast<std::uint64_t>(v) >= 100'000'000) return write_integer(to, v);
  const std::uint64_t digits = detail::eight_digits(static_cast<std::uint32_t>(v));
  const auto zeros = static_cast<unsigned>(std::countr_zero(digits | std::uint64_t{1} << 56U)) / 8;  // in front
  detail::store8(to, (digits | detail::eight_zeros) >> 8 * zeros);
  return to + 8 - zeros;
}

/// As write_real, faster when v is below 100,000, has at most three digits behind the point and no sign: two decimals of
/// 15 digits or fewer are never the same double, so v's shortest text is the one that was found.
template <spelling Spelling = spelling::repr>
char* write_short_real(char* to, double v) noexcept {
  if (std::bit_cast<std::uint64_t>(v) >= std::bit_cast<std::uint64_t>(99'999.0)) return write_real<Spelling>(to, v);
  const auto thousandths = static_cast<std::int32_t>(v * 1000 + 0.5);
  if (thousandths / 1000.0 != v) return write_real<Spelling>(to, v);
  const std::uint64_t digits = detail::eight_digits(static_cast<std::uint32_t>(thousandths));
  const auto zeros = static_cast<unsigned>(std::countr_zero(digits | std::uint64_t{1} << 32U)) / 8;  // before the units
  const std::uint64_t text = digits | detail::eight_zeros;
  detail::store8(to, text >> 8 * zeros);
  to += 5 - zeros;
  detail::store8(to, text >> 40U << 8U | '.');
  return to + 2 + (digits >> 48U != 0) + (digits >> 56U != 0);
}

}  // namespace tabscore
