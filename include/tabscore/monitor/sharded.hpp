// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <type_traits>

#include "../core/config.hpp"
#include "mutex.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Several objects T, each under its own lock: each thread has one, so that writers share neither a lock nor a cache
/// line. With more threads than shards, threads share shards.
template <class T, class Mutex>
class sharded {
 public:
  /// Calls f(T&) of this thread's, locked.
  template <class F>
  void local(F&& f) {
    shard& s = shards_[number_of_this_thread() % shards_.size()];
    const std::lock_guard lock(s.mutex);
    f(s.value);
  }

  /// Calls f(T&) of each, and then last(), while all of them are locked.
  template <class F, class Last>
  decltype(auto) all(F&& f, Last&& last) {
    const every_lock locks(shards_);
    for (shard& s : shards_) f(s.value);
    return last();
  }

 private:
  static constexpr std::size_t count = std::is_same_v<Mutex, no_mutex> ? 1 : 16;
  struct alignas(64) shard {
    Mutex mutex;
    T value;
  };
  struct every_lock {
    explicit every_lock(std::array<shard, count>& all) : shards_(all) {
      for (shard& s : shards_) s.mutex.lock();
    }
    every_lock(const every_lock&) = delete;
    every_lock& operator=(const every_lock&) = delete;
    ~every_lock() {
      for (shard& s : shards_) s.mutex.unlock();
    }
    std::array<shard, count>& shards_;
  };

  static std::size_t number_of_this_thread() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t own = threads.fetch_add(1, std::memory_order_relaxed);
    return own;
  }

  std::array<shard, count> shards_;
};

}  // namespace tabscore::inline TABSCORE_ABI
