// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "../../core/config.hpp"
#include "../../core/detail/eigen.hpp"
#include "../rounded.hpp"
#include "text_column.hpp"

// The operators and functions of formulas, on columns and numbers: Eigen expressions of one entry per record.
namespace tabscore::inline TABSCORE_ABI::detail {

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

}  // namespace tabscore::inline TABSCORE_ABI::detail
