// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Text that is copied often, in whole blocks: faster than a call of memcpy that must look at the size.
template <std::size_t Block>
class basic_repeated_text {
 public:
  static constexpr std::size_t block = Block;

  basic_repeated_text() = default;
  explicit basic_repeated_text(std::string_view text) : padded_(text), size_(text.size()) {
    padded_.resize((size_ + block - 1) / block * block);
  }
  std::size_t size() const noexcept { return size_; }
  /// Bytes that write() may touch: up to a block more than its size.
  std::size_t space() const noexcept { return padded_.size(); }
  [[gnu::always_inline]] char* write(char* to) const noexcept { return copy_blocks(to, padded_.data(), size_); }

  /// The same text by value, which stays in registers where bytes are written to memory that might be this object's.
  struct reference {
    const char* from;
    std::size_t size;
    [[gnu::always_inline]] char* write(char* to) const noexcept { return copy_blocks(to, from, size); }
  };
  reference by_value() const noexcept { return {padded_.data(), size_}; }

  /// Copies `size` bytes and up to a block more.
  [[gnu::always_inline]] static char* copy_blocks(char* to, const char* from, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; i += block) std::memcpy(to + i, from + i, block);
    return to + size;
  }

 private:
  std::string padded_;
  std::size_t size_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
