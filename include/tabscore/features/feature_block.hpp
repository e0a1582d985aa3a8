// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tabscore {

/// A run of records as a model sees it: numeric features (rows x width, column-major, before any scaling) beside the
/// text fields as they came. A view: it owns nothing and lives as long as the buffers it points into.
struct feature_block {
  std::size_t rows = 0;
  std::size_t width = 0;                          ///< numeric features
  const double* numeric = nullptr;                ///< feature j of row i is numeric[j * stride + i]
  std::size_t stride = 0;                         ///< distance of two columns, >= rows
  std::span<const std::string_view* const> text;  ///< one array of `rows` views per text field

  const double* column(std::size_t j) const noexcept { return numeric + j * stride; }
};

}  // namespace tabscore
