// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "../core/config.hpp"
#include "../core/detail/skip.hpp"
#include "../core/unescape.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The type of a JSON value; a number is real where it has a fraction or an exponent.
enum class json_kind : std::uint8_t { null, boolean, integer, real, text, array, object };

/// A value of a valid JSON document: a view of its first byte; type, extent and members are found on access. No tree is
/// built. NaN, Infinity and -Infinity are real numbers.
class json_value {
 public:
  constexpr json_value() noexcept = default;
  /// A value's first byte and the end of its document.
  constexpr json_value(const char* first, const char* document_end) noexcept : p_(first), end_(document_end) {}

  /// There is a value.
  constexpr explicit operator bool() const noexcept { return p_ != nullptr; }

  /// By the first byte alone.
  json_kind kind() const noexcept {
    switch (*p_) {
      case '{':
        return json_kind::object;
      case '[':
        return json_kind::array;
      case '"':
        return json_kind::text;
      case 'n':
        return json_kind::null;
      case 't':
      case 'f':
        return json_kind::boolean;
      default:
        break;
    }
    const char* p = p_ + (*p_ == '-');
    if (*p == 'N' || *p == 'I') return json_kind::real;
    p = detail::skip_digits(p, end_);
    return p != end_ && (*p == '.' || *p == 'e' || *p == 'E') ? json_kind::real : json_kind::integer;
  }

  /// The value's first byte.
  const char* begin() const noexcept { return p_; }
  /// What follows the value.
  const char* end() const noexcept { return skip(p_, end_); }
  /// The value as written: of a text with quotes and escapes, of an array or object everything.
  std::string_view raw() const noexcept { return {p_, static_cast<std::size_t>(end() - p_)}; }
  /// raw().size() > size, at the cost of looking at `size` bytes.
  bool is_longer_than(std::size_t size) const noexcept {
    return size < static_cast<std::size_t>(end_ - p_) && skip(p_, p_ + size + 1) > p_ + size;
  }
  /// Between the quotes of a text, escapes as written.
  std::string_view raw_text() const noexcept {
    const std::string_view all = raw();
    return all.substr(1, all.size() - 2);
  }

  /// Precondition: a boolean.
  bool is_true() const noexcept { return *p_ == 't'; }
  /// The value is `null`.
  bool is_null() const noexcept { return *p_ == 'n'; }
  /// The value is a number.
  bool is_number() const noexcept {
    return bytes.at[static_cast<unsigned char>(*p_)] == byte::other && *p_ != 'n' && *p_ != 't' && *p_ != 'f';
  }
  /// The value is an object.
  bool is_object() const noexcept { return *p_ == '{'; }
  /// The value is `[]`, blanks allowed.
  bool is_empty_array() const noexcept { return *p_ == '[' && *blanks(p_ + 1) == ']'; }
  /// The value is `""`.
  bool is_empty_text() const noexcept { return *p_ == '"' && p_[1] == '"'; }

  /// Calls f(key between its quotes, value) for each member of an object, in order; returns what follows the object.
  /// f may return what follows the value, or nullptr.
  template <class F>
  const char* for_each_member(F&& f) const {
    const char* p = blanks(p_ + 1);
    if (*p == '}') return p + 1;
    for (;;) {
      const char* const key_end = skip_text(p, end_);
      const std::string_view key(p + 1, static_cast<std::size_t>(key_end - p) - 2);
      const json_value value(blanks(blanks(key_end) + 1), end_);
      if constexpr (std::is_void_v<decltype(f(key, value))>) {
        f(key, value);
        p = skip(value.p_, end_);
      } else {
        const char* const behind = f(key, value);
        p = behind != nullptr ? behind : skip(value.p_, end_);
      }
      p = blanks(p);
      if (*p == '}') return p + 1;
      p = blanks(p + 1);
    }
  }

  /// Of an array; nothing when it is empty.
  json_value first_element() const noexcept {
    const char* const p = blanks(p_ + 1);
    return *p == ']' ? json_value() : json_value(p, end_);
  }
  /// What follows an element; nothing behind the last one.
  json_value next_element() const noexcept {
    const char* const p = blanks(skip(p_, end_));
    return *p == ']' ? json_value() : json_value(blanks(p + 1), end_);
  }
  /// Calls f(element), which returns what follows the element or nullptr, for each element of an array, in order;
  /// returns what follows the array.
  template <class F>
  const char* read_elements(F&& f) const {
    const char* p = blanks(p_ + 1);
    if (*p == ']') return p + 1;
    for (;;) {
      const char* const behind = f(json_value(p, end_));
      p = blanks(behind != nullptr ? behind : skip(p, end_));
      if (*p == ']') return p + 1;
      p = blanks(p + 1);
    }
  }
  /// Calls f(element) for each element of an array, in order, until it returns false.
  template <class F>
  void for_each_element(F&& f) const {
    for (json_value v = first_element(); v && f(v); v = v.next_element()) {
    }
  }

 private:
  static const char* blanks(const char* p) noexcept {
    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') ++p;
    return p;
  }
  // Steps over a value; those that reach `stop` before its end return that or a place behind it.
  static const char* skip_text(const char* p, const char* stop) noexcept {
    for (++p;; p += 2) {
      if (p < stop && *p != '"' && *p != '\\') p = detail::skip_plain_text(p, stop);
      if (p >= stop || *p != '\\') return p + 1;
    }
  }
  [[gnu::always_inline]] static const char* skip_scalar(const char* p, const char* stop) noexcept {
    while (p < stop && bytes.at[static_cast<unsigned char>(*p)] == byte::other) ++p;
    return p;
  }
  [[gnu::always_inline]] static const char* skip(const char* p, const char* stop) noexcept {
    const byte first = bytes.at[static_cast<unsigned char>(*p)];
    if (first != byte::quote && first != byte::open) return skip_scalar(p, stop);
    const byte second = bytes.at[static_cast<unsigned char>(p[1])];
    const bool empty = second == (first == byte::quote ? byte::quote : byte::close);
    return empty ? p + 2 : skip_longer(p, stop);
  }
  static const char* skip_longer(const char* p, const char* stop) noexcept;

  enum class byte : std::uint8_t { other, separator, open, close, quote };
  static constexpr auto bytes = [] {
    struct {
      byte at[256];
    } table{};
    const auto set = [&](std::string_view all, byte kind) {
      for (const char c : all) table.at[static_cast<unsigned char>(c)] = kind;
    };
    set(", \n\r\t", byte::separator);
    set("{[", byte::open);
    set("}]", byte::close);
    set("\"", byte::quote);
    return table;
  }();

  const char* p_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

[[gnu::noinline]] TABSCORE_INLINE const char* json_value::skip_longer(const char* p, const char* stop) noexcept {
  if (*p == '"') return skip_text(p, stop);
  std::size_t depth = 0;
  while (p < stop) {
    const byte b = bytes.at[static_cast<unsigned char>(*p)];
    if (b == byte::quote) {
      p = skip_text(p, stop);
      continue;
    }
    if (b == byte::other) {
      p = detail::skip_to_structure(p, stop);
      continue;
    }
    depth += b == byte::open;
    depth -= b == byte::close;
    ++p;
    if (depth == 0) break;
  }
  return p;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
