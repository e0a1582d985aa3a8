// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "../tree.hpp"
#include "block_plan.hpp"
#include "rank_plan.hpp"

namespace tabscore::detail {

/// How few rows run through the trees: row by row, several trees in lockstep. For CPUs with byte permutes, up to 64
/// splits of a tree are decided at once: the upper six levels of any tree, or all of a tree with up to 64 leaves.
struct few_plan {
  static constexpr std::size_t lanes = 8;  ///< trees in lockstep
  static constexpr std::uint32_t top_levels = 6;

  /// A leaf is a node that leads to itself, so that trees of different height can take the same number of steps.
  struct node {
    std::uint16_t column = 0;
    std::uint8_t threshold = 255;
    std::uint8_t leaf = 0;
    std::uint16_t left = 0;
    std::uint16_t right = 0;
  };
  /// Positions 1 to 63 in heap order (0 is unused); exit[i] is the node reached at position 64 + i.
  struct alignas(64) top {
    std::uint8_t column[64] = {};
    std::uint8_t threshold[64] = {};
    std::uint16_t exit[64] = {};
  };
  /// All splits of a tree of up to 64 leaves, in any order. keep[i] is without the leaves on the left of split i, so
  /// that the first leaf that no split to the right removes is the one reached (QuickScorer, Lucchese et al. 2015).
  struct alignas(64) whole {
    std::uint8_t column[64] = {};
    std::uint8_t threshold[64] = {};
    std::uint64_t keep[64] = {};
  };
  struct few_tree {
    std::uint32_t first_node = 0;
    std::uint32_t splits = 0;  ///< node splits + i is leaf i, counted from the left
    std::uint32_t output = 0;
    std::size_t first_value = 0;
  };
  struct group {
    std::uint32_t steps = 0;       ///< from the roots, at most
    std::uint32_t steps_left = 0;  ///< from the exits of the tops
    bool wholes = false;           ///< the group's tables are wholes, from first_table on, else tops
    std::uint32_t first_table = 0;
  };

  std::vector<node> nodes;
  std::vector<top> tops;
  std::vector<whole> wholes;
  bool tables = false;  ///< tops and wholes are there: columns fit a byte
  std::vector<few_tree> trees;
  std::vector<group> groups;  ///< of `lanes` trees
  std::vector<float> values32;
  std::vector<double> values64;
  double work = 0;  ///< rough cost of a row, in nanoseconds of a 3 GHz CPU

  /// `heights` of the model's trees.
  static few_plan make(const forest_model& model, std::span<const std::uint32_t> heights, const rank_plan& ranks,
                       const std::vector<std::vector<rank_plan::place>>& places, bool with_tables);

