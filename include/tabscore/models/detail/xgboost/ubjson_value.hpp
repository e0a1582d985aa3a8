// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A value of a UBJSON document (draft 12, big-endian), with the members of model_value. Refers to the parsed bytes.
class ubjson_value {
 public:
  bool is_object() const noexcept { return kind_ == '{'; }
  bool is_array() const noexcept { return kind_ == '['; }
  std::optional<ubjson_value> find(std::string_view key) const {
    if (kind_ != '{') return std::nullopt;
    for (const auto& [name, value] : *members_) {
      if (name == key) return value;
    }
    return std::nullopt;
  }
  std::optional<std::string_view> text() const noexcept {
    if (kind_ != 'S') return std::nullopt;
    return text_;
  }
  std::optional<double> number() const noexcept {
    if (kind_ != 'd') return std::nullopt;
    return number_;
  }
  template <class F>
  bool each(F f) const {
    if (kind_ != '[') return false;
    if (members_ != nullptr) {
      for (const auto& member : *members_) {
        if (!f(member.second)) return false;
      }
      return true;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      ubjson_value element;
      element.kind_ = 'd';
      element.number_ = scalar(type_, text_.data() + i * width(type_));
      if (!f(element)) return false;
    }
    return true;
  }
  template <class F>
  bool each_number(F f) const {
    if (kind_ != '[') return false;
    if (members_ != nullptr) {
      return each([&](const ubjson_value& element) { return element.kind_ == 'd' && f(element.number_); });
    }
    const std::size_t step = width(type_);
    for (std::size_t i = 0; i < count_; ++i) {
      if (!f(scalar(type_, text_.data() + i * step))) return false;
    }
    return true;
  }
  std::size_t size_hint() const noexcept { return kind_ == '[' ? members_ != nullptr ? members_->size() : count_ : 0; }

 private:
  friend class ubjson_parser;
  using members = std::vector<std::pair<std::string_view, ubjson_value>>;

  static constexpr std::size_t width(char type) noexcept {
    switch (type) {
      case 'i':
      case 'U':
        return 1;
      case 'I':
        return 2;
      case 'l':
      case 'd':
        return 4;
      case 'L':
      case 'D':
        return 8;
      default:
        return 0;
    }
  }
  template <class Unsigned>
  static Unsigned big_endian(const char* at) noexcept {
    Unsigned value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
      value = static_cast<Unsigned>((value << 8) | static_cast<unsigned char>(at[i]));
    }
    return value;
  }
  static double scalar(char type, const char* at) noexcept {
    switch (type) {
      case 'i':
        return static_cast<std::int8_t>(*at);
      case 'U':
        return static_cast<unsigned char>(*at);
      case 'I':
        return static_cast<std::int16_t>(big_endian<std::uint16_t>(at));
      case 'l':
        return static_cast<std::int32_t>(big_endian<std::uint32_t>(at));
      case 'L':
        return static_cast<double>(static_cast<std::int64_t>(big_endian<std::uint64_t>(at)));
      case 'd':
        return static_cast<double>(std::bit_cast<float>(big_endian<std::uint32_t>(at)));
      default:
        return std::bit_cast<double>(big_endian<std::uint64_t>(at));
    }
  }

  char kind_ = 'Z';  ///< '{', '[', 'S', 'd' (any number or boolean) or 'Z' (null)
  char type_ = 0;    ///< element type of an array of fixed-size numbers, which stays in the bytes
  double number_ = 0;
  std::size_t count_ = 0;
  std::string_view text_;
  std::shared_ptr<const members> members_;
};

/// Reads one document from bytes it does not own. Every length is checked against the bytes that are left before it is
/// used, and nesting is bounded, so that a hostile file costs no more than its size.
class ubjson_parser {
 public:
  explicit ubjson_parser(std::string_view bytes) : bytes_(bytes) {}

