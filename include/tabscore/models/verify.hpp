// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/feature_block.hpp"
#include "model_file.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A scorer that can be held against its trainer: shows its margins and states how far they may be from the trainer's.
template <class Model>
concept verifiable = scorer<Model> &&
    requires(const Model& model, const feature_block& x, scratch& memory, std::span<double> margin) {
  model.margins(x, memory, margin);
  { model.margin_bound(x, std::size_t{}) } -> std::convertible_to<double>;  // for one row
  { model.probability_bound() } -> std::convertible_to<double>;
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
  std::vector<const std::string_view*> columns;
  for (const auto& column : text) columns.push_back(column.data());
  const feature_block x{.rows = rows, .width = width, .numeric = numeric.data(), .stride = rows, .text = columns};

  scratch memory;
  std::vector<double> margin(rows), probability(rows);
  model.margins(x, memory, margin);
  model.score(x, memory, probability);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto compare = [&](std::string_view member, double trainer, double ours, double bound) {
      const double apart = std::abs(trainer - ours);
      if (std::isfinite(apart) && apart <= bound) return std::optional<error>();
      return std::optional<error>(
          {errc::check_failed, fmt::format("{}: checks[{}].{}: expected {} as the trainer gave it, found {} when "
                                           "replayed; they may be {} apart (the file was changed after its export, or "
                                           "its model was saved by another version of the trainer: export it again)",
                                           file, i, member, trainer, ours, bound)});
    };
    const bool has_margin = !std::isnan(checks[i].margin);
    if (auto e = has_margin ? compare("margin", checks[i].margin, margin[i], model.margin_bound(x, i)) : std::nullopt) {
      return e;
    }
    if (auto e = compare("probability", checks[i].probability, probability[i], model.probability_bound())) return e;
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
