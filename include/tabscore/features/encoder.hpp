// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../core/config.hpp"
#include "feature_block.hpp"
#include "one_hot.hpp"

namespace tabscore {

/// What a scaler learnt about one numeric feature; the model sees (x - mean) / scale.
struct standardize {
  double mean = 0;
  double scale = 1;

  double operator()(double x) const noexcept { return (x - mean) / scale; }
};

/// Turns a feature block into what a model was trained on: standardised numeric features, then one indicator column per
/// category of each text field (all zero for an unknown text). Immutable, so that threads share one.
struct encoder {
  std::vector<standardize> numeric;
  std::vector<one_hot> text;

  /// Encoded columns.
  std::size_t width() const noexcept {
    std::size_t columns = numeric.size();
    for (const one_hot& field : text) columns += field.size();
    return columns;
  }

  bool fits(const feature_block& x) const noexcept { return x.width == numeric.size() && x.text.size() == text.size(); }

  /// Writes rows [first, first + rows) to `out`, rows x width(), row after row, in double or rounded to float as
  /// trainers of trees do.
  template <std::floating_point Real>
  void encode(const feature_block& x, std::size_t first, std::size_t rows, Real* out) const noexcept {
    TABSCORE_ASSERT(fits(x), "the block has other features than the encoder");
    TABSCORE_ASSERT(first <= x.rows && rows <= x.rows - first, "rows outside the block");
    const std::size_t columns = width();
    std::fill_n(out, rows * columns, Real{0});
    for (std::size_t j = 0; j < numeric.size(); ++j) {
      const double* const values = x.column(j) + first;
      for (std::size_t i = 0; i < rows; ++i) out[i * columns + j] = static_cast<Real>(numeric[j](values[i]));
    }
    std::size_t indicator = numeric.size();
    for (std::size_t f = 0; f < text.size(); ++f) {
      each_code(x, f, text[f], first, rows, [&](std::size_t i, std::int32_t code) {
        if (code != one_hot::unknown) out[(i - first) * columns + indicator + static_cast<std::size_t>(code)] = Real{1};
      });
      indicator += text[f].size();
    }
  }
  template <std::floating_point Real>
  void encode(const feature_block& x, Real* out) const noexcept {
    encode(x, 0, x.rows, out);
  }
};

}  // namespace tabscore
