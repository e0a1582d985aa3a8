// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

/// Lets threads take turns: blocks are taken one after another, worked on all at once, and put in the order in which
/// they were taken. There are never more blocks than threads, and none waits for input that a later one waits for.
class turns {
 public:
  /// Runs take(), the only one at a time; its block's number, or nothing when it says that there are no more.
  template <class Take>
  std::optional<std::uint64_t> take(Take&& take) {
    const std::lock_guard turn(taking_);
    if (!take()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return taken_++;
  }

  /// Runs put() when all blocks before this one were put.
  template <class Put>
  void put(std::uint64_t block, Put&& put) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return put_ == block; });
    }
    put();
    {
      const std::lock_guard lock(mutex_);
      ++put_;
    }
    changed_.notify_all();
  }

  /// Within take(): returns when everything that was taken is put.
  void drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return put_ == taken_; });
  }

 private:
  std::mutex taking_;
  std::mutex mutex_;  // of the numbers
  std::condition_variable changed_;
  std::uint64_t taken_ = 0;
  std::uint64_t put_ = 0;
};
