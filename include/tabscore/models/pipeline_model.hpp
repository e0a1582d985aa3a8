// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/scratch.hpp"
#include "../features/feature_block.hpp"
#include "feature_fault.hpp"
#include "model_file.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A fitted pipeline of any steps that a model file of kind "pipeline" can say (docs/reference/model-file.md).
/// Immutable, so that threads share one.
class pipeline_model {
 public:
  /// As a file of kind "pipeline" holds it, before its checks are replayed: use make_pipeline_model() for that.
  explicit pipeline_model(const model_file& file);

  /// In the order of the columns.
  const feature_names& features() const noexcept { return names_; }
  /// The label is 1 from here on.
  double threshold() const noexcept { return threshold_; }
  /// The task and its columns.
  const model_outputs& outputs() const noexcept { return outputs_; }

  /// NaN for a row that the model cannot take: find_fault() says why.
  void score(const feature_block& x, scratch& memory, std::span<double> out) const;

  /// Of several classes: by the largest margin, where the trainer's predict() goes by that.
  std::size_t decide_tie(const feature_block& x, std::size_t row, std::size_t first, scratch& memory) const;

  /// Numbers per row of margins(), such as the log-odds of two classes; 0: no margins.
  std::size_t margin_columns() const noexcept;
  /// Writes the margins, row-major.
  void margins(const feature_block& x, scratch& memory, std::span<double> margin) const;

  /// Which feature's value is the reason that a row has no probability.
  feature_fault find_fault(const feature_block& x, std::size_t row, scratch& memory) const;
  /// Whether feature i (numeric ones first) may be missing.
  bool takes_missing(std::size_t i) const;

  /// Contributions of each feature to each row's margins (else outputs), then the base value: rows x columns x
  /// (features + 1), row-major.
  void contributions(const feature_block& x, scratch& memory, std::span<double> out) const;
  /// Why there are no contributions; null when there are.
  const error* explain_error() const noexcept;

  /// The reasons of an additive model's bins, and those of each row's bins (gives_bin_reasons).
  std::span<const reason> bin_reasons() const noexcept;
  /// See gives_bin_reasons: rows x features positions.
  void find_bin_reasons(const feature_block& x, scratch& memory, std::span<std::uint16_t> out) const;

  /// Trees' contributions are relative to the mean of the training rows, those of linear models with a baseline, too.
  bool explains_against_mean() const noexcept;

  /// How far a row's margin and output may be from the trainer's: 0 where every step has one right result.
  double margin_bound(const feature_block& x, std::size_t row, std::size_t column) const;
  /// How far an output may be from the trainer's.
  double output_bound(const feature_block& x, std::size_t row, std::size_t column) const;

 private:
  struct explanation;

  feature_names names_;
  model_outputs outputs_;
  double threshold_;
  std::shared_ptr<const detail::column_program> program_;
  result<std::shared_ptr<const explanation>> explained_;
  std::vector<double> training_mean_;  ///< of a linear model's terms; empty: contributions are not told against it
};

/// The scorer of a file of kind "pipeline", after it has given the trainer's numbers for the trainer's rows.
result<pipeline_model> make_pipeline_model(const model_file& file);

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/pipeline_model.hpp"
#endif
