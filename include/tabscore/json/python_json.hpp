// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "../schema/field.hpp"
#include "scan.hpp"

namespace tabscore {

/// Where a body stops being JSON, in the words of Python's json module.
struct syntax_error {
  std::string_view message;   ///< static text
  std::size_t position = 0;   ///< code points before it
  std::size_t line = 1;       ///< from 1
  std::size_t column = 1;     ///< from 1, in code points
  std::string_view document;  ///< the body without byte order mark; a view into it
};

/// Why a body cannot be read although its syntax was not found wrong.
enum class unreadable : std::uint8_t { encoding, depth, digits };

namespace detail {

/// What ends a check early: a message, or with none the reason why the text is unreadable.
struct json_stop {
  const char* at;
  std::string_view message;
  unreadable why{};
};

constexpr bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Reads JSON as Python's json module does, without recursion: NaN and Infinity are numbers, lone surrogate escapes are
/// text. Arrays and objects nest to max_depth, integers have up to 4300 digits.
class python_json_check {
 public:
  static constexpr std::size_t max_depth = 966;
  static constexpr std::ptrdiff_t max_digits = 4300;

  explicit python_json_check(std::string_view text) noexcept : p_(text.data()), end_(p_ + text.size()) {}

  /// std::nullopt for a correct document.
  std::optional<json_stop> run() noexcept {
    skip_blanks();
    enum class expect { value, key, separator } next = expect::value;
    for (;;) {
      switch (next) {
        case expect::value: {
          if (p_ == end_) return json_stop{p_, "Expecting value"};
          const char c = *p_;
          if (c == '{' || c == '[') {
            if (depth_ == max_depth) return json_stop{p_, {}, unreadable::depth};
            push(c == '{');
            skip_blanks_after_one();
            if (p_ != end_ && *p_ == (c == '{' ? '}' : ']')) {
              ++p_;
              --depth_;
              next = expect::separator;
            } else {
              next = c == '{' ? expect::key : expect::value;
            }
            continue;
          }
          if (!(c == '"' ? string() : scalar())) return stop_;
          next = expect::separator;
          continue;
        }
        case expect::key:
          if (p_ == end_ || *p_ != '"') return json_stop{p_, "Expecting property name enclosed in double quotes"};
          if (!string()) return stop_;
          skip_blanks();
          if (p_ == end_ || *p_ != ':') return json_stop{p_, "Expecting ':' delimiter"};
          skip_blanks_after_one();
          next = expect::value;
          continue;
        case expect::separator:
          skip_blanks();
          if (depth_ == 0) {
            if (p_ == end_) return std::nullopt;
            return json_stop{p_, "Extra data"};
          }
          const bool object = top_is_object();
          if (p_ != end_ && *p_ == (object ? '}' : ']')) {
            ++p_;
            --depth_;
            continue;
          }
          if (p_ == end_ || *p_ != ',') return json_stop{p_, "Expecting ',' delimiter"};
          skip_blanks_after_one();
          next = object ? expect::key : expect::value;
          continue;
      }
    }
  }

 private:
  // What follows is false with the reason in stop_ when the text is wrong there.

  bool stop(const char* at, std::string_view message, unreadable why = {}) noexcept {
    stop_ = {at, message, why};
    return false;
  }

  void skip_blanks() noexcept {
    while (p_ != end_ && is_blank(*p_)) ++p_;
  }
  void skip_blanks_after_one() noexcept {
    ++p_;
    skip_blanks();
  }

  void push(bool object) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    auto& word = objects_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    ++depth_;
  }
  bool top_is_object() const noexcept { return objects_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1U; }

  bool string() noexcept {
    const char* const quote = p_++;
    for (;;) {
      while (p_ != end_ && *p_ != '"' && *p_ != '\\' && static_cast<unsigned char>(*p_) >= 0x20) ++p_;
      if (p_ == end_) return stop(quote, "Unterminated string starting at");
      if (*p_ == '"') return ++p_, true;
      if (*p_ != '\\') return stop(p_, "Invalid control character at");
      const char* const backslash = p_++;
      if (p_ == end_) return stop(quote, "Unterminated string starting at");
      if (*p_ == 'u') {
        // At least one more character must follow the four digits.
        if (end_ - p_ <= 5 || !is_hex(p_[1]) || !is_hex(p_[2]) || !is_hex(p_[3]) || !is_hex(p_[4])) {
          return stop(p_, "Invalid \\uXXXX escape");
        }
        p_ += 5;
      } else if (std::string_view("\"\\/bfnrt").find(*p_) != std::string_view::npos) {
        ++p_;
      } else {
        return stop(backslash, "Invalid \\escape");
      }
    }
  }

  bool scalar() noexcept {
    if (is_digit(*p_)) return number();
    const std::string_view rest(p_, static_cast<std::size_t>(end_ - p_));
    for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
      if (rest.starts_with(word)) return p_ += word.size(), true;
    }
    return number();
  }

  /// The longest number that begins here; the rest is for whoever reads on.
  bool number() noexcept {
    const char* q = p_ + (*p_ == '-');
    if (q == end_ || !is_digit(*q)) return stop(p_, "Expecting value");
    const char* const digits = q;
    q = *q == '0' ? q + 1 : skip_digits(q);
    const char* const integer_end = q;
    if (end_ - q > 1 && *q == '.' && is_digit(q[1])) q = skip_digits(q + 1);
    if (q != end_ && (*q == 'e' || *q == 'E')) {
      const char* e = q + 1;
      if (e != end_ && (*e == '-' || *e == '+')) ++e;
      if (e != end_ && is_digit(*e)) q = skip_digits(e);
    }
    if (q == integer_end && q - digits > max_digits) return stop(p_, {}, unreadable::digits);
    p_ = q;
    return true;
  }
  const char* skip_digits(const char* q) const noexcept {
    while (q != end_ && is_digit(*q)) ++q;
    return q;
  }

  const char* p_;
  const char* end_;
  json_stop stop_{};
  std::size_t depth_ = 0;
  std::array<std::uint64_t, (max_depth + 63) / 64> objects_{};
};

/// Positions as Python counts them, of a place in a text of well-formed UTF-8.
inline syntax_error locate(std::string_view document, const json_stop& stop) noexcept {
  const std::string_view before = document.substr(0, static_cast<std::size_t>(stop.at - document.data()));
  syntax_error e{stop.message, code_points(before), 1, 1, document};
  for (const char c : before) e.line += c == '\n';
  e.column = code_points(before.substr(before.rfind('\n') + 1)) + 1;  // npos + 1 = 0
  return e;
}

}  // namespace detail

}  // namespace tabscore
