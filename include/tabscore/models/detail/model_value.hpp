// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "../../core/config.hpp"
#include "../../core/result.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The words for what JSON cannot write (see quote_special_numbers).
inline std::optional<double> special_number(std::string_view word) noexcept {
  if (word == "N") return std::numeric_limits<double>::quiet_NaN();
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

/// A parsed JSON value of a trainer's file, where arrays are long; ubjson_value and text_value have the same members.
/// (Our own files are short and are read with json_node, which knows the path of each value.)
class model_value {
 public:
  explicit model_value(simdjson::dom::element element) : element_(element) {}

  simdjson::dom::element element() const noexcept { return element_; }
  bool is_object() const noexcept { return element_.is_object(); }
  bool is_array() const noexcept { return element_.is_array(); }
  bool is_null() const noexcept { return element_.is_null(); }
  std::optional<model_value> find(std::string_view key) const noexcept {
    simdjson::dom::element found;
    if (!element_.is_object() || element_.at_key(key).get(found) != simdjson::SUCCESS) return std::nullopt;
    return model_value(found);
  }
  std::optional<std::string_view> text() const noexcept {
    std::string_view text;
    if (element_.get(text) != simdjson::SUCCESS) return std::nullopt;
    return text;
  }
  /// A number, true or false as 1 or 0, or a special_number.
  std::optional<double> number() const noexcept {
    switch (element_.type()) {
      case simdjson::dom::element_type::DOUBLE:
        return element_.get_double().value_unsafe();
      case simdjson::dom::element_type::INT64:
        return static_cast<double>(element_.get_int64().value_unsafe());
      case simdjson::dom::element_type::UINT64:
        return static_cast<double>(element_.get_uint64().value_unsafe());
      case simdjson::dom::element_type::BOOL:
        return element_.get_bool().value_unsafe() ? 1.0 : 0.0;
      default:
        break;
    }
    const std::optional<std::string_view> word = text();
    return word ? special_number(*word) : std::nullopt;
  }
  /// Calls f(model_value) for each element; false when this is not an array or as soon as f gives false.
  template <class F>
  bool each(F f) const {
    simdjson::dom::array array;
    if (element_.get(array) != simdjson::SUCCESS) return false;
    for (const simdjson::dom::element e : array) {
      if (!f(model_value(e))) return false;
    }
    return true;
  }
  /// Calls f(double) for each element; false when this is not an array of numbers or as soon as f gives false. Most of
  /// a model is numbers, and simdjson's getters are too large to be inlined unless that is asked for.
  template <class F>
  [[gnu::flatten]] bool each_number(F f) const {
    simdjson::dom::array array;
    if (element_.get(array) != simdjson::SUCCESS) return false;
    for (const simdjson::dom::element e : array) {
      std::int64_t whole = 0;
      double real = 0;
      if (e.get(whole) == simdjson::SUCCESS) {
        real = static_cast<double>(whole);
      } else if (e.get(real) != simdjson::SUCCESS) {
        const std::optional<double> other = model_value(e).number();
        if (!other) return false;
        real = *other;
      }
      if (!f(real)) return false;
    }
    return true;
  }
  /// Elements if the array is small enough for simdjson to know; only a hint for reserve().
  std::size_t size_hint() const noexcept {
    simdjson::dom::array array;
    return element_.get(array) == simdjson::SUCCESS ? array.size() : 0;
  }

 private:
  simdjson::dom::element element_;
};

/// Writes the bare words NaN, Infinity and -Infinity, which trainers put into JSON, as strings of the same length.
inline void quote_special_numbers(std::string& text) {
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside) {
      if (c == '\\') ++i;
      if (c == '"') inside = false;
    } else if (c == '"') {
      inside = true;
    } else if (c == 'N' && text.compare(i, 3, "NaN") == 0) {
      text.replace(i, 3, "\"N\"");
      i += 2;
    } else if (c == 'I' && text.compare(i, 8, "Infinity") == 0) {
      const bool negative = i > 0 && text[i - 1] == '-';
      text.replace(negative ? i - 1 : i, negative ? 9 : 8, negative ? "\"-inf\"   " : "\"inf\"   ");
      i += 7;
    }
  }
}

/// Parses a model file's text; the parser owns what the value refers to.
inline result<model_value> parse_json(simdjson::dom::parser& parser, std::string_view text, std::string_view source) {
  if (text.empty()) return error{errc::syntax, std::string(source) + ": not valid JSON: the text is empty"};
  simdjson::dom::element root;
  auto code = parser.parse(text.data(), text.size()).get(root);
  if (code != simdjson::SUCCESS && (text.find("NaN") != text.npos || text.find("Infinity") != text.npos)) {
    std::string quoted(text);
    quote_special_numbers(quoted);
    code = parser.parse(quoted).get(root);  // the document keeps its own copy of every string
  }
  if (code != simdjson::SUCCESS) {
    return error{errc::syntax, std::string(source) + ": not valid JSON: " + simdjson::error_message(code)};
  }
  return model_value(root);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
