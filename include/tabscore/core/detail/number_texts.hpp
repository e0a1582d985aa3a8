// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "../config.hpp"
#include "../scratch.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Numbers as JSON, written once for the answer and the log: digits are most of the cost of both. More than `most`
/// numbers are not kept: their memory would cost more. Keeps its memory. Not for concurrent use.
class number_texts {
 public:
  static constexpr std::size_t space = 64;                   ///< bytes that writing a text may touch
  static constexpr std::size_t most = std::size_t{1} << 14;  ///< numbers

  bool empty() const noexcept { return entries_.empty(); }
  void clear() noexcept { entries_ = {}; }

  /// Writes series.size() texts, each by series.write_next(to); nothing for more than `most`.
  template <class Series>
  void write(Series&& series) {
    if (series.size() > most) return;
    entries_ = memory_.get<entry>(series.size() + 1);  // a text may touch the entry behind its own
    for (entry& each : entries_.first(series.size())) {
      const char* const end = series.write_next(each.text);
      each.size = static_cast<std::size_t>(end - each.text);
    }
  }

  /// Copies the text of number i, touching 24 bytes; returns its end.
  char* copy(std::size_t i, char* to) const noexcept {
    std::memcpy(to, entries_[i].text, sizeof entries_[i].text);
    return to + entries_[i].size;
  }

 private:
  struct entry {
    char text[24];  // the longest: -2.2250738585072014e-308
    std::size_t size;
  };
  static_assert(2 * sizeof(entry) >= space);

  scratch memory_;
  std::span<entry> entries_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
