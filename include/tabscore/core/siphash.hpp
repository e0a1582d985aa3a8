// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

using siphash_key = std::array<std::uint64_t, 2>;

/// SipHash-2-4 (Aumasson and Bernstein, 2012): without the key its values cannot be told from random ones, so that a
/// hash cannot be turned back by hashing all countries.
std::uint64_t siphash(std::string_view text, const siphash_key& key) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

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
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (i % 8 * 8);
    if (i % 8 == 7) {
      take(word);
      word = 0;
    }
  }
  take(word | static_cast<std::uint64_t>(text.size()) << 56U);
  c ^= 0xffU;
  rounds(4);
  return a ^ b ^ c ^ d;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
