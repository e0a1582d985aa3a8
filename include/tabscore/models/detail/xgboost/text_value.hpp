// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../core/detail/skip.hpp"
#include "../model_value.hpp"
#include "plain_number.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A JSON document as trainers write it, read in less time than simdjson's parse takes: arrays of numbers stay text
/// until they are read. What is not plain JSON of plain numbers, faults included, has no value here: simdjson reads it,
/// or says what is wrong. Refers to the text.
class text_document {
 public:
  explicit text_document(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
  text_document(const text_document&) = delete;
  text_document& operator=(const text_document&) = delete;

  /// Whether it is such a document, as far as arrays of numbers are not concerned.
  bool parse() {
    skip();
    if (!read_value(0)) return false;
    skip();
    return at_ == end_;
  }
  /// Whether the arrays that were not read are of plain numbers, too.
  bool check_rest() const {
    for (const node& n : nodes_) {
      if (n.of == kind::numbers && !n.checked && !number_list::is(n.view())) return false;
    }
    return true;
  }

 private:
  friend class text_value;
  enum class kind : std::uint8_t { object, array, numbers, text, number, null };
  /// A value, or the key of a member, whose value follows. Small: a file may have millions.
  struct node {
    union {
      const char* text = nullptr;  ///< of a text its characters, of an array of numbers what is between the brackets
      double number;               ///< a boolean is 1 or 0
    };
    std::uint32_t size = 0;  ///< of that text; of an object or another array where the nodes inside of it end
    kind of = kind::null;
    mutable bool checked = false;  ///< an array's numbers

    std::string_view view() const noexcept { return {text, size}; }
    bool holds_others() const noexcept { return of == kind::object || of == kind::array; }
  };
  static constexpr int deepest = 64;
  static constexpr std::size_t most = (std::numeric_limits<std::uint32_t>::max)() / 2;  ///< nodes, and bytes of a text

  char peek() const noexcept { return at_ < end_ ? *at_ : '\0'; }
  void skip() noexcept { at_ = skip_blanks(at_, end_); }
  bool take(char c) noexcept {
    const bool there = peek() == c;
    at_ += there ? 1 : 0;
    return there;
  }
  bool take(std::string_view word) noexcept {
    const bool there = std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word);
    at_ += there ? word.size() : 0;
    return there;
  }

  bool read_value(int depth) {
    const std::size_t index = nodes_.size();
    nodes_.emplace_back();
    if (depth > deepest || index > most) return false;
    skip();
    const bool good = peek() == '{' ? read_members(depth) : peek() == '[' ? read_array(depth) : read_scalar();
    if (nodes_[index].holds_others()) nodes_[index].size = static_cast<std::uint32_t>(nodes_.size());
    return good;
  }
  bool read_scalar() {
    node& n = nodes_.back();
    if (peek() == '"') return read_text(n);
    if (take("null")) return true;
    n.of = kind::number;
    n.number = 0;
    if (take("false")) return true;
    n.number = 1;
    if (take("true")) return true;
    plain_number number;
    const char* const last = at_ < end_ ? number.read(at_, end_) : nullptr;
    if (last == nullptr) return false;
    n.number = number.value(at_, last);
    at_ = last;
    return true;
  }
  bool read_members(int depth) {
    nodes_.back().of = kind::object;
    ++at_;
    skip();
    if (take('}')) return true;
    do {
      skip();
      if (!read_text(nodes_.emplace_back())) return false;
      skip();
      if (!take(':') || !read_value(depth + 1)) return false;
      skip();
    } while (take(','));
    return take('}');
  }
  bool read_array(int depth) {
    node& n = nodes_.back();
    n.of = kind::array;
    ++at_;
    skip();
    if (take(']')) return true;
    if (is_digit(peek()) || peek() == '-') {
      const void* const close = std::memchr(at_, ']', static_cast<std::size_t>(end_ - at_));
      if (close == nullptr) return false;
      n.of = kind::numbers;
      if (!set_text(n, {at_, static_cast<std::size_t>(static_cast<const char*>(close) - at_)})) return false;
      at_ = static_cast<const char*>(close) + 1;
      return true;
    }
    do {
      if (!read_value(depth + 1)) return false;
      skip();
    } while (take(','));
    return take(']');
  }
  static bool set_text(node& to, std::string_view text) noexcept {
    to.text = text.data();
    to.size = static_cast<std::uint32_t>(text.size());
    return text.size() <= most;
  }
  bool read_text(node& to) {
    to.of = kind::text;
    if (!take('"')) return false;
    const char* const first = at_;
    at_ = skip_plain_text(at_, end_);
    std::string_view text(first, static_cast<std::size_t>(at_ - first));
    return (peek() != '\\' || read_escapes(text)) && take('"') && simdjson::validate_utf8(text.data(), text.size()) &&
           set_text(to, text);
  }
  /// The rest of a text with escapes, but for \u.
  bool read_escapes(std::string_view& out) {
    std::string& whole = texts_.emplace_back(out);
    while (take('\\')) {
      constexpr std::string_view escapes = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
      const std::size_t known = escapes.find(peek());
      if (at_ == end_ || known == escapes.npos) return false;
      whole.push_back(meant[known]);
      const char* const first = ++at_;
      at_ = skip_plain_text(at_, end_);
      whole.append(first, at_);
    }
    out = whole;
    return true;
  }

