// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace http {

inline constexpr std::size_t padding = 64;  // behind a body: SIMDJSON_PADDING

/// Bytes that grow without being zeroed or, when large, copied; padding behind them stays readable.
class byte_buffer {
 public:
  char* end() { return data_.get() + size_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  void resize(std::size_t size) { size_ = size; }  // within the capacity
  std::string_view text() const { return {data_.get(), size_}; }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto* grown = static_cast<char*>(std::realloc(data_.get(), capacity + padding));
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(grown);
    capacity_ = capacity;
    constexpr std::size_t page = std::size_t{2} << 20;
    if (capacity < 2 * page) return;  // a large body: with large pages it takes fewer page faults
    const std::size_t begin = (page - reinterpret_cast<std::uintptr_t>(grown) % page) % page;
    ::madvise(grown + begin, (capacity - begin) / page * page, MADV_HUGEPAGE);
  }
  void append(std::string_view bytes) {
    if (size_ + bytes.size() > capacity_) reserve(std::max(size_ + bytes.size(), 2 * capacity_));
    if (!bytes.empty()) std::memcpy(end(), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

 private:
  struct release {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, release> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace http