 private:
  using tree_places = std::vector<rank_plan::place>;
  static void leaves_from_left(const tree& t, std::vector<std::int32_t>& leaves);
  template <class NodeOf>
  void add_top(const tree& t, const tree_places& places, NodeOf node_of);
  template <class NodeOf>
  void add_whole(const tree& t, const tree_places& places, NodeOf node_of);
};

/// Leaf numbers in the order of the leaves from left to right.
inline void few_plan::leaves_from_left(const tree& t, std::vector<std::int32_t>& leaves) {
  leaves.clear();
  std::vector<std::int32_t> open;
  open.reserve(64);
  open.push_back(t.splits.empty() ? -1 : 0);
  while (!open.empty()) {
    const std::int32_t at = open.back();
    open.pop_back();
    if (at < 0) {
      leaves.push_back(~at);
      continue;
    }
    open.push_back(t.splits[static_cast<std::size_t>(at)].right);
    open.push_back(t.splits[static_cast<std::size_t>(at)].left);
  }
}

template <class NodeOf>
void few_plan::add_top(const tree& t, const tree_places& places, NodeOf node_of) {
  if (tops.empty()) tops.reserve(trees.capacity());
  top& upper = tops.emplace_back();
  std::int32_t at[128];
  at[1] = t.splits.empty() ? -1 : 0;
  for (std::size_t position = 1; position < 64; ++position) {
    const bool leaf = at[position] < 0;
    const auto k = static_cast<std::size_t>(leaf ? 0 : at[position]);
    upper.column[position] = leaf ? std::uint8_t{0} : static_cast<std::uint8_t>(places[k].column);
    upper.threshold[position] = leaf ? std::uint8_t{255} : places[k].threshold;
    at[2 * position] = leaf ? at[position] : t.splits[k].left;
    at[2 * position + 1] = leaf ? at[position] : t.splits[k].right;
  }
  for (std::size_t e = 0; e < 64; ++e) upper.exit[e] = node_of(at[64 + e]);
}

template <class NodeOf>
void few_plan::add_whole(const tree& t, const tree_places& places, NodeOf node_of) {
  if (wholes.empty()) wholes.reserve(trees.capacity());
  whole& all = wholes.emplace_back();
  std::fill(std::begin(all.threshold), std::end(all.threshold), std::uint8_t{255});
  for (std::size_t i = 0; i < t.splits.size(); ++i) {
    all.column[i] = static_cast<std::uint8_t>(places[i].column);
    all.threshold[i] = places[i].threshold;
    // The leaves on its left are consecutive: from the leftmost to the rightmost of that side.
    const auto end_of = [&](std::int32_t at, auto side) {
      while (at >= 0) at = t.splits[static_cast<std::size_t>(at)].*side;
      return node_of(at) - t.splits.size();
    };
    const std::size_t first = end_of(t.splits[i].left, &split::left);
    const std::size_t last = end_of(t.splits[i].left, &split::right);
    all.keep[i] = ~((~std::uint64_t{0} >> (63 - (last - first))) << first);
  }
}

inline few_plan few_plan::make(const forest_model& model, std::span<const std::uint32_t> heights,
                               const rank_plan& ranks, const std::vector<std::vector<rank_plan::place>>& places,
                               bool with_tables) {
  few_plan plan;
  plan.tables = with_tables && ranks.columns.size() <= 256;
  plan.work = 50 + 8.0 * static_cast<double>(ranks.columns.size());
  std::size_t nodes = 0;
  for (const tree& t : model.trees) nodes += 2 * t.splits.size() + 1;
  plan.nodes.reserve(nodes);
  plan.trees.reserve(model.trees.size());
  std::vector<std::int32_t> order, leaves;
  std::vector<std::uint16_t> number, leaf_number;
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    const tree& t = model.trees[i];
    few_tree f;
    f.first_node = static_cast<std::uint32_t>(plan.nodes.size());
    f.splits = static_cast<std::uint32_t>(t.splits.size());
    f.output = t.output;
    f.first_value = model.sum == precision::float32 ? plan.values32.size() : plan.values64.size();
    // Breadth first, so that the first steps of a tree stay in few cache lines.
    order.clear();
    number.resize(t.splits.size());
    if (!t.splits.empty()) order.push_back(0);
    for (std::size_t k = 0; k < order.size(); ++k) {
      const split& s = t.splits[static_cast<std::size_t>(order[k])];
      number[static_cast<std::size_t>(order[k])] = static_cast<std::uint16_t>(k);
      if (s.left >= 0) order.push_back(s.left);
      if (s.right >= 0) order.push_back(s.right);
    }
    leaves_from_left(t, leaves);
    leaf_number.resize(leaves.size());
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      leaf_number[static_cast<std::size_t>(leaves[k])] = static_cast<std::uint16_t>(t.splits.size() + k);
    }
    const auto node_of = [&](std::int32_t at) {
      return at >= 0 ? number[static_cast<std::size_t>(at)] : leaf_number[static_cast<std::size_t>(~at)];
    };
    for (const std::int32_t at : order) {
      const split& s = t.splits[static_cast<std::size_t>(at)];
      const auto& p = places[i][static_cast<std::size_t>(at)];
      plan.nodes.push_back({static_cast<std::uint16_t>(p.column), p.threshold, 0, node_of(s.left), node_of(s.right)});
    }
    for (const std::int32_t leaf : leaves) {
      const std::uint16_t self = node_of(~leaf);
      plan.nodes.push_back({0, 255, 1, self, self});
      for (std::size_t j = 0; j < model.leaf_width; ++j) {
        const double value = t.leaves[static_cast<std::size_t>(leaf) * model.leaf_width + j];
        if (model.sum == precision::float32) {
          plan.values32.push_back(static_cast<float>(value));
        } else {
          plan.values64.push_back(value);
        }
      }
    }
    plan.trees.push_back(f);

    if (i % lanes == 0) {
      group& g = plan.groups.emplace_back();
      bool higher = false;
      bool small = true;
      for (std::size_t k = i; k < std::min(i + lanes, model.trees.size()); ++k) {
        higher = higher || heights[k] > top_levels;
        small = small && model.trees[k].splits.size() < 64;
        g.steps = std::max(g.steps, heights[k]);
      }
      g.steps_left = g.steps > top_levels ? g.steps - top_levels : 0;
      g.wholes = higher && small;
      g.first_table = static_cast<std::uint32_t>(g.wholes ? plan.wholes.size() : plan.tops.size());
      plan.work += !plan.tables ? 10.0 * std::min(g.steps, 14U)
                   : g.wholes   ? 60
                                : 35 + 12.0 * std::min(g.steps_left, 10U);
    }
    if (!plan.tables) continue;
    if (plan.groups.back().wholes) {
      plan.add_whole(t, places[i], node_of);
    } else {
      plan.add_top(t, places[i], node_of);
    }
  }
  return plan;
}

}  // namespace tabscore::detail
