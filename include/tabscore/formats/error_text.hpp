// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../json/dialect.hpp"
#include "../json/encoding.hpp"
#include "../json/syntax.hpp"
#include "../schema/field_error.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The errors of a record as one sentence: "age: must be at least 0; name: is required".
std::string describe(std::span<const field_error> errors, std::span<const std::string_view> names);
/// Appends it.
void describe(text_buffer& out, std::span<const field_error> errors, std::span<const std::string_view> names);
/// The sentence for broken JSON.
inline std::string describe(const syntax_error& e) { return detail::syntax_sentence(e); }
/// The sentence for bytes that cannot be read at all.
std::string describe(unreadable why);

/// The reason why a text is not JSON in UTF-8; empty for one that is.
std::string json_fault(std::string_view text);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void describe(text_buffer& out, std::span<const field_error> errors,
                              std::span<const std::string_view> names) {
  std::string_view before;
  for (const field_error& e : errors) {
    out.append(before);
    before = "; ";
    if (e.field != field_error::no_field) {
      out.append(names[e.field]);
      out.append(": ");
    }
    dialect::neutral::append_sentence(out, e);
  }
}

TABSCORE_INLINE std::string describe(std::span<const field_error> errors, std::span<const std::string_view> names) {
  text_buffer text;
  describe(text, errors, names);
  return std::string(text.view());
}

TABSCORE_INLINE std::string describe(unreadable why) {
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

TABSCORE_INLINE std::string json_fault(std::string_view text) {
  if (!detail::utf8_or_surrogates(text)) return "not UTF-8";
  const auto stop = detail::json_check(text).run();
  if (!stop) return {};
  return stop->message.empty() ? describe(stop->why) : std::string(stop->message);
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
