// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "../../../core/scratch.hpp"
#include "../../matrix_view.hpp"
#include "compiled_forest.hpp"

// GCC 12 warns about its own "undefined" vectors inside the AVX-512 intrinsics (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// kernel_body.inc holds the kernels' text; it is compiled once for each instruction set, in a namespace of its own, by
// functions that carry the target: the flags of the translation unit stay as they are. None of these functions
// multiplies floating-point numbers, so that targets with FMA change no bit.
#if defined(__GNUC__)

#define TABSCORE_KERNEL portable
#define TABSCORE_KERNEL_LEVEL 0
#include "kernel_body.inc"
#undef TABSCORE_KERNEL
#undef TABSCORE_KERNEL_LEVEL

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt,lzcnt")
#endif
#define TABSCORE_KERNEL avx2
#define TABSCORE_KERNEL_LEVEL 2
#include "kernel_body.inc"
#undef TABSCORE_KERNEL
#undef TABSCORE_KERNEL_LEVEL
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(                                                                                 \
    __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,gfni"))), \
    apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt,lzcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,gfni")
#endif
#define TABSCORE_KERNEL avx512
#define TABSCORE_KERNEL_LEVEL 512
#include "kernel_body.inc"
#undef TABSCORE_KERNEL
#undef TABSCORE_KERNEL_LEVEL
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // __x86_64__
#endif  // __GNUC__

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
