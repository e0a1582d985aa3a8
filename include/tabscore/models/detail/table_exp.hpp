// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../../core/config.hpp"
#include "../../core/exact.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// exp(x) by 2^(k/2048) from a table and a cubic polynomial of the rest: the operations, in their order, of Shigeo
/// Mitsunari's fmath, which CatBoost calls.
inline double table_exp(double x) noexcept {
  constexpr std::uint64_t parts = 2048;
  constexpr double scale = 0x1.71547652b82fep+11;    // parts / ln 2
  constexpr double inverse = 0x1.62e42fefa39efp-12;  // 1 / scale
  constexpr double shift = 0x1.8p52;                 // sums with it are whole numbers, which their lowest bits count
  constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
  static const std::array<std::uint64_t, parts> fractions = [] {
    std::array<std::uint64_t, parts> bits{};
    for (std::size_t k = 0; k < parts; ++k) {
      bits[k] = std::bit_cast<std::uint64_t>(std::pow(2.0, static_cast<double>(k) / parts)) & fraction;
    }
    return bits;
  }();
  if (std::isnan(x)) return x;
  if (x <= -708.39641853226408) return 0;
  if (x >= 709.78271289338397) return std::numeric_limits<double>::infinity();
  const double shifted = exact::product(x, scale) + shift;
  const auto count = std::bit_cast<std::uint64_t>(shifted);
  const std::uint64_t exponent = ((count + (1023 * parts)) >> 11U) << 52U;
  const double t = exact::product(shifted - shift, inverse) - x;
  const double cubic =
      exact::product(exact::product(3.0000000027955394 - t, exact::product(t, t)), 0.16666666685227835);
  return (cubic - t + 1.0) * std::bit_cast<double>(exponent | fractions[count % parts]);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
