// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/detail/skip.hpp"

// CityHash64 as of its first version (Geoff Pike and Jyrki Alakuijala, 2011), which CatBoost hashes categories with.
namespace tabscore::inline TABSCORE_ABI::detail {

class city_hash {
 public:
  /// Never inlined: g++ 12 warns of the branches for long texts where it knows that a text is short.
  [[gnu::noinline]] static std::uint64_t of(std::string_view text) noexcept {
    const char* const p = text.data();
    const std::size_t n = text.size();
    if (n <= 16) return up_to_16(p, n);
    if (n <= 32) return up_to_32(p, n);
    if (n <= 64) return up_to_64(p, n);
    return above_64(p, n);
  }

 private:
  static constexpr std::uint64_t k0 = 0xc3a5c85c97cb3127U;
  static constexpr std::uint64_t k1 = 0xb492b66fbe98f273U;
  static constexpr std::uint64_t k2 = 0x9ae16a3b2f90404fU;
  static constexpr std::uint64_t k3 = 0xc949d7c7509e6557U;

  struct two {
    std::uint64_t first;
    std::uint64_t second;
  };

  static std::uint64_t byte(const char* p) noexcept { return static_cast<unsigned char>(*p); }
  static std::uint64_t four(const char* p) noexcept {
    return byte(p) | byte(p + 1) << 8 | byte(p + 2) << 16 | byte(p + 3) << 24;
  }
  static std::uint64_t eight(const char* p) noexcept { return load8(p); }
  static std::uint64_t fold(std::uint64_t v) noexcept { return v ^ v >> 47; }
  static std::uint64_t mix(std::uint64_t u, std::uint64_t v) noexcept {
    constexpr std::uint64_t multiplier = 0x9ddfea08eb382d69U;
    const std::uint64_t a = fold((u ^ v) * multiplier);
    return fold((v ^ a) * multiplier) * multiplier;
  }

  static std::uint64_t up_to_16(const char* p, std::size_t n) noexcept {
    if (n > 8) {
      const std::uint64_t last = eight(p + n - 8);
      const std::uint64_t sum = last + n;  // rotated by hand: libc++ 14 declares std::rotr with an unsigned distance
      return mix(eight(p), sum >> n | sum << (64 - n)) ^ last;
    }
    if (n >= 4) return mix(n + (four(p) << 3), four(p + n - 4));
    if (n == 0) return k2;
    const std::uint64_t y = byte(p) + (byte(p + n / 2) << 8);
    const std::uint64_t z = n + (byte(p + n - 1) << 2);
    return fold(y * k2 ^ z * k3) * k2;
  }

  static std::uint64_t up_to_32(const char* p, std::size_t n) noexcept {
    const std::uint64_t a = eight(p) * k1;
    const std::uint64_t b = eight(p + 8);
    const std::uint64_t c = eight(p + n - 8) * k2;
    const std::uint64_t d = eight(p + n - 16) * k0;
    return mix(std::rotr(a - b, 43) + std::rotr(c, 30) + d, a + std::rotr(b ^ k3, 20) - c + n);
  }

  static two half_of_64(const char* p, std::uint64_t seed) noexcept {
    const std::uint64_t last = eight(p + 24);
    std::uint64_t a = eight(p) + seed;
    const std::uint64_t b = std::rotr(a + last, 52);
    std::uint64_t c = std::rotr(a, 37);
    a += eight(p + 8);
    c += std::rotr(a, 7);
    a += eight(p + 16);
    return {a + last, b + std::rotr(a, 31) + c};
  }

  static std::uint64_t up_to_64(const char* p, std::size_t n) noexcept {
    const two v = half_of_64(p, (n + eight(p + n - 16)) * k0);
    const two w = half_of_64(p + n - 32, eight(p + 16));
    const std::uint64_t r = fold((v.first + w.second) * k2 + (w.first + v.second) * k0);
    return fold(r * k0 + v.second) * k2;
  }

  static two weak(const char* p, std::uint64_t a, std::uint64_t b) noexcept {
    a += eight(p);
    b = std::rotr(b + a + eight(p + 24), 21);
    const std::uint64_t c = a;
    a += eight(p + 8);
    a += eight(p + 16);
    b += std::rotr(a, 44);
    return {a + eight(p + 24), b + c};
  }

  static std::uint64_t above_64(const char* p, std::size_t n) noexcept {
    std::uint64_t x = eight(p);
    std::uint64_t y = eight(p + n - 16) ^ k1;
    std::uint64_t z = eight(p + n - 56) ^ k0;
    two v = weak(p + n - 64, n, y);
    two w = weak(p + n - 32, n * k1, k0);
    z += fold(v.second) * k1;
    x = std::rotr(z + x, 39) * k1;
    y = std::rotr(y, 33) * k1;
    for (std::size_t left = (n - 1) / 64; left > 0; --left, p += 64) {
      x = std::rotr(x + y + v.first + eight(p + 16), 37) * k1 ^ w.second;
      y = std::rotr(y + v.second + eight(p + 48), 42) * k1 ^ v.first;
      z = std::rotr(z ^ w.first, 33);
      v = weak(p, v.second * k1, x + w.first);
      w = weak(p + 32, z + w.second, y);
      const std::uint64_t kept = z;
      z = x;
      x = kept;
    }
    return mix(mix(v.first, w.first) + fold(y) * k1 + z, mix(v.second, w.second) + x);
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
