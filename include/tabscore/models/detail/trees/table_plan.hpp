// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "few_plan.hpp"
#include "rank_plan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// How few rows run through the trees where the CPU has byte permutes: up to 64 splits of a tree are decided at once,
/// the upper six levels of any tree, or all splits of a tree of up to 64 leaves.
struct table_plan {
  static constexpr std::size_t most_columns = 256;  ///< bytes of a row that a permute reaches
  static constexpr std::size_t lanes = 8;           ///< trees side by side
  static constexpr std::uint32_t top_levels = 6;
  static constexpr std::size_t most_rows = 128;  ///< of a call, whose exits lie on the stack

  /// Of a top: positions 1 to 63 in heap order (0 is unused), and the node reached at position 64 + i. Of a whole tree:
  /// the splits in any order, and the node of each leaf from left to right. Nodes count from the tree's root.
  struct alignas(64) table {
    std::uint8_t column[64] = {};
    std::uint8_t threshold[64];
    std::uint16_t exit[64] = {};
  };
  /// The leaves on the left of each split: the first leaf that no split to the right loses is the one reached
  /// (QuickScorer, Lucchese et al. 2015).
  struct alignas(64) lost_leaves {
    std::uint64_t of[64] = {};
  };
  struct group {
    bool whole = false;
    std::uint32_t steps = 0;       ///< below the tops
    std::uint32_t first_lost = 0;  ///< of whole trees
  };

  std::vector<table> tables;         ///< of each tree
  std::vector<std::uint32_t> roots;  ///< in few_plan::nodes
  std::vector<std::uint32_t> outputs;
  std::vector<group> groups;  ///< of `lanes` trees
  std::vector<lost_leaves> lost;
  double work = 0;  ///< rough cost of a row, in nanoseconds of a 3 GHz CPU

  /// `heights` of the model's trees.
  static table_plan make(const forest_model& model, std::span<const std::uint32_t> heights, const rank_plan& ranks,
                         const few_plan& few);

 private:
  // A tree's nodes, from its root on.
  void add_top(const few_plan::node* nodes);
  void add_whole(const few_plan::node* nodes);
};

inline void table_plan::add_top(const few_plan::node* nodes) {
  table& upper = tables.emplace_back();
  std::uint32_t at[128];
  at[1] = 0;
  upper.threshold[0] = 255;
  for (std::size_t position = 1; position < 64; ++position) {
    const few_plan::node& n = nodes[at[position]];
    upper.column[position] = static_cast<std::uint8_t>(n.column);
    upper.threshold[position] = n.threshold;
    at[2 * position] = at[position] + (n.leaf != 0 ? 0 : n.step);
    at[2 * position + 1] = at[2 * position] + (n.leaf != 0 ? 0 : 1);
  }
  for (std::size_t e = 0; e < 64; ++e) upper.exit[e] = static_cast<std::uint16_t>(at[64 + e]);
}

inline void table_plan::add_whole(const few_plan::node* nodes) {
  table& all = tables.emplace_back();
  lost_leaves& leaves = lost.emplace_back();
  std::fill(std::begin(all.threshold), std::end(all.threshold), std::uint8_t{255});
  std::size_t splits = 0, found = 0;  // leaves, from the left
  const auto visit = [&](auto& self, std::uint32_t at) -> void {
    const few_plan::node& n = nodes[at];
    if (n.leaf != 0) {
      all.exit[found++] = static_cast<std::uint16_t>(at);
      return;
    }
    const std::size_t i = splits++, first = found;
    all.column[i] = static_cast<std::uint8_t>(n.column);
    all.threshold[i] = n.threshold;
    self(self, at + n.step);
    leaves.of[i] = (std::uint64_t{1} << found) - (std::uint64_t{1} << first);
    self(self, at + n.step + 1);
  };
  visit(visit, 0);
}

inline table_plan table_plan::make(const forest_model& model, std::span<const std::uint32_t> heights,
                                   const rank_plan& ranks, const few_plan& few) {
  table_plan plan;
  plan.roots = few.roots;
  plan.tables.reserve(model.trees.size());
  plan.work = ranks.work();
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    plan.outputs.push_back(model.trees[i].output);
    if (i % lanes == 0) {
      std::uint32_t highest = 0;
      std::size_t most = 0;
      for (std::size_t k = i; k < (std::min)(i + lanes, model.trees.size()); ++k) {
        highest = (std::max)(highest, heights[k]);
        most = (std::max)(most, model.trees[k].splits.size());
      }
      group& g = plan.groups.emplace_back();
      g.whole = highest > top_levels && most < 64;
      g.steps = highest > top_levels ? highest - top_levels : 0;
      g.first_lost = static_cast<std::uint32_t>(plan.lost.size());
      plan.work += g.whole ? 37 : 20 + 12.0 * (std::min)(g.steps, 10U);
    }
    const few_plan::node* const nodes = few.nodes.data() + few.roots[i];
    if (plan.groups.back().whole) plan.add_whole(nodes);
    if (!plan.groups.back().whole) plan.add_top(nodes);
  }
  return plan;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
