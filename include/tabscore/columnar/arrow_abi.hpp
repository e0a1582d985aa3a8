// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>

#include "../core/config.hpp"

// The structs of the Arrow C data and stream interfaces, in the global namespace and under their usual guards, so that
// they are the same types as any other library's. Their layout is fixed for good by
// https://arrow.apache.org/docs/format/CDataInterface.html
extern "C" {

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

#endif  // ARROW_C_DATA_INTERFACE

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

#endif  // ARROW_C_STREAM_INTERFACE
}

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
    std::swap(held_, from.held_);
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
