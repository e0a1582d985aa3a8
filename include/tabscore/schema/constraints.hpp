// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A number in a declaration, an integer or a double, usable as a template argument on every C++20 compiler (clang 14
/// has no template arguments with a floating-point member, hence the bits).
struct limit {
  std::int64_t integer = 0;     ///< the value, when !is_real
  std::uint64_t real_bits = 0;  ///< bits of the double, when is_real
  bool is_real = false;         ///< the bound was written with a fraction

  constexpr limit() noexcept = default;
  // NOLINTBEGIN(google-explicit-constructor): ge{0} and ge{0.5} read as they should.
  /// Of integers; one beyond 64 bits with a sign counts as a double.
  constexpr limit(std::integral auto v) noexcept : integer(static_cast<std::int64_t>(v)) {
    if (v > 0 && integer < 0) *this = limit(static_cast<double>(v));
  }
  /// Of numbers with a fraction.
  constexpr limit(std::floating_point auto v) noexcept
      : real_bits(std::bit_cast<std::uint64_t>(static_cast<double>(v))), is_real(true) {}
  // NOLINTEND(google-explicit-constructor)

  /// The bound as a double.
  constexpr double real() const noexcept {
    return is_real ? std::bit_cast<double>(real_bits) : static_cast<double>(integer);
  }
  friend constexpr bool operator==(const limit&, const limit&) = default;
};

/// Bounds of a number: greater or equal, greater, less or equal, less. NaN meets no bound.
struct ge {
  limit value;  ///< inclusive
};
/// Exclusive lower bound.
struct gt {
  limit value;  ///< exclusive
};
/// Inclusive upper bound.
struct le {
  limit value;  ///< inclusive
};
/// Exclusive upper bound.
struct lt {
  limit value;  ///< exclusive
};

/// Bounds of a text's length in code points.
struct min_length {
  std::size_t value;  ///< in code points
};
/// Longest text allowed.
struct max_length {
  std::size_t value;  ///< in code points
};

}  // namespace tabscore::inline TABSCORE_ABI
