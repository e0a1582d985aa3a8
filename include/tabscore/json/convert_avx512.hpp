// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "scan.hpp"

// read_short_integer and read_short_real for eight values at a time, by AVX-512.
#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // both within its own intrinsics (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
#define TABSCORE_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512cd,avx512vl")))

namespace tabscore::detail {

/// Eight values: their digits as digits8 keeps them, and their sizes.
struct digits8x8 {
  __m512i digits;
  __m512i size;
  __mmask8 wrong_size;  // not 1 to 8
  __mmask8 zero_first;
};

TABSCORE_TARGET_AVX512 inline digits8x8 load_digits(const std::uint64_t* bytes, const std::uint32_t* size,
                                                    __mmask8 lanes) noexcept {
  const __m512i sizes = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(lanes, size));
  const __m512i text = _mm512_maskz_loadu_epi64(lanes, bytes);
  const __m512i digits = _mm512_xor_si512(text, _mm512_set1_epi8('0'));
  const __m512i shift = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_slli_epi64(sizes, 3));
  return {_mm512_sllv_epi64(digits, shift), sizes,
          _mm512_mask_cmpgt_epu64_mask(lanes, _mm512_sub_epi64(sizes, _mm512_set1_epi64(1)), _mm512_set1_epi64(7)),
          _mm512_mask_testn_epi64_mask(lanes, digits, _mm512_set1_epi64(0xFF))};
}

/// The numbers of eight times eight digits.
TABSCORE_TARGET_AVX512 inline __m512i number_of(__m512i digits) noexcept {
  const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));   // 10, 1
  const __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001'0064));  // 100, 1
  return _mm512_add_epi64(_mm512_mul_epu32(fours, _mm512_set1_epi64(10000)), _mm512_srli_epi64(fours, 32));
}
TABSCORE_TARGET_AVX512 inline std::uint64_t others_than_digits(__m512i digits) noexcept {
  return _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
}

/// `count` values into `to`, of each its first eight bytes and its size; 0 when each was an integer that
/// read_short_integer takes.
TABSCORE_TARGET_AVX512 inline std::uint64_t read_short_avx512(const std::uint64_t* bytes, const std::uint32_t* size,
                                                              std::size_t count, std::int64_t* to) noexcept {
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < count; i += 8) {
    const auto lanes = static_cast<__mmask8>(count - i >= 8 ? 0xFFU : (1U << (count - i)) - 1);
    const digits8x8 d = load_digits(bytes + i, size + i, lanes);
    wrong |= others_than_digits(d.digits) | d.wrong_size |
             _mm512_mask_cmpneq_epi64_mask(d.zero_first, d.size, _mm512_set1_epi64(1));
    _mm512_mask_storeu_epi64(to + i, lanes, number_of(d.digits));
  }
  return wrong;
}

/// The same for read_short_real.
TABSCORE_TARGET_AVX512 inline std::uint64_t read_short_avx512(const std::uint64_t* bytes, const std::uint32_t* size,
                                                              std::size_t count, double* to) noexcept {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i seven = _mm512_set1_epi64(7);
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < count; i += 8) {
    const auto lanes = static_cast<__mmask8>(count - i >= 8 ? 0xFFU : (1U << (count - i)) - 1);
    const digits8x8 d = load_digits(bytes + i, size + i, lanes);
    // The lowest bit of the point, the bits before it, and which byte it is (7 where there is none).
    const __m512i points = _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(d.digits, _mm512_set1_epi8('.' ^ '0')));
    const __mmask8 has_point = _mm512_test_epi64_mask(points, points);
    const __m512i point = _mm512_and_si512(points, _mm512_sub_epi64(zero, points));
    const __m512i below = _mm512_sub_epi64(point, _mm512_set1_epi64(1));
    const __m512i up_to_point = _mm512_or_si512(below, _mm512_sub_epi64(_mm512_slli_epi64(point, 8), point));
    const __m512i at =
        _mm512_mask_srli_epi64(seven, has_point, _mm512_sub_epi64(_mm512_set1_epi64(63), _mm512_lzcnt_epi64(point)), 3);
    const __m512i moved = _mm512_or_si512(_mm512_slli_epi64(_mm512_and_si512(d.digits, below), 8),
                                          _mm512_andnot_si512(up_to_point, d.digits));
    const __m512i digits = _mm512_mask_mov_epi64(d.digits, has_point, moved);
    // Digits before the point.
    const __m512i whole = _mm512_mask_sub_epi64(d.size, has_point, _mm512_add_epi64(at, d.size), _mm512_set1_epi64(8));
    wrong |= others_than_digits(digits) | d.wrong_size | _mm512_mask_cmpeq_epi64_mask(lanes, whole, zero) |
             _mm512_mask_cmpeq_epi64_mask(has_point, at, seven) |
             _mm512_mask_cmpneq_epi64_mask(d.zero_first, whole, _mm512_set1_epi64(1));
    const __m512d powers = _mm512_setr_pd(1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0);
    _mm512_mask_storeu_pd(to + i, lanes,
                          _mm512_div_pd(_mm512_cvtepi64_pd(number_of(digits)), _mm512_permutexvar_pd(at, powers)));
  }
  return wrong;
}

}  // namespace tabscore::detail

#undef TABSCORE_TARGET_AVX512
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
