// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "one_hot.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The category codes of a text field's rows, cached by the first lookup.
struct text_codes {
  const void* by = nullptr;      ///< identity() of the categories; nullptr: not looked up yet
  std::int32_t* code = nullptr;  ///< room for all rows
};

/// The model's view of some records: numeric features (rows x width, column-major, unscaled) and the text fields of the
/// model, unencoded. A view, valid as long as the buffers that it points to.
struct feature_block {
  std::size_t rows = 0;                           ///< records of the block
  std::size_t width = 0;                          ///< numeric features
  const double* numeric = nullptr;                ///< feature j of row i is numeric[j * stride + i]
  std::size_t stride = 0;                         ///< distance of two columns, >= rows
  std::span<const std::string_view* const> text;  ///< one array of `rows` views per text field
  std::span<text_codes> codes = {};               ///< one per text field; empty: not cached

  /// The values of numeric feature j, `rows` of them.
  const double* column(std::size_t j) const noexcept { return numeric + j * stride; }
};

/// Calls use(row, code) for rows [first, first + rows) of text field `field`. The model looks the codes up; sinks that
/// count the same categories find them there.
template <class Use>
void each_code(const feature_block& x, std::size_t field, const one_hot& categories, std::size_t first,
               std::size_t rows, Use&& use) noexcept {
  if (x.codes.empty()) {
    for (std::size_t i = first; i < first + rows; ++i) use(i, categories.code(x.text[field][i]));
    return;
  }
  text_codes& known = x.codes[field];
  if (known.by != categories.identity()) {
    categories.codes(x.text[field], x.rows, known.code);
    known.by = categories.identity();
  }
  for (std::size_t i = first; i < first + rows; ++i) use(i, known.code[i]);
}

}  // namespace tabscore::inline TABSCORE_ABI
