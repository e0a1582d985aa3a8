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

/// Several of a T, each under a lock of its own: every thread has one, so that writers meet neither in a lock nor in a
/// cache line. More threads than there are lanes share them.
template <class T, class Mutex>
class lanes {
 public:
  /// Calls f(T&) of this thread's, locked.
  template <class F>
  void mine(F&& f) {
    lane& l = lane_[number_of_this_thread() % lane_.size()];
    const std::lock_guard lock(l.mutex);
    f(l.value);
  }

  /// Calls f(T&) of each, and then last(), while all of them are locked.
  template <class F, class Last>
  decltype(auto) all(F&& f, Last&& last) {
    const every_lock locks(lane_);
    for (lane& l : lane_) f(l.value);
    return last();
  }

 private:
  static constexpr std::size_t count = std::is_same_v<Mutex, no_mutex> ? 1 : 16;
  struct alignas(64) lane {
    Mutex mutex;
    T value;
  };
  struct every_lock {
    explicit every_lock(std::array<lane, count>& all) : lane_(all) {
      for (lane& l : lane_) l.mutex.lock();
    }
    every_lock(const every_lock&) = delete;
    every_lock& operator=(const every_lock&) = delete;
    ~every_lock() {
      for (lane& l : lane_) l.mutex.unlock();
    }
    std::array<lane, count>& lane_;
  };

  static std::size_t number_of_this_thread() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
    return mine;
  }

  std::array<lane, count> lane_;
};

}  // namespace tabscore::inline TABSCORE_ABI
