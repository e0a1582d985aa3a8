// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../tree.hpp"
#include "block_plan.hpp"
#include "rank_plan.hpp"

namespace tabscore::detail {

/// How few rows run through the trees: row by row, several trees in lockstep. The upper six levels of a tree also come as
/// a table that a byte permute decides all at once.
struct few_plan {
  static constexpr std::size_t lanes = 8;  ///< trees in lockstep
  static constexpr std::uint32_t top_levels = 6;

  /// A leaf is a node that leads to itself, so that trees of different height can take the same number of steps.
  struct node {
    std::uint16_t column = 0;
    std::uint8_t threshold = 255;
    std::uint8_t unused = 0;
    std::uint16_t left = 0;
    std::uint16_t right = 0;
  };
  /// Positions 1 to 63 in heap order (0 is unused); exit[i] is the node reached at position 64 + i.
  struct alignas(64) top {
    std::uint8_t column[64] = {};
    std::uint8_t threshold[64] = {};
    std::uint16_t exit[64] = {};
  };
  struct few_tree {
    std::uint32_t first_node = 0;
    std::uint32_t splits = 0;  ///< node s + i is leaf i
    std::uint32_t output = 0;
    std::size_t first_value = 0;
  };
  struct group {
    std::uint32_t steps = 0;       ///< from the roots
    std::uint32_t steps_left = 0;  ///< from the exits of the tops
  };

  std::vector<node> nodes;
  std::vector<top> tops;  ///< one per tree, when columns fit a byte
  std::vector<few_tree> trees;
  std::vector<group> groups;  ///< of `lanes` trees
  std::vector<float> values32;
  std::vector<double> values64;

  static few_plan make(const forest_model& model, const rank_plan& ranks,
                       const std::vector<std::vector<rank_plan::place>>& places, bool with_tops);
};

inline few_plan few_plan::make(const forest_model& model, const rank_plan& ranks,
                               const std::vector<std::vector<rank_plan::place>>& places, bool with_tops) {
  few_plan plan;
  with_tops = with_tops && ranks.columns.size() <= 256;
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    const tree& t = model.trees[i];
    few_tree f;
    f.first_node = static_cast<std::uint32_t>(plan.nodes.size());
    f.splits = static_cast<std::uint32_t>(t.splits.size());
    f.output = t.output;
    f.first_value = model.sum == precision::float32 ? plan.values32.size() : plan.values64.size();
    // Breadth first, so that the first steps of a tree stay in few cache lines.
    std::vector<std::int32_t> order;
    std::vector<std::uint16_t> number(t.splits.size());
    if (!t.splits.empty()) order.push_back(0);
    for (std::size_t k = 0; k < order.size(); ++k) {
      const split& s = t.splits[static_cast<std::size_t>(order[k])];
      number[static_cast<std::size_t>(order[k])] = static_cast<std::uint16_t>(k);
      if (s.left >= 0) order.push_back(s.left);
      if (s.right >= 0) order.push_back(s.right);
    }
    const auto node_of = [&](std::int32_t at) {
      return at >= 0 ? number[static_cast<std::size_t>(at)]
                     : static_cast<std::uint16_t>(t.splits.size() + static_cast<std::size_t>(~at));
    };
    for (const std::int32_t at : order) {
      const split& s = t.splits[static_cast<std::size_t>(at)];
      const auto& p = places[i][static_cast<std::size_t>(at)];
      plan.nodes.push_back({static_cast<std::uint16_t>(p.column), p.threshold, 0, node_of(s.left), node_of(s.right)});
    }
    for (std::size_t leaf = 0; leaf <= t.splits.size(); ++leaf) {
      const auto self = static_cast<std::uint16_t>(t.splits.size() + leaf);
      plan.nodes.push_back({0, 255, 0, self, self});
    }
    for (const double value : t.leaves) {
      if (model.sum == precision::float32) {
        plan.values32.push_back(static_cast<float>(value));
      } else {
        plan.values64.push_back(value);
      }
    }
    plan.trees.push_back(f);
    if (i % lanes == 0) plan.groups.emplace_back();
    const std::uint32_t levels = height(t);
    plan.groups.back().steps = std::max(plan.groups.back().steps, levels);
    plan.groups.back().steps_left =
        std::max(plan.groups.back().steps_left, levels > top_levels ? levels - top_levels : 0);
    if (!with_tops) continue;
    top& upper = plan.tops.emplace_back();
    std::int32_t at[128];
    at[1] = t.splits.empty() ? -1 : 0;
    for (std::size_t position = 1; position < 64; ++position) {
      const bool leaf = at[position] < 0;
      const auto k = static_cast<std::size_t>(leaf ? 0 : at[position]);
      upper.column[position] = leaf ? std::uint8_t{0} : static_cast<std::uint8_t>(places[i][k].column);
      upper.threshold[position] = leaf ? std::uint8_t{255} : places[i][k].threshold;
      at[2 * position] = leaf ? at[position] : t.splits[k].left;
      at[2 * position + 1] = leaf ? at[position] : t.splits[k].right;
    }
    for (std::size_t e = 0; e < 64; ++e) upper.exit[e] = node_of(at[64 + e]);
  }
  return plan;
}

}  // namespace tabscore::detail
