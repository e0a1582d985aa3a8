// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/feature_block.hpp"
#include "../outputs/task.hpp"
#include "model_file.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A scorer that can be compared with its trainer: gives its margins, and the bounds of differences of margins and
/// outputs.
template <class Model>
concept verifiable = scorer<Model> &&
    requires(const Model& model, const feature_block& x, scratch& memory, std::span<double> margin) {
  model.margins(x, memory, margin);  // rows x margin_columns(), row after row
  { model.margin_columns() } -> std::convertible_to<std::size_t>;
  { model.margin_bound(x, std::size_t{}, std::size_t{}) } -> std::convertible_to<double>;  // of a row's column
  { model.output_bound(x, std::size_t{}, std::size_t{}) } -> std::convertible_to<double>;
};

/// Replays the trainer's rows: nothing when the model gives the trainer's numbers, else the first disagreement.
/// `file` is named in the error.
template <verifiable Model>
std::optional<error> verify(const Model& model, const std::vector<check>& checks, std::string_view file) {
  const std::size_t rows = checks.size();
  const std::size_t width = model.features().numeric.size();
  for (std::size_t i = 0; i < rows; ++i) {
    if (checks[i].numeric.size() == width && checks[i].text.size() == model.features().text.size()) continue;
    return error{errc::structure,
                 fmt::format("{}: checks[{}]: expected {} numbers and {} texts, found {} and {}", file, i, width,
                             model.features().text.size(), checks[i].numeric.size(), checks[i].text.size())};
  }
  std::vector<double> numeric(rows * width);
  std::vector<std::vector<std::string_view>> text(model.features().text.size(), std::vector<std::string_view>(rows));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < width; ++j) numeric[j * rows + i] = checks[i].numeric[j];
    for (std::size_t f = 0; f < text.size(); ++f) {
      if (checks[i].text[f]) text[f][i] = *checks[i].text[f];
    }
  }
  std::vector<const std::string_view*> texts;
  texts.reserve(text.size());
  for (const auto& column : text) texts.push_back(column.data());
  const feature_block x{.rows = rows, .width = width, .numeric = numeric.data(), .stride = rows, .text = texts};

  const model_outputs& given = outputs_of(model);
  const std::size_t columns = given.columns, margin_columns = model.margin_columns();
  scratch memory;
  std::vector<double> margin(rows * margin_columns), output(rows * columns);
  model.margins(x, memory, margin);
  model.score(x, memory, output);
  const bool two_classes = given.task == task::binary;
  for (std::size_t i = 0; i < rows; ++i) {
    const check& row = checks[i];
    if (row.outputs.size() != columns || (!row.margins.empty() && row.margins.size() != margin_columns)) {
      return error{errc::structure,
                   fmt::format("{}: checks[{}]: expected {} outputs and {} margins, found {} and {}", file, i, columns,
                               margin_columns, row.outputs.size(), row.margins.size())};
    }
    const auto disagree = [&](const std::string& member, auto trainer, auto ours, double bound) {
      return error{
          errc::check_failed,
          fmt::format("{}: checks[{}].{}: expected {} as the trainer gave it, found {} when replayed; they may "
                      "be {} apart (the file was changed after its export, or its model was saved by another "
                      "version of the trainer: export it again)",
                      file, i, member, trainer, ours, bound)};
    };
    const auto close = [](double trainer, double ours, double bound) {
      const double apart = std::abs(trainer - ours);
      return std::isfinite(apart) && apart <= bound;
    };
    for (std::size_t k = 0; k < row.margins.size(); ++k) {
      const double ours = margin[i * margin_columns + k], bound = model.margin_bound(x, i, k);
      if (close(row.margins[k], ours, bound)) continue;
      return disagree(two_classes ? "margin" : fmt::format("margins[{}]", k), row.margins[k], ours, bound);
    }
    for (std::size_t k = 0; k < columns; ++k) {
      const double ours = output[i * columns + k], bound = model.output_bound(x, i, k);
      if (close(row.outputs[k], ours, bound)) continue;
      return disagree(two_classes ? "probability" : fmt::format("outputs[{}]", k), row.outputs[k], ours, bound);
    }
    if (given.task != task::multiclass) continue;
    const std::size_t ours = class_of_row(model, x, i, std::span(output).subspan(i * columns, columns), memory);
    const bool tie = close(row.outputs[row.class_at], row.outputs[ours], model.output_bound(x, i, ours));
    if (ours != row.class_at && !tie) return disagree("class", row.class_at, ours, 0);
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
