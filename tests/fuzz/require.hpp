// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>

/// Ends the program, as libFuzzer expects of a failure.
inline void require(bool condition) {
  if (!condition) std::abort();
}
