// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/detail/pack.hpp"
#include "../../core/fixed_string.hpp"
#include "../../schema/columns.hpp"
#include "../expression.hpp"
#include "operators.hpp"

// The nodes of a formula: constants, columns, operators with their operands, lists of values. Each is made by a
// function that says in a sentence what does not belong there.
namespace tabscore::inline TABSCORE_ABI::detail {

template <class T>
struct constant : expression {
  constexpr explicit constant(T v) : value(v) {}
  T value;

  template <schema_type Schema>
  auto at(const columns<Schema>&, std::size_t) const noexcept {
    if constexpr (std::same_as<T, std::string_view>) return row_text{value};
    if constexpr (!std::same_as<T, std::string_view>) return value;
  }
};

template <fixed_string Name>
struct column : expression {
  template <schema_type Schema>
  auto at(const columns<Schema>& records, std::size_t row) const noexcept {
    constexpr std::size_t i = Schema::index_of(Name.view());
    static_assert(i != Schema::npos, "tabscore: the schema has no field with this name");
    if constexpr (i == Schema::npos) {
      return 0.0;
    } else if constexpr (Schema::kinds[i] == field_kind::text) {
      const std::string_view text = records.template get<i>().data()[row];
      return row_text{text, !Schema::required[i] && text.data() == nullptr};
    } else {
      return records.template get<i>().data()[row];
    }
  }
};

/// Whether an operand is a field that always has a value.
template <class Operand, class Schema>
inline constexpr bool is_required = false;
template <fixed_string Name, schema_type Schema>
requires(Schema::index_of(Name.view()) != Schema::npos) inline constexpr bool is_required<column<Name>, Schema> =
    Schema::required[Schema::index_of(Name.view())];

template <class Op, expression_type... Operands>
struct operation : expression {
  constexpr explicit operation(Operands... o) : operands(o...) {}
  pack<Operands...> operands;

  template <schema_type Schema>
  auto at(const columns<Schema>& records, std::size_t row) const noexcept {
    static_assert(!std::same_as<Op, missing_op> || !(is_required<Operands, Schema> || ...),
                  "tabscore: a required field is never missing; is_missing() is for optional fields and formulas");
    return operands.apply([&](const Operands&... each) { return Op::apply(each.at(records, row)...); });
  }
};

/// Whether the operand is one of a few values.
template <expression_type Operand, class Value, std::size_t N>
struct membership : expression {
  Operand of;
  std::array<Value, N> values{};

  constexpr explicit membership(Operand o) : of(o) {}

  template <schema_type Schema>
  bool at(const columns<Schema>& records, std::size_t row) const noexcept {
    const auto x = of.at(records, row);
    bool found = false;
    for (const Value& each : values) found |= equal_op::apply(x, constant<Value>(each).at(records, row));
    return found;
  }
};

template <class T>
inline constexpr bool is_condition = false;
template <class Op, class... Operands>
inline constexpr bool is_condition<operation<Op, Operands...>> = std::derived_from<Op, condition_op>;
template <class Operand, class Value, std::size_t N>
inline constexpr bool is_condition<membership<Operand, Value, N>> = true;

template <class T>
inline constexpr bool is_column = false;
template <fixed_string Name>
inline constexpr bool is_column<column<Name>> = true;

template <class T>
inline constexpr bool is_text_constant = !std::is_arithmetic_v<T> && std::convertible_to<const T&, std::string_view>;

template <class T>
constexpr auto lift(const T& v) {
  if constexpr (expression_type<T>) {
    return v;
  } else if constexpr (is_text_constant<T>) {
    static_assert(
        !std::same_as<T, std::string>,
        "tabscore: a formula keeps no text; give a literal, or a std::string_view of a text that outlives it");
    static_assert(!std::same_as<T, std::nullptr_t>,
                  "tabscore: nullptr is not a text; is_missing() asks whether a value is absent");
    return constant<std::string_view>(std::string_view(v));
  } else if constexpr (std::floating_point<T>) {
    return constant<double>(static_cast<double>(v));
  } else {
    static_assert(sizeof(T) < sizeof(std::int64_t) || std::is_signed_v<T>,
                  "tabscore: an unsigned constant of 64 bits may not fit an integer field; give a std::int64_t");
    return constant<std::int64_t>(static_cast<std::int64_t>(v));
  }
}

template <class Op, class... T>
constexpr auto make(const T&... v) {
  return operation<Op, decltype(lift(v))...>(lift(v)...);
}

// The operators, each with what it does not take.
template <class Op, class... T>
constexpr auto make_arithmetic(const T&... v) {
  static_assert((!is_condition<T> && ...),
                "tabscore: a condition has no place in arithmetic; where(condition, 1, 0) makes a number of it");
  static_assert((!is_text_constant<T> && ...), "tabscore: a text has no place in arithmetic");
  return make<Op>(v...);
}
template <class Op, class A, class B>
constexpr auto make_comparison(const A& a, const B& b) {
  static_assert(!is_condition<A> && !is_condition<B>,
                "tabscore: a comparison of a condition, such as 0 < x < 3, is not what it looks like; "
                "write 0 < x && x < 3");
  return make<Op>(a, b);
}
template <class Op, class... T>
constexpr auto make_logical(const T&... v) {
  static_assert(
      ((is_condition<T> || is_column<T>)&&...),
      "tabscore: && || ! and where take conditions; write x == 1 || x == 2, or in(x, {1, 2}), not x == 1 || 2");
  return make<Op>(v...);
}

template <class C, class A, class B>
constexpr auto make_choice(const C& condition, const A& a, const B& b) {
  static_assert(is_condition<C> || is_column<C>, "tabscore: where() takes a condition first, then two numbers");
  static_assert(!is_condition<A> && !is_condition<B>, "tabscore: where() chooses between numbers, not conditions");
  return make<where_op>(condition, a, b);
}
template <class A>
constexpr auto make_missing(const A& a) {
  static_assert(!is_condition<A>, "tabscore: a condition is never missing");
  return make<missing_op>(a);
}
template <class A, class T, std::size_t N>
constexpr auto make_membership(const A& a, const T (&values)[N]) {
  static_assert(!is_condition<A>, "tabscore: in() takes a field or a formula, not a condition");
  using value = decltype(lift(values[0]).value);
  membership<A, value, N> found(a);
  for (std::size_t i = 0; i < N; ++i) found.values[i] = lift(values[i]).value;
  return found;
}

/// A list whose values have different types.
struct mixed_list {
  template <class A, class B, class... More>
  constexpr mixed_list(const A&, const B&, const More&...) noexcept {}  // NOLINT(google-explicit-constructor)
};
template <class>
inline constexpr bool never = false;
template <class A>
constexpr auto compare_with_nothing(const A& a) {
  static_assert(never<A>, "tabscore: nothing equals a missing value; write is_missing(x) or !is_missing(x)");
  return make_missing(a);
}

template <class A>
concept formula_part = operand<A> || is_text_constant<A>;
template <class A, class B>
concept formula = formula_part<A> && formula_part<B> &&(expression_type<A> || expression_type<B>);

}  // namespace tabscore::inline TABSCORE_ABI::detail
