// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../json/coerce.hpp"
#include "../json/dialect.hpp"
#include "detail/wrong_values.hpp"
#include "pydantic1.hpp"

namespace tabscore::inline TABSCORE_ABI::dialect {

/// The answers of FastAPI with pydantic 2: {"detail":[{"type","loc","msg","input","ctx","url"}]}. Types and messages
/// are those of pydantic-core 2 in its Python mode. They depend on the wrong value, so give the context a document.
/// Without it, and for values of more than longest_input bytes, "input" is left out.
struct pydantic2 {
  static constexpr std::string_view documentation = "https://errors.pydantic.dev/2.11/v/";  ///< where `url` points to
  static constexpr std::size_t longest_input = 4096;  ///< bytes of a value that `input` shows whole

  /// How pydantic 2 names a fault.
  struct wording {
    std::string_view type;        ///< its `type`
    std::string_view message;     ///< the limit, if any, comes after it
    std::string_view limit = {};  ///< the limit's name in ctx
  };

  /// The words of a fault, which depend on the value that was given.
  static wording words(fault f, json_value input);

  /// Writes one error of a list.
  class item_writer {
   public:
    /// The context must outlive it.
    explicit item_writer(const error_context& context) : context_(context), values_(context) {}

    /// Appends an error in a field.
    void append_error(text_buffer& out, const field_error& e);
    /// In the form of an error of a validator of the record.
    void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row);

   private:
    const error_context& context_;
    detail::wrong_values values_;
  };

