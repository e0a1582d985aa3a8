// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The size of memory that its neighbour owns: 0 once it is moved from, as the memory is gone.
class memory_size {
 public:
  constexpr memory_size(std::size_t size = 0) noexcept : size_(size) {}  // NOLINT(google-explicit-constructor)
  constexpr memory_size(memory_size&& other) noexcept : size_(std::exchange(other.size_, 0)) {}
  constexpr memory_size& operator=(memory_size&& other) noexcept {
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  constexpr operator std::size_t() const noexcept { return size_; }  // NOLINT(google-explicit-constructor)
  constexpr memory_size& operator+=(std::size_t more) noexcept {
    size_ += more;
    return *this;
  }

 private:
  std::size_t size_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
