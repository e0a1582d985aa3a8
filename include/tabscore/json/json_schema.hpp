// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../schema/columns.hpp"
#include "record_json.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Annotations of a JSON Schema beside the fields' declarations.
template <schema_type Schema>
struct json_schema_options {
  std::string_view description = {};   ///< for people; empty: none
  columns<Schema> example = {};        ///< its first record, if it has one, is the example
  std::string_view more_members = {};  ///< further members of the outermost object, as JSON: "x-rules":[...]
};

namespace detail {

inline void append_keyword(text_buffer& out, std::string_view keyword, const limit& l) {
  out.append(keyword);
  char* const to = out.space(number_text_space);
  out.keep_to(l.is_real ? write_real<spelling::json>(to, l.real()) : write_integer(to, l.integer));
}
inline void append_constraint(text_buffer& out, ge c) { append_keyword(out, R"(,"minimum":)", c.value); }
inline void append_constraint(text_buffer& out, gt c) { append_keyword(out, R"(,"exclusiveMinimum":)", c.value); }
inline void append_constraint(text_buffer& out, le c) { append_keyword(out, R"(,"maximum":)", c.value); }
inline void append_constraint(text_buffer& out, lt c) { append_keyword(out, R"(,"exclusiveMaximum":)", c.value); }
inline void append_constraint(text_buffer& out, min_length c) { append_keyword(out, R"(,"minLength":)", c.value); }
inline void append_constraint(text_buffer& out, max_length c) { append_keyword(out, R"(,"maxLength":)", c.value); }

}  // namespace detail

/// Appends the JSON Schema (draft 2020-12, as in OpenAPI 3.1) of a record: the type, bounds and example of each field,
/// and which are required. Members that it does not know are allowed, as decoders ignore them. It tells the plain way
/// to write a record; a lenient policy, such as coerce::python, takes more ("45" for an integer).
template <schema_type Schema>
void append_json_schema(text_buffer& out, const json_schema_options<Schema>& options = {}) {
  static constexpr std::string_view types[] = {R"("integer")", R"("number")", R"("boolean")", R"("string")"};
  static constexpr std::string_view formats[] = {R"(,"format":"int64")", R"(,"format":"double")", "", ""};
  out.append(R"({"type":"object")");
  if (!options.description.empty()) {
    detail::append_json(out, R"(,"description":)", detail::quoted{options.description});
  }
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    constexpr auto kind = static_cast<std::size_t>(field::kind);
    detail::append_json(out, At == 0 ? R"(,"properties":{)" : ",", detail::quoted{field::name},
                        field::required ? R"(:{"type":)" : R"(:{"type":[)", types[kind],
                        field::required ? "" : R"(,"null"])", formats[kind]);
    field::for_each_constraint([&](auto c) { detail::append_constraint(out, c); });
    if (options.example.rows() != 0) {
      out.append(R"(,"examples":[)");
      append_value<field>(out, options.example.template get<At>()[0]);
      out.append("]");
    }
    out.append("}");
  });
  out.append(R"(},"required":[)");
  std::string_view comma;
  Schema::for_each([&]<std::size_t At>() {
    if (!Schema::required[At]) return;
    detail::append_json(out, std::exchange(comma, ","), detail::quoted{Schema::names[At]});
  });
  out.append("]");
  if (options.example.rows() != 0) {
    out.append(R"(,"examples":[)");
    append_record(out, options.example, 0);
    out.append("]");
  }
  if (!options.more_members.empty()) detail::append_json(out, ",", options.more_members);
  out.append("}");
}

/// The same as a std::string.
template <schema_type Schema>
std::string json_schema(const json_schema_options<Schema>& options = {}) {
  text_buffer out;
  append_json_schema(out, options);
  return std::string(out.view());
}

}  // namespace tabscore::inline TABSCORE_ABI
