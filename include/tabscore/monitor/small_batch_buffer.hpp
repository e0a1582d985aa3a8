// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/out_of_memory.hpp"
#include "../outputs/prediction.hpp"
#include "sink.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
/// The columns of integers, by numeric field; null for other numbers.
template <schema_type Schema>
std::array<const std::int64_t*, Schema::numeric_count> integer_columns(const columns<Schema>& records) noexcept {
  std::array<const std::int64_t*, Schema::numeric_count> found{};
  [[maybe_unused]] std::size_t j = 0;
  Schema::for_each([&]<std::size_t At>() {
    if constexpr (Schema::numeric[At]) {
      if constexpr (std::is_same_v<typename Schema::template field<At>::stored_type, std::int64_t>) {
        found[j] = records.template get<At>().data();
      }
      ++j;
    }
  });
  return found;
}
}  // namespace detail

/// Counting a batch of a few rows has more overhead than work. Such rows are buffered here, their features and the one
/// number of each prediction column by column, until there are many. Not for concurrent use.
class small_batch_buffer {
 public:
  static constexpr std::size_t room = 320;  ///< rows: a piece of a usual record window, and a batch more
  static constexpr std::size_t most = 64;   ///< rows of a batch that may wait: more are worth a pass of their own

  /// Integers must be doubles without loss, for as such they wait; so do predictions of one number.
  static bool may_wait(std::span<const std::int64_t* const> integers, const predictions& scores) noexcept {
    if (scores.rows() > most || scores.value.columns() != 1) return false;
    std::uint64_t beyond = 0;  // bits of whole numbers beyond +-2^53
    for (const std::int64_t* const x : integers) {
      for (std::size_t i = 0; x != nullptr && i < scores.rows(); ++i) {
        beyond |= (static_cast<std::uint64_t>(x[i]) + (std::uint64_t{1} << 53U)) >> 54U;
      }
    }
    return beyond == 0;
  }

  /// It has buffers.
  bool ready() const noexcept { return !numbers_.empty(); }
  /// Reserves memory for rows of this many features; false without memory.
  bool prepare(std::size_t features) noexcept {
    return detail::unless_out_of_memory([&] { return numbers_.resize((features + 1) * stride), true; });
  }

  /// Records that wait.
  std::size_t rows() const noexcept { return rows_; }
  /// Rows whose label is 1.
  std::uint64_t positives() const noexcept { return positives_; }
  /// Rows by decision: as many numbers as there are decisions.
  std::span<const std::uint64_t> decisions() const noexcept { return std::span(decisions_).first(decided_); }
  /// Numeric features of each.
  std::size_t features() const noexcept { return numbers_.size() / stride - 1; }
  /// Of a feature, or after the last one the predictions.
  std::span<const double> column(std::size_t j) const noexcept { return {numbers_.data() + j * stride, rows_}; }

  /// Another batch has no room.
  bool full() const noexcept { return rows_ + most > room; }
  /// Precondition: ready() for x.width features, not full(), may_wait().
  void put(const feature_block& x, const predictions& scores) noexcept {
    TABSCORE_ASSERT(x.width == features(), "one sink was given to pipelines of different features");
    double* to = numbers_.data() + rows_;
    for (std::size_t j = 0; j < x.width; ++j, to += stride) copy(x.column(j), x.rows, to);
    copy(scores.value.data(), x.rows, to);
    for (const std::uint8_t label : scores.label) positives_ += label;
    decided_ = scores.layout->decisions.names.size();
    for (const std::uint8_t decision : scores.decision_at) ++decisions_[decision];
    rows_ += x.rows;
  }
  /// Forgets the records.
  void clear() noexcept {
    rows_ = 0, positives_ = 0;
    if (decided_ != 0) decisions_ = {};
  }

 private:
  static constexpr std::size_t stride = room + 8;  // not a power of two: columns would fall into the same cache sets

  static void copy(const double* from, std::size_t n, double* to) noexcept {
    for (; n >= 4; n -= 4, from += 4, to += 4) std::memcpy(to, from, 4 * sizeof *to);
    // One by one: what was just stored so cannot be read as a vector before it has left the processor.
    if (n > 0) to[0] = from[0];
    asm("" : "+r"(n));
    if (n > 1) to[1] = from[1];
    asm("" : "+r"(n));
    if (n > 2) to[2] = from[2];
  }

  std::vector<double> numbers_;
  std::size_t rows_ = 0;
  std::uint64_t positives_ = 0;
  std::size_t decided_ = 0;  // decisions of the service
  std::array<std::uint64_t, max_decisions> decisions_{};
};

}  // namespace tabscore::inline TABSCORE_ABI
