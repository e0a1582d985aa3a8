// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../core/number_texts.hpp"

namespace tabscore {

/// One probability and one label per record, in the records' order: label is 1 where probability >= threshold.
/// A view into the buffers that the records were scored with, valid until those are used again.
struct predictions {
  std::span<const double> probability;
  std::span<const std::uint8_t> label;
  double threshold = 0.5;
  number_texts* texts = nullptr;  ///< of the probabilities: empty until somebody writes them; none: they are not kept

  std::size_t rows() const noexcept { return probability.size(); }
  predictions slice(std::size_t begin, std::size_t count) const noexcept {
    return {probability.subspan(begin, count), label.subspan(begin, count), threshold};
  }
};

}  // namespace tabscore
