// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

inline constexpr std::array<std::uint32_t, 64> sha256_rounds{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using sha256_digest = std::array<unsigned char, 32>;
using sha256_state = std::array<std::uint32_t, 8>;

/// Mixes blocks of 64 bytes into the state (FIPS 180-4, 6.2.2).
void sha256_blocks(sha256_state& state, const unsigned char* bytes, std::size_t blocks) noexcept;
/// The same without instructions that not every processor has.
void sha256_blocks_portable(sha256_state& state, const unsigned char* bytes, std::size_t blocks) noexcept;

/// The SHA-256 of bytes that come in pieces.
class sha256_stream {
 public:
  void update(std::span<const unsigned char> bytes) noexcept;
  void update(std::string_view text) noexcept {
    update({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  }
  /// Of all that came; to be called once, last.
  sha256_digest finish() noexcept;

 private:
  sha256_state state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> rest_{};  // of a block
  std::uint64_t size_ = 0;
};

/// HMAC-SHA256 (RFC 2104) under a key of 32 bytes.
class hmac_sha256 {
 public:
  explicit hmac_sha256(const std::array<unsigned char, 32>& key) noexcept {
    std::array<unsigned char, 64> inner, outer;
    inner.fill(0x36);
    outer.fill(0x5c);
    for (std::size_t i = 0; i < key.size(); ++i) {
      inner[i] ^= key[i];
      outer[i] ^= key[i];
    }
    inner_.update(inner);
    outer_.update(outer);
  }
  /// Takes the message; end() makes its code.
  sha256_stream begin() const noexcept { return inner_; }
  sha256_digest end(sha256_stream message) const noexcept {
    sha256_stream code = outer_;
    code.update(message.finish());
    return code.finish();
  }

 private:
  sha256_stream inner_, outer_;
};

sha256_digest sha256_bytes(std::string_view text);

/// Bytes as lower-case hexadecimal digits.
std::string hex_digits(std::span<const unsigned char> bytes);

/// The SHA-256 of a text as 64 hexadecimal digits.
std::string sha256(std::string_view text);

/// The same in base64, as content security policies write it.
std::string sha256_base64(std::string_view text);

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>

namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE void sha256_blocks_portable(sha256_state& state, const unsigned char* bytes,
                                            std::size_t blocks) noexcept {
  for (; blocks > 0; --blocks, bytes += 64) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t i = 0; i < 16; ++i) {
      const unsigned char* const b = bytes + 4 * i;
      w[i] = std::uint32_t{b[0]} << 24U | std::uint32_t{b[1]} << 16U | std::uint32_t{b[2]} << 8U | std::uint32_t{b[3]};
    }
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3U) +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10U);
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t first =
          h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + sha256_rounds[i] + w[i];
      const std::uint32_t second =
          (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + first;
      d = c, c = b, b = a, a = first + second;
    }
    const sha256_state mixed{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < state.size(); ++i) state[i] += mixed[i];
  }
}

#if defined(__x86_64__)
inline bool has_sha_instructions() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29U)) != 0;
  return sha && __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1U << 19U)) != 0 && (c & (1U << 9U)) != 0;
}

/// Four rounds, and the words of the four that come sixteen rounds later, in place of the ones that are used.
[[gnu::target("sha,sse4.1,ssse3")]] inline void sha256_four_rounds(__m128i& abef, __m128i& cdgh,
                                                                   const std::uint32_t* rounds, __m128i& now,
                                                                   __m128i second, __m128i third,
                                                                   __m128i last) noexcept {
  const __m128i sum = _mm_add_epi32(now, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rounds)));
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
  abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
  now = _mm_add_epi32(_mm_sha256msg1_epu32(now, second), _mm_alignr_epi8(last, third, 4));
  now = _mm_sha256msg2_epu32(now, last);
}

