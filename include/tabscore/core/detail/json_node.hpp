// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../result.hpp"
#include "shortened.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The first text that stands twice in the list, if any.
inline std::optional<std::string_view> repeated(std::vector<std::string_view> texts) {
  std::sort(texts.begin(), texts.end());
  const auto twin = std::adjacent_find(texts.begin(), texts.end());
  if (twin == texts.end()) return std::nullopt;
  return *twin;
}

/// One reading of one file: the name that errors carry and the first error. Everything after an error is a no-op that
/// gives defaults, so a reader is written straight down and asks once, at its end.
struct json_reading {
  std::string file;
  std::optional<error> failure;
};

/// A value of an untrusted JSON document that knows its path. Lives as long as its document and its reading.
class json_node {
 public:
  json_node(simdjson::dom::element value, json_reading& reading, std::string path = {})
      : value_(value), reading_(&reading), path_(std::move(path)) {}

  bool ok() const noexcept { return !reading_->failure; }
  simdjson::dom::element element() const noexcept { return value_; }

  /// "file: path", for errors.
  std::string place() const { return fmt::format("{}: {}", reading_->file, path_.empty() ? "$" : path_); }

  /// What another reader has to say of this value.
  void fail(error of_its_reader) const {
    if (ok()) reading_->failure = std::move(of_its_reader);
  }
  void fail(errc code, std::string_view what) const {
    if (ok()) reading_->failure = {code, fmt::format("{}: {}", place(), what)};
  }
  void expected(std::string_view what) const {
    if (ok()) fail(errc::structure, fmt::format("expected {}, found {}", what, found()));
  }

  /// This must be an object with every `required` member, perhaps `optional` ones, no other, and none twice.
  void members(std::initializer_list<std::string_view> required,
               std::initializer_list<std::string_view> optional = {}) const {
    simdjson::dom::object object;
    if (!get(object, "an object")) return;
    std::vector<std::string_view> known(required);
    known.insert(known.end(), optional);
    std::vector<bool> seen(known.size());
    for (const auto field : object) {
      const auto at = static_cast<std::size_t>(std::find(known.begin(), known.end(), field.key) - known.begin());
      if (at == known.size()) {
        return child(field.value, field.key)
            .fail(errc::structure, fmt::format("unknown member; known are {}", listed(known)));
      }
      if (seen[at]) return child(field.value, field.key).fail(errc::structure, "the member appears twice");
      seen[at] = true;
    }
    for (std::size_t i = 0; i < required.size(); ++i) {
      if (!seen[i]) return child(value_, known[i]).fail(errc::structure, "the member is missing");
    }
  }

  bool has(std::string_view name) const { return ok() && value_.at_key(name).error() == simdjson::SUCCESS; }
  /// A member that members() has seen.
  json_node operator[](std::string_view name) const {
    simdjson::dom::element value = value_;
    if (ok() && value_.at_key(name).get(value) != simdjson::SUCCESS) fail(errc::structure, "a member is missing");
    return child(value, name);
  }

  /// Calls visit(name, node) for each member of an object with free names.
  template <class Visitor>
  void each_member(Visitor visit) const {
    simdjson::dom::object object;
    if (!get(object, "an object")) return;
    for (const auto field : object) {
      visit(field.key, child(field.value, field.key));
      if (!ok()) return;
    }
  }
  /// Calls visit(node) for each element of an array.
  template <class Visitor>
  void each(Visitor visit) const {
    simdjson::dom::array array;
    if (!get(array, "an array")) return;
    std::size_t i = 0;
    for (const simdjson::dom::element value : array) {
      visit(element_at(value, i++));
      if (!ok()) return;
    }
  }

  bool is_null() const { return ok() && value_.is_null(); }
  bool is_text() const { return ok() && value_.is_string(); }
  bool is_list() const { return ok() && value_.is_array(); }
  /// Always finite: JSON has no other numbers, and simdjson refuses those that overflow.
  double number() const {
    double number = 0;
    get(number, "a number");
    return number;
  }
  double number(double low, double high) const {
    const double x = number();
    if (ok() && !(low <= x && x <= high)) expected(fmt::format("a number from {} to {}", low, high));
    return x;
  }
  /// null is NaN, which JSON cannot say.
  double number_or_null() const { return is_null() ? std::numeric_limits<double>::quiet_NaN() : number(); }
  std::vector<double> numbers(std::size_t count) const {
    return each_number(count, [](const json_node& n) { return n.number(); });
  }
  std::vector<double> numbers(std::size_t count, double low, double high) const {
    return each_number(count, [=](const json_node& n) { return n.number(low, high); });
  }
  std::vector<double> numbers_or_null(std::size_t count) const {
    return each_number(count, [](const json_node& n) { return n.number_or_null(); });
  }
  std::uint64_t count() const {
    std::uint64_t count = 0;
    get(count, "a whole number from 0");
    return count;
  }
  bool boolean() const {
    bool b = false;
    get(b, "true or false");
    return b;
  }
  std::string text() const {
    std::string_view text;
    get(text, "a text");
    return std::string(text);
  }
  std::string name() const {
    std::string name = text();
    if (ok() && name.empty()) expected("a text that is not empty");
    return name;
  }

 private:
  template <class Read>
  std::vector<double> each_number(std::size_t count, Read read) const {
    std::vector<double> all;
    each([&](const json_node& element) { all.push_back(read(element)); });
    if (ok() && all.size() != count) {
      fail(errc::structure, fmt::format("expected {} numbers, found {}", count, all.size()));
    }
    return all;
  }
  template <class Value>
  bool get(Value& into, std::string_view what) const {
    if (ok() && value_.get(into) != simdjson::SUCCESS) expected(what);
    return ok();
  }
  // Not inlined: compiled once, not once a visitor.
  [[gnu::noinline]] json_node child(simdjson::dom::element value, std::string_view name) const {
    return {value, *reading_, path_.empty() ? shortened(name) : fmt::format("{}.{}", path_, shortened(name))};
  }
  [[gnu::noinline]] json_node element_at(simdjson::dom::element value, std::size_t i) const {
    return {value, *reading_, fmt::format("{}[{}]", path_, i)};
  }
  static std::string listed(const std::vector<std::string_view>& names) {
    std::string list;
    for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
    return list;
  }
  std::string found() const {
    if (value_.is_object()) return "an object";
    if (value_.is_array()) return "an array";
    return shortened(simdjson::minify(value_));
  }

  simdjson::dom::element value_;
  json_reading* reading_;
  std::string path_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
