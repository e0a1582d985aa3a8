// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../config.hpp"

#if defined(__x86_64__) && defined(__GNUC__)

// shortest_decimal and its text for four values at a time, by AVX2: the same steps with the same results.
namespace tabscore::inline TABSCORE_ABI::detail {

/// The shortest digits d1 d2...d17 of four values, as text; behind the last one that counts are zeros.
struct four_decimals {
  unsigned known;                         // a bit for each value whose digits are here
  std::uint32_t zeros[2];                 // a bit for each of `others` that is '0': of values 0 and 2, of 1 and 3
  alignas(32) char others[4][16];         // d2 to d17 of values 0, 2, 1, 3
  alignas(32) std::int64_t first[4];      // d1, a number
  alignas(32) std::int64_t first_at[4];   // where in the text: 0.00d1d2 or d1.d2e-05
  alignas(32) std::int64_t others_at[4];  // where d2 is
  alignas(32) std::int64_t ten[4];        // minus the exponent, or 0 where the text has none

  /// Writes value i, which is known, with as few digits as it takes; returns the end. Touches 26 bytes.
  char* write(std::size_t i, char* to) const noexcept {
    std::memcpy(to, "0.000000", 8);
    to[first_at[i]] = static_cast<char>('0' + first[i]);
    std::memcpy(to + others_at[i], others[i % 2 * 2 + i / 2], 16);
    const std::uint32_t significant = ~zeros[i % 2] >> (i / 2 * 16) & 0xFFFFU;
    const auto exponent = static_cast<unsigned>(ten[i]);
    const bool power = exponent != 0;
    char* const end = to + others_at[i] + std::bit_width(significant) - (power & (significant == 0));  // 1e-05
    const bool two = exponent >= 10;
    const std::uint32_t text = 0x3030'2D65U + (two ? 1U << 16U : 0U) + ((exponent - (two ? 10U : 0U)) << 24U);  // e-00
    std::memcpy(end, &text, 4);
    return end + 4 * power;
  }
};

/// Knows the values from 2^-33 (1.2e-10) to 1 that are no powers of two.
[[gnu::target("avx2")]] void shortest_four(const double* value, four_decimals& to) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
#include <immintrin.h>

namespace tabscore::inline TABSCORE_ABI::detail {

/// For 0.5 <= v < 1, and below it by halves: 5^n and how far c * 5^n is shifted, where v = c * 2^q, 2^q <= 10^-n.
struct power_and_shift {
  std::uint64_t power;
  std::uint64_t shift;
};
inline constexpr auto powers_below_one = [] {
  struct {
    power_and_shift at[33];
  } table{};
  for (int i = 0; i < 33; ++i) {
    const int n = -((-53 - i) * 315653 >> 20);  // -floor(log10(2^q)), q = -53 - i
    std::uint64_t power = 1;
    for (int k = 0; k < n; ++k) power *= 5;
    table.at[i] = {power, static_cast<std::uint64_t>(53 + i - n)};
  }
  return table;
}();

[[gnu::target("avx2")]] inline __m256i all(std::int64_t v) noexcept { return _mm256_set1_epi64x(v); }

/// Digits of eight-digit numbers, one number in each 64 bits, as bytes 0 to 9.
[[gnu::target("avx2")]] inline __m256i eight_digits(__m256i x) noexcept {
  const __m256i q = _mm256_srli_epi64(_mm256_mul_epu32(x, all(109951163)), 40);  // / 10^4
  const __m256i fours = _mm256_sub_epi64(_mm256_or_si256(q, _mm256_slli_epi64(x, 32)),
                                         _mm256_slli_epi64(_mm256_mul_epu32(q, all(10000)), 32));
  const __m256i h = _mm256_srli_epi16(_mm256_mulhi_epu16(fours, _mm256_set1_epi16(5243)), 3);  // / 100
  const __m256i twos =
      _mm256_or_si256(h, _mm256_slli_epi32(_mm256_sub_epi16(fours, _mm256_mullo_epi16(h, _mm256_set1_epi16(100))), 16));
  const __m256i t = _mm256_mulhi_epu16(twos, _mm256_set1_epi16(6554));  // / 10
  return _mm256_or_si256(t, _mm256_slli_epi16(_mm256_sub_epi16(twos, _mm256_mullo_epi16(t, _mm256_set1_epi16(10))), 8));
}

[[gnu::target("avx2")]] TABSCORE_INLINE void shortest_four(const double* value, four_decimals& to) noexcept {
  const __m256d v = _mm256_loadu_pd(value);
  const __m256i bits = _mm256_castpd_si256(v);
  const __m256i fraction = _mm256_and_si256(bits, all((std::int64_t{1} << 52) - 1));
  const __m256d in_range = _mm256_and_pd(_mm256_cmp_pd(v, _mm256_set1_pd(0x1p-33), _CMP_GT_OQ),
                                         _mm256_cmp_pd(v, _mm256_set1_pd(1), _CMP_LT_OQ));
  const __m256i one_bit = _mm256_cmpeq_epi64(fraction, _mm256_setzero_si256());
  const __m256i known = _mm256_andnot_si256(one_bit, _mm256_castpd_si256(in_range));
  to.known = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(known)));

  const __m256i c = _mm256_or_si256(fraction, all(std::int64_t{1} << 52));
  const __m256i halvings = _mm256_and_si256(_mm256_sub_epi64(all(1022), _mm256_srli_epi64(bits, 52)), known);
  const __m256i at = _mm256_add_epi64(halvings, halvings);
  const auto* const table = reinterpret_cast<const long long*>(powers_below_one.at);
  const __m256i power = _mm256_i64gather_epi64(table, at, 8);
  const __m256i shift = _mm256_i64gather_epi64(table + 1, at, 8);

