// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "../core/number_texts.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// One probability and one label per record, in the records' order: label is 1 where probability >= threshold.
/// A view into the buffers that the records were scored with, valid until those are used again.
struct predictions {
  std::span<const double> probability;
  std::span<const std::uint8_t> label;
  double threshold = 0.5;
  number_texts* texts = nullptr;  ///< of the probabilities: empty until somebody writes them; none: they are not kept
  /// Of each record, when they were asked for: rows() x (features + 1) numbers, the last of a record its base value.
  std::span<const double> contributions{};

  std::size_t rows() const noexcept { return probability.size(); }
  predictions slice(std::size_t begin, std::size_t count) const noexcept {
    return {probability.subspan(begin, count), label.subspan(begin, count), threshold};
  }
};

/// A record without a prediction, and why, for a person.
struct row_fault {
  std::size_t row = 0;
  std::string_view reason;
};

/// Predictions of records that are taken one by one: where there is none the probability is NaN, the label 0, and
/// `faults`, in row order, says why. A view as well.
struct row_predictions {
  predictions scores;
  std::span<const row_fault> faults;
};

}  // namespace tabscore::inline TABSCORE_ABI
