// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The kind of a prediction.
enum class task : std::uint8_t {
  binary,      ///< the probability of one of two classes
  multiclass,  ///< a number for each of several classes: probabilities, or the scores that a trainer decides by
  regression,  ///< a number for each target
  quantiles,   ///< a number for each quantile of one target
  score,       ///< a number that only orders records: a margin, a rank, a hazard
  anomaly      ///< how usual the record is; an outlier where it is below the threshold
};

/// As the model file spells it.
constexpr std::string_view name(task t) noexcept {
  constexpr std::string_view names[]{"binary", "multiclass", "regression", "quantiles", "score", "anomaly"};
  return names[static_cast<std::size_t>(t)];
}

/// Whether a threshold on the number decides: the label.
constexpr bool has_threshold(task t) noexcept { return t == task::binary || t == task::anomaly; }

/// The type of a trainer's classes: texts, or numbers and booleans, which JSON writes without quotes.
enum class class_kind : std::uint8_t { text, number, boolean };

/// Classes that a model may have.
inline constexpr std::size_t max_classes = 1000;

/// A model's description of the numbers that it gives each row.
struct model_outputs {
  tabscore::task task = tabscore::task::binary;  ///< the meaning of the columns
  std::size_t columns = 1;                       ///< numbers a row
  bool probabilities = true;                     ///< of binary and multiclass: the numbers are from 0 to 1
  std::vector<std::string> classes;  ///< the trainer's names. binary: two, or empty (unknown); multiclass: columns
  class_kind classes_are = class_kind::text;  ///< the type of the class names in the trainer
  std::vector<std::string> names;             ///< of targets, or the levels of quantiles ("0.1"); may be empty

  friend bool operator==(const model_outputs&, const model_outputs&) = default;
};

}  // namespace tabscore::inline TABSCORE_ABI
