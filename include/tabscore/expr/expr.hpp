// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>

#include "../core/config.hpp"
#include "../core/fixed_string.hpp"
#include "detail/expression_tree.hpp"
#include "detail/operators.hpp"
#include "expression.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The column of the field with this name. A name that the schema does not have is one error at compile time.
template <fixed_string Name>
inline constexpr detail::column<Name> col{};

// clang-format off
/// a + b, element by element, with NumPy's types: integers stay integers. So are the operators below.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator+(const A& a, const B& b) { return detail::make_arithmetic<detail::add_op>(a, b); }
/// a - b.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator-(const A& a, const B& b) { return detail::make_arithmetic<detail::subtract_op>(a, b); }
/// a * b.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator*(const A& a, const B& b) { return detail::make_arithmetic<detail::multiply_op>(a, b); }
/// a / b, a division of doubles, as NumPy's.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator/(const A& a, const B& b) { return detail::make_arithmetic<detail::divide_op>(a, b); }
/// a < b; false where a value is missing.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator<(const A& a, const B& b) { return detail::make_comparison<detail::less_op>(a, b); }
/// a <= b; false where a value is missing.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator<=(const A& a, const B& b) { return detail::make_comparison<detail::less_equal_op>(a, b); }
/// a > b; false where a value is missing.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator>(const A& a, const B& b) { return detail::make_comparison<detail::less_op>(b, a); }
/// a >= b; false where a value is missing.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator>=(const A& a, const B& b) { return detail::make_comparison<detail::less_equal_op>(b, a); }
/// a == b; false where a value is missing.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator==(const A& a, const B& b) { return detail::make_comparison<detail::equal_op>(a, b); }
/// a != b; true where a value is missing.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator!=(const A& a, const B& b) { return detail::make_comparison<detail::not_equal_op>(a, b); }
/// Both conditions.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator&&(const A& a, const B& b) { return detail::make_logical<detail::and_op>(a, b); }
/// One of the conditions, or both.
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator||(const A& a, const B& b) { return detail::make_logical<detail::or_op>(a, b); }
/// The opposite of a condition.
template <expression_type A>
constexpr auto operator!(const A& a) { return detail::make_logical<detail::not_op>(a); }
/// -a.
template <expression_type A>
constexpr auto operator-(const A& a) { return detail::make_arithmetic<detail::negate_op>(a); }

/// The larger one; NaN where one is NaN (np.maximum).
template <class A, class B> requires detail::formula<A, B>
constexpr auto (max)(const A& a, const B& b) { return detail::make_arithmetic<detail::max_op>(a, b); }
/// The smaller one; NaN where one is NaN (np.minimum).
template <class A, class B> requires detail::formula<A, B>
constexpr auto (min)(const A& a, const B& b) { return detail::make_arithmetic<detail::min_op>(a, b); }

/// Element by element: condition ? a : b (np.where). Both are formulas or numbers.
template <expression_type C, operand A, operand B>
constexpr auto where(const C& condition, const A& a, const B& b) { return detail::make_choice(condition, a, b); }

/// True where an optional field has no value, or a formula gives NaN. missing() is the same.
template <expression_type A>
constexpr auto is_missing(const A& a) { return detail::make_missing(a); }
/// The same as is_missing().
template <expression_type A>
constexpr auto missing(const A& a) { return is_missing(a); }
/// True where the value is in the list: in(col<"country">, {"US", "CA"}). False for a missing value.
template <expression_type A, detail::formula_part T, std::size_t N>
constexpr auto in(const A& a, const T (&values)[N]) { return detail::make_membership(a, values); }
/// @cond  What does not compile, with a sentence.
template <expression_type A, class T>
constexpr auto in(const A& a, const T&) {
  static_assert(detail::never<T>, "tabscore: in() takes a list that is written in the formula: in(x, {1, 2})");
  return detail::make_missing(a);
}
template <expression_type A>
constexpr auto in(const A& a, const detail::mixed_list&) {
  static_assert(detail::never<A>, "tabscore: the values of in() have one type: in(x, {1.0, 2.5}), not in(x, {1, 2.5})");
  return detail::make_missing(a);
}
template <expression_type A>
constexpr auto operator==(const A& a, std::nullopt_t) { return detail::compare_with_nothing(a); }
template <expression_type A>
constexpr auto operator==(std::nullopt_t, const A& a) { return detail::compare_with_nothing(a); }
template <expression_type A>
constexpr auto operator!=(const A& a, std::nullopt_t) { return detail::compare_with_nothing(a); }
template <expression_type A>
constexpr auto operator!=(std::nullopt_t, const A& a) { return detail::compare_with_nothing(a); }
/// @endcond
/// @{
/// Element by element, as NumPy's.
template <expression_type A>
constexpr auto log(const A& a) { return detail::make_arithmetic<detail::function_op<detail::log_of>>(a); }
template <expression_type A>
constexpr auto log1p(const A& a) { return detail::make_arithmetic<detail::function_op<detail::log1p_of>>(a); }
template <expression_type A>
constexpr auto sqrt(const A& a) { return detail::make_arithmetic<detail::function_op<detail::sqrt_of>>(a); }
template <expression_type A>
constexpr auto abs(const A& a) { return detail::make_arithmetic<detail::abs_op>(a); }
/// @}
// clang-format on

}  // namespace tabscore::inline TABSCORE_ABI
