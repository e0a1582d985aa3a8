// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/skip.hpp"
#include "../../core/json_text.hpp"
#include "../../core/text_buffer.hpp"
#include "../../json/encoding.hpp"
#include "../../json/error_context.hpp"
#include "../../json/json_value.hpp"
#include "../../json/name_index.hpp"
#include "../../schema/field_error.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A correct JSON value without blanks between its tokens; NaN and the infinities, which are no JSON, become null.
void append_compact(text_buffer& out, std::string_view raw);

/// Finds the values that errors are about, in the document of a context.
class wrong_values {
 public:
  explicit wrong_values(const error_context& context) : context_(context) {
    const std::string_view text = without_mark(context.document);
    const char* const end = text.data() + text.size();
    const char* const first = skip_blanks(text.data(), end);
    if (first != end) root_ = {first, end};
  }

  /// The wrong value, or the object that lacks a missing one; nothing when the document has neither.
  json_value find(const field_error& e);

  std::size_t rows() {
    std::size_t count = 0;
    for (json_value v = first_record(); v; v = v.next_element()) ++count;
    return count;
  }

 private:
  /// The last member that is called like the list.
  json_value list();
  json_value first_record() {
    const json_value records = list();
    return records && records.kind() == json_kind::array ? records.first_element() : json_value();
  }
  /// To a record of the list, or to the body; errors come in the order of the records.
  bool move_to(std::uint32_t row);
  /// The record's last member of this field's name.
  json_value member(std::size_t field);

  const error_context& context_;
  json_value root_;
  json_value list_;
  json_value record_;              // where the last error was
  std::uint32_t row_ = 0;          // of that record
  name_index names_;               // of the fields, and
  std::vector<json_value> found_;  // its values, when one was asked for
  std::string key_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE void append_compact(text_buffer& out, std::string_view raw) {
  std::string spare;
  const char* p = raw.data();
  const char* const end = p + raw.size();
  while (p != end) {
    const char* token = p;
    if (*p == '"') {
      for (++p; *p != '"'; ++p) p += *p == '\\';
      ++p;
      append_json_text(out, unescaped(json_value(token, end).raw_text(), spare));
    } else if (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') {
      ++p;
    } else if (*p == '{' || *p == '}' || *p == '[' || *p == ']' || *p == ',' || *p == ':') {
      out.append({p++, 1});
    } else {
      const std::string_view word = json_value(token, end).raw();
      p += word.size();
      out.append(word == "NaN" || word.ends_with("Infinity") ? "null" : word);
    }
  }
}

TABSCORE_INLINE json_value wrong_values::find(const field_error& e) {
  if (!root_) return {};
  if (e.row == field_error::all_rows) {
    const json_value records = list();
    return records ? records : root_;
  }
  if (!move_to(e.row)) return {};
  return e.field == field_error::no_field || e.what == fault::missing ? record_ : member(e.field);
}

TABSCORE_INLINE json_value wrong_values::list() {
  if (list_ || !root_ || root_.kind() != json_kind::object) return list_;
  const std::string_view document = context_.document;
  const char* const brace = document.data() + document.rfind('}');
  root_.for_each_member([&](std::string_view raw_key, json_value v) -> const char* {
    if (unescaped(raw_key, key_) != context_.list) return nullptr;
    const bool first = !list_;
    list_ = v;
    if (!first) return nullptr;
    // Where neither the name nor an escape follows, no other member has the name: the list is not walked.
    const std::string_view rest(v.begin(), static_cast<std::size_t>(brace - v.begin()));
    return rest.find('\\') == rest.npos && rest.find(context_.list) == rest.npos ? brace : nullptr;
  });
  return list_;
}

TABSCORE_INLINE bool wrong_values::move_to(std::uint32_t row) {
  if (record_ && row == row_) return true;
  found_.clear();
  if (row == field_error::no_row) {
    record_ = root_;
  } else if (!record_ || row < row_ || row_ == field_error::no_row) {
    record_ = first_record();
    row_ = 0;
  }
  for (; row != field_error::no_row && record_ && row_ < row; ++row_) record_ = record_.next_element();
  row_ = row;
  return static_cast<bool>(record_);
}

TABSCORE_INLINE json_value wrong_values::member(std::size_t field) {
  if (found_.empty()) {
    if (names_.size() == 0) names_.fill({context_.names.begin(), context_.names.end()});
    found_.resize(names_.size());
    if (record_.kind() != json_kind::object) return {};
    std::size_t next = 0;
    record_.for_each_member([&](std::string_view raw_key, json_value v) {
      const std::size_t i = names_.find(unescaped(raw_key, key_), next);
      if (i == names_.size()) return;
      next = i + 1;
      found_[i] = v;
    });
  }
  return found_[field];
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
