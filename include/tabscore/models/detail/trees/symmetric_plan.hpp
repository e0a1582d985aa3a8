// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "rank_plan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The splits of a tree that compares the same on all of a level, from the last level to the root; nothing for other
/// trees.
inline std::vector<std::uint32_t> symmetric_levels(const tree& t, const std::vector<rank_plan::place>& places) {
  const auto same = [&](std::int32_t l, std::int32_t r) {
    if (l < 0 || r < 0) return l < 0 && r < 0;
    const rank_plan::place &a = places[static_cast<std::size_t>(l)], &b = places[static_cast<std::size_t>(r)];
    return a.column == b.column && a.threshold == b.threshold;
  };
  if (!t.splits.empty() && !same(t.splits[0].left, t.splits[0].right)) return {};  // at once: most trees are such
  std::vector<std::uint32_t> splits;
  std::vector<std::int32_t> level{t.splits.empty() ? -1 : 0}, next;
  while (level.front() >= 0) {
    next.clear();
    for (const std::int32_t at : level) {
      if (!same(at, level.front())) return {};
      next.push_back(t.splits[static_cast<std::size_t>(at)].left);
      next.push_back(t.splits[static_cast<std::size_t>(at)].right);
    }
    splits.insert(splits.begin(), static_cast<std::uint32_t>(level.front()));
    std::swap(level, next);
  }
  for (const std::int32_t at : level) {
    if (at >= 0) return {};
  }
  return splits;
}

/// How rows run through trees that compare the same on all of a level (CatBoost's): the outcomes are the bits of the
/// leaf's number, 1 for left. Empty where a tree is another one.
struct symmetric_plan {
  static constexpr std::size_t most_levels = 16;
  static constexpr std::size_t rows = 256;           ///< of a block
  static constexpr std::size_t group = 16;           ///< trees whose leaves are found before their values are added
  static constexpr std::size_t group_values = 2048;  ///< of these trees: they stay in the first cache
  static constexpr std::size_t lanes = 4;            ///< values that are added at once where a leaf has several

  /// From one row's sums to the next one's.
  static constexpr std::size_t sum_step(std::size_t outputs) noexcept { return (outputs + lanes - 1) / lanes * lanes; }

  struct level {
    std::uint16_t column = 0;
    std::uint8_t threshold = 0;  ///< the bit is set where the byte is not above it
  };
  struct symmetric_tree {
    std::uint32_t first_level = 0;
    std::uint32_t levels = 0;
    std::uint32_t output = 0;
    std::size_t values = 0;  ///< of leaf i: values[i * leaf_width + j]
  };

  std::vector<level> levels;  ///< of bit 0 first
  std::vector<symmetric_tree> trees;
  std::vector<float> values32;  ///< filled when the model sums in float32, else values64
  std::vector<double> values64;

  static symmetric_plan make(const forest_model& model, const std::vector<std::vector<rank_plan::place>>& places);
};

inline symmetric_plan symmetric_plan::make(const forest_model& model,
                                           const std::vector<std::vector<rank_plan::place>>& places) {
  symmetric_plan plan;
  std::vector<std::int32_t> level, next;
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    const tree& t = model.trees[i];
    const std::vector<std::uint32_t> splits = symmetric_levels(t, places[i]);
    if (splits.size() > most_levels || (splits.empty() && !t.splits.empty())) return {};
    plan.trees.push_back({static_cast<std::uint32_t>(plan.levels.size()), static_cast<std::uint32_t>(splits.size()),
                          t.output, plan.values32.size() + plan.values64.size()});
    for (const std::uint32_t s : splits) {
      plan.levels.push_back({static_cast<std::uint16_t>(places[i][s].column), places[i][s].threshold});
    }
    level.assign(1, t.splits.empty() ? -1 : 0);
    for (std::size_t depth = 0; depth < splits.size(); ++depth, std::swap(level, next)) {
      next.clear();
      for (const std::int32_t at : level) {
        next.push_back(t.splits[static_cast<std::size_t>(at)].left);
        next.push_back(t.splits[static_cast<std::size_t>(at)].right);
      }
    }
    std::reverse(level.begin(), level.end());
    for (const std::int32_t leaf : level) {
      for (std::size_t j = 0; j < model.leaf_width; ++j) {
        const double value = t.leaves[static_cast<std::size_t>(~leaf) * model.leaf_width + j];
        if (model.sum == precision::float32) {
          plan.values32.push_back(static_cast<float>(value));
        } else {
          plan.values64.push_back(value);
        }
      }
    }
  }
  if (!plan.values32.empty()) plan.values32.resize(plan.values32.size() + lanes);  // a vector may end behind the last
  if (!plan.values64.empty()) plan.values64.resize(plan.values64.size() + lanes);
  return plan;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
