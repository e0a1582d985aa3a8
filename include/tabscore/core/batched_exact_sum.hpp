// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "config.hpp"
#include "detail/column_kernels.hpp"
#include "exact_sum.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// An exact_sum with fast addition of columns and single values. Values below 2^51 that are multiples of 2^-104 are
/// counted in three integers, sixteen at a time, which are added to the sum before they overflow and when the sum is
/// read. Other values are added directly, in some nanoseconds. Not for concurrent use.
class batched_exact_sum {
 public:
  batched_exact_sum() noexcept {}  // one that the compiler makes may clear it all first

  /// Adds a value.
  void add(double x) noexcept { add_few(&x, 1); }
  /// Adds values.
  void add(std::span<const double> x) noexcept {
    if (x.size() >= detail::column_step) return add(x, detail::best_column_kernels());
    add_few(x.data(), x.size());
  }
  /// The same with the kernels of a CPU.
  void add(std::span<const double> x, const detail::column_kernels& kernels) noexcept;
  /// Adds an integer exactly.
  void add_integer(std::int64_t x) noexcept {
    constexpr std::int64_t most = std::int64_t{1} << 51U;
    if (x < -most || x > most) return rest().add_integer(x);
    make_room(1);
    units_[0] += static_cast<std::uint64_t>(x);
  }
  /// Adds the sum of other values.
  void merge(const exact_sum& other) noexcept { rest().merge(other); }
  /// Adds the sum of other values.
  void merge(const batched_exact_sum& other) noexcept;

  /// The sum so far.
  exact_sum sum() const noexcept;

 private:
  /// Adds up to column_step values, buffered until there are more.
  void add_few(const double* x, std::size_t n) noexcept {
    if (waiting_count_ + n > waiting_.size()) {
      std::fill(waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_count_), waiting_.end(), 0.0);
      add_run(waiting_, detail::best_column_kernels());
      waiting_count_ = 0;
    }
    double* to = waiting_.data() + waiting_count_;
    waiting_count_ += n;
    for (; n > 0; --n) {
      *to++ = *x++;
      asm("" : "+r"(n));  // no vectors for these few: several times the cost
    }
  }
  /// A multiple of column_step, 1024 at most.
  void add_run(std::span<const double> x, const detail::column_kernels& kernels) noexcept;

  exact_sum& rest() noexcept {
    if (!rest_) rest_.emplace();
    return *rest_;
  }
  /// Makes room for `values` more: a slice of each is 2^51 units at most, and a count of units has 63 bits.
  void make_room(std::size_t values) noexcept {
    if (values_ + values > 4095) {
      pour_into(rest());
      units_ = {};
      values_ = 0;
    }
    values_ += values;
  }
  void pour_into(exact_sum& sum) const noexcept;

  std::array<std::uint64_t, detail::slice_marks.size()> units_{};
  std::size_t values_ = 0;  // in units_
  std::size_t waiting_count_ = 0;
  std::array<double, detail::column_step> waiting_;
  std::optional<exact_sum> rest_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void batched_exact_sum::add(std::span<const double> x, const detail::column_kernels& kernels) noexcept {
  constexpr std::size_t longest = 1024;
  while (x.size() >= detail::column_step) {
    const auto run = x.first((std::min)(longest, x.size() / detail::column_step * detail::column_step));
    add_run(run, kernels);
    x = x.subspan(run.size());
  }
  add_few(x.data(), x.size());
}

TABSCORE_INLINE void batched_exact_sum::merge(const batched_exact_sum& other) noexcept {
  add_few(other.waiting_.data(), other.waiting_count_);
  if (other.rest_) rest().merge(*other.rest_);
  if (other.values_ == 0) return;
  make_room(other.values_);
  for (std::size_t k = 0; k < units_.size(); ++k) units_[k] += other.units_[k];
}

TABSCORE_INLINE exact_sum batched_exact_sum::sum() const noexcept {
  exact_sum all;
  if (rest_) all = *rest_;
  pour_into(all);
  for (std::size_t i = 0; i < waiting_count_; ++i) all.add(waiting_[i]);
  return all;
}

TABSCORE_INLINE void batched_exact_sum::add_run(std::span<const double> x,
                                                const detail::column_kernels& kernels) noexcept {
  make_room(x.size());
  if (kernels.slice(x.data(), x.size(), units_.data())) return;
  for (const double value : x) rest().add(value);
}

TABSCORE_INLINE void batched_exact_sum::pour_into(exact_sum& sum) const noexcept {
  for (std::size_t k = 0; k < units_.size(); ++k) {
    if (units_[k] != 0) sum.add_integer(static_cast<std::int64_t>(units_[k]), detail::slice_powers[k]);
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