  // c * power, 113 bits at most.
  const __m256i c_high = _mm256_srli_epi64(c, 32);
  const __m256i power_high = _mm256_srli_epi64(power, 32);
  const __m256i lowest = _mm256_mul_epu32(c, power);
  const __m256i middle =
      _mm256_add_epi64(_mm256_add_epi64(_mm256_srli_epi64(lowest, 32), _mm256_mul_epu32(c, power_high)),
                       _mm256_mul_epu32(c_high, power));
  const __m256i low = _mm256_blend_epi32(lowest, _mm256_slli_epi64(middle, 32), 0xAA);
  const __m256i high = _mm256_add_epi64(_mm256_mul_epu32(c_high, power_high), _mm256_srli_epi64(middle, 32));
  const __m256i whole =
      _mm256_or_si256(_mm256_sllv_epi64(high, _mm256_sub_epi64(all(64), shift)), _mm256_srlv_epi64(low, shift));
  const __m256i rest = _mm256_andnot_si256(_mm256_sllv_epi64(all(-1), shift), low);

  // The last digit of `whole`: modulo 5 a number is the sum of its bytes, because 256 is 1.
  const __m256i bytes = _mm256_sad_epu8(whole, _mm256_setzero_si256());
  const __m256i fives = _mm256_srli_epi64(_mm256_mul_epu32(bytes, all(52429)), 18);
  const __m256i by_five = _mm256_sub_epi64(bytes, _mm256_add_epi64(fives, _mm256_slli_epi64(fives, 2)));
  const __m256i odd = _mm256_and_si256(_mm256_xor_si256(by_five, whole), all(1));
  const __m256i last = _mm256_add_epi64(by_five, _mm256_add_epi64(odd, _mm256_slli_epi64(odd, 2)));

  // Distances in units of the last bit of c * power. Half of `power`, which is odd, none of them is.
  const __m256i above = _mm256_or_si256(_mm256_sllv_epi64(last, shift), rest);
  const __m256i below = _mm256_sub_epi64(_mm256_sllv_epi64(all(10), shift), above);
  const __m256i reach = _mm256_srli_epi64(_mm256_add_epi64(power, all(1)), 1);
  const __m256i half = _mm256_srli_epi64(_mm256_sllv_epi64(all(1), shift), 1);
  const __m256i up = _mm256_cmpgt_epi64(_mm256_add_epi64(rest, _mm256_and_si256(whole, all(1))), half);
  const __m256i tens = _mm256_sub_epi64(whole, last);
  __m256i digits = _mm256_sub_epi64(whole, up);
  digits = _mm256_blendv_epi8(digits, _mm256_add_epi64(tens, all(10)), _mm256_cmpgt_epi64(reach, below));
  digits = _mm256_blendv_epi8(digits, tens, _mm256_cmpgt_epi64(reach, above));
  const __m256i sixteen = _mm256_cmpgt_epi64(all(10'000'000'000'000'000), digits);
  const __m256i tenfold = _mm256_add_epi64(_mm256_slli_epi64(digits, 3), _mm256_slli_epi64(digits, 1));
  digits = _mm256_blendv_epi8(digits, tenfold, sixteen);
  // The value is 0.d1d2... * 10^-leading, leading = n + sixteen - 17, n = 53 + halvings - shift.
  const __m256i leading = _mm256_sub_epi64(_mm256_sub_epi64(_mm256_add_epi64(halvings, all(36)), shift), sixteen);
  const __m256i scientific = _mm256_cmpgt_epi64(leading, all(3));

  // Divided by 10^8 = 2^8 5^8 in doubles: half a unit more keeps exact quotients from being one too few.
  const __m256i by_256 = _mm256_or_si256(_mm256_srli_epi64(digits, 8), all(0x4330'0000'0000'0000));  // + 2^52
  const __m256d more = _mm256_sub_pd(_mm256_castsi256_pd(by_256), _mm256_set1_pd(0x1p52 - 0.5));
  const __m256i nine = _mm256_cvtepu32_epi64(_mm256_cvttpd_epi32(_mm256_mul_pd(more, _mm256_set1_pd(1 / 390625.0))));
  const __m256i last_eight = _mm256_sub_epi64(digits, _mm256_mul_epu32(nine, all(100'000'000)));
  const __m256i first = _mm256_srli_epi64(_mm256_mul_epu32(nine, all(1441151881)), 57);  // / 10^8
  const __m256i next_eight = _mm256_sub_epi64(nine, _mm256_mul_epu32(first, all(100'000'000)));

  const __m256i a = eight_digits(next_eight);
  const __m256i b = eight_digits(last_eight);
  const __m256i even = _mm256_unpacklo_epi64(a, b);
  const __m256i uneven = _mm256_unpackhi_epi64(a, b);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i text = _mm256_set1_epi8('0');
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.others[0]), _mm256_or_si256(even, text));
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.others[2]), _mm256_or_si256(uneven, text));
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.first), first);
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.first_at),
                     _mm256_andnot_si256(scientific, _mm256_add_epi64(leading, all(2))));
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.others_at),
                     _mm256_blendv_epi8(_mm256_add_epi64(leading, all(3)), all(2), scientific));
  _mm256_store_si256(reinterpret_cast<__m256i*>(to.ten),
                     _mm256_and_si256(scientific, _mm256_add_epi64(leading, all(1))));
  to.zeros[0] = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(even, zero)));
  to.zeros[1] = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(uneven, zero)));
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
#endif
