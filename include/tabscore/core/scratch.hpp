// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "detail/large_pages.hpp"
#include "detail/memory_size.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Working memory of one thread. It grows to the largest request and is then reused: no allocation once warm. Not for
/// concurrent use; one per thread.
class scratch {
 public:
  /// `count` uninitialised objects of a trivial type, aligned to 64 bytes, valid until the next call.
  template <class T>
  std::span<T> get(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignment);
    const std::size_t bytes = count * sizeof(T);
    if (bytes > capacity_) {
      memory_.reset();  // before the new one, so that the peak is one buffer, not two
      capacity_ = 0;
      memory_.reset(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{alignment})));
      capacity_ = bytes;
      detail::prefer_large_pages(memory_.get(), bytes);
    }
    return {reinterpret_cast<T*>(memory_.get()), count};
  }

  /// The same; the first `kept` objects of the previous call keep their values.
  template <class T>
  std::span<T> grow(std::size_t count, std::size_t kept) {
    if (count * sizeof(T) <= capacity_) return get<T>(count);
    const std::unique_ptr<std::byte, release> old = std::move(memory_);
    const std::span<T> larger = get<T>(count);
    std::copy_n(reinterpret_cast<const T*>(old.get()), kept, larger.data());
    return larger;
  }

  /// Separate memory for a callee that runs while the memory of get() is in use.
  scratch& inner();

 private:
  static constexpr std::size_t alignment = 64;
  struct release {
    void operator()(std::byte* p) const noexcept { ::operator delete (p, std::align_val_t{alignment}); }
  };
  struct release_inner {  // a call, or every user has the code of a few levels
    /// Frees the memory.
    void operator()(scratch* p) const noexcept;
  };
  std::unique_ptr<std::byte, release> memory_;
  detail::memory_size capacity_;
  std::unique_ptr<scratch, release_inner> inner_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE scratch& scratch::inner() {
  if (!inner_) inner_.reset(new scratch);
  return *inner_;
}

TABSCORE_INLINE void scratch::release_inner::operator()(scratch* p) const noexcept { delete p; }

}  // namespace tabscore::inline TABSCORE_ABI
#endif
