// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "../../core/config.hpp"
#include "../../features/feature_block.hpp"
#include "../../features/numeric_step.hpp"
#include "../kernel.hpp"

// The sum of a linear model's numeric terms: the same numbers for every row, on as many rows at a time as the CPU has
// lanes, whatever the target of the translation unit.
namespace tabscore::inline TABSCORE_ABI::detail {

/// One numeric feature's part of a margin: (x - mean) / scale * coefficient.
struct linear_term {
  double mean;
  double scale;
  double coefficient;
  double inverse;       ///< 1 / scale, rounded
  double inverse_rest;  ///< what rounding left of it
};

/// The terms of a model, immutable.
class linear_terms {
 public:
  /// Precondition: as many coefficients as scalers.
  linear_terms(std::span<const standardize> scaler, std::span<const double> coefficient);
  std::span<const linear_term> all() const noexcept { return terms_; }
  /// Whether quotients can be had by products: no scale is extreme.
  bool invertible() const noexcept { return invertible_; }
  /// Whether x - mean can be tiny without being 0: not where the mean is not, whose last place it then has at least.
  bool tiny() const noexcept { return tiny_; }

 private:
  std::vector<linear_term> terms_;
  bool invertible_ = true;
  bool tiny_ = false;
};

/// margin[i] = sum over j, in order, of (x[j][i] - mean) / scale * coefficient, each operation rounded.
using linear_kernel = void (*)(const feature_block&, const linear_terms&, double* margin);

/// The one for this kind of CPU; precondition: available(k).
linear_kernel linear_kernel_for(kernel k) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_MODEL_BODIES
#include "../../core/exact.hpp"
#include "few_doubles.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE linear_terms::linear_terms(std::span<const standardize> scaler, std::span<const double> coefficient) {
  TABSCORE_ASSERT(scaler.size() == coefficient.size(),
                  "scaler and coefficients of the numeric features differ in number");
  for (std::size_t j = 0; j < scaler.size(); ++j) {
    const auto [mean, scale] = scaler[j];
    const double inverse = 1 / scale;
    terms_.push_back({mean, scale, coefficient[j], inverse, std::fma(-scale, inverse, 1.0) / scale});
    invertible_ &= std::abs(scale) > 0x1p-100 && std::abs(scale) < 0x1p100;
    tiny_ |= std::abs(mean) < 0x1p-700;
  }
}

/// Rows [first, first + rows). Not inlined where the target has fused operations: the flags that it is compiled with
/// say whether products need care.
[[gnu::noinline]] inline void linear_rows(const feature_block& x, const linear_terms& terms, std::size_t first,
                                          std::size_t rows, double* margin) noexcept {
  for (std::size_t i = first; i < first + rows; ++i) margin[i] = 0;
  const double* column = x.numeric;
  for (const linear_term& t : terms.all()) {
    for (std::size_t i = first; i < first + rows; ++i) {
      margin[i] += exact::product((column[i] - t.mean) / t.scale, t.coefficient);
    }
    column += x.stride;
  }
}

inline void linear_portable(const feature_block& x, const linear_terms& terms, double* margin) {
  linear_rows(x, terms, 0, x.rows, margin);
}

#if defined(__x86_64__) && defined(__GNUC__)
/// Divides by products: the quotient by both parts of 1 / scale is next to the true one, what it leaves is exact, and
/// times 1 / scale it rounds to the true one (Markstein 1990, "Computation of elementary functions on the IBM RISC
/// System/6000 processor"). A zero may have the other sign, which no sum that began with 0 shows. False where doubles
/// may have been too large on the way, which is NaN then, or too small.
template <bool Whole>
[[gnu::target("avx2,fma")]] inline bool linear_four(const feature_block& x, const linear_terms& terms, std::size_t row,
                                                    __m256d& margin) noexcept {
  const double* value = x.numeric + row;
  __m256d sum = _mm256_setzero_pd();
  __m256d too_small = sum;
  for (const linear_term& t : terms.all()) {
    const __m256d four = Whole ? _mm256_loadu_pd(value) : load_few(value, x.rows - row);
    value += x.stride;
    const __m256d d = _mm256_sub_pd(four, _mm256_broadcast_sd(&t.mean));
    const __m256d inverse = _mm256_broadcast_sd(&t.inverse);
    const __m256d close = _mm256_fmadd_pd(d, inverse, _mm256_mul_pd(d, _mm256_broadcast_sd(&t.inverse_rest)));
    const __m256d left = _mm256_fnmadd_pd(close, _mm256_broadcast_sd(&t.scale), d);
    const __m256d quotient = _mm256_fmadd_pd(left, inverse, close);
    __m256d term = _mm256_mul_pd(quotient, _mm256_broadcast_sd(&t.coefficient));
    asm("" : "+x"(term));  // rounds it before it is added, whatever the flags say of fused operations
    sum = _mm256_add_pd(sum, term);
    if (terms.tiny()) {
      const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), d);
      too_small = _mm256_or_pd(too_small, _mm256_and_pd(_mm256_cmp_pd(size, _mm256_set1_pd(0x1p-800), _CMP_LT_OQ),
                                                        _mm256_cmp_pd(size, _mm256_setzero_pd(), _CMP_GT_OQ)));
    }
  }
  margin = sum;
  return _mm256_movemask_pd(_mm256_or_pd(too_small, _mm256_cmp_pd(sum, sum, _CMP_UNORD_Q))) == 0;
}

[[gnu::target("avx2,fma")]] inline void linear_avx2(const feature_block& x, const linear_terms& terms, double* margin) {
  if (!terms.invertible()) return linear_portable(x, terms, margin);
  __m256d sum;
  std::size_t i = 0;
  for (; i + 4 <= x.rows; i += 4) {
    if (linear_four<true>(x, terms, i, sum)) [[likely]] {
      _mm256_storeu_pd(margin + i, sum);
    } else {
      linear_rows(x, terms, i, 4, margin);
    }
  }
  if (i == x.rows) return;
  if (!linear_four<false>(x, terms, i, sum)) return linear_rows(x, terms, i, x.rows - i, margin);
  store_few(margin + i, x.rows - i, sum);
}

#endif

TABSCORE_INLINE linear_kernel linear_kernel_for([[maybe_unused]] kernel k) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  if (k != kernel::portable && k != kernel::reference && available(kernel::avx2)) return linear_avx2;
#endif
  return linear_portable;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
