// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "expr.hpp"
#include "rule.hpp"

namespace tabscore::inline TABSCORE_ABI {

// Formulas as JsonLogic (jsonlogic.com), so that clients in other languages can check rules for themselves:
// {"<=":[{"var":"passed"},{"var":"started"}]}. log, log1p, sqrt and abs are operations that JsonLogic leaves to its
// users.
namespace detail {

template <class Op>
inline constexpr std::string_view logic_name{};
template <>
inline constexpr std::string_view logic_name<add_op> = "+";
template <>
inline constexpr std::string_view logic_name<subtract_op> = "-";
template <>
inline constexpr std::string_view logic_name<negate_op> = "-";
template <>
inline constexpr std::string_view logic_name<multiply_op> = "*";
template <>
inline constexpr std::string_view logic_name<divide_op> = "/";
template <>
inline constexpr std::string_view logic_name<max_op> = "max";
template <>
inline constexpr std::string_view logic_name<min_op> = "min";
template <>
inline constexpr std::string_view logic_name<less_op> = "<";
template <>
inline constexpr std::string_view logic_name<less_equal_op> = "<=";
template <>
inline constexpr std::string_view logic_name<equal_op> = "==";
template <>
inline constexpr std::string_view logic_name<not_equal_op> = "!=";
template <>
inline constexpr std::string_view logic_name<and_op> = "and";
template <>
inline constexpr std::string_view logic_name<or_op> = "or";
template <>
inline constexpr std::string_view logic_name<not_op> = "!";
template <>
inline constexpr std::string_view logic_name<where_op> = "if";
template <>
inline constexpr std::string_view logic_name<function_op<log_of>> = "log";
template <>
inline constexpr std::string_view logic_name<function_op<log1p_of>> = "log1p";
template <>
inline constexpr std::string_view logic_name<function_op<sqrt_of>> = "sqrt";
template <>
inline constexpr std::string_view logic_name<abs_op> = "abs";

template <class T>
void append_logic(text_buffer& out, const constant<T>& c) {
  char* const to = out.space(number_text_space);
  if constexpr (std::same_as<T, double>) {
    out.keep_to(write_real<spelling::json>(to, c.value));
  } else {
    out.keep_to(write_integer(to, c.value));
  }
}
inline void append_logic(text_buffer& out, const constant<std::string_view>& c) { append_json_text(out, c.value); }
template <fixed_string Name>
void append_logic(text_buffer& out, const column<Name>&) {
  out.append(R"({"var":)");
  append_json_text(out, Name.view());
  out.append("}");
}
template <class Operand>
void append_logic(text_buffer& out, const operation<missing_op, Operand>& o) {
  out.append(R"({"==":[)");
  o.operands.apply([&](const Operand& operand) { append_logic(out, operand); });
  out.append(",null]}");
}
template <class Operand, class Value, std::size_t N>
void append_logic(text_buffer& out, const membership<Operand, Value, N>& m) {
  out.append(R"({"in":[)");
  append_logic(out, m.of);
  std::string_view before = ",[";
  for (const Value& each : m.values) {
    out.append(before);
    append_logic(out, constant<Value>(each));
    before = ",";
  }
  out.append("]]}");
}
template <class Op, class... Operands>
void append_logic(text_buffer& out, const operation<Op, Operands...>& o) {
  static_assert(!logic_name<Op>.empty(), "tabscore: this operation has no name in JsonLogic");
  out.append(R"({")");
  out.append(logic_name<Op>);
  out.append(R"(":)");
  std::string_view before = "[";
  const auto append = [&](const auto& operand) {
    out.append(before);
    append_logic(out, operand);
    before = ",";
  };
  o.operands.apply([&](const auto&... operands) { (append(operands), ...); });
  out.append("]}");
}

}  // namespace detail

/// Appends an expression as JsonLogic.
template <expression_type Expression>
void append_json_logic(text_buffer& out, const Expression& e) {
  detail::append_logic(out, e);
}

/// Appends [{"message":"...","condition":{...}},...]: the condition of each rule and its message.
template <class... Rule>
void append_json_logic(text_buffer& out, const rules<Rule...>& all) {
  out.append("[");
  all.for_each([&](std::size_t index, const auto& r) {
    out.append(index == 0 ? R"({"message":)" : R"(,{"message":)");
    append_json_text(out, r.message());
    out.append(R"(,"condition":)");
    append_json_logic(out, r.condition());
    out.append("}");
  });
  out.append("]");
}

}  // namespace tabscore::inline TABSCORE_ABI
