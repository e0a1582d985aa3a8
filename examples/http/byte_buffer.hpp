// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace http {

/// Bytes that grow without being zeroed or, when large, copied; padding behind them stays readable.
class byte_buffer {
  static constexpr std::size_t padding = 64;  // SIMDJSON_PADDING

 public:
  char* data() { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  void resize(std::size_t size) {  // within the capacity
    size_ = size;
    touched_ = std::max(touched_, size);
  }
  std::string_view text() const { return {data_.get(), size_}; }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto* grown = static_cast<char*>(std::realloc(data_.get(), capacity + padding));
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(grown);
    capacity_ = capacity;
  }
  void append(std::string_view bytes) {
    if (size_ + bytes.size() > capacity_) reserve(std::max(size_ + bytes.size(), 2 * capacity_));
    if (!bytes.empty()) std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
    resize(size_ + bytes.size());
  }
  /// How much of its memory was written to and holds nothing now.
  std::size_t slack() const { return touched_ - size_; }
  /// Gives that back to the system; the room stays.
  void trim() {
    static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto first = reinterpret_cast<std::uintptr_t>(data());
    const std::uintptr_t begin = (first + size_ + page - 1) / page * page, end = (first + touched_) / page * page;
    if (begin < end) ::madvise(data() + (begin - first), end - begin, MADV_DONTNEED);
    touched_ = size_;
  }
  void drop_front(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(data_.get(), data_.get() + count, size_);
  }

 private:
  struct release {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, release> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t touched_ = 0;  // the largest size that it had since it owns the memory
};

}  // namespace http
