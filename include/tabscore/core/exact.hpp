// SPDX-License-Identifier: MIT
#pragma once

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI::exact {

/// The value, rounded where it stands: the compiler may not fuse the operation that made it with the one that uses it.
/// g++ contracts a*b + c even in -std=c++20 where the target has FMA, which changes the last bit with the build flags.
/// Costs nothing where the target has no FMA. Works on double, float and vectors of them.
template <class Value>
inline Value rounded(Value v) noexcept {
#if defined(__FMA__) || defined(__AVX512F__)
  asm("" : "+v"(v));  // 'v' is any vector register, those of AVX-512 included
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

/// a * b, rounded before it is used.
inline double product(double a, double b) noexcept { return rounded(a * b); }
/// The same of float32.
inline float product(float a, float b) noexcept { return rounded(a * b); }

}  // namespace tabscore::inline TABSCORE_ABI::exact
