// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// What integer and boolean fields take of numbers of another kind. Each coercion policy has one, for every input.
enum class number_rule : std::uint8_t {
  lenient,  ///< a fraction is cut, toward zero: 45.9 is the integer 45; the numbers 0 and 1 are booleans
  strict    ///< an integer is a value of an integer type or without point and exponent, a boolean one of a boolean type
};

}  // namespace tabscore::inline TABSCORE_ABI
