// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Kernels take columns of a multiple of this many values.
inline constexpr std::size_t column_step = 16;

inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

/// Doubles are summed in slices of fixed bits: what of each value is a multiple of 1, of the remainder what is one of
/// 2^-52, of that what is one of 2^-104. A number is cut by adding 1.5 * 2^52 times the unit, which keeps its exponent,
/// so that its bits count units (Rump, Ogita and Oishi 2008, "Accurate floating-point summation", ExtractVector). Each
/// slice of a value is 2^51 units at most.
inline constexpr std::array<double, 3> slice_marks{0x1.8p52, 0x1.8p0, 0x1.8p-52};
inline constexpr std::array<int, 3> slice_powers{0, -52, -104};

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

/// Those that this CPU has, the fastest last.
std::span<const column_kernels* const> usable_column_kernels() noexcept;
const column_kernels& best_column_kernels() noexcept;

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if !defined(TABSCORE_COMPILED)
#include "column_kernel_sets.hpp"
#endif
