// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The ways a model can be run; all give the same bits. Each needs what its name says of the CPU.
enum class kernel : std::uint8_t {
  reference,  ///< one row and one tree at a time: the yardstick, and the way of last resort for odd models
  portable,   ///< any CPU (SSE2 on x86-64)
  avx2,       ///< with BMI2 and FMA: Haswell, Zen and newer
  avx512,     ///< with BW, VL, DQ, VBMI and GFNI: Ice Lake, Zen 4 and newer
  best        ///< the last one of the above that this CPU has
};

/// True when this CPU (and operating system) can run the kernel.
inline bool available(kernel k) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  switch (k) {
    case kernel::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
    case kernel::avx512:
      return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("gfni");
    default:
      return true;
  }
#else
  return k != kernel::avx2 && k != kernel::avx512;
#endif
}

/// For logs and benchmarks.
constexpr const char* name(kernel k) noexcept {
  switch (k) {
    case kernel::reference:
      return "reference";
    case kernel::portable:
      return "portable";
    case kernel::avx2:
      return "avx2";
    case kernel::avx512:
      return "avx512";
    case kernel::best:
      return "best";
  }
  return "";
}

}  // namespace tabscore::inline TABSCORE_ABI
