// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../schema/field_error.hpp"
#include "../schema/schema.hpp"
#include "encoding.hpp"
#include "json_value.hpp"
#include "python_json.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// What a dialect may need to word errors, besides the errors. All views must outlive the call.
struct error_context {
  std::span<const std::string_view> names = {};  ///< of the schema's fields
  std::string_view list = "records";             ///< the member that holds the records
  std::span<const field_kind> kinds = {};        ///< of the fields
  /// The body that the errors are of, if it is correct JSON: dialects that show wrong values find them there.
  std::string_view document = {};
  std::string_view place = "body";    ///< of the request that is wrong; or "query", whose parameters are the names
  std::size_t most_bytes = SIZE_MAX;  ///< of all errors together; the rest is only counted
  std::size_t unlisted = 0;           ///< further errors that are not among those given
  unsigned status = 422;              ///< of the answer, for dialects that repeat it
  std::string_view instance = {};     ///< what the request was for, a URI reference
  std::string_view type_prefix = {};  ///< before the names of problem types, to make URI references of them
};

/// The context of a schema's errors in a body.
template <schema_type Schema>
error_context context_of(std::string_view document = {}) {
  return {.names = Schema::names, .kinds = Schema::kinds, .document = document};
}

namespace detail {

inline void append_integer(text_buffer& out, std::uint64_t v) {
  out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
}
inline void append_limit(text_buffer& out, const limit& l) {
  char* const to = out.space(number_text_space);
  out.keep_to(l.is_real ? write_real(to, l.real()) : write_integer(to, l.integer));
}

/// The items of a list of errors, as many as there is room for.
class error_items {
 public:
  error_items(text_buffer& out, const error_context& context) noexcept
      : out_(out), begin_(out.size()), most_bytes_(context.most_bytes), unlisted_(context.unlisted) {}

  /// append() writes one item; it is taken back when there is no room, and no later one is written.
  template <class F>
  void add(F&& append) {
    if (full_) {
      ++unlisted_;
      return;
    }
    const std::size_t end = out_.size();
    if (end != begin_) out_.append(",");
    append();
    if (out_.size() - begin_ <= most_bytes_) return;
    out_.keep_to(out_.view().data() + end);
    full_ = true;
    ++unlisted_;
  }
  /// Closes the list and the object around it, with "errors_not_listed" when some are not.
  void close() {
    out_.append("]");
    if (unlisted_ != 0) {
      out_.append(R"(,"errors_not_listed":)");
      out_.keep_to(write_integer(out_.space(number_text_space), static_cast<std::int64_t>(unlisted_)));
    }
    out_.append("}");
  }

 private:
  text_buffer& out_;
  std::size_t begin_, most_bytes_, unlisted_;
  bool full_ = false;
};

/// ["body","records",3,"field"]
inline void append_location(text_buffer& out, const field_error& e, const error_context& context) {
  out.append("[");
  append_json_text(out, context.place);
  if (e.row != field_error::no_row) {
    out.append(",");
    append_json_text(out, context.list);
    if (e.row != field_error::all_rows) {
      out.append(",");
      append_integer(out, e.row);
    }
  }
  if (e.field != field_error::no_field) {
    out.append(",");
    append_json_text(out, context.names[e.field]);
  }
  out.append("]");
}

/// "Expecting value: line 1 column 2 (char 1)"
inline std::string syntax_sentence(const syntax_error& e) {
  std::string text(e.message);
  text.append(": line ").append(std::to_string(e.line)).append(" column ").append(std::to_string(e.column));
  return text.append(" (char ").append(std::to_string(e.position)).append(")");
}

/// A correct JSON value without blanks between its tokens; NaN and the infinities, which are no JSON, become null.
inline void append_compact(text_buffer& out, std::string_view raw) {
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

/// Finds the values that errors are about, in the document of a context.
class wrong_values {
 public:
  explicit wrong_values(const error_context& context) : context_(context) {
    const std::string_view text = without_mark(context.document);
    const std::size_t first = text.find_first_not_of(" \n\r\t");
    if (first != std::string_view::npos) root_ = {text.data() + first, text.data() + text.size()};
  }

  /// The wrong value; of something missing what it is missing from. Nothing when the document does not say.
  json_value find(const field_error& e) {
    if (!root_) return {};
    if (e.row == field_error::all_rows) {
      const json_value records = list();
      return records ? records : root_;
    }
    if (!move_to(e.row)) return {};
    return e.field == field_error::no_field || e.what == fault::missing ? record_ : member(e.field);
  }

  std::size_t rows() {
    std::size_t count = 0;
    for (json_value v = first_record(); v; v = v.next_element()) ++count;
    return count;
  }

 private:
  /// The last member that is called like the list.
  json_value list() {
    if (list_ || !root_ || root_.kind() != json_kind::object) return list_;
    root_.for_each_member([&](std::string_view raw_key, json_value v) {
      if (unescaped(raw_key, key_) == context_.list) list_ = v;
    });
    return list_;
  }
  json_value first_record() {
    const json_value records = list();
    return records && records.kind() == json_kind::array ? records.first_element() : json_value();
  }
  /// To a record of the list, or to the body; errors come in the order of the records.
  bool move_to(std::uint32_t row) {
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
  /// The record's last member of this field's name.
  json_value member(std::size_t field) {
    if (found_.empty()) {
      found_.resize(context_.names.size());
      if (record_.kind() != json_kind::object) return {};
      record_.for_each_member([&](std::string_view raw_key, json_value v) {
        const std::string_view key = unescaped(raw_key, key_);
        for (std::size_t i = 0; i < found_.size(); ++i) {
          if (key == context_.names[i]) found_[i] = v;
        }
      });
    }
    return found_[field];
  }

  const error_context& context_;
  json_value root_;
  json_value list_;
  json_value record_;              // where the last error was
  std::uint32_t row_ = 0;          // of that record
  std::vector<json_value> found_;  // its values, when one was asked for
  std::string key_;
};

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
