// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "error_context.hpp"
#include "syntax.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The form and wording of errors: whole answers, from the same list of errors. dialect::neutral is one.
template <class Dialect>
concept error_dialect = requires(text_buffer& out, const error_context& context, std::span<const field_error> errors,
                                 const syntax_error& syntax, std::string_view text, std::uint32_t row) {
  Dialect::append_errors(out, errors, context);
  Dialect::append_syntax_error(out, syntax, context);
  Dialect::append_broken_rule(out, text, row, context);  // the rule's message and the first record that breaks it
  Dialect::append_detail(out, text, context);            // anything else
};

/// A dialect that also words errors one by one, as the items of a list.
template <class Dialect>
concept item_dialect = error_dialect<Dialect> &&
    std::constructible_from<typename Dialect::item_writer, const error_context&> &&
    requires(typename Dialect::item_writer items, text_buffer& out, const field_error& e, std::string_view text,
             std::uint32_t row) {
  items.append_error(out, e);
  items.append_broken_rule(out, text, row);
};

namespace detail {
/// Appends the items of a list of errors, and closes it and the object around it.
template <class Dialect>
void append_items(text_buffer& out, std::span<const field_error> errors, const error_context& context,
                  std::string_view request_id = {}) {
  typename Dialect::item_writer writer(context);
  error_items items(out, context);
  for (const field_error& e : errors) items.add([&] { writer.append_error(out, e); });
  items.close(request_id);
}
}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

namespace tabscore::inline TABSCORE_ABI::dialect {

/// The library's own answers: {"errors":[{"code","path","message"}]}. A code names a constraint (ge, min_length) or
/// another fault (missing, not_integer), a rule (rule), or a body that is not JSON (malformed, with its position, line
/// and column); the path is a JSON pointer into the body (RFC 6901). A constraint with a number adds "limit". An error
/// of the query has its parameter instead of a path; a plain sentence has neither code nor path. A member request_id
/// follows where the context has one.
struct neutral {
  /// How a fault is named.
  struct wording {
    std::string_view code;        ///< for programs
    std::string_view message;     ///< the limit, if any, comes after it
    std::string_view after = {};  ///< and this after the limit, in the plural
    bool has_limit = false;       ///< the sentence ends with the bound
  };
  static constexpr std::string_view malformed = "malformed";  ///< the code of a body that is not JSON

  /// The code and the sentence of a fault.
  static constexpr wording words(fault f) noexcept {
    switch (f) {
      case fault::missing:
        return {"missing", "is required"};
      case fault::null:
        return {"null", "must not be null"};
      case fault::not_integer:
        return {"not_integer", "must be an integer"};
      case fault::not_real:
        return {"not_real", "must be a number"};
      case fault::not_boolean:
        return {"not_boolean", "must be true or false"};
      case fault::not_text:
        return {"not_text", "must be a text"};
      case fault::not_record:
        return {"not_record", "must be an object"};
      case fault::not_list:
        return {"not_list", "must be an array"};
      case fault::ge:
        return {"ge", "must be at least ", "", true};
      case fault::gt:
        return {"gt", "must be greater than ", "", true};
      case fault::le:
        return {"le", "must be at most ", "", true};
      case fault::lt:
        return {"lt", "must be less than ", "", true};
      case fault::min_length:
        return {"min_length", "must have at least ", " characters", true};
      case fault::max_length:
        return {"max_length", "must have at most ", " characters", true};
      case fault::min_items:
        return {"min_items", "must have at least ", " records", true};
      case fault::max_items:
        return {"max_items", "must have at most ", " records", true};
      case fault::integer_range:
        return {"integer_range", "must fit into a signed 64-bit integer"};
      case fault::not_finite:
        return {"not_finite", "must be finite"};
      case fault::reserved_name:
        return {"reserved_name", "has a member with a reserved name"};
      case fault::model_needs:
        return {"missing_for_model", "is missing and the model has no step for it"};
      case fault::unlisted:
        return {"unlisted_category", "must be a category that the model knows"};
      case fault::not_probability:
        return {"not_probability", "has no probability from 0 to 1"};
    }
    return {};
  }