  result<ubjson_value> parse(std::string_view source) {
    ubjson_value root;
    if (read_value(root, 0) && at_ != bytes_.size()) fail("bytes follow the end of the document");
    if (wrong_ != nullptr) {
      return error{errc::syntax,
                   std::string(source) + ": not valid UBJSON: " + wrong_ + " at byte " + std::to_string(at_)};
    }
    return root;
  }

 private:
  static constexpr int deepest = 64;

  bool fail(const char* sentence) {
    if (wrong_ == nullptr) wrong_ = sentence;
    return false;
  }
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  bool read_byte(char& c) {
    if (left() == 0) return fail("the file ends too early");
    c = bytes_[at_++];
    return true;
  }
  bool next_is(char c) {
    if (left() == 0 || bytes_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool read_scalar(char type, double& out) {
    const std::size_t width = ubjson_value::width(type);
    if (width == 0) return fail("an unknown type");
    if (left() < width) return fail("the file ends inside a number");
    out = ubjson_value::scalar(type, bytes_.data() + at_);
    at_ += width;
    return true;
  }
  bool read_length(std::size_t& out) {
    char type = 0;
    double length = 0;
    if (!read_byte(type)) return false;
    if (type == 'd' || type == 'D') return fail("a length is not an integer");
    if (!read_scalar(type, length)) return false;
    if (!(length >= 0 && length <= static_cast<double>(bytes_.size())))
      return fail("a length is negative or too large");
    out = static_cast<std::size_t>(length);
    return true;
  }
  bool read_text(std::string_view& out) {
    std::size_t length = 0;
    if (!read_length(length)) return false;
    if (length > left()) return fail("a text is longer than the file");
    out = bytes_.substr(at_, length);
    at_ += length;
    return true;
  }
  bool read_value(ubjson_value& out, int depth) {
    char type = 0;
    return read_byte(type) && read_typed(type, out, depth);
  }
  bool read_typed(char type, ubjson_value& out, int depth) {
    if (depth > deepest) return fail("values are nested too deeply");
    switch (type) {
      case 'Z':
        return true;
      case 'T':
      case 'F':
        out.kind_ = 'd';
        out.number_ = type == 'T' ? 1 : 0;
        return true;
      case 'S':
        out.kind_ = 'S';
        return read_text(out.text_);
      case 'C':
        if (left() == 0) return fail("the file ends inside a character");
        out.kind_ = 'S';
        out.text_ = bytes_.substr(at_++, 1);
        return true;
      case '[':
      case '{':
        return read_container(type, out, depth);
      default:
        out.kind_ = 'd';
        return read_scalar(type, out.number_);
    }
  }
  bool read_container(char kind, ubjson_value& out, int depth) {
    out.kind_ = kind;
    char type = 0;
    std::size_t count = 0;
    const bool typed = next_is('$');
    if (typed && !read_byte(type)) return false;
    const bool counted = next_is('#');
    if (counted && !read_length(count)) return false;
    if (typed && !counted) return fail("a typed container has no count");
    if (const std::size_t width = ubjson_value::width(type); kind == '[' && typed && width != 0) {
      if (count > left() / width) return fail("an array is longer than the file");
      out.type_ = type;
      out.count_ = count;
      out.text_ = bytes_.substr(at_, count * width);
      at_ += count * width;
      return true;
    }
    if (counted && count > left())
      return fail("a container is longer than the file");  // an element takes a byte or more
    if (typed && ubjson_value::width(type) == 0 && type != 'S' && type != '[' && type != '{') {
      return fail("a container of a type without bytes");
    }
    auto members = std::make_shared<ubjson_value::members>();
    const char end = kind == '[' ? ']' : '}';
    for (std::size_t i = 0; counted ? i < count : !next_is(end); ++i) {
      auto& [name, value] = members->emplace_back();
      if (kind == '{' && !read_text(name)) return false;
      if (typed ? !read_typed(type, value, depth + 1) : !read_value(value, depth + 1)) return false;
    }
    out.members_ = std::move(members);
    return true;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  const char* wrong_ = nullptr;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
