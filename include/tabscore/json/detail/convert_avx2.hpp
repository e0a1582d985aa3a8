// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "scan.hpp"

// read_short_integer and read_short_real for four values at a time, by AVX2.
#if defined(__x86_64__) && defined(__GNUC__)

#define TABSCORE_TARGET_AVX2 __attribute__((target("avx2")))

namespace tabscore::inline TABSCORE_ABI::detail {

/// Does this processor have it? (Benchmarks and tests do without.)
inline bool four_numbers_at_a_time = __builtin_cpu_supports("avx2");

/// `count` values into `to`, of each its first eight bytes and its size; 0 when each was a number that
/// read_short_integer takes. All three arrays go on for three entries more, `to` is written there.
TABSCORE_TARGET_AVX2 std::uint64_t read_short_avx2(const std::uint64_t* bytes, const std::uint32_t* size,
                                                   std::size_t count, std::int64_t* to) noexcept;
/// The same for read_short_real.
TABSCORE_TARGET_AVX2 std::uint64_t read_short_avx2(const std::uint64_t* bytes, const std::uint32_t* size,
                                                   std::size_t count, double* to) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
#include <immintrin.h>

namespace tabscore::inline TABSCORE_ABI::detail {

/// Four values: their digits as digits8 keeps them, and their sizes. Conditions are lanes of ones.
struct digits8x4 {
  __m256i digits;
  __m256i size;
  __m256i wrong_size;  // not 1 to 8
  __m256i zero_first;
};

TABSCORE_TARGET_AVX2 inline digits8x4 load_digits(const std::uint64_t* bytes, const std::uint32_t* size) noexcept {
  const __m256i sizes = _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(size)));
  const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i digits = _mm256_xor_si256(text, _mm256_set1_epi8('0'));
  const __m256i shift = _mm256_sub_epi64(_mm256_set1_epi64x(64), _mm256_slli_epi64(sizes, 3));
  const __m256i zero = _mm256_setzero_si256();
  return {_mm256_sllv_epi64(digits, shift), sizes,
          _mm256_or_si256(_mm256_cmpeq_epi64(sizes, zero), _mm256_cmpgt_epi64(sizes, _mm256_set1_epi64x(8))),
          _mm256_cmpeq_epi64(_mm256_and_si256(digits, _mm256_set1_epi64x(0xFF)), zero)};
}

/// The numbers of four times eight digits.
TABSCORE_TARGET_AVX2 inline __m256i number_of(__m256i digits) noexcept {
  const __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010A));   // 10, 1
  const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001'0064));  // 100, 1
  return _mm256_add_epi64(_mm256_mul_epu32(fours, _mm256_set1_epi64x(10000)), _mm256_srli_epi64(fours, 32));
}
/// Zeros when all are digits.
TABSCORE_TARGET_AVX2 inline __m256i others_than_digits(__m256i digits) noexcept {
  return _mm256_subs_epu8(digits, _mm256_set1_epi8(9));
}
/// The lower halves of the lanes.
TABSCORE_TARGET_AVX2 inline __m128i lower_halves(__m256i x) noexcept {
  return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
}

/// Four integers; `wrong` gets a bit in the lane of each that read_short_integer does not take.
TABSCORE_TARGET_AVX2 inline __m256i four_numbers(const digits8x4& d, __m256i& wrong, std::int64_t) noexcept {
  const __m256i single = _mm256_cmpeq_epi64(d.size, _mm256_set1_epi64x(1));
  wrong = _mm256_or_si256(_mm256_or_si256(others_than_digits(d.digits), d.wrong_size),
                          _mm256_andnot_si256(single, d.zero_first));
  return number_of(d.digits);
}

