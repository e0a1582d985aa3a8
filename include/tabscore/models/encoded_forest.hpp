// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
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
#include "../outputs/task.hpp"
#include "contributions.hpp"
#include "forest.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A tree ensemble trained on encoded features (see encoder). Gives the trainer's margins and predictions: for two
/// classes the probability of the second one, for several classes predict_proba(), else predict(). Immutable: threads
/// share it.
class encoded_forest {
 public:
  /// Trees of two classes: boosted ones with a logistic link, or ones that average the shares of both classes. They
  /// must read what the encoder writes; `source` names them in the error.
  static result<encoded_forest> make(feature_names names, tabscore::encoder encoder, forest trees, double threshold,
                                     std::string_view source = "model");
  /// Trees of any task: `predicted` is what described() says of them. A trainer that decides two classes by the margin
  /// has `positive_above`.
  static result<encoded_forest> make(feature_names names, tabscore::encoder encoder, forest trees,
                                     model_outputs predicted, double threshold, std::string_view source = "model",
                                     std::optional<double> positive_above = std::nullopt);

  /// Whether trees may score as those of two classes: they give one number from 0 to 1, or shares of two classes.
  static bool gives_probability(const forest_model& model) noexcept;
  /// What trees predict: what their file says, or what their link means.
  static model_outputs described(const forest_model& model);

  /// In the order of the columns.
  const feature_names& features() const noexcept { return names_; }
  /// The label is 1 from here on.
  double threshold() const noexcept { return threshold_; }
  /// Without the encoder.
  const forest& trees() const noexcept { return trees_; }
  /// The task and its columns.
  const model_outputs& outputs() const noexcept { return outputs_; }

  /// Writes rows x columns predictions, row-major.
  void score(const feature_block& x, scratch& memory, std::span<double> out) const;

  /// Of several classes: by the largest margin, where the trainer's predict() goes by that; of two by the only one.
  std::size_t decide_tie(const feature_block& x, std::size_t row, std::size_t first, scratch& memory) const;

  /// Numbers a row that margins() gives.
  std::size_t margin_columns() const noexcept { return outputs_.columns; }
  /// Before the link, row after row; of trees that average, the prediction itself.
  void margins(const feature_block& x, scratch& memory, std::span<double> margin) const;

  /// The category that the model does not know, or the number that its trainer refuses.
  feature_fault find_fault(const feature_block& x, std::size_t row, scratch&) const;
  /// NaN in numeric feature i has a meaning.
  bool takes_missing(std::size_t i) const;

  /// Contributions of each feature to each row's margins, then the base value: rows x columns x (features + 1),
  /// row-major. A text field's number is the sum over its columns; features share equally the contribution of a column
  /// of several features. Computed in float64: the sum is the margin up to the rounding of a trainer's float32 (of
  /// trees that average: the prediction).
  void contributions(const feature_block& x, scratch& memory, std::span<double> out) const;
  /// Why there are no contributions: the model file has no covers, say. Null when there are.
  const error* explain_error() const noexcept;
  /// Trees' are, a linear booster's are not.
  bool explains_against_mean() const noexcept { return trees_.model().linear.empty(); }

  /// Margins are the trainer's, bit for bit; predictions up to the exp of the trainer's build.
  static double margin_bound(const feature_block&, std::size_t, std::size_t) noexcept { return 0; }
  /// How far a prediction may be from the trainer's.
  static constexpr double probability_bound() noexcept { return 1e-6; }
  /// How far an output may be from the trainer's.
  static double output_bound(const feature_block&, std::size_t, std::size_t) noexcept { return probability_bound(); }

 private:
  encoded_forest(feature_names names, tabscore::encoder encoder, forest trees, model_outputs predicted,
                 double threshold, std::optional<double> positive_above);

  /// The fields of each column; gives the first column of the same fields, which count as one where there are lookups.
  std::vector<std::uint32_t> find_fields();

  bool averages() const noexcept { return link_.form == link::function::identity && link_.divisor != 1; }

  void score_two_classes(const feature_block& x, scratch& memory, std::span<double> probability) const;

  /// A row with a category that the trainer refuses has no number.
  void refuse_categories(const feature_block& x, std::size_t columns, std::span<double> out) const;

  // Encodes a run of rows at a time (the encoded matrix of a large block would leave the cache), in the precision in
  // which the trees compare: use(rows x columns, first row, memory that is free).
  template <class Use>
  void each_run(const feature_block& x, scratch& memory, Use&& use) const;
  template <class Number, class Use>
  void each_run_of(const feature_block& x, scratch& memory, Use& use) const;
  // The same with the trees' outputs: use(rows x outputs, first row).
  template <class Use>
  void each_output(const feature_block& x, scratch& memory, Use&& use) const;

  feature_names names_;
  tabscore::encoder encoder_;
  forest trees_;
  model_outputs outputs_;
  link link_;
  double threshold_;
  std::optional<double> positive_above_;
  std::vector<std::uint32_t> field_of_;  // of each encoded column, and of the base value
  struct shared_column {
    std::size_t column;
    std::vector<std::uint32_t> among;  // columns, one of each of the fields
  };
  std::vector<shared_column> shared_;  // columns that are made of several fields
  result<explainer> explainer_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/encoded_forest.hpp"
#endif
