// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/batched_exact_sum.hpp"
#include "../core/config.hpp"
#include "../outputs/task.hpp"
#include "estimate.hpp"
#include "performance.hpp"
#include "performance_report.hpp"
#include "ranking.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The figures to expect of predictions without labels, if their probabilities are true (CBPE, confidence-based
/// performance estimation). The intervals cover what labels would show: each label is a trial with its probability.
struct expected_report {
  std::uint64_t predictions = 0;     ///< records counted
  std::vector<figure> figures;       ///< expected, with their intervals
  std::vector<double> confusion;     ///< of two classes: actual class after actual class, as in performance_report
  std::vector<std::string> classes;  ///< of the confusion, in its order
};

/// The counts behind expected figures: integers and exact sums, merged bit for bit. Not for concurrent use.
class expected_counts {
 public:
  /// The model's outputs decide which figures there are.
  explicit expected_counts(model_outputs model) : model_(std::move(model)) {
    if (model_.task == task::binary) cells_.resize(score_cells);
  }

  /// Whether there are figures: for two classes, and the accuracy of several classes with probabilities.
  static bool has_figures(const model_outputs& model) noexcept {
    return model.task == task::binary || (model.task == task::multiclass && model.probabilities);
  }
  /// The outputs of the model.
  const model_outputs& model() const noexcept { return model_; }

  /// Counts a prediction, unless one of its numbers is no probability. Precondition: has_figures(model()).
  void add(std::span<const double> prediction, std::uint32_t predicted) noexcept;

  /// Adds the counts of other records. Precondition: the same outputs.
  void merge(const expected_counts& other) {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      records_[i] += other.records_[i];
      for (std::size_t k = 0; k < sums_[i].size(); ++k) sums_[i][k].merge(other.sums_[i][k]);
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      cells_[i].records += other.cells_[i].records;
      cells_[i].offsets += other.cells_[i].offsets;
    }
  }

  /// The figures that follow from the counts.
  friend expected_report report_expected(const expected_counts& counts);

 private:
  // Of predictions of label 0 and 1; of several classes all are in the second.
  enum which : std::size_t { probability, variance, brier_variance, entropy, entropy_variance, sums };
  /// Records of a cell, and how far they are above its lower end, in 2^-33 of its width.
  struct cell {
    std::uint64_t records = 0, offsets = 0;
  };

  model_outputs model_;
  std::array<std::uint64_t, 2> records_{};
  std::array<std::array<batched_exact_sum, sums>, 2> sums_;
  std::vector<cell> cells_;
};

/// The figures that follow from the counts.
expected_report report_expected(const expected_counts& counts);

/// Whether the probabilities agree with the labels that are known. If they do not, expected figures mislead.
struct calibration_check {
  /// Whether the probabilities agree with the labels.
  enum class state : std::uint8_t { unknown, holds, fails };
  std::uint64_t labels = 0;                                 ///< labels that were counted
  double ece = std::numeric_limits<double>::quiet_NaN();    ///< expected calibration error
  double noise = std::numeric_limits<double>::quiet_NaN();  ///< the error that true probabilities seldom exceed: mean +
                                                            ///< 3 deviations
  state status = state::unknown;                            ///< the assessment
};

/// When calibration counts as failed.
struct calibration_settings {
  double limit = 0.02;             ///< it fails where error - noise reaches this
  std::uint64_t min_labels = 200;  ///< fewer: unknown
};

/// Of two classes; unknown for other tasks.
calibration_check check_calibration(const performance_counts& counts, const calibration_settings& settings = {});

/// As JSON spells it.
inline constexpr std::string_view name(calibration_check::state s) noexcept {
  constexpr std::string_view names[]{"unknown", "holds", "fails"};
  return names[static_cast<std::size_t>(s)];
}

namespace detail {

/// The ends of a cell of probability_cell().
inline std::pair<double, double> ends_of_cell(std::size_t cell) noexcept {
  constexpr std::uint64_t lowest = std::uint64_t{1023 - 17} << 6U;
  const auto low = [](std::size_t i) { return i == 0 ? 0.0 : std::bit_cast<double>((i + lowest) << 46U); };
  constexpr std::size_t middle = (score_cells - 1) / 2;
  if (cell < middle) return {low(cell), low(cell + 1)};
  return {1 - low(score_cells - cell), 1 - low(score_cells - 1 - cell)};
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/expected_performance.hpp"
#endif
