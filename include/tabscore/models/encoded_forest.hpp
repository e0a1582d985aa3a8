// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/encoder.hpp"
#include "../features/feature_block.hpp"
#include "contributions.hpp"
#include "forest.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A tree ensemble of two classes trained on encoded features (see encoder): boosted trees with a logistic link, or a
/// forest that averages the shares of both classes. Gives the trainer's own margins and probabilities. Immutable, so
/// that threads share one.
class encoded_forest {
 public:
  /// The forest must read what the encoder writes and give one probability; `source` names it in the error.
  static result<encoded_forest> make(feature_names names, tabscore::encoder encoder, forest trees, double threshold,
                                     std::string_view source = "model") {
    const auto mismatch = [&](std::string sentence) {
      return error{errc::mismatch, fmt::format("{}: {}", source, sentence)};
    };
    if (auto e = encoder.wrong(names.numeric.size(), names.text.size())) return mismatch(std::move(e->message));
    if (auto e = wrong_threshold(threshold)) return mismatch(std::move(e->message));
    if (trees.features() != encoder.width()) {
      return mismatch(
          fmt::format("the trees read {} columns, the features are encoded in {}", trees.features(), encoder.width()));
    }
    using form = link::function;
    const form f = trees.model().output_link.form;
    const bool boosted = trees.outputs() == 1 && (f == form::logistic || f == form::two_classes);
    const bool averaged = trees.outputs() == 2 && f == form::identity;
    if (!boosted && !averaged) return mismatch("expected trees of two classes: a logistic link, or shares of both");
    return encoded_forest(std::move(names), std::move(encoder), std::move(trees), threshold);
  }

  const feature_names& features() const noexcept { return names_; }
  double threshold() const noexcept { return threshold_; }
  const forest& trees() const noexcept { return trees_; }

  void score(const feature_block& x, scratch& memory, std::span<double> probability) const {
    each_output(x, memory, [&](std::span<double> outputs, std::size_t first) {
      const link& last = trees_.model().output_link;
      const std::size_t n = trees_.outputs();
      std::array<double, 2> of_classes{};
      for (std::size_t at = 0; at < outputs.size(); at += n) {
        const auto row = std::span(of_classes).first(last.width(n));
        last.apply(outputs.subspan(at, n), row);
        probability[first + at / n] = row.back();
      }
    });
    for (std::size_t row = 0; encoder_.refuses_unseen && row < x.rows; ++row) {
      if (encoder_.unseen(x, row)) probability[row] = std::numeric_limits<double>::quiet_NaN();
    }
  }

  /// One margin per row, before the link; of a forest that averages, the probability itself.
  void margins(const feature_block& x, scratch& memory, std::span<double> margin) const {
    if (trees_.outputs() == 2) return score(x, memory, margin);
    each_output(x, memory, [&](std::span<double> outputs, std::size_t first) {
      std::copy(outputs.begin(), outputs.end(), margin.begin() + static_cast<std::ptrdiff_t>(first));
    });
  }

  /// The category that the model does not know, or the number that its trainer refuses.
  feature_fault find_fault(const feature_block& x, std::size_t row, scratch&) const {
    if (encoder_.refuses_unseen) {
      if (const auto unseen = encoder_.unseen(x, row)) return {*unseen, fault::unlisted};
    }
    for (std::size_t j = 0; trees_.model().accepts != input_rule::any && j < x.width; ++j) {
      const double value = encoder_.prepared(j, x.column(j)[row]);
      if (std::isinf(value)) return {j, fault::not_finite};
      if (std::isnan(value) && !takes_missing(j)) return {j, fault::model_needs};
    }
    return {};
  }
  bool takes_missing(std::size_t i) const {
    return i >= names_.numeric.size() || trees_.model().accepts != input_rule::finite ||
           !std::isnan(encoder_.prepared(i, std::numeric_limits<double>::quiet_NaN()));
  }

