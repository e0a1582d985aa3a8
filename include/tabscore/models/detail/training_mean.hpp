// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/scratch.hpp"
#include "../../features/baseline.hpp"
#include "../../features/encoder.hpp"
#include "../../features/feature_block.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// What a linear model's terms are for the training rows: those of each number at its training mean, those of each text
/// averaged over the training rows (not centred without their histograms, or where a row has none). Per column: one
/// number a feature, then their sum. `model` has contributions as `explainable` says, which are terms.
template <class Model>
std::vector<double> terms_at_training_mean(const Model& model, const drift_baseline& training,
                                           const tabscore::encoder& encoder, std::size_t columns) {
  const std::size_t width = training.numeric.size(), fields = encoder.text.size(), features = width + fields;
  std::vector<double> numeric;
  for (const drift_baseline::feature& feature : training.numeric) numeric.push_back(feature.mean);
  std::vector<std::string_view> texts(fields);
  std::vector<const std::string_view*> text_columns;
  text_columns.reserve(texts.size());
  for (const std::string_view& text : texts) text_columns.push_back(&text);
  const feature_block row{1, width, numeric.data(), 1, text_columns};
  scratch memory;
  std::vector<double> terms(columns * (features + 1)), mean(terms.size());
  model.contributions(row, memory, terms);
  for (std::size_t o = 0; o < columns; ++o) {
    for (std::size_t j = 0; j < width; ++j) mean[o * (features + 1) + j] = terms[o * (features + 1) + j];
  }
  for (std::size_t f = 0; training.histograms && f < fields; ++f) {
    const categorised_rows& counted = training.histograms->text[f];
    const auto rows = static_cast<double>(counted.rows());
    const auto add = [&](std::string_view text, std::uint64_t count) {
      if (count == 0) return;
      texts[f] = text;
      model.contributions(row, memory, terms);
      for (std::size_t o = 0; o < columns; ++o) {
        const std::size_t at = o * (features + 1) + width + f;
        mean[at] += terms[at] * (static_cast<double>(count) / rows);
      }
    };
    const auto& categories = encoder.text[f].categories();
    for (std::size_t c = 0; c < categories.size(); ++c) {
      add(categories[c] ? std::string_view(*categories[c]) : std::string_view(), counted.counts[c]);
    }
    add("\xFFnot seen in training", counted.unseen);  // no text that UTF-8 can write
    add({}, counted.missing);
    texts[f] = {};
  }
  for (std::size_t o = 0; o < columns; ++o) {
    const std::span<double> of_column = std::span(mean).subspan(o * (features + 1), features + 1);
    of_column[features] = 0;
    for (double& term : of_column.first(features)) {
      if (!std::isfinite(term)) term = 0;
      of_column[features] += term;
    }
  }
  return mean;
}

/// Tells rows of terms against those.
inline void centre(std::span<double> terms, const std::vector<double>& mean, std::size_t features) {
  for (std::size_t first = 0; first + mean.size() <= terms.size() && !mean.empty(); first += mean.size()) {
    for (std::size_t k = 0; k < mean.size(); ++k) {
      const bool is_base = k % (features + 1) == features;
      terms[first + k] += is_base ? mean[k] : -mean[k];
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
