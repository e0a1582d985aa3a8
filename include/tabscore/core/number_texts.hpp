// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "number_series.hpp"
#include "scratch.hpp"

namespace tabscore {

/// Numbers as JSON, written once for all who need them: digits are most of what an answer and its line in a log cost.
/// Keeps its memory. Not for concurrent use.
class number_texts {
 public:
  bool empty() const noexcept { return entries_.empty(); }
  void clear() noexcept { entries_ = {}; }
  std::size_t capacity() const noexcept { return memory_.capacity(); }

  void write(std::span<const double> values) {
    entries_ = memory_.get<entry>(values.size() + 1);  // a text may touch the entry behind its own
    number_series<spelling::json> numbers(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const char* const end = numbers.write_next(entries_[i].text);
      entries_[i].size = static_cast<std::size_t>(end - entries_[i].text);
    }
  }

  /// Copies the text of number i, up to number_text_space bytes; returns its end.
  char* copy(std::size_t i, char* to) const noexcept {
    std::memcpy(to, entries_[i].text, sizeof entries_[i].text);
    return to + entries_[i].size;
  }

 private:
  struct entry {
    char text[24];  // the longest: -2.2250738585072014e-308
    std::size_t size;
  };
  static_assert(2 * sizeof(entry) >= number_text_space);

  scratch memory_;
  std::span<entry> entries_;
};

}  // namespace tabscore
