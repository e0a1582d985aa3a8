// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A caller's numbers, rows x columns, in any regular order; NaN means missing. Owns nothing.
template <std::floating_point Number>
struct matrix_view {
  const Number* data = nullptr;   ///< the first number of the first row
  std::size_t rows = 0;           ///< records
  std::size_t columns = 0;        ///< numbers a record
  std::size_t row_stride = 0;     ///< elements between two rows of a column
  std::size_t column_stride = 1;  ///< elements between two columns of a row

  /// No bounds are checked.
  Number operator()(std::size_t row, std::size_t column) const noexcept {
    return data[row * row_stride + column * column_stride];
  }
  /// `count` rows from `first` on.
  matrix_view middle_rows(std::size_t first, std::size_t count) const noexcept {
    return {data + first * row_stride, count, columns, row_stride, column_stride};
  }
};

/// Records are adjacent, as in C and NumPy.
template <std::floating_point Number>
constexpr matrix_view<Number> row_major(const Number* data, std::size_t rows, std::size_t columns) noexcept {
  return {data, rows, columns, columns, 1};
}

/// Values of a column are adjacent, as in Arrow, Eigen and Fortran.
template <std::floating_point Number>
constexpr matrix_view<Number> column_major(const Number* data, std::size_t rows, std::size_t columns) noexcept {
  return {data, rows, columns, 1, rows};
}

}  // namespace tabscore::inline TABSCORE_ABI
