// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>

#include "../../features/encoder.hpp"
#include "../../features/feature_block.hpp"
#include "../kernel.hpp"

// The sum of a linear model's numeric terms: the same operations in the same order for every row, on as many rows at a
// time as the CPU has lanes. One text, compiled for each instruction set by functions that carry the target.
namespace tabscore::detail {

struct linear_terms {
  const standardize* scaler;
  const double* coefficient;
  std::size_t count;
};

/// margin[i] = sum over j, in order, of coefficient[j] * ((x[j][i] - mean) / scale), each operation rounded.
using linear_kernel = void (*)(const feature_block&, const linear_terms&, double* margin);

#if defined(__GNUC__)
#define TABSCORE_ALWAYS_INLINE [[gnu::always_inline]] inline
#else
#define TABSCORE_ALWAYS_INLINE inline
#endif

// Rounds a product before it is added, where the translation unit's own flags allow fused operations. The target below
// allows none, so nothing is needed without such flags (and clang would refuse wide vectors in asm there).
template <class Value>
TABSCORE_ALWAYS_INLINE void round_product([[maybe_unused]] Value& v) noexcept {
#if defined(__FMA__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
}

TABSCORE_ALWAYS_INLINE double linear_row(const feature_block& x, const linear_terms& terms, std::size_t row) noexcept {
  double sum = 0;
  for (std::size_t j = 0; j < terms.count; ++j) {
    double term = (x.column(j)[row] - terms.scaler[j].mean) / terms.scaler[j].scale * terms.coefficient[j];
    round_product(term);
    sum += term;
  }
  return sum;
}

#if defined(__x86_64__) && defined(__GNUC__)

template <std::size_t Lanes>
struct lanes {
  typedef double type __attribute__((vector_size(Lanes * sizeof(double))));
};

template <std::size_t Lanes>
TABSCORE_ALWAYS_INLINE void linear_rows(const feature_block& x, const linear_terms& terms, double* margin) noexcept {
  using vector = typename lanes<Lanes>::type;
  std::size_t i = 0;
  for (; i + Lanes <= x.rows; i += Lanes) {
    vector sum{};
    for (std::size_t j = 0; j < terms.count; ++j) {
      vector v;
      std::memcpy(&v, x.column(j) + i, sizeof v);
      vector term = (v - terms.scaler[j].mean) / terms.scaler[j].scale * terms.coefficient[j];
      round_product(term);
      sum += term;
    }
    std::memcpy(margin + i, &sum, sizeof sum);
  }
  for (; i < x.rows; ++i) margin[i] = linear_row(x, terms, i);
}

inline void linear_portable(const feature_block& x, const linear_terms& t, double* m) { linear_rows<2>(x, t, m); }
[[gnu::target("avx2")]] inline void linear_avx2(const feature_block& x, const linear_terms& t, double* m) {
  linear_rows<4>(x, t, m);
}

#else

inline void linear_portable(const feature_block& x, const linear_terms& t, double* m) {
  for (std::size_t i = 0; i < x.rows; ++i) m[i] = linear_row(x, t, i);
}

#endif

#undef TABSCORE_ALWAYS_INLINE

/// The one for this kind of CPU; precondition: available(k).
inline linear_kernel linear_kernel_for(kernel k) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  if (k != kernel::portable && k != kernel::reference && available(kernel::avx2)) return linear_avx2;
#endif
  return linear_portable;
}

}  // namespace tabscore::detail
