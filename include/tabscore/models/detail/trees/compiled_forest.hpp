// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../../../core/config.hpp"
#include "../../kernel.hpp"
#include "../../tree.hpp"
#include "block_plan.hpp"
#include "deep_plan.hpp"
#include "few_plan.hpp"
#include "rank_plan.hpp"
#include "symmetric_plan.hpp"
#include "table_plan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// What the kernels read: made once from a checked model for one kernel, never changed.
struct compiled_forest {
  kernel used = kernel::reference;
  precision sum = precision::float64;
  std::size_t outputs = 1;
  std::size_t leaf_width = 1;
  std::vector<double> base;
  deep_plan deep;  ///< instead of all below, where it has nodes
  rank_plan ranks;
  symmetric_plan symmetric;  ///< where it has trees: for all rows, with AVX-512 for few
  block_plan block;
  few_plan few;
  table_plan tables;         ///< instead of walks, where the kernel has byte permutes
  std::size_t few_rows = 0;  ///< fewer rows than this are no block; 0: there is no block

  /// Room for the bytes of one of few rows.
  std::size_t row_bytes() const noexcept {
    const std::size_t columns = ranks.columns.size();
    if (tables.tables.empty()) return columns + 1;
    return columns <= 64 ? 64 : columns <= 128 ? 128 : 256;
  }

  static compiled_forest make(const forest_model& model, kernel wanted);
};

inline compiled_forest compiled_forest::make(const forest_model& model, kernel wanted) {
  compiled_forest out;
  out.sum = model.sum;
  out.outputs = model.outputs;
  out.leaf_width = model.leaf_width;
  out.base = model.base;
#if defined(__GNUC__)
  if (wanted == kernel::best) {
    wanted = available(kernel::avx512) ? kernel::avx512 : available(kernel::avx2) ? kernel::avx2 : kernel::portable;
  }
#else
  wanted = kernel::reference;  // the others are written with GNU vector extensions
#endif
  constexpr std::size_t most_outputs = 256, most_symmetric_outputs = 4096;  // of which a block has the sums
  if (wanted == kernel::reference || !model.linear.empty() || model.outputs > most_symmetric_outputs) return out;
  const auto linear = [](const tree& t) { return !t.linear.empty(); };  // see leaf_finder
  if (std::any_of(model.trees.begin(), model.trees.end(), linear)) return out;
  out.deep = deep_plan::make(model);
  if (!out.deep.nodes.empty()) {
    out.used = wanted;
    return out;
  }
  std::vector<std::uint32_t> heights;
  for (const tree& t : model.trees) {
    heights.push_back(height(t));
    if (t.splits.size() >= block_plan::most_leaves || heights.back() > block_plan::most_levels) return out;
  }
  std::vector<std::vector<rank_plan::place>> places;
  out.ranks = rank_plan::make(model, places);
  if (out.ranks.too_large) return out;
  const bool wide = wanted == kernel::avx512;
  const bool many = model.outputs > most_outputs;
  const bool one_or_all = model.leaf_width == 1 || model.leaf_width == model.outputs;
  if (one_or_all) out.symmetric = symmetric_plan::make(model, places);
  const bool symmetric = !out.symmetric.trees.empty();
  if (many && !symmetric) return out;
  out.used = wanted;
  if (symmetric && (many || !wide)) return out;
  out.block = block_plan::make(model, heights, out.ranks, places, wide ? 64 : wanted == kernel::avx2 ? 32 : 16, wide);
  if (symmetric) {  // byte permutes find the values of leaves faster, but of many rows
    out.few_rows = 48;
    return out;
  }
  out.few = few_plan::make(model, out.ranks, places);
  if (wide && out.ranks.columns.size() <= table_plan::most_columns) {
    out.tables = table_plan::make(model, heights, out.ranks, out.few);
  }
  const double few_work = out.tables.tables.empty() ? out.few.work : out.tables.work;
  // Nanoseconds a row, as in work(): bytes that are copied take longer in columns than side by side.
  const double in_columns = (wanted == kernel::portable ? 0.35 : 0.05) * static_cast<double>(out.ranks.copied());
  const double rows = out.block.work / (std::max)(few_work - in_columns, 1.0);  // no number where covers are absurd
  out.few_rows = rows > 2 ? static_cast<std::size_t>((std::min)(rows, double{table_plan::most_rows})) : 2;
  return out;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
