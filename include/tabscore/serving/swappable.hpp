// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// One object that many threads read while another one replaces it, such as the model of a service. A reader pins the
/// current object and uses it until it lets go; a replaced object is destroyed by the next collect() that finds it
/// unpinned. Pinning is a store to the reader's own memory: no lock, no shared counter. Readers may be made and may pin
/// on any thread, each used by one thread at a time; publish() and collect() are for one thread at a time. The readers
/// must be destroyed before it.
///
///     swappable<service_model> live(std::move(first));
///     swappable<service_model>::reader reads(live);          // one per thread
///     if (const auto model = reads.pin()) score(*model, ...);  // empty while nothing was published
template <class T>
class swappable {
  struct alignas(64) slot {  // a cache line of its own
    std::atomic<const T*> pinned = nullptr;
    std::atomic<bool> taken = true;
    slot* next = nullptr;
  };

 public:
  /// Null: nothing to serve yet.
  explicit swappable(std::unique_ptr<const T> first = nullptr) : owned_(std::move(first)), current_(owned_.get()) {}
  swappable(const swappable&) = delete;
  swappable& operator=(const swappable&) = delete;
  ~swappable() {
    for (slot* s = slots_.load(); s != nullptr;) delete std::exchange(s, s->next);
  }

  /// Keeps the object that was current when it was made. Must be destroyed before the same reader pins again.
  class pin {
   public:
    pin(const pin&) = delete;
    pin& operator=(const pin&) = delete;
    ~pin() { slot_.pinned.store(nullptr, std::memory_order_release); }
    /// There is an object.
    explicit operator bool() const noexcept { return object_ != nullptr; }
    /// Precondition: there is an object.
    const T& operator*() const noexcept { return *object_; }
    /// Precondition: there is an object.
    const T* operator->() const noexcept { return object_; }
    /// Null: no object.
    const T* get() const noexcept { return object_; }

   private:
    friend swappable;
    pin(slot& s, const std::atomic<const T*>& current) noexcept : slot_(s), object_(current.load()) {
      TABSCORE_ASSERT(s.pinned.load(std::memory_order_relaxed) == nullptr, "a reader pins one object at a time");
      // Once the pin is visible and the object is still current, collect() will see the pin.
      for (const T* seen = nullptr; object_ != seen; object_ = current.load()) {
        seen = object_;
        slot_.pinned.store(seen);
      }
    }
    slot& slot_;
    const T* object_;
  };

  /// The access of one thread.
  class reader {
   public:
    /// One per thread. The swappable must outlive it.
    explicit reader(swappable& from) : from_(&from), slot_(from.take_slot()) {}
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    ~reader() { slot_->taken.store(false, std::memory_order_release); }

    /// The current object, alive as long as the pin is.
    swappable::pin pin() const noexcept { return {*slot_, from_->current_}; }

   private:
    swappable* from_;
    slot* slot_;
  };

  /// Later pins get this object.
  void publish(std::unique_ptr<const T> next) {
    retired_.reserve(retired_.size() + 1);
    current_.store(next.get());
    if (owned_) retired_.push_back(std::move(owned_));
    owned_ = std::move(next);
    collect();
  }

  /// Destroys replaced objects that are not pinned; returns the number of objects still pinned.
  std::size_t collect() {
    std::erase_if(retired_, [&](const auto& old) {
      for (const slot* s = slots_.load(); s != nullptr; s = s->next) {
        if (s->pinned.load() == old.get()) return false;
      }
      return true;
    });
    return retired_.size();
  }

 private:
  slot* take_slot() {
    for (slot* s = slots_.load(); s != nullptr; s = s->next) {
      if (bool free = false; s->taken.compare_exchange_strong(free, true)) return s;
    }
    auto* const made = new slot;
    made->next = slots_.load();
    while (!slots_.compare_exchange_weak(made->next, made)) {
    }
    return made;
  }

  std::unique_ptr<const T> owned_;
  std::atomic<const T*> current_;
  std::vector<std::unique_ptr<const T>> retired_;
  std::atomic<slot*> slots_ = nullptr;
};

}  // namespace tabscore::inline TABSCORE_ABI
