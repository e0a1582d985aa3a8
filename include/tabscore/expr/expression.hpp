// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Formulas over columns, written as formulas: 0.6 * col<"minutes"> + max(col<"days">, 1). An expression is a small
/// value that knows no data; at(columns, row) gives the value of a record, features/as_array.hpp those of all records.
///
/// Meaning as in NumPy: std::int64_t stays std::int64_t under + - * abs max min (it wraps, and is compared exactly),
/// booleans count as integers, a double makes the result a double, / is always a division of doubles. Products are
/// rounded before they are used (core/exact.hpp), so the bits do not depend on the compiler's flags.
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

}  // namespace tabscore::inline TABSCORE_ABI
