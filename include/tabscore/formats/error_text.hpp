// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../json/dialect.hpp"
#include "../json/encoding.hpp"
#include "../json/python_json.hpp"
#include "../schema/field_error.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// What is wrong with a record, for a person: "age: ensure this value is greater than or equal to 0; name: ...".
template <class Dialect = dialect::pydantic1>
std::string describe(std::span<const field_error> errors, std::span<const std::string_view> names) {
  std::string text;
  for (const field_error& e : errors) {
    if (!text.empty()) text.append("; ");
    if (e.field != field_error::no_field) text.append(names[e.field]).append(": ");
    const auto words = Dialect::words(e.what);
    text.append(words.message);
    if (words.has_limit)
      text.append(e.bound.is_real ? fmt::format("{}", e.bound.real()) : std::to_string(e.bound.integer));
    text.append(words.after);
  }
  return text;
}
inline std::string describe(const syntax_error& e) {
  return fmt::format("{}: line {} column {} (char {})", e.message, e.line, e.column, e.position);
}
inline std::string describe(unreadable why) {
  switch (why) {
    case unreadable::encoding:
      return "not UTF-8";
    case unreadable::depth:
      return "nested too deeply";
    case unreadable::digits:
      return "an integer of too many digits";
  }
  return {};
}

/// Why a text is not JSON in UTF-8, as Python's json module reads it; empty: it is.
inline std::string json_fault(std::string_view text) {
  if (!detail::utf8_or_surrogates(text)) return "not UTF-8";
  const auto stop = detail::python_json_check(text).run();
  if (!stop) return {};
  return stop->message.empty() ? describe(stop->why) : std::string(stop->message);
}

}  // namespace tabscore::inline TABSCORE_ABI
