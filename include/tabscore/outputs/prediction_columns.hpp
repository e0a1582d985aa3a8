// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "check_outputs.hpp"
#include "predictions.hpp"
#include "task.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A column of a table with an entry a prediction.
struct prediction_column {
  /// The content of a column.
  enum class kind : std::uint8_t {
    number,      ///< a double: predictions::value(row, number)
    label,       ///< 0 or 1: predictions::label[row]
    class_name,  ///< a text: predictions::class_of(row)
    decision,    ///< a text: predictions::decision_of(row)
  };
  std::string name;        ///< in the header, or the schema
  kind of = kind::number;  ///< its content
  std::size_t number = 0;  ///< of kind::number: position among the predictions' numbers

  /// Its values are texts.
  bool is_text() const noexcept { return of == kind::class_name || of == kind::decision; }
  /// Precondition: is_text(), and the row has a prediction.
  std::string_view text_of(const predictions& p, std::size_t row) const noexcept {
    return of == kind::decision ? p.decision_of(row) : p.class_of(row);
  }
};

/// In the order of the table.
using prediction_columns = std::vector<prediction_column>;

namespace detail {

/// The error names a column that appears twice.
result<prediction_columns> distinct_columns(prediction_columns columns, std::string_view error_column);

prediction_columns columns_of(const prediction_layout& layout, std::span<const std::string_view> names);

}  // namespace detail

/// The columns of a text table (CSV), by the names that the prediction declares:
///     probability, label                           binary, anomaly
///     class, probabilities_a, probabilities_b ...  multiclass: its name, then a number a class
///     a number each                                regression, quantiles, score
/// followed by the decision, where declared.
inline result<prediction_columns> text_columns(const prediction_layout& layout) {
  return detail::distinct_columns(detail::columns_of(layout, layout.names), {});
}

/// The columns of a typed table (Arrow, ClickHouse, DuckDB), which has a column `error` after them. Those of two
/// classes are called "probability" and "label".
inline result<prediction_columns> typed_columns(const prediction_layout& layout) {
  const bool two = layout.model.task == task::binary;
  const auto names = two ? prediction_layout::of_two_classes().names : layout.names;
  return detail::distinct_columns(detail::columns_of(layout, names), "error");
}

/// Whether a record of row_predictions or answers has no prediction.
inline bool is_missing(const predictions& p, std::size_t row) noexcept { return std::isnan(p.value(row)); }

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

TABSCORE_INLINE result<prediction_columns> distinct_columns(prediction_columns columns, std::string_view error_column) {
  std::vector<std::string_view> names;
  for (const prediction_column& c : columns) names.push_back(c.name);
  if (!error_column.empty()) names.push_back(error_column);
  std::sort(names.begin(), names.end());
  if (const auto twin = std::adjacent_find(names.begin(), names.end()); twin != names.end()) {
    return error{errc::mismatch, joined({"the table of predictions would have two columns '", *twin,
                                         "': declare other names for the prediction's members"})};
  }
  return columns;
}

TABSCORE_INLINE prediction_columns columns_of(const prediction_layout& layout,
                                              std::span<const std::string_view> names) {
  using kind = prediction_column::kind;
  const model_outputs& model = layout.model;
  prediction_columns columns;
  const bool classes = model.task == task::multiclass;
  if (classes) columns.push_back({std::string(names[0]), kind::class_name});
  for (std::size_t k = 0; k < model.columns; ++k) {
    columns.push_back({classes ? joined({names[1], "_", model.classes[k]}) : std::string(names[k]), kind::number, k});
  }
  if (!classes && names.size() > model.columns) {
    columns.push_back({std::string(names[model.columns]), kind::label});
  }
  if (!layout.decisions.empty()) columns.push_back({std::string(layout.decisions.name), kind::decision});
  return columns;
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
#endif
