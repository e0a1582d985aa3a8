// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "mutex.hpp"
#include "sink.hpp"

namespace tabscore {

/// Running totals of everything scored so far.
struct totals {
  std::uint64_t samples = 0;
  std::uint64_t positives = 0;
  std::vector<double> sums;  ///< one per numeric feature, in the pipeline's order; empty before the first batch

  friend bool operator==(const totals&, const totals&) = default;
};

namespace detail {

/// The sum of n doubles in a fixed order of its own, eight lanes and then a tree, so that its bits do not depend on the
/// width of the CPU's vectors.
inline double sum(const double* x, std::size_t n) noexcept {
  std::array<double, 8> lane{};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) lane[k] += x[i + k];
  }
  for (std::size_t k = 0; i < n; ++i, ++k) lane[k] += x[i];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/// The sum of n integers modulo 2^64, as NumPy's: exact while it fits 64 bits.
inline std::uint64_t sum(const std::int64_t* x, std::size_t n) noexcept {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < n; ++i) total += static_cast<std::uint64_t>(x[i]);
  return total;
}

}  // namespace detail

/// A sink that keeps the totals from which means and rates are read. A batch is added under one lock: a reader sees it
/// whole or not at all. Integer fields are summed as integers within a batch, everything else as doubles.
/// No concurrent call causes a data race (moments; moments_st is for one thread).
template <class Mutex>
class basic_moments {
 public:
  template <std::size_t Width>
  struct partial {
    std::array<double, Width> real{};
    std::array<std::uint64_t, Width> integer{};
  };

  template <schema_type Schema, std::size_t Width>
  void observe(partial<Width>& part, const scored<Schema>& block, const feature_block& x) const noexcept {
    std::size_t j = 0;
    Schema::for_each([&]<std::size_t I>() {
      if constexpr (is_integer<Schema, I>) {
        part.integer[j++] += detail::sum(block.records.template get<I>().data(), x.rows);
      } else if constexpr (Schema::kinds[I] != field_kind::text) {
        part.real[j] += detail::sum(x.column(j), x.rows);
        ++j;
      }
    });
    for (; j < Width; ++j) part.real[j] += detail::sum(x.column(j), x.rows);
  }

  template <schema_type Schema, std::size_t Width>
  void record(const partial<Width>& part, const scored<Schema>& batch) noexcept {
    std::array<double, Width> sums = part.real;
    std::size_t j = 0;
    Schema::for_each([&]<std::size_t I>() {
      if constexpr (is_integer<Schema, I>) sums[j] = static_cast<double>(static_cast<std::int64_t>(part.integer[j]));
      j += Schema::kinds[I] != field_kind::text;
    });
    std::uint64_t positives = 0;
    for (const std::uint8_t label : batch.scores.label) positives += label;

    const std::lock_guard lock(mutex_);
    if (totals_.sums.empty()) totals_.sums.resize(Width);
    TABSCORE_ASSERT(totals_.sums.size() == Width, "one moments sink was given to pipelines of different features");
    totals_.samples += batch.records.rows();
    totals_.positives += positives;
    for (std::size_t k = 0; k < Width; ++k) totals_.sums[k] += sums[k];
  }

  /// A consistent copy: the sum of whole batches.
  totals read() const {
    const std::lock_guard lock(mutex_);
    return totals_;
  }

 private:
  template <class Schema, std::size_t I>
  static constexpr bool is_integer = std::same_as<typename Schema::template field<I>::stored_type, std::int64_t>;

  mutable Mutex mutex_;
  totals totals_;
};

using moments = basic_moments<std::mutex>;
using moments_st = basic_moments<no_mutex>;

}  // namespace tabscore
