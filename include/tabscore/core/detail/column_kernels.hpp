// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tabscore::detail {

/// Kernels take columns of a multiple of this many values.
inline constexpr std::size_t column_step = 16;

inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

/// Sums of bits modulo 2^64: see column_kernels::split.
struct split_sum {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool complete = false;
};

#define TABSCORE_LEVEL column_portable
#define TABSCORE_VECTOR_BYTES 16
#include "column_kernels.inc"
#undef TABSCORE_LEVEL
#undef TABSCORE_VECTOR_BYTES
}  // namespace tabscore::detail

// The second set is compiled for its target by function, so that the flags of the translation unit stay as they are.
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace tabscore::detail {
#define TABSCORE_LEVEL column_avx2
#define TABSCORE_VECTOR_BYTES 32
#include "column_kernels.inc"
#undef TABSCORE_LEVEL
#undef TABSCORE_VECTOR_BYTES
}  // namespace tabscore::detail
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

namespace tabscore::detail {

/// What monitoring does with a column of n values, n a multiple of column_step. Every set gives the same bits.
struct column_kernels {
  /// The largest magnitude; a NaN counts for nothing.
  double (*largest)(const double* x, std::size_t n) noexcept;
  /// The sum in two exact parts: each value is cut at the last bit of `first`, what remains at that of `second`, and
  /// what then remains must be zero: complete (Rump, Ogita and Oishi 2008, "Accurate floating-point summation",
  /// ExtractVector). `first` is 1.5 times a power of two which is at least 2 n times the largest magnitude, `second`
  /// 1.5 times one that is at least 2 n 2^-53 times that. high is the sum of the bits of first + (that part of) each
  /// value, low likewise of second: less n times the bits of `first`, in units of its last bit, it is the sum.
  split_sum (*split)(const double* x, std::size_t n, double first, double second) noexcept;
  /// The sum of integers modulo 2^64.
  std::uint64_t (*sum)(const std::int64_t* x, std::size_t n) noexcept;
  void (*to_single)(const double* x, std::size_t n, float* to) noexcept;
  /// count[k] += how many of x are at least edge[k]. n < 2^31.
  void (*count_at_least)(const float* x, std::size_t n, const float* edge, std::size_t edges,
                         std::uint32_t* count) noexcept;
  /// count[i] = how many edges x[i], as a float, is at least; for few values, and any number of them. `edges` is a
  /// multiple of 8: NaNs fill them up.
  void (*reached)(const double* x, std::size_t n, const float* edge, std::size_t edges, std::uint32_t* count) noexcept;
};

inline constexpr column_kernels portable_kernels{
    column_portable::largest,   column_portable::split,          column_portable::sum,
    column_portable::to_single, column_portable::count_at_least, column_portable::reached};
#if defined(__x86_64__)
inline constexpr column_kernels avx2_kernels{column_avx2::largest,   column_avx2::split,          column_avx2::sum,
                                             column_avx2::to_single, column_avx2::count_at_least, column_avx2::reached};
inline bool has_avx2() noexcept { return __builtin_cpu_supports("avx2"); }
#else
inline constexpr const column_kernels& avx2_kernels = portable_kernels;
inline bool has_avx2() noexcept { return false; }
#endif

/// The fastest of this CPU.
inline const column_kernels& best_column_kernels() noexcept {
  static const column_kernels& best = has_avx2() ? avx2_kernels : portable_kernels;
  return best;
}

}  // namespace tabscore::detail
