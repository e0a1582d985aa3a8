// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../features/one_hot.hpp"
#include "../models/model_file.hpp"
#include "histogram.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Features are numeric or text; of predictions there is the probability of two classes, or the numbers of other tasks
/// (output) and, of several classes, the predicted class.
enum class monitored_kind : std::uint8_t { numeric, text, probability, output, classes };

/// A monitored feature or output: the position and the meaning of its cells.
struct monitored {
  std::string name;       ///< the feature's or output's name
  monitored_kind kind{};  ///< decides the meaning of the cells
  std::size_t first = 0;  ///< its cells are [first, first + cells) of all counts
  std::size_t cells = 0;  ///< numbers: below, one per bin, above, missing; texts: one per category, unseen, missing;
                          ///< classes: one per class, and two that stay empty

  /// It has bins rather than categories.
  bool is_number() const noexcept { return kind != monitored_kind::text && kind != monitored_kind::classes; }

  /// Its cells of all cells.
  std::span<const std::uint64_t> of(std::span<const std::uint64_t> counts) const noexcept {
    return counts.subspan(first, cells);
  }
};

/// The reference of live counts: a model's features, their bins and categories, and the counts of its training
/// rows. Immutable, so that threads share one. drift_reference{} is of a model without histograms.
struct drift_reference {
  std::string model;                        ///< the model's name
  std::vector<monitored> features;          ///< numeric ones, text ones, the predictions
  std::vector<binner> bins;                 ///< one per numeric feature, then one per number of a prediction
  std::vector<std::vector<double>> edges;   ///< of the bins of each numeric feature and output
  std::vector<one_hot> text;                ///< of each text field
  std::vector<std::uint64_t> training;      ///< counts of all cells
  drift_baseline baseline;                  ///< as the model file has it
  std::size_t outputs = 1;                  ///< numbers of a prediction
  std::vector<std::string> classes = {};    ///< of several classes
  std::vector<std::string> decisions = {};  ///< of a service that declares some; they have no training counts

  /// @{
  /// Compiled once: copies and destruction of all the members are much code.
  drift_reference();
  drift_reference(const drift_reference&);
  drift_reference(drift_reference&&) noexcept;
  drift_reference& operator=(const drift_reference&);
  drift_reference& operator=(drift_reference&&) noexcept;
  ~drift_reference();
  /// @}

  /// Of all features and outputs.
  std::size_t cells() const noexcept { return training.size(); }
  /// Numeric features, without the outputs.
  std::size_t numeric() const noexcept { return bins.empty() ? 0 : bins.size() - outputs; }
  /// Of a numeric feature, or after the last one of a prediction's number.
  const monitored& number(std::size_t j) const noexcept {
    return j < numeric() ? features[j] : features[j + text.size()];
  }
  /// The model has no histograms: nothing is counted.
  bool empty() const noexcept { return features.empty(); }
};

/// Cells of all text fields together that can be counted.
inline constexpr std::size_t max_text_cells = 4096;

/// The reference of a model file, or an error where the file has no histograms.
result<drift_reference> make_drift_reference(const model_file& file);

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/drift_reference.hpp"
#endif
