// SPDX-License-Identifier: MIT
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <cstddef>

#include "../../core/config.hpp"

// One to three doubles, one by one: what was just stored so cannot be read as a vector before it has left the
// processor.
namespace tabscore::inline TABSCORE_ABI::detail {

/// Copies of the first fill the rest.
[[gnu::target("avx2")]] inline __m256d load_few(const double* from, std::size_t n) noexcept {
  const __m128d first = _mm_load_sd(from);
  return _mm256_set_m128d(n > 2 ? _mm_load_sd(from + 2) : first, n > 1 ? _mm_loadh_pd(first, from + 1) : first);
}

[[gnu::target("avx2")]] inline void store_few(double* to, std::size_t n, __m256d v) noexcept {
  const __m128d low = _mm256_castpd256_pd128(v);
  _mm_storel_pd(to, low);
  if (n > 1) _mm_storeh_pd(to + 1, low);
  if (n > 2) _mm_storel_pd(to + 2, _mm256_extractf128_pd(v, 1));
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
