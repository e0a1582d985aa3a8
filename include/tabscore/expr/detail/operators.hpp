// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "../../core/config.hpp"
#include "../../core/exact.hpp"

// The operators and functions of formulas, on the values of one record: std::int64_t, double, bool and texts.
namespace tabscore::inline TABSCORE_ABI::detail {

/// A text of a record, or a constant. A missing one equals no text, not even another missing one.
struct row_text {
  std::string_view text;
  bool missing = false;
};

template <class T>
inline constexpr bool is_text = std::same_as<T, row_text>;

template <class To, class T>
To as(const T& v) noexcept {
  static_assert(!is_text<T>, "tabscore: a text field has no place in arithmetic");
  if constexpr (!is_text<T>) return static_cast<To>(v);
  if constexpr (is_text<T>) return To{};
}

template <class T>
std::uint64_t bits_of(const T& v) noexcept {
  return static_cast<std::uint64_t>(as<std::int64_t>(v));
}

// The type that two operands meet in: double if one is, else std::int64_t.
template <class A, class B>
using common_t = std::conditional_t<std::same_as<A, double> || std::same_as<B, double>, double, std::int64_t>;

// Sums and products of std::int64_t wrap, as NumPy's.
struct add_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) noexcept {
    using t = common_t<A, B>;
    if constexpr (std::same_as<t, double>) return as<t>(a) + as<t>(b);
    if constexpr (!std::same_as<t, double>) return static_cast<t>(bits_of(a) + bits_of(b));
  }
};
struct subtract_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) noexcept {
    using t = common_t<A, B>;
    if constexpr (std::same_as<t, double>) return as<t>(a) - as<t>(b);
    if constexpr (!std::same_as<t, double>) return static_cast<t>(bits_of(a) - bits_of(b));
  }
};
struct multiply_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) noexcept {
    using t = common_t<A, B>;
    if constexpr (std::same_as<t, double>) return exact::product(as<t>(a), as<t>(b));
    if constexpr (!std::same_as<t, double>) return static_cast<t>(bits_of(a) * bits_of(b));
  }
};
struct divide_op {
  template <class A, class B>
  static double apply(const A& a, const B& b) noexcept {
    return as<double>(a) / as<double>(b);
  }
};

struct negate_op {
  template <class A>
  static auto apply(const A& a) noexcept {
    using t = common_t<A, A>;
    if constexpr (std::same_as<t, double>) return -as<t>(a);
    if constexpr (!std::same_as<t, double>) return static_cast<t>(0 - bits_of(a));
  }
};
struct abs_op {
  template <class A>
  static auto apply(const A& a) noexcept {
    using t = common_t<A, A>;
    if constexpr (std::same_as<t, double>) return std::abs(as<t>(a));
    if constexpr (!std::same_as<t, double>) return static_cast<t>(as<t>(a) < 0 ? 0 - bits_of(a) : bits_of(a));
  }
};

// np.maximum and np.minimum: NaN on either side gives NaN; of 0.0 and -0.0 the second one.
struct max_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) noexcept {
    const auto x = as<common_t<A, B>>(a), y = as<common_t<A, B>>(b);
    return x > y || x != x ? x : y;
  }
};
struct min_op {
  template <class A, class B>
  static auto apply(const A& a, const B& b) noexcept {
    const auto x = as<common_t<A, B>>(a), y = as<common_t<A, B>>(b);
    return x < y || x != x ? x : y;
  }
};

// What an operator gives that is never part of arithmetic: the condition whether each record meets something.
struct condition_op {};

struct less_op : condition_op {
  template <class A, class B>
  static bool apply(const A& a, const B& b) noexcept {
    static_assert(!is_text<A> && !is_text<B>, "tabscore: texts have no order here; == != and in compare them");
    using t = common_t<A, B>;
    return as<t>(a) < as<t>(b);
  }
};
struct less_equal_op : condition_op {
  template <class A, class B>
  static bool apply(const A& a, const B& b) noexcept {
    static_assert(!is_text<A> && !is_text<B>, "tabscore: texts have no order here; == != and in compare them");
    using t = common_t<A, B>;
    return as<t>(a) <= as<t>(b);
  }
};
struct equal_op : condition_op {
  template <class A, class B>
  static bool apply(const A& a, const B& b) noexcept {
    if constexpr (is_text<A> && is_text<B>) {
      return !a.missing && !b.missing && a.text == b.text;
    } else if constexpr (is_text<A> || is_text<B>) {
      static_assert(is_text<A> == is_text<B>, "tabscore: a text compares with texts only, a number with numbers");
      return false;
    } else {
      using t = common_t<A, B>;
      return as<t>(a) == as<t>(b);
    }
  }
};
struct not_equal_op : condition_op {
  template <class A, class B>
  static bool apply(const A& a, const B& b) noexcept {
    return !equal_op::apply(a, b);
  }
};

// The operand of a logical operator.
template <class T>
bool truth(const T& v) noexcept {
  static_assert(std::same_as<T, bool>,
                "tabscore: && || ! and where take conditions and required boolean fields; compare anything else "
                "with something, an optional boolean with true");
  if constexpr (std::same_as<T, bool>) return v;
  if constexpr (!std::same_as<T, bool>) return false;
}
struct and_op : condition_op {
  template <class A, class B>
  static bool apply(const A& a, const B& b) noexcept {
    return truth(a) && truth(b);
  }
};
struct or_op : condition_op {
  template <class A, class B>
  static bool apply(const A& a, const B& b) noexcept {
    return truth(a) || truth(b);
  }
};
struct not_op : condition_op {
  template <class A>
  static bool apply(const A& a) noexcept {
    return !truth(a);
  }
};

struct where_op {
  // Both sides are computed and one is kept without a branch: the choice is unpredictable.
  template <class C, class A, class B>
  static auto apply(const C& condition, const A& a, const B& b) noexcept {
    using t = common_t<A, B>;
    const std::uint64_t ones = 0 - std::uint64_t{truth(condition)};
    return std::bit_cast<t>((std::bit_cast<std::uint64_t>(as<t>(a)) & ones) |
                            (std::bit_cast<std::uint64_t>(as<t>(b)) & ~ones));
  }
};

// The C library's: a vector version may differ in the last bit, so that a value depended on its place in the batch.
template <double (*Function)(double)>
struct function_op {
  template <class A>
  static double apply(const A& a) noexcept {
    return Function(as<double>(a));
  }
};
inline double log_of(double v) { return std::log(v); }
inline double log1p_of(double v) { return std::log1p(v); }
inline double sqrt_of(double v) { return std::sqrt(v); }

struct missing_op : condition_op {
  template <class A>
  static bool apply(const A& a) noexcept {
    if constexpr (is_text<A>) {
      return a.missing;
    } else {
      const double v = as<double>(a);
      return v != v;
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
