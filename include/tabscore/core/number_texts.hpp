// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "number_text.hpp"
#include "scratch.hpp"

namespace tabscore {

/// Numbers as JSON, written once for all who need the text: the digits of a double are what a prediction's answer and
/// its line in a log cost most. Not for concurrent use.
class number_texts {
 public:
  bool empty() const noexcept { return count_ == 0; }
  void clear() noexcept { count_ = 0; }
  std::size_t capacity() const noexcept { return memory_.capacity(); }

  void write(std::span<const double> values) {
    const std::span<entry> all = memory_.get<entry>(values.size() + 1);  // a text may touch the one behind it
    for (std::size_t i = 0; i < values.size(); ++i) {
      const char* const end = write_real<spelling::json>(all[i].text, values[i]);
      all[i].size = static_cast<std::size_t>(end - all[i].text);
    }
    entries_ = all.data();
    count_ = values.size();
  }

  /// Copies the text of value i; touches `longest` bytes. Returns its end.
  char* copy(std::size_t i, char* to) const noexcept {
    std::memcpy(to, entries_[i].text, longest);
    return to + entries_[i].size;
  }

 private:
  static constexpr std::size_t longest = 24;
  struct entry {
    char text[longest];
    std::size_t size;
  };
  static_assert(2 * sizeof(entry) >= number_text_space);

  scratch memory_;
  const entry* entries_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace tabscore
