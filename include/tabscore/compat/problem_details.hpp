// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../json/dialect.hpp"

namespace tabscore::inline TABSCORE_ABI::dialect {

/// Problem details of RFC 9457 (application/problem+json): type, title, status, detail, instance, and of wrong values
/// "errors", each with a JSON pointer (a URI fragment, RFC 6901), a sentence and a code. The context's status,
/// instance, request_id and type_prefix go into them; without a prefix, and for a plain detail, the type is
/// about:blank.
struct problem_details {
  static constexpr std::string_view content_type = "application/problem+json";  ///< the media type of its bodies

  /// A kind of problem: the end of its URI, its title and its description.
  struct problem_type {
    std::string_view name;     ///< the last segment of its URI
    std::string_view title;    ///< in a few words
    std::string_view meaning;  ///< in a sentence
  };
  /// Values that do not fit the schema.
  static constexpr problem_type invalid_values{
      "invalid-values", "Values break the schema",
      "Fields are missing, of the wrong type, or outside their bounds. The member errors lists all of them."};
  /// A body that is not JSON.
  static constexpr problem_type invalid_json{
      "invalid-json", "The body is not JSON",
      "The members position, line and column say where the body stops being JSON, counted in code points."};
  /// A record that breaks a rule.
  static constexpr problem_type broken_rule{
      "broken-rule", "A rule is broken",
      "All values are valid, but together they contradict a rule. The member errors points at the first such record."};
  static constexpr std::array all_types{invalid_values, invalid_json, broken_rule};  ///< all of them, for documentation

  /// The words are those of `neutral`.
  using wording = neutral::wording;
  /// The code and the sentence of a fault.
  static constexpr wording words(fault f) noexcept { return neutral::words(f); }

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
  static void append_detail(text_buffer& out, std::string_view text, const error_context& context) {
    begin(out, {}, text, context);
    out.append("}");
  }

 private:
  static void begin(text_buffer& out, const problem_type& type, std::string_view detail_text,
                    const error_context& context);

  /// The title of about:blank, which RFC 9457 wants to be the status' phrase.
  static constexpr std::string_view status_phrase(unsigned status) noexcept {
    constexpr std::pair<unsigned, std::string_view> phrases[] = {
        {400, "Bad Request"},           {404, "Not Found"},
        {405, "Method Not Allowed"},    {406, "Not Acceptable"},
        {408, "Request Timeout"},       {413, "Content Too Large"},
        {414, "URI Too Long"},          {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},   {422, "Unprocessable Content"},
        {429, "Too Many Requests"},     {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {503, "Service Unavailable"}};
    for (const auto& [code, phrase] : phrases) {
      if (code == status) return phrase;
    }
    return {};
  }

  /// {"pointer":"#/records/3/field, or {"parameter":"name of what is not in the body
  static void append_pointer(text_buffer& out, const field_error& e, const error_context& context);
  static void append_token(text_buffer& out, std::string_view name) {
    out.append("/");
    append_escaped(out, name);
  }
  /// As a token of a JSON pointer, and then as a URI's fragment.
  static void append_escaped(text_buffer& out, std::string_view name);
};

}  // namespace tabscore::inline TABSCORE_ABI::dialect

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::dialect {

TABSCORE_INLINE void problem_details::item_writer::append_error(text_buffer& out, const field_error& e) const {
  append_pointer(out, e, context_);
  out.append(R"(","detail":")");
  neutral::append_sentence(out, e);
  detail::append_json(out, R"(","code":")", words(e.what).code, "\"");
  if (words(e.what).has_limit) {
    out.append(R"(,"limit":)");
    detail::append_limit(out, e.bound);
  }
  out.append("}");
}

TABSCORE_INLINE void problem_details::item_writer::append_broken_rule(text_buffer& out, std::string_view message,
                                                                      std::uint32_t row) const {
  append_pointer(out, {.row = row}, context_);
  detail::append_json(out, R"(","detail":)", detail::quoted{message}, R"(,"code":"rule"})");
}

TABSCORE_INLINE void problem_details::append_errors(text_buffer& out, std::span<const field_error> errors,
                                                    const error_context& context) {
  const std::size_t all = errors.size() + context.unlisted;
  const std::string count = all == 1 ? "One value is" : std::to_string(all) + " values are";
  begin(out, invalid_values, count + " not as the schema says.", context);
  out.append(R"(,"errors":[)");
  detail::append_items<problem_details>(out, errors, context);
}

TABSCORE_INLINE void problem_details::append_syntax_error(text_buffer& out, const syntax_error& e,
                                                          const error_context& context) {
  begin(out, invalid_json, detail::syntax_sentence(e), context);
  detail::append_place(out, e);
  out.append("}");
}

TABSCORE_INLINE void problem_details::append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                                         const error_context& context) {
  begin(out, broken_rule, message, context);
  out.append(R"(,"errors":[)");
  item_writer(context).append_broken_rule(out, message, row);
  out.append("]}");
}

TABSCORE_INLINE void problem_details::begin(text_buffer& out, const problem_type& type, std::string_view detail_text,
                                            const error_context& context) {
  if (type.name.empty() || context.type_prefix.empty()) {
    out.append(R"({"type":"about:blank")");
  } else {
    detail::append_json(out, R"({"type":)", detail::quoted{std::string(context.type_prefix).append(type.name)});
  }
  const std::string_view title = type.name.empty() ? status_phrase(context.status) : type.title;
  if (!title.empty()) detail::append_json(out, R"(,"title":)", detail::quoted{title});
  detail::append_json(out, R"(,"status":)", context.status, R"(,"detail":)", detail::quoted{detail_text});
  if (!context.instance.empty()) detail::append_json(out, R"(,"instance":)", detail::quoted{context.instance});
  detail::append_request_id(out, context.request_id);
}

TABSCORE_INLINE void problem_details::append_pointer(text_buffer& out, const field_error& e,
                                                     const error_context& context) {
  if (context.place != "body") {
    out.append(R"({"parameter":")");
    if (e.field != field_error::no_field) append_escaped(out, context.names[e.field]);
    return;
  }
  out.append(R"({"pointer":"#)");
  if (e.row != field_error::no_row) append_token(out, context.list);
  if (e.row < field_error::all_rows) detail::append_json(out, "/", e.row);
  if (e.field != field_error::no_field) append_token(out, context.names[e.field]);
}

TABSCORE_INLINE void problem_details::append_escaped(text_buffer& out, std::string_view name) {
  for (const char c : name) {
    constexpr std::string_view plain = "-._!$&'()*+,;=:@?";
    if (c == '~') {
      out.append("~0");
    } else if (c == '/') {
      out.append("~1");
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               plain.find(c) != std::string_view::npos) {
      out.append({&c, 1});
    } else {
      constexpr char hex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      const char escaped[] = {'%', hex[byte >> 4U], hex[byte & 15U]};
      out.append({escaped, 3});
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::dialect
#endif