  /// How much each feature moved each row's margin, then the base value: rows x (features + 1), row after row. A text
  /// field's number is the sum of its columns'. Computed in float64, so that their sum is the margin up to the rounding
  /// of a trainer's float32.
  void contributions(const feature_block& x, scratch& memory, std::span<double> out) const {
    TABSCORE_ASSERT(explainer_.has_value() && out.size() >= x.rows * (names_.size() + 1), "room and an explainer");
    each_run(x, memory, [&](const auto& encoded, std::size_t first, scratch& more) {
      const std::size_t width = explainer_->width();
      const std::size_t columns = field_of_.size();
      const std::span<double> raw = more.get<double>(encoded.rows * width);
      explainer_->explain(encoded, raw, more.inner());
      for (std::size_t i = 0; i < encoded.rows; ++i) {  // the last output is that of the positive class
        fold_contributions(raw.subspan((i + 1) * width - columns, columns), field_of_,
                           out.subspan((first + i) * (names_.size() + 1), names_.size() + 1));
      }
    });
  }
  /// Why there are no contributions: the model file has no covers, say. Null when there are.
  const error* explain_error() const noexcept { return explainer_ ? nullptr : &explainer_.error(); }

  /// Margins are the trainer's, bit for bit; probabilities up to the exp that the trainer was built with.
  double margin_bound(const feature_block&, std::size_t) const noexcept { return 0; }
  static constexpr double probability_bound() noexcept { return 1e-6; }

 private:
  encoded_forest(feature_names names, tabscore::encoder encoder, forest trees, double threshold)
      : names_(std::move(names)),
        encoder_(std::move(encoder)),
        trees_(std::move(trees)),
        threshold_(threshold),
        explainer_(explainer::build(trees_)) {
    field_of_.resize(encoder_.width());
    std::size_t next = 0;
    for (std::size_t field = 0; field < names_.size(); ++field) {
      const bool number = field < names_.numeric.size();
      const std::size_t first = encoder_.place.empty() ? next : encoder_.place[field];
      const std::size_t columns = number ? 1 : encoder_.text_width(field - names_.numeric.size());
      std::fill_n(field_of_.begin() + static_cast<std::ptrdiff_t>(first), columns, static_cast<std::uint32_t>(field));
      next += columns;
    }
    field_of_.push_back(static_cast<std::uint32_t>(names_.size()));  // the base value
  }

  // Encodes a run of rows at a time (the encoded matrix of a large block would leave the cache), in the precision in
  // which the trees compare: use(rows x columns, first row, memory that is free).
  template <class Use>
  void each_run(const feature_block& x, scratch& memory, Use&& use) const {
    if (trees_.model().input == precision::float32) {
      each_run_of<float>(x, memory, use);
    } else {
      each_run_of<double>(x, memory, use);
    }
  }
  template <class Number, class Use>
  void each_run_of(const feature_block& x, scratch& memory, Use& use) const {
    constexpr std::size_t run = 256;
    const std::size_t columns = encoder_.width();
    const std::span<Number> encoded = memory.get<Number>((std::min)(run, x.rows) * columns);
    for (std::size_t first = 0; first < x.rows; first += run) {
      const std::size_t rows = (std::min)(run, x.rows - first);
      encoder_.encode(x, first, rows, encoded.data());
      use(row_major(encoded.data(), rows, columns), first, memory.inner());
    }
  }
  // The same with the trees' outputs: use(rows x outputs, first row).
  template <class Use>
  void each_output(const feature_block& x, scratch& memory, Use&& use) const {
    each_run(x, memory, [&](const auto& encoded, std::size_t first, scratch& more) {
      const std::span<double> outputs = more.get<double>(encoded.rows * trees_.outputs());
      trees_.margins(encoded, outputs, more.inner());
      use(outputs, first);
    });
  }

  feature_names names_;
  tabscore::encoder encoder_;
  forest trees_;
  double threshold_;
  result<explainer> explainer_;
  std::vector<std::uint32_t> field_of_;  // of each encoded column
};

}  // namespace tabscore::inline TABSCORE_ABI