  /// The sentence about one error, without its place: "must be at least 0".
  static void append_sentence(text_buffer& out, const field_error& e);

  /// Writes one error of a list.
  class item_writer {
   public:
    /// The context must outlive it.
    explicit item_writer(const error_context& context) noexcept : context_(context) {}

    /// Appends an error in a field.
    void append_error(text_buffer& out, const field_error& e) const;
    /// Appends a broken rule.
    void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row) const;

   private:
    const error_context& context_;
  };

  /// Appends the body for errors in fields.
  static void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context);

  /// Appends the body for a request that is not JSON.
  static void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context& context);

  /// Appends the body for a broken rule.
  static void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                 const error_context& context);

  /// Appends the body for any other error.
  static void append_detail(text_buffer& out, std::string_view text, const error_context& context);

 private:
  static void close(text_buffer& out, const error_context& context);
  /// {"code":"ge","path":"/records/3/age","message":
  static void begin(text_buffer& out, std::string_view code, const field_error& e, const error_context& context);
  static void append_token(std::string& pointer, std::string_view name);
};

}  // namespace tabscore::inline TABSCORE_ABI::dialect

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::dialect {

TABSCORE_INLINE void neutral::append_sentence(text_buffer& out, const field_error& e) {
  const wording w = words(e.what);
  out.append(w.message);
  if (w.has_limit) detail::append_limit(out, e.bound);
  if (!w.after.empty()) out.append(w.after.substr(0, w.after.size() - (e.bound == limit{1})));
}

TABSCORE_INLINE void neutral::item_writer::append_error(text_buffer& out, const field_error& e) const {
  const wording w = words(e.what);
  begin(out, w.code, e, context_);
  out.append("\"");
  append_sentence(out, e);
  out.append("\"");
  if (w.has_limit) {
    out.append(R"(,"limit":)");
    detail::append_limit(out, e.bound);
  }
  out.append("}");
}

TABSCORE_INLINE void neutral::item_writer::append_broken_rule(text_buffer& out, std::string_view message,
                                                              std::uint32_t row) const {
  begin(out, "rule", {.row = row}, context_);
  detail::append_json(out, detail::quoted{message}, "}");
}

TABSCORE_INLINE void neutral::append_errors(text_buffer& out, std::span<const field_error> errors,
                                            const error_context& context) {
  out.append(R"({"errors":[)");
  detail::append_items<neutral>(out, errors, context, context.request_id);
}

TABSCORE_INLINE void neutral::append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                                 const error_context& context) {
  out.append(R"({"errors":[)");
  item_writer(context).append_broken_rule(out, message, row);
  close(out, context);
}

TABSCORE_INLINE void neutral::append_detail(text_buffer& out, std::string_view text, const error_context& context) {
  detail::append_json(out, R"({"errors":[{"message":)", detail::quoted{text}, "}");
  close(out, context);
}

TABSCORE_INLINE void neutral::close(text_buffer& out, const error_context& context) {
  out.append("]");
  detail::append_request_id(out, context.request_id);
  out.append("}");
}

TABSCORE_INLINE void neutral::append_syntax_error(text_buffer& out, const syntax_error& e,
                                                  const error_context& context) {
  out.append(R"({"errors":[)");
  begin(out, malformed, {}, context);
  append_json_text(out, detail::syntax_sentence(e));
  detail::append_place(out, e);
  out.append("}");
  close(out, context);
}

TABSCORE_INLINE void neutral::begin(text_buffer& out, std::string_view code, const field_error& e,
                                    const error_context& context) {
  std::string_view kind = R"(","path":)";
  std::string place;
  if (context.place != "body") {
    kind = R"(","parameter":)";
    if (e.field != field_error::no_field) place = context.names[e.field];
  } else {
    if (e.row != field_error::no_row) append_token(place, context.list);
    if (e.row < field_error::all_rows) append_token(place, std::to_string(e.row));
    if (e.field != field_error::no_field) append_token(place, context.names[e.field]);
  }
  detail::append_json(out, R"({"code":")", code, kind, detail::quoted{place}, R"(,"message":)");
}

TABSCORE_INLINE void neutral::append_token(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::dialect
#endif
