// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include "config.hpp"

#if TABSCORE_EXCEPTIONS
#include <stdexcept>
#endif

namespace tabscore::inline TABSCORE_ABI {

/// The kind of an error of a file or a configuration; the message names the place.
enum class errc {
  io,           ///< the file cannot be opened, read or written
  syntax,       ///< the bytes do not match the format's grammar
  structure,    ///< a member is missing, unknown, of the wrong type or out of range
  unsupported,  ///< valid, but a feature or version that tabscore does not have
  mismatch,     ///< the model does not fit the features it is used with
  check_failed  ///< the trainer's own rows do not give the trainer's own numbers
};

/// An error: its kind, and one sentence with file, member, expectation and finding.
struct error {
  errc code{};          ///< for programs
  std::string message;  ///< for people: the place, the error, the remedy
};

namespace detail {
/// Throws the sentence as std::runtime_error; without exceptions it is written to the standard error output, and the
/// program aborts.
[[noreturn]] inline void raise(const error& e) {
#if TABSCORE_EXCEPTIONS
  throw std::runtime_error(e.message);
#else
  std::fprintf(stderr, "%s\n", e.message.c_str());
  std::abort();
#endif
}
}  // namespace detail

/// A T or an error: `if (!r) r.error().message`, `*r`, or r.value(), which throws (without exceptions: writes the
/// message to the standard error output and aborts).
template <class T>
class [[nodiscard]] result {
 public:
  /// As std::expected has it.
  using value_type = T;

  // NOLINTBEGIN(google-explicit-constructor): functions return either of the two as they are.
  /// A value.
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// An error.
  result(tabscore::error e) : state_(std::in_place_index<1>, std::move(e)) {}
  // NOLINTEND(google-explicit-constructor)

  /// True: a value; false: an error.
  bool has_value() const noexcept { return state_.index() == 0; }
  /// The same as has_value().
  explicit operator bool() const noexcept { return has_value(); }

  /// Precondition: has_value().
  T& operator*() & noexcept { return checked(); }
  /// Precondition: has_value().
  const T& operator*() const& noexcept { return const_cast<result&>(*this).checked(); }
  /// Precondition: has_value().
  T&& operator*() && noexcept { return std::move(checked()); }
  /// Precondition: has_value().
  T* operator->() noexcept { return &checked(); }
  /// Precondition: has_value().
  const T* operator->() const noexcept { return &const_cast<result&>(*this).checked(); }

  /// Precondition: !has_value().
  const tabscore::error& error() const noexcept {
    TABSCORE_ASSERT(!has_value(), "result::error() of a result that holds a value");
    return *std::get_if<1>(&state_);
  }

  /// The value; without one, throws std::runtime_error with the error's message.
  T& value() & { return require(), **this; }
  /// The value, or throws (aborts without exceptions).
  const T& value() const& { return const_cast<result&>(*this).require(), **this; }
  /// The value, or throws (aborts without exceptions).
  T&& value() && { return require(), std::move(**this); }

 private:
  T& checked() noexcept {
    TABSCORE_ASSERT(has_value(), "a result that holds an error was dereferenced");
    return *std::get_if<0>(&state_);
  }
  void require() {
    if (!has_value()) detail::raise(error());
  }

  std::variant<T, tabscore::error> state_;
};

}  // namespace tabscore::inline TABSCORE_ABI
