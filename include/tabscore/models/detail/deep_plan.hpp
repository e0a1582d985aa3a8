// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/scratch.hpp"
#include "../matrix_view.hpp"
#include "../tree.hpp"
#include "rank_plan.hpp"
#include "walk.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Deep trees, as random forests have: a row meets few of a tree's splits, so that walking costs less than deciding all
/// of them at once, with any kernel. Several lanes walk side by side without a branch: many rows one tree after the
/// other, whose nodes stay in the cache, each lane from row to row; few rows, or the runs of trees of one row, from
/// tree to tree. Values are compared as integers of the same order.
struct deep_plan {
  static constexpr std::size_t least_splits = 512;  ///< a tree on average; smaller trees are quicker in blocks
  static constexpr std::size_t lanes = 16;
  static constexpr std::size_t most_trees = 16;  ///< of a run
  static constexpr std::size_t block_rows = 2048;
  static constexpr std::size_t least_rows = 4 * lanes;  ///< that go tree by tree

  /// Right when the column's value is above the key. A leaf's key is its number; its column is column 0, above nothing.
  struct node {
    static constexpr std::uint32_t most_steps = (1U << 20) - 1;
    static constexpr std::uint32_t most_columns = 1U << 11;
    std::int32_t key = 0;
    std::uint32_t link = 0;  ///< steps to the left child, whose neighbour is the right one, or to the next root; then
                             ///< the column; the highest bit: a leaf
    static std::uint32_t link_of(std::uint32_t steps, std::uint32_t column, bool leaf) {
      return steps | column << 20 | (leaf ? 1U << 31 : 0U);
    }
    std::uint32_t steps() const { return link & most_steps; }
    std::uint32_t column() const { return link >> 20 & (most_columns - 1); }
    std::uint32_t leaf() const { return link >> 31; }
  };
  struct column {
    std::uint32_t feature = 0;
    std::int32_t missing = 0;  ///< what NaN is here
  };
  struct run {
    std::uint32_t root = 0;
    std::uint32_t first_tree = 0;
    std::uint32_t trees = 0;
  };

  std::vector<node> nodes;           ///< a run's trees one after the other, then a node that leads to itself
  std::vector<run> runs;             ///< in the order of the trees
  std::vector<std::uint32_t> roots;  ///< of each tree
  std::vector<column> columns;
  std::vector<double> values;          ///< of leaf n: values[n * leaf_width + j]
  std::vector<std::uint32_t> outputs;  ///< of each tree

  /// Without runs where the model is not deep, or reads its inputs in another way.
  static deep_plan make(const forest_model& model);

  /// A float32 as an integer, in the same order; both zeros are one.
  static std::int32_t order_of(float x) noexcept {
    const auto bits = std::bit_cast<std::int32_t>(x + 0.0F);
    return bits < 0 ? bits ^ (std::numeric_limits<std::int32_t>::max)() : bits;
  }

 private:
  static constexpr std::int32_t lowest = (std::numeric_limits<std::int32_t>::min)();
  bool add_tree(const forest_model& model, const tree& t, std::span<std::uint32_t> column_of);
  void order_nodes(const tree& t);

  std::vector<std::int32_t> order_;  // of the tree at hand: splits, and leaves (~leaf)
  std::vector<std::uint32_t> child_, leaves_;
};

inline deep_plan deep_plan::make(const forest_model& model) {
  std::size_t splits = 0;
  for (const tree& t : model.trees) splits += t.splits.size();
  deep_plan plan;
  if (splits < least_splits * model.trees.size() || splits == 0 || model.input != precision::float32) return {};
  if (splits > (std::numeric_limits<std::int32_t>::max)() / 4 || model.features > node::most_columns) return {};
  plan.nodes.reserve(2 * splits + 3 * model.trees.size());
  plan.values.reserve((splits + model.trees.size()) * model.leaf_width);
  plan.columns.push_back({0, lowest});
  std::vector<std::uint32_t> column_of(3 * model.features);
  const std::size_t count = model.trees.size();
  const std::size_t rounds = (count + lanes * most_trees - 1) / (lanes * most_trees);
  const std::size_t trees_a_run = (count + lanes * rounds - 1) / (lanes * rounds);
  for (std::size_t i = 0; i < count; ++i) {
    if (i % trees_a_run == 0) {
      if (i > 0) plan.nodes.emplace_back();
      plan.runs.push_back({static_cast<std::uint32_t>(plan.nodes.size()), static_cast<std::uint32_t>(i), 0});
    }
    ++plan.runs.back().trees;
    plan.outputs.push_back(model.trees[i].output);
    plan.roots.push_back(static_cast<std::uint32_t>(plan.nodes.size()));
    if (!plan.add_tree(model, model.trees[i], column_of)) return {};
  }
  plan.nodes.emplace_back();
  if (plan.columns.size() > node::most_columns) return {};
  return plan;
}

