// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Which thread uses an object that is for one thread at a time. A copy is not in use.
class exclusive {
 public:
  exclusive() noexcept = default;
  exclusive(const exclusive&) noexcept {}
  exclusive& operator=(const exclusive&) noexcept { return *this; }

  /// While it lives, another thread's hold of the same object is a broken precondition (checked in debug builds only).
  class hold {
   public:
#if defined(NDEBUG)
    explicit hold(exclusive&) noexcept {}
#else
    explicit hold(exclusive& of) noexcept {
      thread_local const char here = 0;
      const void* owner = nullptr;
      if (of.owner_.compare_exchange_strong(owner, &here)) held_ = &of;
      TABSCORE_ASSERT(owner == nullptr || owner == &here,
                      "a workspace or score_buffers is used by two threads at once; give each its own");
    }
    ~hold() {
      if (held_ != nullptr) held_->owner_.store(nullptr);
    }
#endif
    hold(const hold&) = delete;
    hold& operator=(const hold&) = delete;

   private:
#if !defined(NDEBUG)
    exclusive* held_ = nullptr;
#endif
  };

 private:
  std::atomic<const void*> owner_ = nullptr;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