/// The same for read_short_real.
TABSCORE_TARGET_AVX2 inline __m256i four_numbers(const digits8x4& d, __m256i& wrong, double) noexcept {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i one = _mm256_set1_epi64x(1);
  // The lowest bit of the point, the bits before it, and which byte it is (8 where there is none).
  const __m256i points = _mm256_cmpeq_epi8(d.digits, _mm256_set1_epi8('.' ^ '0'));
  const __m256i no_point = _mm256_cmpeq_epi64(points, zero);
  const __m256i point = _mm256_and_si256(points, _mm256_sub_epi64(zero, points));
  const __m256i below = _mm256_sub_epi64(point, one);
  const __m256i up_to_point = _mm256_or_si256(below, _mm256_sub_epi64(_mm256_slli_epi64(point, 8), point));
  const __m256i at = _mm256_sad_epu8(_mm256_and_si256(below, _mm256_set1_epi8(1)), zero);
  const __m256i moved = _mm256_or_si256(_mm256_slli_epi64(_mm256_and_si256(d.digits, below), 8),
                                        _mm256_andnot_si256(up_to_point, d.digits));
  const __m256i digits = _mm256_blendv_epi8(moved, d.digits, no_point);
  // Digits before the point.
  const __m256i whole = _mm256_sub_epi64(_mm256_add_epi64(at, d.size), _mm256_set1_epi64x(8));
  wrong = _mm256_or_si256(_mm256_or_si256(others_than_digits(digits), d.wrong_size),
                          _mm256_andnot_si256(_mm256_cmpeq_epi64(whole, one), d.zero_first));
  wrong = _mm256_or_si256(
      wrong, _mm256_or_si256(_mm256_cmpeq_epi64(whole, zero), _mm256_cmpeq_epi64(at, _mm256_set1_epi64x(7))));
  // Each power is exact as a float; without a point it is the last one.
  const __m256 powers = _mm256_setr_ps(1e7F, 1e6F, 1e5F, 1e4F, 1e3F, 1e2F, 1e1F, 1e0F);
  const __m256i which = _mm256_castsi128_si256(lower_halves(_mm256_add_epi64(at, no_point)));
  const __m256d power = _mm256_cvtps_pd(_mm256_castps256_ps128(_mm256_permutevar8x32_ps(powers, which)));
  return _mm256_castpd_si256(_mm256_div_pd(_mm256_cvtepi32_pd(lower_halves(number_of(digits))), power));
}

template <class T>
TABSCORE_TARGET_AVX2 std::uint64_t read_short_numbers(const std::uint64_t* bytes, const std::uint32_t* size,
                                                      std::size_t count, T* to) noexcept {
  __m256i any = _mm256_setzero_si256();
  for (std::size_t i = 0; i < count; i += 4) {
    __m256i wrong;
    const __m256i numbers = four_numbers(load_digits(bytes + i, size + i), wrong, T{});
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), numbers);
    const __m256i asked =
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(static_cast<std::int64_t>(count - i)), _mm256_setr_epi64x(0, 1, 2, 3));
    any = _mm256_or_si256(any, _mm256_and_si256(wrong, asked));
  }
  return _mm256_testz_si256(any, any) == 0;
}
TABSCORE_TARGET_AVX2 TABSCORE_INLINE std::uint64_t read_short_avx2(const std::uint64_t* bytes,
                                                                   const std::uint32_t* size, std::size_t count,
                                                                   std::int64_t* to) noexcept {
  return read_short_numbers(bytes, size, count, to);
}
TABSCORE_TARGET_AVX2 TABSCORE_INLINE std::uint64_t read_short_avx2(const std::uint64_t* bytes,
                                                                   const std::uint32_t* size, std::size_t count,
                                                                   double* to) noexcept {
  return read_short_numbers(bytes, size, count, to);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif

#undef TABSCORE_TARGET_AVX2

#else

namespace tabscore::inline TABSCORE_ABI::detail {
inline bool four_numbers_at_a_time = false;
template <class T>
std::uint64_t read_short_avx2(const std::uint64_t*, const std::uint32_t*, std::size_t, T*) noexcept {
  return 1;
}
}  // namespace tabscore::inline TABSCORE_ABI::detail

#endif