  /// Appends the body for errors in fields.
  static void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context) {
    out.append(R"({"detail":[)");
    detail::append_items<pydantic2>(out, errors, context);
  }

  /// Appends the body for a request that is not JSON.
  static void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context&);

  /// Appends the body for a broken rule.
  static void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                 const error_context& context) {
    out.append(R"({"detail":[)");
    item_writer(context).append_broken_rule(out, message, row);
    out.append("]}");
  }
  /// Appends the body for any other error.
  static void append_detail(text_buffer& out, std::string_view text, const error_context& context) {
    pydantic1::append_detail(out, text, context);
  }

 private:
  static void append_input(text_buffer& out, json_value input) {
    if (!input || input.is_longer_than(longest_input)) return;
    out.append(R"(,"input":)");
    detail::append_compact(out, input.raw());
  }

  static bool is_whole(json_value v, json_kind kind) {
    if (kind != json_kind::real) return kind == json_kind::integer;
    const double d = detail::real_of_token(v.raw());
    return d == std::trunc(d) && std::isfinite(d);
  }

  /// pydantic has no words for null: it is a value of the wrong type.
  static fault typed(const field_error& e, const error_context& context);

  static void append_message_limit(text_buffer& out, const field_error& e, std::size_t records);

  static void append_context(text_buffer& out, std::string_view name, const field_error& e, bool real,
                             std::size_t records);
  static void append_actual(text_buffer& out, const field_error& e, std::size_t records) {
    if (e.what == fault::max_items && records == 0) return out.append("more");
    detail::append_json(out, records);
  }

  static void append_url(text_buffer& out, std::string_view type);

  /// Without an exponent, and without a point where it is a whole number: as Rust writes a double.
  static void append_plain(text_buffer& out, double v);
};

}  // namespace tabscore::inline TABSCORE_ABI::dialect

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::dialect {

TABSCORE_INLINE pydantic2::wording pydantic2::words(fault f, json_value input) {
  const bool known = static_cast<bool>(input);
  const auto kind = known ? input.kind() : json_kind::null;
  switch (f) {
    case fault::missing:
      return {"missing", "Field required"};
    case fault::not_integer:
      if (kind == json_kind::text) {
        return {"int_parsing", "Input should be a valid integer, unable to parse string as an integer"};
      }
      if (kind != json_kind::real) return {"int_type", "Input should be a valid integer"};
      if (!std::isfinite(detail::real_of_token(input.raw()))) break;
      return {"int_from_float", "Input should be a valid integer, got a number with a fractional part"};
    case fault::not_real:
      if (kind != json_kind::text) return {"float_type", "Input should be a valid number"};
      return {"float_parsing", "Input should be a valid number, unable to parse string as a number"};
    case fault::not_boolean:
      if (kind == json_kind::text || is_whole(input, kind)) {
        return {"bool_parsing", "Input should be a valid boolean, unable to interpret input"};
      }
      return {"bool_type", "Input should be a valid boolean"};
    case fault::null:
    case fault::not_text:
      return {"string_type", "Input should be a valid string"};
    case fault::not_record:
      return {"model_attributes_type", "Input should be a valid dictionary or object to extract fields from"};
    case fault::not_list:
      return {"list_type", "Input should be a valid list"};
    case fault::ge:
      return {"greater_than_equal", "Input should be greater than or equal to ", "ge"};
    case fault::gt:
      return {"greater_than", "Input should be greater than ", "gt"};
    case fault::le:
      return {"less_than_equal", "Input should be less than or equal to ", "le"};
    case fault::lt:
      return {"less_than", "Input should be less than ", "lt"};
    case fault::min_length:
      return {"string_too_short", "String should have at least ", "min_length"};
    case fault::max_length:
      return {"string_too_long", "String should have at most ", "max_length"};
    case fault::min_items:
      return {"too_short", "List should have at least ", "min_length"};
    case fault::max_items:
      return {"too_long", "List should have at most ", "max_length"};
    case fault::integer_range:  // pydantic's integers have no end; this is what it says when a text is too long
      return {"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"};
    case fault::not_finite:
      break;
    case fault::reserved_name:
      return {"extra_forbidden", "Extra inputs are not permitted"};
    case fault::model_needs:
      return {"missing_for_model", "Input is missing and the model has no step for it"};
    case fault::unlisted:
      return {"unlisted_category", "Input should be a category that the model knows"};
    case fault::not_probability:
      return {"not_probability", "The model gives no probability from 0 to 1"};
  }
  return {"finite_number", "Input should be a finite number"};
}

TABSCORE_INLINE void pydantic2::item_writer::append_error(text_buffer& out, const field_error& e) {
  const json_value input = values_.find(e);
  const bool real = e.field < context_.kinds.size() && context_.kinds[e.field] == field_kind::real;
  const std::size_t records = e.what == fault::max_items ? values_.rows() : 0;
  const wording w = words(typed(e, context_), input);
  detail::append_json(out, R"({"type":")", w.type, R"(","loc":)");
  detail::append_location(out, e, context_);
  detail::append_json(out, R"(,"msg":")", w.message);
  if (!w.limit.empty()) append_message_limit(out, e, records);
  out.append("\"");
  append_input(out, input);
  if (!input && e.what == fault::missing && e.row == field_error::no_row && e.field == field_error::no_field) {
    out.append(R"(,"input":null)");  // an empty body
  }
  if (!w.limit.empty()) append_context(out, w.limit, e, real, records);
  append_url(out, w.type);
  out.append("}");
}

TABSCORE_INLINE void pydantic2::item_writer::append_broken_rule(text_buffer& out, std::string_view message,
                                                                std::uint32_t row) {
  const field_error record{.row = row};
  out.append(R"({"type":"value_error","loc":)");
  detail::append_location(out, record, context_);
  detail::append_json(out, R"(,"msg":)", detail::quoted{std::string("Value error, ").append(message)});
  append_input(out, values_.find(record));
  out.append(R"(,"ctx":{"error":{}})");
  append_url(out, "value_error");
  out.append("}");
}

TABSCORE_INLINE void pydantic2::append_syntax_error(text_buffer& out, const syntax_error& e, const error_context&) {
  detail::append_json(out, R"({"detail":[{"type":"json_invalid","loc":["body",)", e.position,
                      R"(],"msg":"JSON decode error","input":{},"ctx":{"error":)", detail::quoted{e.message}, "}}]}");
}

TABSCORE_INLINE fault pydantic2::typed(const field_error& e, const error_context& context) {
  if (e.what != fault::null) return e.what;
  if (e.row == field_error::all_rows) return fault::not_list;
  if (e.field == field_error::no_field) return fault::not_record;
  if (e.field >= context.kinds.size()) return fault::null;
  constexpr fault of[] = {fault::not_integer, fault::not_real, fault::not_boolean, fault::not_text};
  return of[static_cast<std::size_t>(context.kinds[e.field])];
}

TABSCORE_INLINE void pydantic2::append_message_limit(text_buffer& out, const field_error& e, std::size_t records) {
  const std::string_view plural = e.bound == limit{1} ? "" : "s";
  if (e.bound.is_real) {
    append_plain(out, e.bound.real());
  } else {
    detail::append_limit(out, e.bound);
  }
  if (e.what == fault::min_length || e.what == fault::max_length) {
    detail::append_json(out, " character", plural);
  } else if (e.what == fault::min_items || e.what == fault::max_items) {
    detail::append_json(out, " item", plural, " after validation, not ");
    append_actual(out, e, records);
  }
}

TABSCORE_INLINE void pydantic2::append_context(text_buffer& out, std::string_view name, const field_error& e, bool real,
                                               std::size_t records) {
  const bool list = e.what == fault::min_items || e.what == fault::max_items;
  detail::append_json(out, list ? R"(,"ctx":{"field_type":"List",")" : R"(,"ctx":{")", name, "\":");
  detail::append_limit(out, real ? limit{e.bound.real()} : e.bound);
  if (list) {
    out.append(R"(,"actual_length":)");
    e.what == fault::max_items&& records == 0 ? out.append("null") : append_actual(out, e, records);
  }
  out.append("}");
}

TABSCORE_INLINE void pydantic2::append_url(text_buffer& out, std::string_view type) {
  detail::append_json(out, R"(,"url":")", documentation, type, "\"");
}

TABSCORE_INLINE void pydantic2::append_plain(text_buffer& out, double v) {
  char text[number_text_space];
  std::string_view written(text, static_cast<std::size_t>(write_real(text, v) - text));  // "-1.5e-07"
  const std::size_t e = (std::min)(written.find('e'), written.size());
  int exponent = 0;
  if (e < written.size()) {
    const std::size_t digits = e + (written[e + 1] == '+' ? 2 : 1);
    std::from_chars(written.data() + digits, written.data() + written.size(), exponent);
  }
  written = written.substr(0, e);
  if (written.ends_with(".0")) written.remove_suffix(2);
  if (exponent == 0) return out.append(written);
  if (written.starts_with('-')) {
    out.append("-");
    written.remove_prefix(1);
  }
  const std::string_view first = written.substr(0, 1);
  const std::string_view rest = written.substr(std::min<std::size_t>(2, written.size()));
  const auto zeros = [&](int count) {
    for (; count > 0; --count) out.append("0");
  };
  if (exponent < 0) {
    out.append("0.");
    zeros(-exponent - 1);
    out.append(first);
    out.append(rest);
  } else {  // at least 16, so no digit stands behind the point
    out.append(first);
    out.append(rest);
    zeros(exponent - static_cast<int>(rest.size()));
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::dialect
#endif
