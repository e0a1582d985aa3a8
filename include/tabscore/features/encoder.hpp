// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "category_lookups.hpp"
#include "feature_block.hpp"
#include "numeric_step.hpp"
#include "one_hot.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Turns a feature block into the model's inputs: prepared and scaled numeric features, then the columns of each text
/// field: one indicator per category (all zero for an unknown text), or the category's position as a number. `place`
/// sets another order. Immutable: threads share it.
struct encoder {
  std::vector<standardize> numeric;                 ///< the last step of each numeric feature
  std::vector<one_hot> text;                        ///< the categories of each text field
  std::vector<std::vector<numeric_step>> before{};  ///< per numeric feature, the steps before `numeric`; empty: none
  std::vector<std::optional<double>> ordinal{};     ///< per text field, the number of an unknown text, when its
                                                    ///< positions are one column; empty: all have indicators
  bool absent_is_nan = false;          ///< an absent text of such a field is NaN, not the position of a category
  bool refuses_unseen = false;         ///< a row with a category that is not listed has no prediction: see unseen()
  std::vector<std::uint32_t> place{};  ///< per numeric feature, then per text field, its (first) column; empty: in
                                       ///< that order
  std::shared_ptr<const category_lookups> lookups{};  ///< columns after all others; their texts have no own ones

  /// The text field becomes one ordinal column.
  bool is_ordinal(std::size_t f) const noexcept;
  /// Encoded columns of text field f.
  std::size_t text_width(std::size_t f) const noexcept;
  /// Encoded columns.
  std::size_t width() const noexcept;

  /// The block has the columns that the encoder was made for.
  bool fits(const feature_block& x) const noexcept { return x.width == numeric.size() && x.text.size() == text.size(); }

  /// The numeric feature has steps.
  bool has_steps(std::size_t j) const noexcept;
  /// Numeric feature j of one row after its steps, before `numeric[j]`.
  double prepared(std::size_t j, double x) const noexcept;
  /// The block after the steps of its numbers, copied to `memory`; the block itself where there are no steps.
  feature_block prepared(const feature_block& x, scratch& memory) const;

  /// The first feature of a row, numeric ones before texts, whose category is not listed.
  std::optional<std::size_t> unseen(const feature_block& x, std::size_t row) const noexcept;

  /// The error of this encoder for these numbers of features, if any.
  std::optional<error> wrong(std::size_t numeric_features, std::size_t text_features) const;

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
      const bool steps = has_steps(j);
      const std::size_t column = place.empty() ? j : place[j];
      for (std::size_t i = 0; i < rows; ++i) {
        out[i * columns + column] = static_cast<Real>(numeric[j](steps ? prepared(j, values[i]) : values[i]));
      }
    }
    if (lookups) lookups->write(x, first, rows, out + columns - lookups->width(), columns);
    std::size_t next = numeric.size();
    for (std::size_t f = 0; f < text.size(); ++f) {
      if (text_width(f) == 0) continue;
      const bool number = is_ordinal(f);
      const std::size_t column = place.empty() ? next : place[numeric.size() + f];
      next += text_width(f);
      each_code(x, f, text[f], first, rows, [&](std::size_t i, std::int32_t code) {
        Real* const row = out + (i - first) * columns + column;
        if (number && absent_is_nan && x.text[f][i].data() == nullptr) {
          *row = std::numeric_limits<Real>::quiet_NaN();
        } else if (number) {
          *row = static_cast<Real>(code == one_hot::unknown ? *ordinal[f] : code);
        } else if (code != one_hot::unknown) {
          row[static_cast<std::size_t>(code)] = Real{1};
        }
      });
    }
  }
  /// Writes all rows, row-major, `width()` numbers each.
  template <std::floating_point Real>
  void encode(const feature_block& x, Real* out) const noexcept {
    encode(x, 0, x.rows, out);
  }
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE bool encoder::is_ordinal(std::size_t f) const noexcept { return f < ordinal.size() && ordinal[f]; }
TABSCORE_INLINE std::size_t encoder::text_width(std::size_t f) const noexcept {
  return is_ordinal(f) ? 1 : text[f].size();
}
TABSCORE_INLINE std::size_t encoder::width() const noexcept {
  std::size_t columns = numeric.size();
  for (std::size_t f = 0; f < text.size(); ++f) columns += text_width(f);
  return lookups ? columns + lookups->width() : columns;
}
TABSCORE_INLINE bool encoder::has_steps(std::size_t j) const noexcept {
  return j < before.size() && !before[j].empty();
}

TABSCORE_INLINE double encoder::prepared(std::size_t j, double x) const noexcept {
  if (!has_steps(j)) return x;
  for (const numeric_step& step : before[j]) {
    x = std::visit([x](const auto& apply) { return apply(x); }, step);
  }
  return x;
}

TABSCORE_INLINE feature_block encoder::prepared(const feature_block& x, scratch& memory) const {
  if (before.empty()) return x;
  const std::span<double> copy = memory.get<double>(x.rows * x.width);
  for (std::size_t j = 0; j < x.width; ++j) {
    for (std::size_t i = 0; i < x.rows; ++i) copy[j * x.rows + i] = prepared(j, x.column(j)[i]);
  }
  feature_block changed = x;
  changed.numeric = copy.data();
  changed.stride = x.rows;
  return changed;
}

TABSCORE_INLINE std::optional<std::size_t> encoder::unseen(const feature_block& x, std::size_t row) const noexcept {
  for (std::size_t j = 0; j < before.size(); ++j) {
    if (before[j].empty() || !std::holds_alternative<category_code>(before[j].front())) continue;
    const double value = x.column(j)[row];
    if (value == value && !(prepared(j, value) >= 0)) return j;
  }
  for (std::size_t f = 0; f < text.size(); ++f) {
    const std::string_view t = x.text[f][row];
    if (t.data() != nullptr && text[f].code(t) == one_hot::unknown) return numeric.size() + f;
  }
  return std::nullopt;
}

TABSCORE_INLINE std::optional<error> encoder::wrong(std::size_t numeric_features, std::size_t text_features) const {
  const auto sentence = [](std::initializer_list<std::string_view> pieces) {
    error e{errc::structure, "the encoder "};
    for (const std::string_view piece : pieces) e.message.append(piece);
    return e;
  };
  const auto count = [](std::size_t n) { return std::to_string(n); };
  if (numeric.size() != numeric_features) {
    return sentence({"scales ", count(numeric.size()), " numeric features, the model has ", count(numeric_features)});
  }
  if (text.size() != text_features) {
    return sentence({"has categories of ", count(text.size()), " text features, the model has ", count(text_features)});
  }
  if (before.size() > numeric.size()) {
    return sentence({"has steps of ", count(before.size()), " features, but ", count(numeric.size()), " are numeric"});
  }
  if (ordinal.size() > text.size()) {
    return sentence(
        {"numbers the categories of ", count(ordinal.size()), " features, but ", count(text.size()), " are texts"});
  }
  for (std::size_t j = 0; j < numeric.size(); ++j) {
    if (!std::isfinite(numeric[j].mean) || !(numeric[j].scale > 0) || std::isinf(numeric[j].scale)) {
      return sentence(
          {"has for numeric feature ", count(j), " a mean that is not finite or a scale that is not above 0"});
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
