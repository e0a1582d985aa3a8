// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "../config.hpp"
#include "../write_number.hpp"
#include "number_texts.hpp"
#include "shortest_four.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

static_assert(number_text_space <= number_texts::space);

/// Writes reals one after the other as write_real does; of numbers below one it works four out at a time. The values
/// must outlive it. (number_texts::write() takes one.)
template <spelling Spelling = spelling::repr>
class number_series {
 public:
  explicit number_series(std::span<const double> values) noexcept : values_(values) {}

  std::size_t size() const noexcept { return values_.size(); }
  /// Writes the next one; returns the end. `to` has number_text_space bytes. Precondition: there is a next one.
  char* write_next(char* to) noexcept {
    const std::size_t i = next_++;
#if defined(__x86_64__) && defined(__GNUC__)
    if (i % 4 == 0) {
      four_.known = 0;
      if (has_avx2 && values_.size() - i >= 4) shortest_four(values_.data() + i, four_);
    }
    if (four_.known >> i % 4 & 1U) return four_.write(i % 4, to);
#endif
    return write_real<Spelling>(to, values_[i]);
  }

 private:
  std::span<const double> values_;
  std::size_t next_ = 0;
#if defined(__x86_64__) && defined(__GNUC__)
  inline static const bool has_avx2 = __builtin_cpu_supports("avx2");
  four_decimals four_;
#endif
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
