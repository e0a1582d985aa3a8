// SPDX-License-Identifier: MIT
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "../core/config.hpp"
#include "../schema/field.hpp"
#include "detail/scan.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Where a body stops being JSON. Messages and positions are those of Python's json module.
struct syntax_error {
  std::string_view message;   ///< static text
  std::size_t position = 0;   ///< code points before it
  std::size_t line = 1;       ///< from 1
  std::size_t column = 1;     ///< from 1, in code points
  std::string_view document;  ///< the body without byte order mark; a view into it
};

/// Why a body cannot be read although its syntax was not found wrong.
enum class unreadable : std::uint8_t { encoding, depth, digits };

/// For people.
constexpr std::string_view unreadable_sentence(unreadable why) noexcept {
  constexpr std::string_view sentences[] = {"The body is not UTF-8.", "The body is nested too deeply.",
                                            "The body has an integer of too many digits."};
  return sentences[static_cast<std::size_t>(why)];
}

namespace detail {

/// The end of a check: a message, or without one the reason why the text is unreadable.
struct json_stop {
  const char* at;
  std::string_view message;
  unreadable why{};
};

constexpr bool goes_on_number(char c) noexcept { return is_digit(c) || c == '.' || c == 'e' || c == 'E'; }
constexpr bool is_escape_letter(char c) noexcept {
  return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' || c == 't';
}
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Reads JSON as Python's json module does, without recursion: NaN and Infinity are numbers, lone surrogate escapes are
/// text. Arrays and objects nest to max_depth, integers have up to 4300 digits.
class json_check {
 public:
  static constexpr std::size_t max_depth = 966;
  static constexpr std::ptrdiff_t max_digits = 4300;

  explicit json_check(std::string_view text) noexcept : begin_(text.data()), end_(begin_ + text.size()) {}

  /// std::nullopt for a correct document.
  std::optional<json_stop> run() noexcept;

 private:
  // What follows gives the end of a value, or nullptr with the reason in stop_ when the text is wrong there.

  const char* stop(const char* at, std::string_view message, unreadable why = {}) noexcept {
    stop_ = {at, message, why};
    return nullptr;
  }

  const char* string(const char* p) noexcept;

  /// A word, or a number that begins with no digit.
  const char* word(const char* p) noexcept;

  /// The longest number that begins here.
  const char* number(const char* p) noexcept;

  const char* begin_;
  const char* end_;
  json_stop stop_{};
  std::bitset<max_depth> objects_;  // of the values that are open: is it an object?
};

/// Positions as Python counts them, of a place in a text of well-formed UTF-8.
syntax_error locate(std::string_view document, const json_stop& stop) noexcept;

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE std::optional<json_stop> json_check::run() noexcept {
  const char* p = skip_blanks(begin_, end_);
  std::size_t depth = 0;
  bool object = false;  // what the value or the key here is in, unless depth is 0
  for (bool key = false;; key = object) {
    if (key) {
      if (p == end_ || *p != '"') return json_stop{p, "Expecting property name enclosed in double quotes"};
      p = string(p);
      if (p == nullptr) return stop_;
      p = skip_blanks(p, end_);
      if (p == end_ || *p != ':') return json_stop{p, "Expecting ':' delimiter"};
      p = skip_blanks(p + 1, end_);
    }
    if (p == end_) return json_stop{p, "Expecting value"};
    const bool negative = *p == '-' && end_ - p > 1 && is_digit(p[1]);
    if (is_digit(*p) || negative) {
      p = !negative && end_ - p > 1 && !goes_on_number(p[1]) ? p + 1 : number(p);
      if (p == nullptr) return stop_;
    } else if (*p == '"') {
      p = string(p);
      if (p == nullptr) return stop_;
    } else if (*p == '{' || *p == '[') {
      if (depth == max_depth) return json_stop{p, {}, unreadable::depth};
      const bool opens_object = *p == '{';
      p = skip_blanks(p + 1, end_);
      if (p == end_ || *p != (opens_object ? '}' : ']')) {
        objects_.set(depth++, opens_object);
        object = opens_object;
        continue;
      }
      ++p;
    } else {
      p = word(p);
      if (p == nullptr) return stop_;
    }
    // Behind a value.
    for (;; ++p) {
      p = skip_blanks(p, end_);
      if (p != end_ && *p == ',' && depth != 0) break;
      if (depth == 0) {
        if (p == end_) return std::nullopt;
        return json_stop{p, "Extra data"};
      }
      if (p == end_ || *p != (object ? '}' : ']')) return json_stop{p, "Expecting ',' delimiter"};
      object = --depth > 0 && objects_[depth - 1];
    }
    p = skip_blanks(p + 1, end_);
  }
}

TABSCORE_INLINE const char* json_check::string(const char* p) noexcept {
  const char* const quote = p++;
  for (;;) {
    if (p != end_ && *p != '"' && *p != '\\') p = skip_plain_text(p, end_);
    if (p == end_) return stop(quote, "Unterminated string starting at");
    if (*p == '"') return p + 1;
    if (*p != '\\') return stop(p, "Invalid control character at");
    const char* const backslash = p++;
    if (p == end_) return stop(quote, "Unterminated string starting at");
    if (*p == 'u') {
      // At least one more character must follow the four digits.
      if (end_ - p <= 5 || !is_hex(p[1]) || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4])) {
        return stop(p, "Invalid \\uXXXX escape");
      }
      p += 5;
    } else if (is_escape_letter(*p)) {
      ++p;
    } else {
      return stop(backslash, "Invalid \\escape");
    }
  }
}

TABSCORE_INLINE const char* json_check::word(const char* p) noexcept {
  const std::string_view rest(p, static_cast<std::size_t>(end_ - p));
  for (const std::string_view each : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
    if (rest.starts_with(each)) return p + each.size();
  }
  return number(p);
}

TABSCORE_INLINE const char* json_check::number(const char* p) noexcept {
  const char* q = p + (*p == '-');
  if (q == end_ || !is_digit(*q)) return stop(p, "Expecting value");
  const char* const digits = q++;
  if (q != end_ && !goes_on_number(*q)) return q;
  if (*digits != '0') q = skip_digits(q, end_);
  const char* const integer_end = q;
  if (end_ - q > 1 && *q == '.' && is_digit(q[1])) q = skip_digits(q + 1, end_);
  if (q != end_ && (*q == 'e' || *q == 'E')) {
    const char* e = q + 1;
    if (e != end_ && (*e == '-' || *e == '+')) ++e;
    while (e != end_ && is_digit(*e)) q = ++e;  // few, most likely
  }
  if (q == integer_end && q - digits > max_digits) return stop(p, {}, unreadable::digits);
  return q;
}

TABSCORE_INLINE syntax_error locate(std::string_view document, const json_stop& stop) noexcept {
  const std::string_view before = document.substr(0, static_cast<std::size_t>(stop.at - document.data()));
  syntax_error e{stop.message, code_points(before), 1, 1, document};
  for (const char c : before) e.line += c == '\n';
  e.column = code_points(before.substr(before.rfind('\n') + 1)) + 1;  // npos + 1 = 0
  return e;
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
#endif
