// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "dialect.hpp"

namespace tabscore::inline TABSCORE_ABI::dialect {

/// Problem details of RFC 9457 (application/problem+json): type, title, status, detail, instance, and of wrong values
/// "errors", each with a JSON pointer (a URI fragment, RFC 6901), a sentence and a code. The context's status, instance
/// and type_prefix go into them; without a prefix, and for a plain detail, the type is about:blank.
struct problem_details {
  static constexpr std::string_view content_type = "application/problem+json";

  /// A kind of problem: the end of its URI, its title, and what it means.
  struct problem_type {
    std::string_view name, title, meaning;
  };
  static constexpr problem_type invalid_values{
      "invalid-values", "Values break the schema",
      "Fields are missing, of the wrong type, or outside their bounds. The member errors lists all of them."};
  static constexpr problem_type invalid_json{
      "invalid-json", "The body is no JSON",
      "The members position, line and column say where the body stops being JSON, counted in code points."};
  static constexpr problem_type broken_rule{
      "broken-rule", "A rule is broken",
      "All values are valid, but together they contradict a rule. The member errors points at the first such record."};
  static constexpr std::array all_types{invalid_values, invalid_json, broken_rule};

  struct wording {
    std::string_view code;
    std::string_view message;     ///< the limit, if any, comes after it
    std::string_view after = {};  ///< and this after the limit, in the plural
    bool has_limit = false;
  };
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
  static void append_sentence(text_buffer& out, const field_error& e) {
    const wording w = words(e.what);
    out.append(w.message);
    if (w.has_limit) detail::append_limit(out, e.bound);
    if (!w.after.empty()) out.append(w.after.substr(0, w.after.size() - (e.bound == limit{1})));
  }

  class item_writer {
   public:
    explicit item_writer(const error_context& context) noexcept : context_(context) {}

    void append_error(text_buffer& out, const field_error& e) const {
      append_pointer(out, e, context_);
      out.append(R"(","detail":")");
      append_sentence(out, e);
      out.append(R"(","code":")");
      out.append(words(e.what).code);
      out.append("\"");
      if (words(e.what).has_limit) {
        out.append(R"(,"limit":)");
        detail::append_limit(out, e.bound);
      }
      out.append("}");
    }
    void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row) const {
      append_pointer(out, {.row = row}, context_);
      out.append(R"(","detail":)");
      append_json_text(out, message);
      out.append(R"(,"code":"rule"})");
    }

   private:
    const error_context& context_;
  };

  static void append_errors(text_buffer& out, std::span<const field_error> errors, const error_context& context) {
    const std::size_t all = errors.size() + context.unlisted;
    const std::string count = all == 1 ? "One value is" : std::to_string(all) + " values are";
    begin(out, invalid_values, count + " not as the schema says.", context);
    out.append(R"(,"errors":[)");
    detail::append_items<problem_details>(out, errors, context);
  }

  static void append_syntax_error(text_buffer& out, const syntax_error& e, const error_context& context) {
    begin(out, invalid_json, detail::syntax_sentence(e), context);
    out.append(R"(,"position":)");
    detail::append_integer(out, e.position);
    out.append(R"(,"line":)");
    detail::append_integer(out, e.line);
    out.append(R"(,"column":)");
    detail::append_integer(out, e.column);
    out.append("}");
  }

  static void append_broken_rule(text_buffer& out, std::string_view message, std::uint32_t row,
                                 const error_context& context) {
    begin(out, broken_rule, message, context);
    out.append(R"(,"errors":[)");
    item_writer(context).append_broken_rule(out, message, row);
    out.append("]}");
  }

  static void append_detail(text_buffer& out, std::string_view text, const error_context& context) {
    begin(out, {}, text, context);
    out.append("}");
  }

 private:
  static void begin(text_buffer& out, const problem_type& type, std::string_view detail_text,
                    const error_context& context) {
    if (type.name.empty() || context.type_prefix.empty()) {
      out.append(R"({"type":"about:blank")");
    } else {
      out.append(R"({"type":)");
      append_json_text(out, std::string(context.type_prefix).append(type.name));
    }
    const std::string_view title = type.name.empty() ? status_phrase(context.status) : type.title;
    if (!title.empty()) {
      out.append(R"(,"title":)");
      append_json_text(out, title);
    }
    out.append(R"(,"status":)");
    detail::append_integer(out, context.status);
    out.append(R"(,"detail":)");
    append_json_text(out, detail_text);
    if (!context.instance.empty()) {
      out.append(R"(,"instance":)");
      append_json_text(out, context.instance);
    }
  }

  /// The title of about:blank, which RFC 9457 wants to be the status' phrase.
  static constexpr std::string_view status_phrase(unsigned status) noexcept {
    constexpr std::pair<unsigned, std::string_view> phrases[] = {{400, "Bad Request"},
                                                                 {404, "Not Found"},
                                                                 {405, "Method Not Allowed"},
                                                                 {406, "Not Acceptable"},
                                                                 {408, "Request Timeout"},
                                                                 {413, "Content Too Large"},
                                                                 {415, "Unsupported Media Type"},
                                                                 {422, "Unprocessable Content"},
                                                                 {429, "Too Many Requests"},
                                                                 {500, "Internal Server Error"},
                                                                 {503, "Service Unavailable"}};
    for (const auto& [code, phrase] : phrases) {
      if (code == status) return phrase;
    }
    return {};
  }

  /// {"pointer":"#/records/3/field, or {"parameter":"name of what is not in the body
  static void append_pointer(text_buffer& out, const field_error& e, const error_context& context) {
    if (context.place != "body") {
      out.append(R"({"parameter":")");
      if (e.field != field_error::no_field) append_escaped(out, context.names[e.field]);
      return;
    }
    out.append(R"({"pointer":"#)");
    if (e.row != field_error::no_row) {
      append_token(out, context.list);
      if (e.row != field_error::all_rows) {
        out.append("/");
        detail::append_integer(out, e.row);
      }
    }
    if (e.field != field_error::no_field) append_token(out, context.names[e.field]);
  }
  static void append_token(text_buffer& out, std::string_view name) {
    out.append("/");
    append_escaped(out, name);
  }
  /// As a token of a JSON pointer, and then as a URI's fragment.
  static void append_escaped(text_buffer& out, std::string_view name) {
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
};

}  // namespace tabscore::inline TABSCORE_ABI::dialect