/// Children side by side, and those of the child with more leaves at once after them: a way through the tree, which
/// mostly takes the larger side, meets few cache lines. child_[k] is the place of the left child of node k.
inline void deep_plan::order_nodes(const tree& t) {
  leaves_.assign(t.splits.size() + 1, 1);  // of any leaf, then of each split
  const auto leaves_of = [&](std::int32_t at) { return leaves_[at_or_leaf(at)]; };
  upwards(t, order_, [&](std::size_t at, const split& s) { leaves_[at + 1] = leaves_of(s.left) + leaves_of(s.right); });
  order_.assign(1, t.splits.empty() ? -1 : 0);
  child_.assign(2 * t.splits.size() + 1, 0);
  std::vector<std::uint32_t> open(1, 0);  // places whose children have none yet
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    open.pop_back();
    if (order_[at] < 0) continue;
    const split& s = t.splits[static_cast<std::size_t>(order_[at])];
    const auto child = static_cast<std::uint32_t>(order_.size());
    child_[at] = child;
    order_.push_back(s.left);
    order_.push_back(s.right);
    const std::uint32_t larger = leaves_of(s.left) >= leaves_of(s.right) ? 0 : 1;
    open.push_back(child + 1 - larger);
    open.push_back(child + larger);
  }
}

inline bool deep_plan::add_tree(const forest_model& model, const tree& t, std::span<std::uint32_t> column_of) {
  order_nodes(t);
  if (order_.size() > node::most_steps) return false;
  const std::size_t width = model.leaf_width;
  const std::size_t first_leaf = values.size() / width;
  const auto size = static_cast<std::uint32_t>(order_.size());
  for (std::uint32_t k = 0; k < size; ++k) {
    if (order_[k] < 0) {
      const auto leaf = static_cast<std::int32_t>(first_leaf + static_cast<std::size_t>(~order_[k]));
      nodes.push_back({leaf, node::link_of(size - k, 0, true)});
      continue;
    }
    const split& s = t.splits[static_cast<std::size_t>(order_[k])];
    if (s.categories != split::numeric || s.missing == missing_rule::nan_or_zero) return false;
    const std::uint32_t side = s.missing == missing_rule::none ? 2 : s.default_left ? 0 : 1;
    std::uint32_t& place = column_of[3 * s.feature + side];
    if (place == 0) {
      place = static_cast<std::uint32_t>(columns.size());
      columns.push_back({s.feature, side == 0 ? lowest : side == 1 ? (std::numeric_limits<std::int32_t>::max)() : 0});
    }
    const bool less = model.compare == comparison::less;
    const std::int32_t key = order_of(less ? static_cast<float>(s.threshold) : floor_float(s.threshold));
    nodes.push_back({less ? key - 1 : key, node::link_of(child_[k] - k, place & (node::most_columns - 1), false)});
  }
  values.insert(values.end(), t.leaves.begin(), t.leaves.end());
  return true;
}

/// The leaves that each lane meets, from a root to the end of its run: met[lane][tree].
inline void walk_deep(const deep_plan::node* nodes, const std::uint32_t* roots, const std::int32_t* const* rows,
                      std::int32_t (*met)[deep_plan::most_trees + 1]) noexcept {
  constexpr std::size_t lanes = deep_plan::lanes, steps_between_checks = 4;
  std::uint32_t at[lanes], count[lanes] = {};
  for (std::size_t k = 0; k < lanes; ++k) at[k] = roots[k];
  std::uint32_t open = 1;
  while (open != 0) {
    for (std::size_t s = 0; s < steps_between_checks; ++s) {
      open = 0;
      for (std::size_t k = 0; k < lanes; ++k) {
        const deep_plan::node n = nodes[at[k]];
        met[k][count[k]] = n.key;  // overwritten until it is a leaf's
        count[k] += n.leaf();
        at[k] += n.steps() + (n.key < rows[k][n.column()] ? 1U : 0U);
        open |= n.steps();
      }
    }
  }
}

/// The leaves of a tree that each of n rows reaches, `columns` keys a row; keys and leaves have room for a row more.
inline void walk_tree(const deep_plan::node* nodes, const std::int32_t* keys, std::size_t columns, std::size_t n,
                      std::int32_t* leaves) noexcept {
  constexpr std::size_t lanes = deep_plan::lanes, steps_between_checks = 8;
  std::uint32_t at[lanes] = {};
  std::size_t row[lanes], end[lanes];  // each lane has neighbouring rows
  for (std::size_t k = 0; k < lanes; ++k) {
    row[k] = n * k / lanes;
    end[k] = n * (k + 1) / lanes;
  }
  for (bool open = true; open;) {
    for (std::size_t s = 0; s < steps_between_checks; ++s) {
      for (std::size_t k = 0; k < lanes; ++k) {
        const deep_plan::node one = nodes[at[k]];
        const std::size_t to = row[k] < end[k] ? row[k] : n;  // a lane that has ended walks for nothing
        leaves[to] = one.key;                                 // overwritten until it is a leaf's
        at[k] += one.steps() + (one.key < keys[to * columns + one.column()] ? 1U : 0U);
        at[k] &= one.leaf() - 1U;  // after a leaf the root
        row[k] += one.leaf();
      }
    }
    open = false;
    for (std::size_t k = 0; k < lanes; ++k) open |= row[k] < end[k];
  }
}

template <class Sum>
void add_leaf(const double* value, std::size_t width, double* sums) noexcept {
  for (std::size_t j = 0; j < width; ++j) {
    sums[j] = static_cast<double>(static_cast<Sum>(sums[j]) + static_cast<Sum>(value[j]));
  }
}

template <class Sum>
void add_deep(const deep_plan& plan, const deep_plan::run& run, const std::int32_t* met, std::size_t width,
              double* sums) noexcept {
  for (std::size_t t = 0; t < run.trees; ++t) {
    const double* const value = plan.values.data() + static_cast<std::size_t>(met[t]) * width;
    add_leaf<Sum>(value, width, sums + plan.outputs[run.first_tree + t]);
  }
}

/// Margins of all rows, sums in tree order.
template <class Sum, class Number>
void deep_margins(const deep_plan& plan, std::span<const double> base, std::size_t width, matrix_view<Number> x,
                  double* out, scratch& memory) {
  constexpr std::size_t lanes = deep_plan::lanes;
  const std::size_t columns = plan.columns.size(), outputs = base.size();
  const std::size_t room = (std::min)(x.rows, deep_plan::block_rows) + 1;
  const auto memory_of_rows = memory.get<std::int32_t>(room * (columns + 1));
  std::int32_t* const keys = memory_of_rows.data();
  std::int32_t* const leaves = keys + room * columns;
  std::uint32_t roots[lanes] = {};
  const std::int32_t* rows[lanes] = {};
  std::int32_t met[lanes][deep_plan::most_trees + 1] = {};
  for (std::size_t first = 0; first < x.rows; first += deep_plan::block_rows) {
    const std::size_t n = (std::min)(deep_plan::block_rows, x.rows - first);
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        const auto value = static_cast<float>(x(first + r, plan.columns[c].feature));
        const bool missing = c == 0 || value != value;
        keys[r * columns + c] = missing ? plan.columns[c].missing : deep_plan::order_of(value);
      }
      std::copy(base.begin(), base.end(), out + (first + r) * outputs);
    }
    if (n >= deep_plan::least_rows) {
      std::fill_n(keys + n * columns, columns, 0);
      for (std::size_t t = 0; t < plan.roots.size(); ++t) {
        walk_tree(plan.nodes.data() + plan.roots[t], keys, columns, n, leaves);
        for (std::size_t r = 0; r < n; ++r) {
          const double* const value = plan.values.data() + static_cast<std::size_t>(leaves[r]) * width;
          add_leaf<Sum>(value, width, out + (first + r) * outputs + plan.outputs[t]);
        }
      }
      continue;
    }
    // Whole groups of rows side by side, which at the end may repeat the last row; fewer rows one by one.
    const std::size_t together = n % lanes >= lanes / 2 ? n : n - n % lanes;
    for (const deep_plan::run& run : plan.runs) {
      std::fill_n(roots, lanes, run.root);
      for (std::size_t r = 0; r < together; r += lanes) {
        for (std::size_t k = 0; k < lanes; ++k) rows[k] = keys + (std::min)(r + k, n - 1) * columns;
        walk_deep(plan.nodes.data(), roots, rows, met);
        for (std::size_t k = 0; k < lanes && r + k < n; ++k) {
          add_deep<Sum>(plan, run, met[k], width, out + (first + r + k) * outputs);
        }
      }
    }
    for (std::size_t r = together; r < n; ++r) {
      std::fill_n(rows, lanes, keys + r * columns);
      for (std::size_t i = 0; i < plan.runs.size(); i += lanes) {
        for (std::size_t k = 0; k < lanes; ++k) roots[k] = plan.runs[i + k < plan.runs.size() ? i + k : i].root;
        walk_deep(plan.nodes.data(), roots, rows, met);
        for (std::size_t k = 0; k < lanes && i + k < plan.runs.size(); ++k) {
          add_deep<Sum>(plan, plan.runs[i + k], met[k], width, out + (first + r) * outputs);
        }
      }
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
