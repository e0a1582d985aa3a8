// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config.hpp"
#include "exact_sum.hpp"
#include "read_number.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The finite part of a sum, exactly, in the hexadecimal notation of C and Python: "-0x1a8p-3". Each sum has one text:
/// the last bit of the digits is set, there are no leading zeros, and zero is "0x0p+0". Python's float.fromhex() rounds
/// it as value() does.
std::string to_text(const exact_sum& sum);

/// The sum that to_text wrote, or nothing when the text is not in that one form or out of range.
std::optional<exact_sum> parse_exact_sum(std::string_view text, std::uint64_t nans = 0, std::uint64_t infinities = 0,
                                         std::uint64_t negative_infinities = 0);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::string to_text(const exact_sum& sum) {
  const auto size = sum.magnitude();
  constexpr std::size_t width = exact_sum::limbs * 64;
  const auto bit = [&](std::size_t i) { return i < width && (size[i / 64] >> i % 64 & 1U) != 0; };
  std::size_t first = 0;
  while (first < width && !bit(first)) ++first;
  if (first == width) return "0x0p+0";
  std::size_t end = width;
  while (!bit(end - 1)) --end;
  std::string text = sum.negative() ? "-0x" : "0x";
  for (std::size_t digit = (end - first + 3) / 4; digit-- > 0;) {
    unsigned value = 0;
    for (std::size_t k = 4; k-- > 0;) value = value << 1U | unsigned{bit(first + digit * 4 + k)};
    text.push_back("0123456789abcdef"[value]);
  }
  const int exponent = static_cast<int>(first) + exact_sum::lowest_bit;
  text.append(exponent < 0 ? "p" : "p+");
  return text.append(std::to_string(exponent));
}

TABSCORE_INLINE std::optional<exact_sum> parse_exact_sum(std::string_view text, std::uint64_t nans,
                                                         std::uint64_t infinities, std::uint64_t negative_infinities) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  if (!rest.starts_with("0x")) return std::nullopt;
  rest.remove_prefix(2);
  const std::size_t p = rest.find('p');
  if (p == 0 || p > exact_sum::limbs * 16 || p == std::string_view::npos) return std::nullopt;
  std::string_view after = rest.substr(p + 1);
  if (after.starts_with('+')) after.remove_prefix(1);
  int exponent = 0;
  if (!parse_number(after, exponent)) return std::nullopt;
  if (exponent < exact_sum::lowest_bit || exponent > exact_sum::lowest_bit + int{exact_sum::limbs * 64}) {
    return std::nullopt;
  }
  std::array<std::uint64_t, exact_sum::limbs> size{};
  std::size_t at = static_cast<std::size_t>(exponent - exact_sum::lowest_bit);
  for (std::size_t i = p; i-- > 0;) {
    unsigned value = 0;
    const char digit = rest[i];
    if (digit >= '0' && digit <= '9') {
      value = static_cast<unsigned>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = static_cast<unsigned>(digit - 'a' + 10);
    } else {
      return std::nullopt;
    }
    for (unsigned k = 0; k < 4; ++k, ++at) {
      if ((value >> k & 1U) == 0) continue;
      if (at >= exact_sum::limbs * 64 - 1) return std::nullopt;  // the last bit is the sign
      size[at / 64] |= std::uint64_t{1} << at % 64;
    }
  }
  const exact_sum sum = exact_sum::of(size, negative, nans, infinities, negative_infinities);
  if (to_text(sum) != text) return std::nullopt;
  return sum;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
