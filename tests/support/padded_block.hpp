// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/formats/format.hpp>

#include <algorithm>
#include <memory>
#include <string_view>

/// A copy of a text in memory of its own with no more than the padding that a decoder may look at, which is full of
/// what could mislead one.
class padded_block {
 public:
  padded_block() = default;
  explicit padded_block(std::string_view text)
      : memory_(new char[text.size() + tabscore::block_padding]), size_(text.size()) {
    std::copy(text.begin(), text.end(), memory_.get());
    for (std::size_t i = 0; i < tabscore::block_padding; ++i) memory_[size_ + i] = text.empty() ? '"' : text[i % size_];
  }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::string_view() const noexcept { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
};
