// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "../capi/c_api.h"  // the structs of the Arrow C data and stream interfaces, under their usual guards
#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Owns one of the three structs: releases it when it is left holding one. Movable, as they are: a moved-from one holds
/// nothing.
template <class Struct>
class arrow_owner {
 public:
  arrow_owner() noexcept = default;
  /// Takes what `from` holds over and marks it as moved away.
  explicit arrow_owner(Struct* from) noexcept : held_(*from) { from->release = nullptr; }
  /// Leaves the other one empty.
  arrow_owner(arrow_owner&& from) noexcept : arrow_owner(&from.held_) {}
  /// Releases its own first.
  arrow_owner& operator=(arrow_owner&& from) noexcept {
    arrow_owner taken(std::move(from));
    std::swap(held_, taken.held_);
    return *this;
  }
  ~arrow_owner() { reset(); }

  /// It owns nothing.
  bool empty() const noexcept { return held_.release == nullptr; }
  /// Precondition: !empty().
  const Struct& operator*() const noexcept { return held_; }
  /// Precondition: !empty().
  const Struct* operator->() const noexcept { return &held_; }
  /// For functions that fill it.
  Struct* get() noexcept { return &held_; }

  /// Releases what it owns.
  void reset() noexcept {
    if (!empty()) held_.release(&held_);
    held_ = Struct{};
  }
  /// Where a producer writes a new one.
  Struct* fresh() noexcept {
    reset();
    return &held_;
  }
  /// Moves the struct to `to`.
  void move_to(Struct* to) noexcept {
    *to = held_;
    held_ = Struct{};
  }

 private:
  Struct held_{};
};

/// Owns a schema.
using arrow_schema = arrow_owner<ArrowSchema>;
/// Owns an array.
using arrow_array = arrow_owner<ArrowArray>;
/// Owns a stream.
using arrow_stream = arrow_owner<ArrowArrayStream>;

}  // namespace tabscore::inline TABSCORE_ABI
