// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../core/fixed_string.hpp"
#include "../schema/columns.hpp"
#include "rounded.hpp"

namespace tabscore {

/// Formulas over columns, written as formulas: 0.6 * col<"minutes"> + max(col<"days">, 1). An expression is a small
/// value that knows no data; evaluate(columns) gives an Eigen expression of one entry per record, computed where it is
/// used, in one pass, with no temporary. It must be used before the columns end.
///
/// Meaning as in NumPy: std::int64_t stays std::int64_t under + - * max min (and is compared exactly), booleans count
/// as integers, a double makes the result a double, / is always a division of doubles. Products are rounded before
/// they are used (expr/rounded.hpp), so the bits do not depend on the compiler's flags.
struct expression {};

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
  if constexpr (is_number<T>) {
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
      return rounded(as<t>(a) * as<t>(b));
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

struct less_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    return as<t>(a) < as<t>(b);
  }
};
struct less_equal_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    return as<t>(a) <= as<t>(b);
  }
};
struct equal_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    return as<t>(a) == as<t>(b);
  }
};
struct not_equal_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    using t = common_t<A, B>;
    return as<t>(a) != as<t>(b);
  }
};

struct and_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return as<bool>(a) && as<bool>(b);
  }
};
struct or_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) {
    return as<bool>(a) || as<bool>(b);
  }
};
struct not_op {
  template <class A>
  static auto apply(const A& a) {
    return !as<bool>(a);
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
    const auto c = as<bool>(condition);
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

struct missing_op {
  template <class A>
  static auto apply(const A& a) {
    return as<double>(a).isNaN();
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
      static_assert(Schema::kinds[i] != field_kind::text, "tabscore: a text field has no place in arithmetic");
      using stored = typename Schema::template field<i>::stored_type;
      return Eigen::Map<const Eigen::Array<stored, Eigen::Dynamic, 1>>(records.template get<i>().data(),
                                                                       static_cast<Eigen::Index>(records.rows()));
    }
  }
};

template <class Op, expression_type... Operands>
struct operation : expression {
  constexpr explicit operation(Operands... o) : operands(o...) {}
  std::tuple<Operands...> operands;

  template <schema_type Schema>
  auto evaluate(const columns<Schema>& records) const {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Op::apply(std::get<I>(operands).evaluate(records)...);
    }
    (std::index_sequence_for<Operands...>{});
  }
};

template <operand T>
constexpr auto lift(const T& v) {
  if constexpr (expression_type<T>) {
    return v;
  } else if constexpr (std::floating_point<T>) {
    return constant<double>(static_cast<double>(v));
  } else {
    return constant<std::int64_t>(static_cast<std::int64_t>(v));
  }
}

template <class Op, operand... T>
constexpr auto make(const T&... v) {
  return operation<Op, decltype(lift(v))...>(lift(v)...);
}

template <class A, class B>
concept formula = operand<A> && operand<B> &&(expression_type<A> || expression_type<B>);

}  // namespace detail

/// The column of the field with this name. A name that the schema does not have is one error at compile time.
template <fixed_string Name>
inline constexpr detail::column<Name> col{};

// clang-format off
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator+(const A& a, const B& b) { return detail::make<detail::add_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator-(const A& a, const B& b) { return detail::make<detail::subtract_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator*(const A& a, const B& b) { return detail::make<detail::multiply_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator/(const A& a, const B& b) { return detail::make<detail::divide_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator<(const A& a, const B& b) { return detail::make<detail::less_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator<=(const A& a, const B& b) { return detail::make<detail::less_equal_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator>(const A& a, const B& b) { return detail::make<detail::less_op>(b, a); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator>=(const A& a, const B& b) { return detail::make<detail::less_equal_op>(b, a); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator==(const A& a, const B& b) { return detail::make<detail::equal_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator!=(const A& a, const B& b) { return detail::make<detail::not_equal_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator&&(const A& a, const B& b) { return detail::make<detail::and_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto operator||(const A& a, const B& b) { return detail::make<detail::or_op>(a, b); }
template <expression_type A>
constexpr auto operator!(const A& a) { return detail::make<detail::not_op>(a); }
template <expression_type A>
constexpr auto operator-(const A& a) { return detail::make<detail::subtract_op>(0, a); }

template <class A, class B> requires detail::formula<A, B>
constexpr auto max(const A& a, const B& b) { return detail::make<detail::max_op>(a, b); }
template <class A, class B> requires detail::formula<A, B>
constexpr auto min(const A& a, const B& b) { return detail::make<detail::min_op>(a, b); }

/// Element by element: condition ? a : b (np.where). Both are formulas or numbers.
template <expression_type C, operand A, operand B>
constexpr auto where(const C& condition, const A& a, const B& b) { return detail::make<detail::where_op>(condition, a, b); }

/// True where an optional field has no value (NaN).
template <expression_type A>
constexpr auto missing(const A& a) { return detail::make<detail::missing_op>(a); }
template <expression_type A>
constexpr auto log(const A& a) { return detail::make<detail::function_op<detail::log_of>>(a); }
template <expression_type A>
constexpr auto log1p(const A& a) { return detail::make<detail::function_op<detail::log1p_of>>(a); }
template <expression_type A>
constexpr auto sqrt(const A& a) { return detail::make<detail::function_op<detail::sqrt_of>>(a); }
template <expression_type A>
constexpr auto abs(const A& a) { return detail::make<detail::function_op<detail::abs_of>>(a); }
// clang-format on

}  // namespace tabscore
