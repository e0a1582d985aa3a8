// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "config.hpp"
#include "detail/large_pages.hpp"
#include "detail/memory_size.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A growing text whose memory is kept by clear(): no allocation once warm. Not for concurrent use; one per
/// thread.
class text_buffer {
 public:
  /// Space for `bytes` more; keep_to() sets the end of the part written. Valid until the next call.
  char* space(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return memory_.get() + size_;
  }
  /// Truncates the text at `end`, a pointer into the buffer.
  void keep_to(const char* end) noexcept {
    size_ = static_cast<std::size_t>(end - memory_.get());
    TABSCORE_ASSERT(size_ <= capacity_, "more text was written than there was room for");
  }

  /// Appends bytes.
  void append(std::string_view text) {
    char* to = space(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    size_ += text.size();
  }

  /// The text so far; valid until the next write.
  std::string_view view() const noexcept { return {memory_.get(), size_}; }
  /// Bytes written.
  std::size_t size() const noexcept { return size_; }
  /// Bytes that it can hold without allocating.
  std::size_t capacity() const noexcept { return capacity_; }
  /// Empties it and keeps its memory.
  void clear() noexcept { size_ = 0; }

 private:
  void grow(std::size_t bytes) {
    const std::size_t capacity = (std::max)(size_ + bytes, std::max<std::size_t>(1024, capacity_ * 2));
    std::unique_ptr<char[]> larger(new char[capacity]);  // not zeroed: bytes are written before they are read
    detail::prefer_large_pages(larger.get(), capacity);
    if (size_ > 0) std::memcpy(larger.get(), memory_.get(), size_);
    memory_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> memory_;
  detail::memory_size size_;
  detail::memory_size capacity_;
};

}  // namespace tabscore::inline TABSCORE_ABI
