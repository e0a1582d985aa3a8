// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../../core/scratch.hpp"
#include "../../matrix_view.hpp"
#include "../../tree.hpp"
#include "rank_plan.hpp"
#include "walk.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Deep trees, as random forests have: a row meets few of a tree's splits, so that walking costs less than deciding all
/// of them at once, with any kernel. Several lanes walk side by side, without a branch, until all are at leaves. Many
/// rows take one tree after the other, while the next one comes into the cache; a few rows take many trees at once,
/// because each step of a lane waits for memory. Values are compared as integers of the same order.
struct deep_plan {
  static constexpr std::size_t least_splits = 512;  ///< a tree on average; smaller trees are quicker in blocks
  static constexpr std::size_t lanes = 8;           ///< rows in a tree, whose values of a column are neighbours
  static constexpr std::size_t few_lanes = 128;     ///< rows times trees, of fewer rows than least_rows
  static constexpr std::size_t least_rows = 16;     ///< for which it pays to read a whole tree
  static constexpr std::size_t block_rows = 1024;

  /// The right child where the column's value is above the key, else the left one, its neighbour. A leaf is its own
  /// child: its column is column 0, which is above nothing, and its key is its number.
  struct node {
    static constexpr std::size_t most_places = std::size_t{1} << 20;  ///< of nodes in a tree
    static constexpr std::size_t most_columns = std::size_t{1} << 12;
    std::uint64_t bits = 0;

    static node of(std::uint32_t key, std::size_t column, std::size_t child) {
      return {key | std::uint64_t{column} << 32 | std::uint64_t{child} << 44};
    }
    std::uint32_t key() const { return static_cast<std::uint32_t>(bits); }
    std::size_t column() const { return bits >> 32 & (most_columns - 1); }
    std::size_t child() const { return bits >> 44; }
  };
  struct column {
    std::uint32_t feature = 0;
    std::uint32_t missing = 0;  ///< what NaN is here
  };

  std::vector<node> nodes;
  std::vector<std::size_t> roots;  ///< of each tree, then the end of the last one
  std::vector<column> columns;
  std::vector<double> values;          ///< of leaf n: values[n * leaf_width + j]
  std::vector<std::uint32_t> outputs;  ///< of each tree

  /// Without nodes where the model is not deep, or reads its inputs in another way.
  static deep_plan make(const forest_model& model);

  /// A float32 as an integer, in the same order; both zeros are one.
  static std::uint32_t order_of(float x) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(x + 0.0F);
    return bits ^ (bits >> 31 != 0 ? highest : 1U << 31);
  }

 private:
  static constexpr std::uint32_t highest = (std::numeric_limits<std::uint32_t>::max)();
  static constexpr std::size_t recent_bits = 10, recent = std::size_t{1} << recent_bits;
  bool add_tree(const forest_model& model, const tree& t, std::span<std::uint32_t> column_of);
  void order_nodes(const tree& t);
  std::uint32_t number_of(std::span<const double> leaf);

  std::vector<std::int32_t> order_;  // of the tree at hand: splits, and leaves (~leaf)
  std::vector<std::uint32_t> child_, leaves_;
  std::vector<std::uint32_t> numbers_;        // of its leaves
  std::vector<std::uint32_t> recent_values_;  // numbers by hash
  std::vector<std::uint32_t> recent_pairs_;   // places by hash
};

inline deep_plan deep_plan::make(const forest_model& model) {
  std::size_t splits = 0;
  for (const tree& t : model.trees) splits += t.splits.size();
  deep_plan plan;
  if (splits < least_splits * model.trees.size() || splits == 0 || model.input != precision::float32) return {};
  if (splits > (std::numeric_limits<std::int32_t>::max)() / 4 || model.features > node::most_columns) return {};
  plan.nodes.reserve(2 * splits + model.trees.size());
  plan.columns.push_back({0, 0});
  plan.recent_values_.assign(recent, 0);
  std::vector<std::uint32_t> column_of(3 * model.features);
  for (const tree& t : model.trees) {
    plan.outputs.push_back(t.output);
    plan.roots.push_back(plan.nodes.size());
    if (!plan.add_tree(model, t, column_of)) return {};
  }
  plan.roots.push_back(plan.nodes.size());
  if (plan.columns.size() > node::most_columns) return {};
  plan.nodes.shrink_to_fit();
  plan.values.shrink_to_fit();
  return plan;
}

/// Leaves of a classifier have few distinct values, which are kept once.
inline std::uint32_t deep_plan::number_of(std::span<const double> leaf) {
  std::uint64_t hash = 0;
  for (const double value : leaf) hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x9E3779B97F4A7C15U;
  std::uint32_t& known = recent_values_[hash >> (64 - recent_bits)];
  const std::size_t at = known * leaf.size();
  if (values.empty() || std::memcmp(values.data() + at, leaf.data(), leaf.size_bytes()) != 0) {
    known = static_cast<std::uint32_t>(values.size() / leaf.size());
    values.insert(values.end(), leaf.begin(), leaf.end());
  }
  return known;
}

