// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../schema/field_error.hpp"
#include "dialect.hpp"
#include "syntax.hpp"
#include "write_predictions.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends the answer to a body with wrong values, as Dialect words it.
template <error_dialect Dialect = dialect::neutral>
void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context) {
  Dialect::append_errors(out, errors, context);
}
/// The same from the names of the schema's fields, and the member that holds the records.
template <error_dialect Dialect = dialect::neutral>
void append_errors(text_buffer& out, std::span<const field_error> errors, std::span<const std::string_view> names,
                   std::string_view list = "records") {
  Dialect::append_errors(out, errors, {.names = names, .list = list});
}

/// Appends the answer to a body that is not JSON.
template <error_dialect Dialect = dialect::neutral>
void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context& context = {}) {
  Dialect::append_syntax_error(out, e, context);
}

/// Appends an answer with one sentence: {"errors":[{"message":"text"}]}.
template <error_dialect Dialect = dialect::neutral>
void append_detail(text_buffer& out, std::string_view text, const error_context& context = {}) {
  Dialect::append_detail(out, text, context);
}

/// The same as a std::string.
template <error_dialect Dialect = dialect::neutral>
std::string to_json(std::span<const field_error> errors, const error_context& context) {
  text_buffer out;
  Dialect::append_errors(out, errors, context);
  return std::string(out.view());
}
/// The body for errors in fields, in the words of the dialect.
template <error_dialect Dialect = dialect::neutral>
std::string to_json(std::span<const field_error> errors, std::span<const std::string_view> names,
                    std::string_view list = "records") {
  return to_json<Dialect>(errors, {.names = names, .list = list});
}
/// The body for a request that is not JSON, in the words of the dialect.
template <error_dialect Dialect = dialect::neutral>
std::string to_json(const syntax_error& e, const error_context& context = {}) {
  text_buffer out;
  Dialect::append_syntax_error(out, e, context);
  return std::string(out.view());
}

#if defined(TABSCORE_COMPILED)
TABSCORE_INSTANCE template std::string to_json<dialect::neutral>(std::span<const field_error> errors,
                                                                 const error_context& context);
TABSCORE_INSTANCE template std::string to_json<dialect::neutral>(const syntax_error& e, const error_context& context);
#endif

}  // namespace tabscore::inline TABSCORE_ABI