  /// Calls f(double) for each number of an array; false where one is not plain, or as soon as f gives false.
  template <class F>
  bool each_number(const node& n, F f) const {
    const char* p = n.text;
    const char* const close = p + n.size;
    while (true) {
      if (is_digit(*p) && p[1] == ',') {  // p[1] may be the bracket
        if (!f(static_cast<double>(*p - '0'))) return false;
        p += 2;
        continue;
      }
      p = skip_blanks(p, close);
      plain_number number;
      const char* const last = number.read(p, end_);
      if (last == nullptr) return false;
      if (!f(number.value(p, last))) return false;
      p = skip_blanks(last, close);
      if (p == close) break;
      if (*p != ',') return false;
      ++p;
    }
    n.checked = true;
    return true;
  }

  const char* at_;
  const char* end_;
  std::vector<node> nodes_;
  std::deque<std::string> texts_;  // those with escapes
};

/// A value of a text_document, with the members of model_value.
class text_value {
 public:
  /// The document's own value.
  explicit text_value(const text_document& document, std::size_t at = 0) : document_(&document), at_(at) {}

  bool is_object() const noexcept { return self().of == kind::object; }
  bool is_array() const noexcept { return self().of == kind::array || self().of == kind::numbers; }
  std::optional<text_value> find(std::string_view key) const noexcept {
    if (!is_object()) return std::nullopt;
    for (std::size_t i = at_ + 1; i < self().size; i = behind(i + 1)) {
      const std::string_view mine = document_->nodes_[i].view();
      if (mine.size() == key.size() && (key.empty() || mine.front() == key.front()) && mine == key) {
        return text_value(*document_, i + 1);
      }
    }
    return std::nullopt;
  }
  std::optional<std::string_view> text() const noexcept {
    if (self().of != kind::text) return std::nullopt;
    return self().view();
  }
  std::optional<double> number() const noexcept {
    if (self().of == kind::text) return special_number(self().view());
    if (self().of != kind::number) return std::nullopt;
    return self().number;
  }
  /// As model_value, but false for an array of numbers.
  template <class F>
  bool each(F f) const {
    if (self().of != kind::array) return false;
    for (std::size_t i = at_ + 1; i < self().size; i = behind(i)) {
      if (!f(text_value(*document_, i))) return false;
    }
    return true;
  }
  template <class F>
  bool each_number(F f) const {
    if (self().of == kind::numbers) return document_->each_number(self(), f);
    return each([&](const text_value& element) {
      const auto number = element.number();
      return number && f(*number);
    });
  }
  /// No array has more elements.
  std::size_t size_hint() const noexcept { return self().holds_others() ? self().size - at_ : self().size / 2 + 1; }

 private:
  using kind = text_document::kind;
  const text_document::node& self() const noexcept { return document_->nodes_[at_]; }
  /// Where the value behind that one is.
  std::size_t behind(std::size_t at) const noexcept {
    const text_document::node& n = document_->nodes_[at];
    return n.holds_others() ? n.size : at + 1;
  }

  const text_document* document_;
  std::size_t at_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