/// Children side by side, and those of the child with more leaves at once after them: a way through the tree, which
/// mostly takes the larger side, meets few cache lines. Equal pairs of leaves are one. child_[k] is the place of the
/// left child of node k.
inline void deep_plan::order_nodes(const tree& t) {
  leaves_.assign(t.splits.size() + 1, 1);  // of any leaf, then of each split
  const auto leaves_of = [&](std::int32_t at) { return leaves_[at_or_leaf(at)]; };
  upwards(t, order_, [&](std::size_t at, const split& s) { leaves_[at + 1] = leaves_of(s.left) + leaves_of(s.right); });
  order_.assign(1, t.splits.empty() ? -1 : 0);
  child_.assign(2 * t.splits.size() + 1, 0);
  recent_pairs_.assign(recent, 0);
  std::vector<std::uint32_t> open(1, 0);  // places whose children have none yet
  while (!open.empty()) {
    const std::uint32_t at = open.back();
    open.pop_back();
    if (order_[at] < 0) continue;
    const split& s = t.splits[static_cast<std::size_t>(order_[at])];
    const auto child = static_cast<std::uint32_t>(order_.size());
    child_[at] = child;
    if (s.left < 0 && s.right < 0) {
      const auto number = [&](std::int32_t leaf) { return numbers_[static_cast<std::size_t>(~leaf)]; };
      std::uint32_t& known = recent_pairs_[(31 * number(s.left) + number(s.right)) % recent];
      if (known != 0 && number(order_[known]) == number(s.left) && number(order_[known + 1]) == number(s.right)) {
        child_[at] = known;
        continue;
      }
      known = child;
    }
    order_.push_back(s.left);
    order_.push_back(s.right);
    const std::uint32_t larger = leaves_of(s.left) >= leaves_of(s.right) ? 0 : 1;
    open.push_back(child + 1 - larger);
    open.push_back(child + larger);
  }
}

inline bool deep_plan::add_tree(const forest_model& model, const tree& t, std::span<std::uint32_t> column_of) {
  const std::size_t width = model.leaf_width;
  numbers_.clear();
  for (std::size_t i = 0; i < t.leaves.size(); i += width) {
    numbers_.push_back(number_of(std::span(t.leaves).subspan(i, width)));
  }
  order_nodes(t);
  if (order_.size() > node::most_places) return false;
  for (std::size_t k = 0; k < order_.size(); ++k) {
    if (order_[k] < 0) {
      nodes.push_back(node::of(numbers_[static_cast<std::size_t>(~order_[k])], 0, k));
      continue;
    }
    const split& s = t.splits[static_cast<std::size_t>(order_[k])];
    if (s.categories != split::numeric || s.missing == missing_rule::nan_or_zero) return false;
    const std::uint32_t side = s.missing == missing_rule::none ? 2 : s.default_left ? 0 : 1;
    std::uint32_t& place = column_of[3 * s.feature + side];
    if (place == 0) {
      place = static_cast<std::uint32_t>(columns.size());
      columns.push_back({s.feature, side == 0 ? 0 : side == 1 ? highest : order_of(0.0F)});
    }
    const bool less = model.compare == comparison::less;
    const std::uint32_t key = order_of(less ? static_cast<float>(s.threshold) : floor_float(s.threshold));
    nodes.push_back(node::of(less ? key - 1 : key, place & (node::most_columns - 1), child_[k]));
  }
  return true;
}

/// The leaf that each lane reaches from root(k); the value of column c is at row(k)[c * deep_plan::lanes].
template <std::size_t Lanes, class Root, class Row>
void walk_deep(const deep_plan::node* nodes, Root root, Row row, std::uint32_t* leaves) noexcept {
  constexpr std::size_t steps_between_checks = 4;
  std::size_t at[Lanes];
  for (std::size_t k = 0; k < Lanes; ++k) at[k] = root(k);
  for (std::size_t open = 1; open != 0;) {
    for (std::size_t s = 0; s < steps_between_checks; ++s) {
      for (std::size_t k = 0; k < Lanes; ++k) {
        const deep_plan::node n = nodes[at[k]];
        at[k] = root(k) + n.child() + (n.key() < row(k)[n.column() * deep_plan::lanes] ? 1U : 0U);
#if defined(__GNUC__)
        if constexpr (Lanes > deep_plan::lanes) __builtin_prefetch(nodes + at[k]);
#endif
      }
    }
    open = 0;
    for (std::size_t k = 0; k < Lanes; ++k) open |= nodes[at[k]].column();
  }
  for (std::size_t k = 0; k < Lanes; ++k) leaves[k] = nodes[at[k]].key();
}

