// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tabscore::detail {

/// Kernels take columns of a multiple of this many values.
inline constexpr std::size_t column_step = 16;

inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

/// Doubles are summed in slices of fixed bits: what of each value is a multiple of 1, of the remainder what is one of
/// 2^-52, of that what is one of 2^-104. A number is cut by adding 1.5 * 2^52 times the unit, which keeps its exponent,
/// so that its bits count units (Rump, Ogita and Oishi 2008, "Accurate floating-point summation", ExtractVector). Each
/// slice of a value is 2^51 units at most.
inline constexpr std::array<double, 3> slice_marks{0x1.8p52, 0x1.8p0, 0x1.8p-52};
inline constexpr std::array<int, 3> slice_powers{0, -52, -104};

#define TABSCORE_LEVEL column_portable
#define TABSCORE_VECTOR_BYTES 16
#include "column_kernels.inc"
#undef TABSCORE_LEVEL
#undef TABSCORE_VECTOR_BYTES
}  // namespace tabscore::detail

// The other sets are compiled for their targets by function, so that the flags of the translation unit stay as they
// are.
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
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512dq"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq")
#endif
namespace tabscore::detail {
#define TABSCORE_LEVEL column_avx512
#define TABSCORE_VECTOR_BYTES 64
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
  /// Adds to each of the three units how many of them the values are, modulo 2^64, unless one of them is not below 2^51
  /// in size, or no multiple of 2^-104: false, and nothing is added.
  bool (*slice)(const double* x, std::size_t n, std::uint64_t* units) noexcept;
  /// The sum of integers modulo 2^64.
  std::uint64_t (*sum)(const std::int64_t* x, std::size_t n) noexcept;
  void (*to_single)(const double* x, std::size_t n, float* to) noexcept;
  /// count[k] += how many of x are at least edge[k]. n < 2^31.
  void (*count_at_least)(const float* x, std::size_t n, const float* edge, std::size_t edges,
                         std::uint32_t* count) noexcept;
};

inline constexpr column_kernels portable_kernels{column_portable::slice, column_portable::sum,
                                                 column_portable::to_single, column_portable::count_at_least};
#if defined(__x86_64__)
inline constexpr column_kernels avx2_kernels{column_avx2::slice, column_avx2::sum, column_avx2::to_single,
                                             column_avx2::count_at_least};
inline constexpr column_kernels avx512_kernels{column_avx512::slice, column_avx512::sum, column_avx512::to_single,
                                               column_avx512::count_at_least};
#endif

/// Those that this CPU has, the fastest last.
inline std::span<const column_kernels* const> usable_column_kernels() noexcept {
#if defined(__x86_64__)
  static constexpr std::array all{&portable_kernels, &avx2_kernels, &avx512_kernels};
  const bool avx2 = __builtin_cpu_supports("avx2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  return std::span(all).first(avx512 ? 3 : avx2 ? 2 : 1);
#else
  static constexpr std::array all{&portable_kernels};
  return all;
#endif
}

inline const column_kernels& best_column_kernels() noexcept {
  static const column_kernels& best = *usable_column_kernels().back();
  return best;
}

}  // namespace tabscore::detail
