// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/eigen.hpp"
#include "../core/fixed_string.hpp"
#include "../schema/columns.hpp"
#include "detail/text_column.hpp"
#include "rounded.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Formulas over columns, written as formulas: 0.6 * col<"minutes"> + max(col<"days">, 1). An expression is a small
/// value that knows no data; evaluate(columns) gives an Eigen expression of one entry per record, computed where it is
/// used, in one pass, with no temporary. It must be used before the columns end.
///
/// Meaning as in NumPy: std::int64_t stays std::int64_t under + - * max min (and is compared exactly), booleans count
/// as integers, a double makes the result a double, / is always a division of doubles. Products are rounded before
/// they are used (expr/rounded.hpp), so the bits do not depend on the compiler's flags.
///
/// Texts are compared, byte by byte: col<"country"> == "US". Every comparison with a missing value is false but !=,
/// which is true. Comparisons, `in` and `is_missing` are conditions: they combine with && || !, choose in where(), and
/// have no place in arithmetic or in another comparison.
struct expression {};

/// A formula: a column, or operators and functions of formulas.
template <class E>
concept expression_type = std::derived_from<E, expression>;

/// What may stand in a formula: an expression or a number.
template <class T>
concept operand = expression_type<T> || std::is_arithmetic_v<T>;

namespace detail {

template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<T>;

template <class T>
struct scalar_of {
  using type = typename T::Scalar;
};
template <class T>
requires is_number<T>
struct scalar_of<T> {
  using type = T;
};
template <class T>
using scalar_t = typename scalar_of<T>::type;

template <class To, class T>
auto as(const T& v) {
  if constexpr (is_text<T>) {
    static_assert(!is_text<T>, "tabscore: a text field has no place in arithmetic");
    return Eigen::Array<To, Eigen::Dynamic, 1>();
  } else if constexpr (is_number<T>) {
    return static_cast<To>(v);
  } else if constexpr (std::same_as<typename T::Scalar, To>) {
    return v;
  } else {
    return v.template cast<To>();
  }
}

// The type that two operands meet in: double if one is, else std::int64_t.
template <class A, class B>
using common_t =
    std::conditional_t<std::same_as<scalar_t<A>, double> || std::same_as<scalar_t<B>, double>, double, std::int64_t>;

// A constant as a column, where Eigen wants one.
template <class T>
auto column_of(const T& v, Eigen::Index rows) {
  if constexpr (is_number<T>) {
    return Eigen::Array<T, Eigen::Dynamic, 1>::Constant(rows, v);
  } else {
    return v;
  }
}

struct add_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    return as<t>(a) + as<t>(b);
  }
};
struct subtract_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    return as<t>(a) - as<t>(b);
  }
};
struct multiply_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    if constexpr (std::same_as<t, double>) {
      return tabscore::rounded(as<t>(a) * as<t>(b));
    } else {
      return as<t>(a) * as<t>(b);
    }
  }
};
struct divide_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return as<double>(a) / as<double>(b);
  }
};

// np.maximum and np.minimum: NaN on either side gives NaN.
template <template <class, class, int> class Extreme, class A, class B>
auto extreme(const A& a, const B& b) {
  using t = common_t<A, B>;
  constexpr int nan = std::same_as<t, double> ? Eigen::PropagateNaN : Eigen::PropagateFast;
  Eigen::Index rows = 0;
  if constexpr (is_number<A>) {
    rows = b.rows();
  } else {
    rows = a.rows();
  }
  const auto x = column_of(as<t>(a), rows);
  const auto y = column_of(as<t>(b), rows);
  return Eigen::CwiseBinaryOp<Extreme<t, t, nan>, decltype(x), decltype(y)>(x, y);
}
struct max_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return extreme<Eigen::internal::scalar_max_op>(a, b);
  }
};
struct min_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return extreme<Eigen::internal::scalar_min_op>(a, b);
  }
};

// What an operator gives that is never part of arithmetic: the condition whether each record meets something.
struct condition_op {};

struct less_op : condition_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    static_assert(!is_text<A> && !is_text<B>, "tabscore: texts have no order here; == != and in compare them");
    using t = common_t<A, B>;
    return as<t>(a) < as<t>(b);
  }
};
struct less_equal_op : condition_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    static_assert(!is_text<A> && !is_text<B>, "tabscore: texts have no order here; == != and in compare them");
    using t = common_t<A, B>;
    return as<t>(a) <= as<t>(b);
  }
};
template <bool Negated>
struct equality_op : condition_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    if constexpr (is_text<A> && is_text<B>) {
      return compare_texts(a, b, Negated);
    } else if constexpr (is_text<A> || is_text<B>) {
      static_assert(is_text<A> == is_text<B>, "tabscore: a text compares with texts only, a number with numbers");
      return Eigen::Array<bool, Eigen::Dynamic, 1>();
    } else {
      using t = common_t<A, B>;
      if constexpr (Negated) return as<t>(a) != as<t>(b);
      if constexpr (!Negated) return as<t>(a) == as<t>(b);
    }
  }
};
using equal_op = equality_op<false>;
using not_equal_op = equality_op<true>;