/// Adds a leaf of tree t to the sums of a row.
template <class Sum>
void add_leaf(const deep_plan& plan, std::size_t t, std::uint32_t leaf, std::size_t width, double* sums) noexcept {
  const double* const value = plan.values.data() + leaf * width;
  sums += plan.outputs[t];
  for (std::size_t j = 0; j < width; ++j) {
    sums[j] = static_cast<double>(static_cast<Sum>(sums[j]) + static_cast<Sum>(value[j]));
  }
}

/// Adds all trees to the sums of n < least_rows rows.
template <class Sum>
void add_few_deep(const deep_plan& plan, const std::uint32_t* keys, std::size_t n, std::size_t width,
                  std::size_t outputs, double* sums) noexcept {
  constexpr std::size_t few = deep_plan::few_lanes, lanes = deep_plan::lanes;
  std::size_t roots[few];
  const std::uint32_t* rows[few];
  std::uint32_t leaves[few];
  for (std::size_t t = 0; t < plan.outputs.size(); t += few / n) {
    const std::size_t count = (std::min)(few / n, plan.outputs.size() - t) * n;
    for (std::size_t k = 0; k < few; ++k) {
      const std::size_t lane = k < count ? k : 0, r = lane % n;  // idle lanes repeat one
      roots[k] = plan.roots[t + lane / n];
      rows[k] = keys + r / lanes * lanes * plan.columns.size() + r % lanes;
    }
    walk_deep<few>(
        plan.nodes.data(), [&](std::size_t k) { return roots[k]; }, [&](std::size_t k) { return rows[k]; }, leaves);
    for (std::size_t k = 0; k < count; ++k) add_leaf<Sum>(plan, t + k / n, leaves[k], width, sums + k % n * outputs);
  }
}

/// Adds all trees to the sums of n rows.
template <class Sum>
void add_many_deep(const deep_plan& plan, const std::uint32_t* keys, std::size_t n, std::size_t width,
                   std::size_t outputs, double* sums) noexcept {
  constexpr std::size_t lanes = deep_plan::lanes, nodes_a_line = 64 / sizeof(deep_plan::node);
  const std::size_t trees = plan.outputs.size();
  std::uint32_t leaves[lanes];
  for (std::size_t t = 0; t < trees; ++t) {
    const deep_plan::node* const nodes = plan.nodes.data() + plan.roots[t];
    std::size_t ahead = plan.roots[t + 1];  // in the next tree
    const std::size_t end = plan.roots[(std::min)(t + 2, trees)];
    const std::size_t part = (end - ahead) * lanes / n + nodes_a_line;
    for (std::size_t r = 0; r < n; r += lanes) {
#if defined(__GNUC__)
      for (const std::size_t to = (std::min)(ahead + part, end); ahead < to; ahead += nodes_a_line) {
        __builtin_prefetch(plan.nodes.data() + ahead, 0, 2);
      }
#endif
      const std::uint32_t* const row = keys + r * plan.columns.size();
      walk_deep<lanes>(
          nodes, [](std::size_t) { return std::size_t{0}; }, [row](std::size_t k) { return row + k; }, leaves);
      for (std::size_t k = 0; k < lanes && r + k < n; ++k) {
        add_leaf<Sum>(plan, t, leaves[k], width, sums + (r + k) * outputs);
      }
    }
  }
}

/// Margins of all rows, sums in tree order.
template <class Sum, class Number>
void deep_margins(const deep_plan& plan, std::span<const double> base, std::size_t width, matrix_view<Number> x,
                  double* out, scratch& memory) {
  constexpr std::size_t lanes = deep_plan::lanes;
  const std::size_t columns = plan.columns.size(), outputs = base.size();
  const std::size_t room = (std::min)(x.rows, deep_plan::block_rows) + lanes - 1;
  std::uint32_t* const keys = memory.get<std::uint32_t>(room * columns).data();
  for (std::size_t first = 0; first < x.rows; first += deep_plan::block_rows) {
    const std::size_t n = (std::min)(deep_plan::block_rows, x.rows - first);
    double* const sums = out + first * outputs;
    for (std::size_t r = 0; r < n; r += lanes) {
      for (std::size_t c = 0; c < columns; ++c) {
        for (std::size_t k = 0; k < lanes; ++k) {  // past the end the last row again
          const auto value = static_cast<float>(x(first + (std::min)(r + k, n - 1), plan.columns[c].feature));
          const bool missing = c == 0 || value != value;
          keys[r * columns + c * lanes + k] = missing ? plan.columns[c].missing : deep_plan::order_of(value);
        }
      }
    }
    for (std::size_t r = 0; r < n; ++r) std::copy(base.begin(), base.end(), sums + r * outputs);
    if (n < deep_plan::least_rows) {
      add_few_deep<Sum>(plan, keys, n, width, outputs, sums);
    } else {
      add_many_deep<Sum>(plan, keys, n, width, outputs, sums);
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
