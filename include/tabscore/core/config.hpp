// SPDX-License-Identifier: MIT
#pragma once

// The only configuration macros of the library; docs/configuration.md lists them with their defaults.

#if defined(__FAST_MATH__)
#error "tabscore: -ffast-math changes scores; compile the translation units that include tabscore without it"
#endif

/// Checked precondition of the programmer; a broken one is a bug of the caller. Defaults to assert().
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

/// Defined by the CMake target tabscore::compiled: what depends on no type of yours (loaders, tree kernels) is only
/// declared by the headers, and compiled once, in tabscore.cpp. The same in every translation unit of a program.
#if defined(TABSCORE_COMPILED)
#define TABSCORE_INLINE
#else
#define TABSCORE_INLINE inline
#endif
