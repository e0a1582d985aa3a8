// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "config.hpp"
#include "detail/column_kernels.hpp"

namespace tabscore {

/// The exact sum of any doubles and integers, so that neither their order nor how they were grouped shows: one
/// fixed-point number in two's complement, wide enough for 2^64 of the largest doubles (Kulisch's long accumulator).
/// Infinities and NaNs are counted apart. Equal sums have equal bits. Not for concurrent use.
class exact_sum {
 public:
  static constexpr std::size_t limbs = 34;  ///< of 64 bits, the lowest first
  static constexpr int lowest_bit = -1074;  ///< the first bit stands for 2^-1074, the smallest double

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
  void add_integer(std::int64_t x) noexcept {
    const auto bits = static_cast<std::uint64_t>(x);
    add_bits(x < 0 ? 0 - bits : bits, -lowest_bit, x < 0);
  }
  /// All of x: a fraction of a nanosecond per value while the values' exponents span no more than about 30.
  void add(std::span<const double> x) noexcept { add(x, detail::best_column_kernels()); }
  void add(std::span<const double> x, const detail::column_kernels& kernels) noexcept {
    each_addend(x, kernels, [&](double value) { add(value); });
  }

  /// Calls f(double) a few times with what adds up to the sum of x, exactly.
  template <class F>
  static void each_addend(std::span<const double> x, const detail::column_kernels& kernels, F&& f) noexcept {
    constexpr std::size_t longest = 1024;
    while (x.size() >= detail::column_step) {
      const std::size_t n = std::min(longest, x.size() / detail::column_step * detail::column_step);
      each_addend_of_run(x.first(n), kernels, f);
      x = x.subspan(n);
    }
    if (x.size() > 4) {
      std::array<double, detail::column_step> run{};
      std::copy(x.begin(), x.end(), run.begin());
      each_addend_of_run(run, kernels, f);
    } else {
      for (const double value : x) f(value);
    }
  }

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

  /// The sum, rounded once (to even); an infinity where it is too large or one was added, NaN as IEEE 754 has it.
  double value() const noexcept {
    if (nans_ != 0 || (infinities_ != 0 && negative_infinities_ != 0)) return std::numeric_limits<double>::quiet_NaN();
    if (infinities_ != 0) return std::numeric_limits<double>::infinity();
    if (negative_infinities_ != 0) return -std::numeric_limits<double>::infinity();
    const auto size = magnitude();
    const double rounded = round(size);
    return negative() ? -rounded : rounded;
  }

  bool negative() const noexcept { return limb_[limbs - 1] >> 63U != 0; }
  /// |sum| / 2^lowest_bit, without what is not finite.
  std::array<std::uint64_t, limbs> magnitude() const noexcept {
    auto size = limb_;
    if (negative()) negate(size);
    return size;
  }
  std::uint64_t nans() const noexcept { return nans_; }
  std::uint64_t infinities() const noexcept { return infinities_; }
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

  template <class F>
  static void each_addend_of_run(std::span<const double> x, const detail::column_kernels& kernels, F& f) noexcept {
    const double largest = kernels.largest(x.data(), x.size());
    if (largest < 0x1p1000) {
      // Values below 2^-800 are left to the slow way: nothing here is subnormal.
      const int exponent = static_cast<int>(std::bit_cast<std::uint64_t>(std::max(largest, 0x1p-800)) >> 52U) - 1022;
      const int room = static_cast<int>(std::bit_width(2 * x.size() - 1));
      const int first = exponent + room;
      const int second = first + room - 53;
      const detail::split_sum sum =
          kernels.split(x.data(), x.size(), 1.5 * power_of_two(first), 1.5 * power_of_two(second));
      if (sum.complete) {
        const auto part = [&](std::uint64_t sum_of_bits, int power) {
          const auto bits = std::bit_cast<std::uint64_t>(1.5 * power_of_two(power));
          const auto units = static_cast<std::int64_t>(sum_of_bits - x.size() * bits);  // fewer than 2^52
          if (units != 0) f(static_cast<double>(units) * power_of_two(power - 52));
        };
        part(sum.high, first);
        part(sum.low, second);
        return;
      }
    }
    for (const double value : x) f(value);
  }

  static double power_of_two(int exponent) noexcept {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
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

/// What a batch adds to an exact_sum. While it is little it is kept as it is, so that a small batch neither clears nor
/// reads all the limbs of a sum.
class exact_addends {
 public:
  exact_addends() noexcept {}  // values_ is written before it is read

  void add(std::span<const double> x) noexcept {
    exact_sum::each_addend(x, detail::best_column_kernels(), [&](double value) {
      if (count_ == values_.size()) pour();
      values_[count_++] = value;
    });
  }
  void add_to(exact_sum& sum) const noexcept {
    if (poured_) sum.merge(*poured_);
    for (std::size_t i = 0; i < count_; ++i) sum.add(values_[i]);
  }

 private:
  void pour() noexcept {
    if (!poured_) poured_.emplace();
    for (const double value : values_) poured_->add(value);
    count_ = 0;
  }

  std::array<double, 12> values_;
  std::size_t count_ = 0;
  std::optional<exact_sum> poured_;
};

}  // namespace tabscore
