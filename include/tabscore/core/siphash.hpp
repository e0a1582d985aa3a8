// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// 128 bits.
using siphash_key = std::array<std::uint64_t, 2>;

/// SipHash-2-4 (Aumasson and Bernstein, 2012): without the key its values cannot be told from random ones, so that a
/// hash cannot be turned back by hashing all countries.
std::uint64_t siphash(std::string_view text, const siphash_key& key) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {
template <class Word>
Word little_endian(const char* from) noexcept {
  Word word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, from, sizeof word);
  } else {
    for (std::size_t i = 0; i < sizeof word; ++i) word |= Word{static_cast<unsigned char>(from[i])} << (i * 8);
  }
  return word;
}
}  // namespace detail

TABSCORE_INLINE std::uint64_t siphash(std::string_view text, const siphash_key& key) noexcept {
  std::uint64_t a = 0x736f6d6570736575U ^ key[0], b = 0x646f72616e646f6dU ^ key[1];
  std::uint64_t c = 0x6c7967656e657261U ^ key[0], d = 0x7465646279746573U ^ key[1];
  const auto rounds = [&](int n) {
    for (; n > 0; --n) {
      a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
      c += d, d = std::rotl(d, 16) ^ c;
      a += d, d = std::rotl(d, 21) ^ a;
      c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
    }
  };
  const auto take = [&](std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) take(detail::little_endian<std::uint64_t>(at));
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56U;
  if (left >= 4) {
    last |= detail::little_endian<std::uint32_t>(at);
    last |= std::uint64_t{detail::little_endian<std::uint32_t>(at + left - 4)} << ((left - 4) * 8);
  } else {
    for (std::size_t i = 0; i < left; ++i) {
      last |= std::uint64_t{static_cast<unsigned char>(at[i])} << (i * 8);
    }
  }
  take(last);
  c ^= 0xffU;
  rounds(4);
  return a ^ b ^ c ^ d;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
