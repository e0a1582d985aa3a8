// SPDX-License-Identifier: MIT
#pragma once

// The only configuration macros of the library; docs/reference/configuration.md lists them with their defaults.

// Some of these macros exist with g++ only; clang++ defines the first two.
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error \
    "tabscore: -ffast-math and its parts (-ffinite-math-only, -funsafe-math-optimizations, -fassociative-math, \
-freciprocal-math, -fno-signed-zeros) change scores; compile what includes tabscore without them"
#endif
#if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "tabscore: numbers of more bits than a double (-mfpmath=387) change scores; compile with -mfpmath=sse"
#endif

/// A checked precondition; breaking it is a defect of the caller. Defaults to assert().
#ifndef TABSCORE_ASSERT
#include <cassert>
#define TABSCORE_ASSERT(condition, message) assert((condition) && (message))
#endif

/// 1 when the translation unit is compiled with exceptions; only result<T>::value() throws.
#ifndef TABSCORE_EXCEPTIONS
#if defined(__cpp_exceptions)
#define TABSCORE_EXCEPTIONS 1
#else
#define TABSCORE_EXCEPTIONS 0
#endif
#endif

/// Defined by the CMake target tabscore::compiled: code that depends on no type of yours (loaders, tree kernels) is
/// declared by the headers and compiled once, in tabscore.cpp. The same in every translation unit of a program.
#if defined(TABSCORE_COMPILED)
#define TABSCORE_INLINE
#define TABSCORE_ABI abi1_compiled
#else
#define TABSCORE_INLINE inline
/// The inline namespace of all names: the version of the binary interface, and whether bodies are compiled apart.
/// Translation units that differ in either do not link.
#define TABSCORE_ABI abi1
#endif

/// 1 where such bodies are compiled: in every translation unit, or with TABSCORE_COMPILED in tabscore.cpp alone.
#if !defined(TABSCORE_BODIES)
#if defined(TABSCORE_COMPILED)
#define TABSCORE_BODIES 0
#else
#define TABSCORE_BODIES 1
#endif
#endif

/// The same for features and models, which are half of the code.
#if !defined(TABSCORE_MODEL_BODIES)
#define TABSCORE_MODEL_BODIES TABSCORE_BODIES
#endif

/// With TABSCORE_COMPILED, the prefix of an instantiation that is compiled once, in tabscore.cpp.
#if TABSCORE_BODIES
#define TABSCORE_INSTANCE
#else
#define TABSCORE_INSTANCE extern
#endif
