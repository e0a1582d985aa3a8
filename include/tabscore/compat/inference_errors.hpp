// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "../json/dialect.hpp"

namespace tabscore::inline TABSCORE_ABI::dialect {

/// The errors of the Open Inference Protocol: {"error":"sentence"}. The sentence names the first max_listed wrong
/// values, as elements of their tensors.
struct inference {
  static constexpr std::size_t max_listed = 20;  ///< errors that a body names; the others are counted

  /// Each item as a separate answer: {"error":"sentence"}.
  class item_writer {
   public:
    /// The context must outlive it.
    explicit item_writer(const error_context& context) noexcept : context_(context) {}

    /// Appends an error in a field.
    void append_error(text_buffer& out, const field_error& e) const {
      text_buffer text;
      append_sentence(text, e, context_);
      append_detail(out, text.view(), context_);
    }
    /// Appends a broken rule.
    void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row) const {
      inference::append_broken_rule(out, message, row, context_);
    }

   private:
    const error_context& context_;
  };

  /// Appends the body for errors in fields.
  static void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context);

  /// Appends the body for a request that is not JSON.
  static void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context& context) {
    append_detail(out, "The body is not JSON: " + detail::syntax_sentence(e), context);
  }
  /// Appends the body for a broken rule.
  static void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                 const error_context& context);
  /// Appends the body for any other error.
  static void append_detail(text_buffer& out, std::string_view text, const error_context&) {
    detail::append_json(out, R"({"error":)", detail::quoted{text}, "}");
  }

 private:
  static void append_sentence(text_buffer& text, const field_error& e, const error_context& context);
};

}  // namespace tabscore::inline TABSCORE_ABI::dialect

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::dialect {

TABSCORE_INLINE void inference::append_errors(text_buffer& out, std::span<const field_error> errors,
                                              const error_context& context) {
  text_buffer text;
  for (const field_error& e : errors.first((std::min)(errors.size(), max_listed))) {
    if (text.size() != 0) text.append("; ");
    append_sentence(text, e, context);
  }
  const std::size_t more = errors.size() - (std::min)(errors.size(), max_listed) + context.unlisted;
  if (more != 0) detail::append_json(text, "; and ", more, " more");
  append_detail(out, text.view(), context);
}

TABSCORE_INLINE void inference::append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                                   const error_context& context) {
  text_buffer text;
  if (row < field_error::all_rows) detail::append_json(text, context.list, "[", row, "]: ");
  text.append(message);
  append_detail(out, text.view(), context);
}

TABSCORE_INLINE void inference::append_sentence(text_buffer& text, const field_error& e, const error_context& context) {
  text.append(e.field == field_error::no_field ? context.list : context.names[e.field]);
  if (e.row < field_error::all_rows) detail::append_json(text, "[", e.row, "]");
  text.append(" ");
  neutral::append_sentence(text, e);
}

}  // namespace tabscore::inline TABSCORE_ABI::dialect
#endif