/// By the processor's SHA instructions.
[[gnu::target("sha,sse4.1,ssse3")]] inline void sha256_blocks_x86(sha256_state& state, const unsigned char* bytes,
                                                                  std::size_t blocks) noexcept {
  const auto load = [](const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); };  // SSE2
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i low = _mm_shuffle_epi32(load(state.data()), 0xB1);
  __m128i cdgh = _mm_shuffle_epi32(load(state.data() + 4), 0x1B);
  __m128i abef = _mm_alignr_epi8(low, cdgh, 8);
  cdgh = _mm_blend_epi16(cdgh, low, 0xF0);
  for (; blocks > 0; --blocks, bytes += 64) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w0 = _mm_shuffle_epi8(load(bytes), big_endian), w1 = _mm_shuffle_epi8(load(bytes + 16), big_endian);
    __m128i w2 = _mm_shuffle_epi8(load(bytes + 32), big_endian), w3 = _mm_shuffle_epi8(load(bytes + 48), big_endian);
    for (std::size_t i = 0; i < sha256_rounds.size(); i += 16) {
      const std::uint32_t* const rounds = sha256_rounds.data() + i;
      sha256_four_rounds(abef, cdgh, rounds, w0, w1, w2, w3);
      sha256_four_rounds(abef, cdgh, rounds + 4, w1, w2, w3, w0);
      sha256_four_rounds(abef, cdgh, rounds + 8, w2, w3, w0, w1);
      sha256_four_rounds(abef, cdgh, rounds + 12, w3, w0, w1, w2);
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

TABSCORE_INLINE void sha256_blocks(sha256_state& state, const unsigned char* bytes, std::size_t blocks) noexcept {
#if defined(__x86_64__)
  static const bool has_instructions = has_sha_instructions();
  if (has_instructions) return sha256_blocks_x86(state, bytes, blocks);
#endif
  sha256_blocks_portable(state, bytes, blocks);
}

TABSCORE_INLINE void sha256_stream::update(std::span<const unsigned char> bytes) noexcept {
  const std::size_t kept = size_ % rest_.size();
  size_ += bytes.size();
  if (kept != 0) {
    const auto more = bytes.first((std::min)(rest_.size() - kept, bytes.size()));
    std::copy(more.begin(), more.end(), rest_.begin() + static_cast<std::ptrdiff_t>(kept));
    bytes = bytes.subspan(more.size());
    if (kept + more.size() < rest_.size()) return;
    sha256_blocks(state_, rest_.data(), 1);
  }
  const std::size_t blocks = bytes.size() / rest_.size();
  if (blocks != 0) sha256_blocks(state_, bytes.data(), blocks);
  bytes = bytes.subspan(blocks * rest_.size());
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

TABSCORE_INLINE sha256_digest sha256_stream::finish() noexcept {
  const std::size_t left = size_ % rest_.size();
  std::array<unsigned char, 128> last{};  // the rest, a one bit, zeros, and how many bits it was
  std::copy_n(rest_.begin(), left, last.begin());
  last[left] = 0x80;
  const std::size_t size = left < 56 ? 64 : 128;
  for (std::size_t i = 0; i < 8; ++i) last[size - 1 - i] = static_cast<unsigned char>(size_ * 8 >> 8 * i);
  sha256_blocks(state_, last.data(), size / 64);
  sha256_digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<unsigned char>(state_[i / 4] >> (24 - i % 4 * 8));
  return digest;
}

TABSCORE_INLINE sha256_digest sha256_bytes(std::string_view text) {
  sha256_stream all;
  all.update(text);
  return all.finish();
}

TABSCORE_INLINE std::string hex_digits(std::span<const unsigned char> bytes) {
  std::string digits;
  for (const unsigned char byte : bytes) {
    digits += "0123456789abcdef"[byte >> 4U];
    digits += "0123456789abcdef"[byte & 15U];
  }
  return digits;
}

TABSCORE_INLINE std::string sha256(std::string_view text) { return hex_digits(sha256_bytes(text)); }

TABSCORE_INLINE std::string sha256_base64(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto digest = sha256_bytes(text);
  std::string base64;
  for (std::size_t i = 0; i < digest.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = i; j < i + 3; ++j) bits = bits << 8U | (j < digest.size() ? digest[j] : 0U);
    for (std::size_t j = 0; j < 4; ++j) base64 += letters[bits >> (18 - 6 * j) & 63U];
  }
  base64.back() = '=';  // 32 bytes leave one of three out
  return base64;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
