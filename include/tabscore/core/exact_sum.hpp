// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The exact sum of any doubles and integers, so that neither their order nor how they were grouped shows: one
/// fixed-point number in two's complement, wide enough for 2^64 of the largest doubles (Kulisch's long accumulator).
/// Infinities and NaNs are counted apart. Equal sums have equal bits. Not for concurrent use.
class exact_sum {
 public:
  static constexpr std::size_t limbs = 34;  ///< of 64 bits, the lowest first
  static constexpr int lowest_bit = -1074;  ///< the value of the first bit is 2^-1074, the smallest double

  /// Adds a value; NaN and infinities are counted apart.
  void add(double x) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto exponent = static_cast<std::size_t>(bits >> 52U & 0x7FFU);
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52U) - 1);
    const bool negative = bits >> 63U != 0;
    if (exponent == 0x7FF) {
      ++(fraction != 0 ? nans_ : negative ? negative_infinities_ : infinities_);
    } else if (exponent == 0) {
      add_bits(fraction, 0, negative);
    } else {
      add_bits(fraction | std::uint64_t{1} << 52U, exponent - 1, negative);
    }
  }
  /// x * 2^power. Precondition: lowest_bit <= power < 970.
  void add_integer(std::int64_t x, int power = 0) noexcept {
    const auto bits = static_cast<std::uint64_t>(x);
    add_bits(x < 0 ? 0 - bits : bits, static_cast<std::size_t>(power - lowest_bit), x < 0);
  }

  /// Adds the sum of other values; the result does not depend on the order.
  void merge(const exact_sum& other) noexcept {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < limbs; ++i) {
      const std::uint64_t added = other.limb_[i];
      if ((added | carry) == 0) continue;
      const std::uint64_t sum = limb_[i] + added;
      limb_[i] = sum + carry;
      carry = std::uint64_t{sum < added} | std::uint64_t{limb_[i] < sum};
    }
    nans_ += other.nans_;
    infinities_ += other.infinities_;
    negative_infinities_ += other.negative_infinities_;
  }

  /// Subtracts a sum that was merged.
  void subtract(exact_sum other) noexcept {
    negate(other.limb_);
    other.nans_ = 0 - other.nans_;
    other.infinities_ = 0 - other.infinities_;
    other.negative_infinities_ = 0 - other.negative_infinities_;
    merge(other);
  }

  /// The sum, rounded once (to even); an infinity where it is too large or one was added, NaN as IEEE 754 has it.
  double value() const noexcept {
    if (nans_ != 0 || (infinities_ != 0 && negative_infinities_ != 0)) return std::numeric_limits<double>::quiet_NaN();
    if (infinities_ != 0) return std::numeric_limits<double>::infinity();
    if (negative_infinities_ != 0) return -std::numeric_limits<double>::infinity();
    return finite_value();
  }
  /// The sum of the finite values, rounded once; an infinity where it is too large.
  double finite_value() const noexcept {
    const double rounded = round(magnitude());
    return negative() ? -rounded : rounded;
  }

  /// The finite values add up to less than 0.
  bool negative() const noexcept { return limb_[limbs - 1] >> 63U != 0; }
  /// |sum| / 2^lowest_bit, of the finite values.
  std::array<std::uint64_t, limbs> magnitude() const noexcept {
    auto size = limb_;
    if (negative()) negate(size);
    return size;
  }
  /// How many values were NaN.
  std::uint64_t nans() const noexcept { return nans_; }
  /// How many values were +infinity.
  std::uint64_t infinities() const noexcept { return infinities_; }
  /// How many values were -infinity.
  std::uint64_t negative_infinities() const noexcept { return negative_infinities_; }

  /// A sum from its parts, as the functions above give them.
  static exact_sum of(const std::array<std::uint64_t, limbs>& magnitude, bool negative, std::uint64_t nans,
                      std::uint64_t infinities, std::uint64_t negative_infinities) noexcept {
    exact_sum sum;
    sum.limb_ = magnitude;
    if (negative) negate(sum.limb_);
    sum.nans_ = nans;
    sum.infinities_ = infinities;
    sum.negative_infinities_ = negative_infinities;
    return sum;
  }

  friend bool operator==(const exact_sum&, const exact_sum&) = default;

 private:
  using number = std::array<std::uint64_t, limbs>;

  static void negate(number& n) noexcept {
    std::uint64_t carry = 1;
    for (std::uint64_t& limb : n) {
      limb = ~limb + carry;
      carry = std::uint64_t{carry != 0 && limb == 0};
    }
  }

  /// Adds or subtracts bits * 2^(position + lowest_bit).
  void add_bits(std::uint64_t bits, std::size_t position, bool subtract) noexcept {
    const std::size_t at = position / 64;
    const std::size_t shift = position % 64;
    const std::uint64_t low = bits << shift;
    const std::uint64_t high = shift == 0 ? 0 : bits >> (64 - shift);
    if (subtract) {
      bool borrow = limb_[at] < low;
      limb_[at] -= low;
      const std::uint64_t before = limb_[at + 1];
      limb_[at + 1] -= high + std::uint64_t{borrow};  // high + 1 does not wrap: bits has a free bit or shift < 64
      borrow = before < high + std::uint64_t{borrow};
      for (std::size_t i = at + 2; borrow && i < limbs; ++i) borrow = limb_[i]-- == 0;
    } else {
      limb_[at] += low;
      bool carry = limb_[at] < low;
      const std::uint64_t added = high + std::uint64_t{carry};
      limb_[at + 1] += added;
      carry = limb_[at + 1] < added;
      for (std::size_t i = at + 2; carry && i < limbs; ++i) carry = ++limb_[i] == 0;
    }
  }

  static double round(const number& size) noexcept {
    std::size_t top = limbs;
    while (top > 0 && size[top - 1] == 0) --top;
    if (top == 0) return 0;
    const std::size_t width = (top - 1) * 64 + static_cast<std::size_t>(std::bit_width(size[top - 1]));
    const auto scaled = [](std::uint64_t bits, std::size_t position) {
      return std::ldexp(static_cast<double>(bits), static_cast<int>(position) + lowest_bit);
    };
    if (width <= 53) return scaled(size[0], 0);
    const std::size_t cut = width - 53;
    const std::size_t at = cut / 64;
    const std::size_t shift = cut % 64;
    std::uint64_t kept = size[at] >> shift;
    if (shift != 0 && at + 1 < limbs) kept |= size[at + 1] << (64 - shift);
    kept &= (std::uint64_t{1} << 53U) - 1;
    const std::size_t half = cut - 1;
    bool rest = (size[half / 64] & ((std::uint64_t{1} << half % 64) - 1)) != 0;
    for (std::size_t i = 0; i < half / 64; ++i) rest |= size[i] != 0;
    const bool above_half = (size[half / 64] >> half % 64 & 1U) != 0;
    if (above_half && (rest || (kept & 1U) != 0)) ++kept;
    return scaled(kept, cut);
  }

  number limb_{};
  std::uint64_t nans_ = 0;
  std::uint64_t infinities_ = 0;
  std::uint64_t negative_infinities_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI
