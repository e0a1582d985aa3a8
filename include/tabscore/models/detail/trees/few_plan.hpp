// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "rank_plan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// How few rows run through the trees: as walks of several lanes side by side, without a branch within a step. A leaf
/// leads on to the root of the next tree, so that a lane walks from tree to tree whatever their heights, and lanes
/// differ by little in the length of their ways. Lanes are different rows, or runs of trees of one row.
struct few_plan {
  static constexpr std::size_t lanes = 8;
  static constexpr std::size_t most_trees = 16;  ///< of a run: few enough that sums can begin while others walk

  struct node {
    std::uint32_t step = 0;  ///< from here to the left child, whose neighbour is the right one, or to the next root
    std::uint8_t leaf = 0;
    std::uint8_t threshold = 255;
    std::uint16_t column = 0;
  };
  /// A lane's state in one number, so that a step is one addition, the carry of the comparison included: the node it is
  /// at, in the lower half; above that how many leaves it has met, in a byte; above that, garbage.
  struct state {
    static std::uint32_t at(std::uint64_t s) { return static_cast<std::uint32_t>(s); }
    static std::size_t met(std::uint64_t s) { return s >> 32 & 0xFF; }
    static std::uint64_t change(const node& n) {
      if constexpr (std::endian::native == std::endian::little) return std::bit_cast<std::uint64_t>(n);
      return n.step | static_cast<std::uint64_t>(n.leaf) << 32;
    }
  };
  /// Trees of one output, one after the other; ends in a node that leads to itself.
  struct run {
    std::uint32_t root = 0;
    std::uint32_t trees = 0;
    std::uint32_t output = 0;
  };

  std::vector<node> nodes;
  std::vector<float> values32;  ///< of each node; where it is no leaf -0.0, which changes no sum
  std::vector<double> values64;
  std::vector<run> runs;             ///< by output, those of an output in the order of its trees
  std::vector<std::uint32_t> roots;  ///< of the model's trees
  double work = 0;                   ///< rough cost of a row among several, in nanoseconds of a 3 GHz CPU

  static few_plan make(const forest_model& model, const rank_plan& ranks,
                       const std::vector<std::vector<rank_plan::place>>& places);

 private:
  double add_tree(const forest_model& model, const tree& t, const std::vector<rank_plan::place>& places);
  /// Of the node at hand.
  void set_values(const forest_model& model, const double* values);

  std::vector<std::int32_t> order_;  // of the tree at hand: its splits and leaves (~leaf) level by level
  std::vector<std::uint32_t> depth_;
};

inline void few_plan::set_values(const forest_model& model, const double* values) {
  const std::size_t first = nodes.size() * model.leaf_width;
  for (std::size_t j = 0; j < model.leaf_width; ++j) {
    if (model.sum == precision::float32) values32[first + j] = static_cast<float>(values[j]);
    if (model.sum != precision::float32) values64[first + j] = values[j];
  }
}

/// Gives how many steps a row takes on average, as far as the covers tell.
inline double few_plan::add_tree(const forest_model& model, const tree& t,
                                 const std::vector<rank_plan::place>& places) {
  const std::size_t size = 2 * t.splits.size() + 1;
  order_.assign(1, t.splits.empty() ? -1 : 0);
  depth_.assign(1, 1);
  double steps = 0, covers = 0;
  for (std::size_t k = 0; k < size; ++k) {
    if (order_[k] < 0) {
      const auto leaf = static_cast<std::size_t>(~order_[k]);
      set_values(model, t.leaves.data() + leaf * model.leaf_width);
      nodes.push_back({static_cast<std::uint32_t>(size - k), 1, 255, 0});
      const double cover = t.leaf_cover.empty() ? 1.0 : t.leaf_cover[leaf];
      steps += cover * depth_[k];
      covers += cover;
      continue;
    }
    const auto& p = places[static_cast<std::size_t>(order_[k])];
    nodes.push_back(
        {static_cast<std::uint32_t>(order_.size() - k), 0, p.threshold, static_cast<std::uint16_t>(p.column)});
    const split& s = t.splits[static_cast<std::size_t>(order_[k])];
    for (const std::int32_t child : {s.left, s.right}) order_.push_back(child), depth_.push_back(depth_[k] + 1);
  }
  return covers > 0 ? steps / covers : depth_.back();
}

inline few_plan few_plan::make(const forest_model& model, const rank_plan& ranks,
                               const std::vector<std::vector<rank_plan::place>>& places) {
  few_plan plan;
  std::size_t size = model.trees.size();
  for (const tree& t : model.trees) size += 2 * t.splits.size() + 1;
  plan.nodes.reserve(size);
  plan.roots.resize(model.trees.size());
  if (model.sum == precision::float32) plan.values32.assign(size * model.leaf_width, -0.0F);
  if (model.sum != precision::float32) plan.values64.assign(size * model.leaf_width, -0.0);
  std::vector<std::uint32_t> count(model.outputs);
  for (const tree& t : model.trees) ++count[t.output];
  double steps = 0;
  for (std::uint32_t output = 0; output < model.outputs; ++output) {
    // Runs of a length that fills the lanes evenly.
    const std::size_t rounds = (count[output] + lanes * most_trees - 1) / (lanes * most_trees);
    const std::size_t trees_a_run = rounds == 0 ? 0 : (count[output] + lanes * rounds - 1) / (lanes * rounds);
    std::size_t left = count[output];
    for (std::size_t i = 0; left > 0; ++i) {
      if (model.trees[i].output != output) continue;
      if (plan.runs.empty() || plan.runs.back().output != output || plan.runs.back().trees == trees_a_run) {
        plan.runs.push_back({static_cast<std::uint32_t>(plan.nodes.size()), 0, output});
      }
      plan.roots[i] = static_cast<std::uint32_t>(plan.nodes.size());
      steps += plan.add_tree(model, model.trees[i], places[i]);
      --left;
      if (++plan.runs.back().trees == trees_a_run || left == 0) {
        plan.nodes.emplace_back();
      }
    }
  }
  (model.sum == precision::float32 ? plan.values32.resize(plan.nodes.size() * model.leaf_width)
                                   : plan.values64.resize(plan.nodes.size() * model.leaf_width));
  plan.work = ranks.work() + 0.6 * steps;
  return plan;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
