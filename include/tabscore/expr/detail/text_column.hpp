// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "../../core/config.hpp"
#include "../../core/detail/eigen.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The texts of a field, as formulas see them. A missing one (whose data() is null) equals no text, not even another
/// missing one.
struct text_column {
  using Scalar = std::string_view;

  const std::string_view* texts;
  Eigen::Index count;
  bool optional;  // a text of a required field is never missing

  Eigen::Index rows() const noexcept { return count; }
  bool missing(Eigen::Index i) const noexcept { return optional && texts[i].data() == nullptr; }
};

template <class T>
inline constexpr bool is_text = std::same_as<T, text_column> || std::same_as<T, std::string_view>;

/// A column of conditions, f(row) for each.
template <class F>
auto condition_of(Eigen::Index rows, const F& f) {
  return Eigen::Array<bool, Eigen::Dynamic, 1>::NullaryExpr(rows, f);
}

struct text_equals_constant {
  text_column column;
  std::string_view text;
  bool negated;
  bool operator()(Eigen::Index i) const noexcept { return (!column.missing(i) && column.texts[i] == text) != negated; }
};
struct text_equals_text {
  text_column a, b;
  bool negated;
  bool operator()(Eigen::Index i) const noexcept {
    return (!a.missing(i) && !b.missing(i) && a.texts[i] == b.texts[i]) != negated;
  }
};
struct text_missing {
  text_column column;
  bool operator()(Eigen::Index i) const noexcept { return column.missing(i); }
};

/// a == b, or its negation.
inline auto compare_texts(const text_column& a, std::string_view b, bool negated) {
  return condition_of(a.rows(), text_equals_constant{a, b, negated});
}
inline auto compare_texts(std::string_view a, const text_column& b, bool negated) {
  return compare_texts(b, a, negated);
}
inline auto compare_texts(const text_column& a, const text_column& b, bool negated) {
  return condition_of(a.rows(), text_equals_text{a, b, negated});
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
