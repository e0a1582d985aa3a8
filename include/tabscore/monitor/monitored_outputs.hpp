// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "../core/config.hpp"
#include "../outputs/predictions.hpp"
#include "../outputs/task.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Numbers of each prediction that are summed: each column; for several classes the number of the predicted class; for
/// two classes 0, whose labels are counted.
inline std::size_t summed_outputs(const model_outputs& model) noexcept {
  if (model.task == task::binary) return 0;
  return model.task == task::multiclass ? 1 : model.columns;
}

/// Calls use(numbers) with runs of the k-th summed number of all records, in their order.
template <class Use>
void each_output_run(const predictions& p, std::size_t k, Use&& use) {
  if (p.value.columns() == 1) return use(std::span<const double>(p.value));
  std::array<double, 256> run;
  for (std::size_t first = 0; first < p.rows(); first += run.size()) {
    const std::size_t rows = (std::min)(run.size(), p.rows() - first);
    for (std::size_t i = 0; i < rows; ++i) {
      run[i] = p.value(first + i, p.class_at.empty() ? k : std::size_t{p.class_at[first + i]});
    }
    use(std::span<const double>(run.data(), rows));
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
