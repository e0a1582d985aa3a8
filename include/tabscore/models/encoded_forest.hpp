// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/encoder.hpp"
#include "../features/feature_block.hpp"
#include "contributions.hpp"
#include "forest.hpp"
#include "scorer.hpp"

namespace tabscore {

/// A tree ensemble trained on encoded features: scaled numbers, then one indicator column per category, as float32.
/// Gives the trainer's own margins and probabilities. Immutable, so that threads share one.
class encoded_forest {
 public:
  /// The forest must read what the encoder writes and give one probability; `source` names it in the error.
  static result<encoded_forest> make(feature_names names, tabscore::encoder encoder, forest trees, double threshold,
                                     std::string_view source = "model") {
    const auto mismatch = [&](std::string sentence) {
      return error{errc::mismatch, fmt::format("{}: {}", source, sentence)};
    };
    if (trees.features() != encoder.width()) {
      return mismatch(
          fmt::format("the trees read {} columns, the features are encoded in {}", trees.features(), encoder.width()));
    }
    if (trees.outputs() != 1 || trees.model().output_link.form != link::function::logistic) {
      return mismatch("expected trees of a binary objective with a logistic link");
    }
    return encoded_forest(std::move(names), std::move(encoder), std::move(trees), threshold);
  }

  const feature_names& features() const noexcept { return names_; }
  double threshold() const noexcept { return threshold_; }
  const forest& trees() const noexcept { return trees_; }

  void score(const feature_block& x, scratch& memory, std::span<double> probability) const {
    each_run(x, memory, [&](matrix_view<float> encoded, std::size_t first) {
      trees_.predict(encoded, probability.subspan(first, encoded.rows), memory.inner());
    });
  }

  /// One margin per row, before the link.
  void margins(const feature_block& x, scratch& memory, std::span<double> margin) const {
    each_run(x, memory, [&](matrix_view<float> encoded, std::size_t first) {
      trees_.margins(encoded, margin.subspan(first, encoded.rows), memory.inner());
    });
  }

  /// How much each feature moved each row's margin, then the base value: rows x (features + 1), row after row. A text
  /// field's number is the sum of its indicator columns'. Computed in float64, so that their sum is the margin up to
  /// the rounding of the trainer's float32.
  void contributions(const feature_block& x, scratch& memory, std::span<double> out) const {
    TABSCORE_ASSERT(explainer_.has_value() && out.size() >= x.rows * (names_.size() + 1), "room and an explainer");
    each_run(x, memory, [&](matrix_view<float> encoded, std::size_t first) {
      const std::size_t width = explainer_->width();
      const std::span<double> columns = memory.inner().template get<double>(encoded.rows * width);
      explainer_->explain(encoded, columns, memory.inner().inner());
      for (std::size_t i = 0; i < encoded.rows; ++i) {
        fold_contributions(columns.subspan(i * width, width), field_of_,
                           out.subspan((first + i) * (names_.size() + 1), names_.size() + 1));
      }
    });
  }
  /// Why there are no contributions: the model file has no covers, say. Null when there are.
  const error* unexplained() const noexcept { return explainer_ ? nullptr : &explainer_.error(); }

  /// Margins are the trainer's, bit for bit; probabilities up to the exp that the trainer was built with.
  double margin_bound(const feature_block&, std::size_t) const noexcept { return 0; }
  static constexpr double probability_bound = 1e-6;

 private:
  encoded_forest(feature_names names, tabscore::encoder encoder, forest trees, double threshold)
      : names_(std::move(names)),
        encoder_(std::move(encoder)),
        trees_(std::move(trees)),
        threshold_(threshold),
        explainer_(explainer::build(trees_)) {
    for (std::size_t j = 0; j < names_.numeric.size(); ++j) field_of_.push_back(static_cast<std::uint32_t>(j));
    for (std::size_t f = 0; f < encoder_.text.size(); ++f) {
      field_of_.insert(field_of_.end(), encoder_.text[f].size(), static_cast<std::uint32_t>(names_.numeric.size() + f));
    }
    field_of_.push_back(static_cast<std::uint32_t>(names_.size()));  // the base value
  }

  // Encodes a run of rows at a time: the encoded matrix of a large block would leave the cache.
  template <class Use>
  void each_run(const feature_block& x, scratch& memory, Use&& use) const {
    constexpr std::size_t run = 256;
    const std::size_t columns = encoder_.width();
    const std::span<float> encoded = memory.template get<float>(std::min(run, x.rows) * columns);
    for (std::size_t first = 0; first < x.rows; first += run) {
      const std::size_t rows = std::min(run, x.rows - first);
      encoder_.encode(x, first, rows, encoded.data());
      use(row_major(encoded.data(), rows, columns), first);
    }
  }

  feature_names names_;
  tabscore::encoder encoder_;
  forest trees_;
  double threshold_;
  result<explainer> explainer_;
  std::vector<std::uint32_t> field_of_;  // of each encoded column
};

}  // namespace tabscore
