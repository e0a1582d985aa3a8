// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "../config.hpp"
#include "column_kernels.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {
#define TABSCORE_LEVEL column_portable
#define TABSCORE_VECTOR_BYTES 16
#include "column_kernels.inc"
#undef TABSCORE_LEVEL
#undef TABSCORE_VECTOR_BYTES
}  // namespace tabscore::inline TABSCORE_ABI::detail

// The other sets are compiled for their targets by function, so that the flags of the translation unit stay as they
// are.
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace tabscore::inline TABSCORE_ABI::detail {
#define TABSCORE_LEVEL column_avx2
#define TABSCORE_VECTOR_BYTES 32
#include "column_kernels.inc"
#undef TABSCORE_LEVEL
#undef TABSCORE_VECTOR_BYTES
}  // namespace tabscore::inline TABSCORE_ABI::detail
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512dq"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq")
#endif
namespace tabscore::inline TABSCORE_ABI::detail {
#define TABSCORE_LEVEL column_avx512
#define TABSCORE_VECTOR_BYTES 64
#include "column_kernels.inc"
#undef TABSCORE_LEVEL
#undef TABSCORE_VECTOR_BYTES
}  // namespace tabscore::inline TABSCORE_ABI::detail
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

namespace tabscore::inline TABSCORE_ABI::detail {

inline constexpr column_kernels portable_kernels{column_portable::slice, column_portable::sum,
                                                 column_portable::to_single, column_portable::count_at_least};
#if defined(__x86_64__)
inline constexpr column_kernels avx2_kernels{column_avx2::slice, column_avx2::sum, column_avx2::to_single,
                                             column_avx2::count_at_least};
inline constexpr column_kernels avx512_kernels{column_avx512::slice, column_avx512::sum, column_avx512::to_single,
                                               column_avx512::count_at_least};
#endif

TABSCORE_INLINE std::span<const column_kernels* const> usable_column_kernels() noexcept {
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

TABSCORE_INLINE const column_kernels& best_column_kernels() noexcept {
  static const column_kernels& best = *usable_column_kernels().back();
  return best;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
