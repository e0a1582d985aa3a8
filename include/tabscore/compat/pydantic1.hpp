// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../json/dialect.hpp"
#include "../json/error_context.hpp"
#include "../json/syntax.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// ["body","records",3,"field"]
void append_location(text_buffer& out, const field_error& e, const error_context& context);

}  // namespace tabscore::inline TABSCORE_ABI::detail

namespace tabscore::inline TABSCORE_ABI::dialect {

/// The answers of FastAPI with pydantic 1: {"detail":[{"loc":[...],"msg":"...","type":"...","ctx":{...}}]}, or a
/// sentence as the detail.
struct pydantic1 {
  /// How pydantic 1 names a fault.
  struct wording {
    std::string_view message;  ///< the limit, if any, comes after it
    std::string_view after;    ///< and this after the limit
    std::string_view type;     ///< its `type`
    bool has_limit = false;    ///< a bound is part of `ctx`
  };

  /// The words of a fault.
  static constexpr wording words(fault f) noexcept {
    switch (f) {
      case fault::missing:
        return {"field required", "", "value_error.missing"};
      case fault::null:
        return {"none is not an allowed value", "", "type_error.none.not_allowed"};
      case fault::not_integer:
        return {"value is not a valid integer", "", "type_error.integer"};
      case fault::not_real:
        return {"value is not a valid float", "", "type_error.float"};
      case fault::not_boolean:
        return {"value could not be parsed to a boolean", "", "type_error.bool"};
      case fault::not_text:
        return {"str type expected", "", "type_error.str"};
      case fault::not_record:
        return {"value is not a valid dict", "", "type_error.dict"};
      case fault::not_list:
        return {"value is not a valid list", "", "type_error.list"};
      case fault::ge:
        return {"ensure this value is greater than or equal to ", "", "value_error.number.not_ge", true};
      case fault::gt:
        return {"ensure this value is greater than ", "", "value_error.number.not_gt", true};
      case fault::le:
        return {"ensure this value is less than or equal to ", "", "value_error.number.not_le", true};
      case fault::lt:
        return {"ensure this value is less than ", "", "value_error.number.not_lt", true};
      case fault::min_length:
        return {"ensure this value has at least ", " characters", "value_error.any_str.min_length", true};
      case fault::max_length:
        return {"ensure this value has at most ", " characters", "value_error.any_str.max_length", true};
      case fault::min_items:
        return {"ensure this value has at least ", " items", "value_error.list.min_items", true};
      case fault::max_items:
        return {"ensure this value has at most ", " items", "value_error.list.max_items", true};
      case fault::integer_range:  // pydantic's integers have no end, ours do
        return {"ensure this value fits into a signed 64-bit integer", "", "value_error.number.not_int64"};
      case fault::not_finite:
        return {"ensure this value is a finite number", "", "value_error.number.not_finite_number"};
      case fault::reserved_name:
        return {"BaseModel.__init__() got multiple values for argument '__pydantic_self__'", "", "type_error"};
      case fault::model_needs:
        return {"value is missing and the model has no step for it", "", "value_error.missing_for_model"};
      case fault::unlisted:
        return {"value is not a category that the model knows", "", "value_error.unlisted_category"};
      case fault::not_probability:
        return {"the model gives no probability from 0 to 1", "", "value_error.not_probability"};
    }
    return {};
  }

  static constexpr std::string_view syntax_type = "value_error.jsondecode";  ///< the type of a syntax error
  /// The sentence for a body that cannot be read at all.
  static constexpr std::string_view unreadable_detail = "There was an error parsing the body";

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
  static void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context) {
    out.append(R"({"detail":[)");
    detail::append_items<pydantic1>(out, errors, context);
  }

  /// One item. It quotes the body, of a long one the beginning.
  static void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context& context);

  /// Appends the body for a broken rule.
  static void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t,
                                 const error_context& context) {
    append_detail(out, message, context);
  }

  /// Appends the body for any other error.
  static void append_detail(text_buffer& out, std::string_view text, const error_context&) {
    detail::append_json(out, R"({"detail":)", detail::quoted{text}, "}");
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::dialect

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE void append_location(text_buffer& out, const field_error& e, const error_context& context) {
  append_json(out, "[", quoted{context.place});
  if (e.row != field_error::no_row) append_json(out, ",", quoted{context.list});
  if (e.row < field_error::all_rows) append_json(out, ",", e.row);
  if (e.field != field_error::no_field) append_json(out, ",", quoted{context.names[e.field]});
  out.append("]");
}

}  // namespace tabscore::inline TABSCORE_ABI::detail

namespace tabscore::inline TABSCORE_ABI::dialect {

TABSCORE_INLINE void pydantic1::item_writer::append_error(text_buffer& out, const field_error& e) const {
  out.append(R"({"loc":)");
  detail::append_location(out, e, context_);
  const wording w = words(e.what);
  detail::append_json(out, R"(,"msg":")", w.message);
  if (w.has_limit) detail::append_limit(out, e.bound);
  detail::append_json(out, w.after, R"(","type":")", w.type, "\"");
  if (w.has_limit) {
    out.append(R"(,"ctx":{"limit_value":)");
    detail::append_limit(out, e.bound);
    out.append("}");
  }
  out.append("}");
}

TABSCORE_INLINE void pydantic1::item_writer::append_broken_rule(text_buffer& out, std::string_view message,
                                                                std::uint32_t row) const {
  out.append(R"({"loc":)");
  detail::append_location(out, {.row = row}, context_);
  detail::append_json(out, R"(,"msg":)", detail::quoted{message}, R"(,"type":"value_error.rule"})");
}

TABSCORE_INLINE void pydantic1::append_syntax_error(text_buffer& out, const syntax_error& e,
                                                    const error_context& context) {
  detail::append_json(out, R"({"detail":[{"loc":["body",)", e.position, R"(],"msg":)",
                      detail::quoted{detail::syntax_sentence(e)}, R"(,"type":")", syntax_type, R"(","ctx":{"msg":)",
                      detail::quoted{e.message}, R"(,"doc":)");
  const std::size_t begin = out.size();
  for (std::size_t size = (std::min)(e.document.size(), context.most_bytes);; size /= 2) {
    while (size > 0 && size < e.document.size() && (static_cast<unsigned char>(e.document[size]) & 0xC0U) == 0x80U) {
      --size;  // not within a character
    }
    append_json_text(out, e.document.substr(0, size));
    if (out.size() - begin <= context.most_bytes || size == 0) break;
    out.keep_to(out.view().data() + begin);
  }
  detail::append_json(out, R"(,"pos":)", e.position, R"(,"lineno":)", e.line, R"(,"colno":)", e.column, "}}]}");
}

}  // namespace tabscore::inline TABSCORE_ABI::dialect
#endif