// The operand of a logical operator: true or false for each record.
template <class T>
auto truth(const T& v) {
  static_assert(std::same_as<scalar_t<T>, bool>,
                "tabscore: && || ! and where take conditions and required boolean fields; compare anything else "
                "with something, an optional boolean with true");
  if constexpr (std::same_as<scalar_t<T>, bool>) return v;
  if constexpr (!std::same_as<scalar_t<T>, bool>) return Eigen::Array<bool, Eigen::Dynamic, 1>();
}
struct and_op : condition_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return truth(a) && truth(b);
  }
};
struct or_op : condition_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return truth(a) || truth(b);
  }
};
struct not_op : condition_op {
  template <class A>
  static auto apply(const A& a) {
    return !truth(a);
  }
};

struct where_op {
  // Both sides are computed and one is kept without a branch: which one nobody can predict.
  struct chosen {
    double operator()(bool condition, double a, double b) const {
      const std::uint64_t ones = 0 - std::uint64_t{condition};
      return std::bit_cast<double>((std::bit_cast<std::uint64_t>(a) & ones) |
                                   (std::bit_cast<std::uint64_t>(b) & ~ones));
    }
  };
  template <class C, class A, class B>
  static auto apply(const C& condition, const A& a, const B& b) {
    using t = common_t<A, B>;
    const auto c = truth(condition);
    const auto x = column_of(as<t>(a), condition.rows());
    const auto y = column_of(as<t>(b), condition.rows());
    if constexpr (std::same_as<t, double>) {
      return Eigen::CwiseTernaryOp<chosen, decltype(c), decltype(x), decltype(y)>(c, x, y);
    } else {
      return c.select(x, y);
    }
  }
};

// Element by element through the C library: Eigen's packet versions differ from its scalar ones in the last bit, so a
// value would depend on its position in the batch.
template <double (*Function)(double)>
struct function_op {
  struct functor {
    double operator()(double v) const { return Function(v); }
  };
  template <class A>
  static auto apply(const A& a) {
    return as<double>(a).unaryExpr(functor{});
  }
};
inline double log_of(double v) { return std::log(v); }
inline double log1p_of(double v) { return std::log1p(v); }
inline double sqrt_of(double v) { return std::sqrt(v); }
inline double abs_of(double v) { return std::abs(v); }

struct missing_op : condition_op {
  template <class A>
  static auto apply(const A& a) {
    if constexpr (is_text<A>) return condition_of(a.rows(), text_missing{a});
    if constexpr (!is_text<A>) return as<double>(a).isNaN();
  }
};

template <class T>
struct constant : expression {
  constexpr explicit constant(T v) : value(v) {}
  T value;

  template <schema_type Schema>
  T evaluate(const columns<Schema>&) const {
    return value;
  }
};

template <fixed_string Name>
struct column : expression {
  template <schema_type Schema>
  auto evaluate(const columns<Schema>& records) const {
    constexpr std::size_t i = Schema::index_of(Name.view());
    static_assert(i != Schema::npos, "tabscore: the schema has no field with this name");
    if constexpr (i != Schema::npos) {
      const auto rows = static_cast<Eigen::Index>(records.rows());
      const auto* const values = records.template get<i>().data();
      using stored = typename Schema::template field<i>::stored_type;
      if constexpr (Schema::kinds[i] == field_kind::text) {
        return text_column{values, rows, !Schema::required[i]};
      } else {
        return Eigen::Map<const Eigen::Array<stored, Eigen::Dynamic, 1>>(values, rows);
      }
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
  std::tuple<Operands...> operands;

  template <schema_type Schema>
  auto evaluate(const columns<Schema>& records) const {
    static_assert(!std::same_as<Op, missing_op> || !(is_required<Operands, Schema> || ...),
                  "tabscore: a required field is never missing; is_missing() is for optional fields and formulas");
    return [&]<std::size_t... At>(std::index_sequence<At...>) {
      return Op::apply(std::get<At>(operands).evaluate(records)...);
    }
    (std::index_sequence_for<Operands...>{});
  }
};

/// Whether the operand is one of a few values.
template <expression_type Operand, class Value, std::size_t N>
struct membership : expression {
  Operand of;
  std::array<Value, N> values{};

  constexpr explicit membership(Operand o) : of(o) {}

  struct is_one {
    std::array<Value, N> values;
    template <class T>
    bool operator()(const T& v) const noexcept {
      bool found = false;
      for (const Value& each : values) found |= v == static_cast<T>(each);
      return found;
    }
  };
  struct is_one_text {
    text_column column;
    std::array<Value, N> values;
    bool operator()(Eigen::Index i) const noexcept {
      if (column.missing(i)) return false;
      for (const Value& each : values) {
        if (column.texts[i] == each) return true;
      }
      return false;
    }
  };

  template <schema_type Schema>
  auto evaluate(const columns<Schema>& records) const {
    const auto x = of.evaluate(records);
    using type = std::remove_const_t<decltype(x)>;
    if constexpr (is_text<type> && is_text<Value>) {
      return condition_of(x.rows(), is_one_text{x, values});
    } else if constexpr (is_text<type> || is_text<Value>) {
      static_assert(is_text<type> == is_text<Value>,
                    "tabscore: a text compares with texts only, a number with numbers");
      return Eigen::Array<bool, Eigen::Dynamic, 1>();
    } else {
      return as<common_t<type, Value>>(x).unaryExpr(is_one{values});
    }
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

}  // namespace detail

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
constexpr auto operator-(const A& a) { return detail::make_arithmetic<detail::subtract_op>(0, a); }

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
constexpr auto abs(const A& a) { return detail::make_arithmetic<detail::function_op<detail::abs_of>>(a); }
/// @}
// clang-format on

}  // namespace tabscore::inline TABSCORE_ABI
