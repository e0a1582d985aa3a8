// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "leaf_codes.hpp"
#include "rank_plan.hpp"
#include "symmetric_plan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// How a block of rows runs through the trees with one bit per row. For a group of trees, each distinct (column,
/// threshold) is compared once for all rows of the block; then each tree's outcomes are merged into the bits of the
/// reached leaf's code, and the code looks the leaf's value up. All offsets are bytes into the block's vectors of
/// `stride` bytes.
struct block_plan {
  static constexpr std::size_t most_vectors = 8192;     ///< per group: keeps a group's vectors in the L2 cache
  static constexpr std::size_t most_leaves = 1U << 15;  ///< of a tree; deeper or larger ones take the reference way
  static constexpr std::size_t most_levels = 512;

  struct compared_column {
    std::uint32_t column = 0;
    std::uint32_t bits = 0;   ///< of the bytes; 255 for a missing value keeps enough of them
    std::uint32_t first = 0;  ///< in thresholds; vectors follow one another in that order
    std::uint32_t count = 0;
  };
  struct group {
    std::uint32_t first_column = 0, columns = 0;
    std::uint32_t first_tree = 0, trees = 0;
  };
  struct block_tree {
    std::uint32_t complete = 0;  ///< height of the complete tree whose outcomes `code` lists in pre-order, or 0
    std::uint32_t first = 0;     ///< in outcomes (complete) or steps
    std::uint32_t steps = 0;
    std::uint32_t planes = 0;
    std::uint32_t first_plane = 0;  ///< in plane_offsets, for trees that are not complete
    std::uint32_t output = 0;
    std::size_t values = 0;  ///< of code c: values[c * leaf_width + j]
    std::size_t bytes = 0;   ///< the same as byte planes of 64, 128 or 256 entries, for trees of up to 8 planes
  };

  std::size_t stride = 16;
  std::size_t vectors = 2;  ///< room that the largest group needs
  std::vector<compared_column> compared;
  std::vector<std::uint8_t> thresholds;
  std::vector<group> groups;
  std::vector<block_tree> trees;
  std::vector<std::uint32_t> outcomes;
  std::vector<mux> steps;
  std::vector<std::uint32_t> plane_offsets;
  std::vector<float> values32;  ///< filled when the model sums in float32, else values64
  std::vector<double> values64;
  std::vector<std::uint8_t> value_bytes;
  double work = 0;  ///< rough cost of a block of few rows, in nanoseconds of a 3 GHz CPU

  /// `heights` of the model's trees.
  static block_plan make(const forest_model& model, std::span<const std::uint32_t> heights, const rank_plan& ranks,
                         const std::vector<std::vector<rank_plan::place>>& places, std::size_t stride, bool bytes);

 private:
  void add_tree(const forest_model& model, const tree& t, std::uint32_t levels,
                const std::vector<std::uint32_t>& outcome, bool symmetric, std::uint32_t free_vector, bool bytes);
  void complete_outcomes(const tree& t, const std::vector<std::uint32_t>& outcome, std::uint32_t levels);
  void complete_leaves(const tree& t, std::int32_t at, std::uint32_t base, std::uint32_t levels,
                       std::vector<std::uint32_t>& leaf_of) const;
  void add_values(const forest_model& model, const tree& t, const std::vector<std::uint32_t>& leaf_of, block_tree& out,
                  bool with_bytes) {
    if (model.sum == precision::float32) add_values(model, t, leaf_of, out, with_bytes, values32);
    if (model.sum != precision::float32) add_values(model, t, leaf_of, out, with_bytes, values64);
  }
  template <class Number>
  void add_values(const forest_model& model, const tree& t, const std::vector<std::uint32_t>& leaf_of, block_tree& out,
                  bool with_bytes, std::vector<Number>& values);

  leaf_coder coder_;
  std::vector<std::uint32_t> leaf_of_;  // of the complete tree at hand
};

inline block_plan block_plan::make(const forest_model& model, std::span<const std::uint32_t> heights,
                                   const rank_plan& ranks, const std::vector<std::vector<rank_plan::place>>& places,
                                   std::size_t stride, bool bytes) {
  block_plan plan;
  plan.stride = stride;
  plan.trees.reserve(model.trees.size());
  // Distinct comparisons of the whole model, numbered column by column.
  std::vector<std::uint32_t> first_of(ranks.columns.size() + 1);
  for (std::size_t c = 0; c < ranks.columns.size(); ++c) first_of[c + 1] = first_of[c] + ranks.columns[c].used;
  constexpr std::uint32_t unused = ~std::uint32_t{0};
  std::vector<std::uint32_t> vector_of(first_of.back(), unused);
  std::vector<std::uint64_t> is_used(first_of.back() / 64 + 1);

  std::size_t tree = 0;
  while (tree < model.trees.size()) {
    group g;
    g.first_tree = static_cast<std::uint32_t>(tree);
    g.first_column = static_cast<std::uint32_t>(plan.compared.size());
    std::vector<std::uint32_t> used;
    for (; tree < model.trees.size(); ++tree) {
      const std::size_t before = used.size();
      for (const auto& p : places[tree]) {
        const std::uint32_t id = first_of[p.column] + p.threshold;
        if (vector_of[id] != unused) continue;
        vector_of[id] = 0;
        used.push_back(id);
      }
      if (used.size() > most_vectors && tree > g.first_tree) {
        for (std::size_t i = before; i < used.size(); ++i) vector_of[used[i]] = unused;
        used.resize(before);
        break;
      }
    }
    g.trees = static_cast<std::uint32_t>(tree) - g.first_tree;
    for (const std::uint32_t id : used) is_used[id / 64] |= std::uint64_t{1} << (id % 64);
    used.clear();  // and in their order again
    for (std::size_t word = 0; word < is_used.size(); ++word) {
      for (; is_used[word] != 0; is_used[word] &= is_used[word] - 1) {
        used.push_back(static_cast<std::uint32_t>(word * 64) +
                       static_cast<std::uint32_t>(std::countr_zero(is_used[word])));
      }
    }
    std::uint32_t next = 2;  // after zeros and ones
    std::size_t column = 0;
    for (std::size_t i = 0; i < used.size(); ++i) {
      while (used[i] >= first_of[column + 1]) ++column;
      if (plan.compared.size() == g.first_column || plan.compared.back().column != column) {
        plan.compared.push_back({static_cast<std::uint32_t>(column),
                                 static_cast<std::uint32_t>(std::bit_width(ranks.columns[column].used)),
                                 static_cast<std::uint32_t>(plan.thresholds.size()), 0});
      }
      const std::uint32_t threshold = used[i] - first_of[column];
      plan.thresholds.push_back(static_cast<std::uint8_t>(threshold));
      ++plan.compared.back().count;
      vector_of[used[i]] = next++;
    }
    g.columns = static_cast<std::uint32_t>(plan.compared.size()) - g.first_column;
    plan.vectors = std::max<std::size_t>(plan.vectors, next);
    plan.groups.push_back(g);
    plan.work += 2.5 * static_cast<double>(next) + 15.0 * g.columns + 40.0 * static_cast<double>(g.trees);

    std::vector<std::uint32_t> outcome;
    for (std::size_t i = g.first_tree; i < tree; ++i) {
      outcome.clear();
      for (const auto& p : places[i]) outcome.push_back(vector_of[first_of[p.column] + p.threshold]);
      plan.add_tree(model, model.trees[i], heights[i], outcome, !symmetric_levels(model.trees[i], places[i]).empty(),
                    next, bytes);
    }
    for (const std::uint32_t id : used) vector_of[id] = unused;
  }
  // From indices to bytes, so that kernels need no multiplication.
  const auto scale = [&](std::uint32_t& index) { index *= static_cast<std::uint32_t>(stride); };
  for (std::uint32_t& o : plan.outcomes) scale(o);
  for (std::uint32_t& o : plan.plane_offsets) scale(o);
  for (mux& m : plan.steps) {
    scale(m.c);
    scale(m.left);
    scale(m.right);
    scale(m.destination);
  }
  return plan;
}

/// A tree as the cheaper of two: complete to its height (short tight code, but every place of the complete tree costs
/// an operation), or the merging steps of its own shape.
inline void block_plan::add_tree(const forest_model& model, const tree& t, std::uint32_t levels,
                                 const std::vector<std::uint32_t>& outcome, bool symmetric, std::uint32_t free_vector,
                                 bool bytes) {
  block_tree b;
  b.output = t.output;
  // A split costs about two steps, a step two to three places of a complete tree; one comparison a level costs none.
  if (levels >= 1 && levels <= 8 && !symmetric && (std::size_t{1} << levels) <= 5 * t.splits.size() + 8) {
    b.complete = levels;
    b.planes = levels;
    b.first = static_cast<std::uint32_t>(outcomes.size());
    complete_outcomes(t, outcome, levels);
    leaf_of_.resize(std::size_t{1} << levels);
    complete_leaves(t, 0, 0, levels, leaf_of_);
    add_values(model, t, leaf_of_, b, bytes);
    work += 0.25 * static_cast<double>(std::size_t{1} << levels);
  } else {
    const leaf_program& program = coder_.build(t, outcome, free_vector);
    b.first = static_cast<std::uint32_t>(steps.size());
    b.steps = static_cast<std::uint32_t>(program.steps.size());
    b.planes = static_cast<std::uint32_t>(program.planes.size());
    b.first_plane = static_cast<std::uint32_t>(plane_offsets.size());
    steps.insert(steps.end(), program.steps.begin(), program.steps.end());
    plane_offsets.insert(plane_offsets.end(), program.planes.begin(), program.planes.end());
    vectors = std::max<std::size_t>(vectors, free_vector + program.temporaries);
    add_values(model, t, program.leaf_of, b, bytes);
    work += 1.3 * static_cast<double>(program.steps.size());
  }
  trees.push_back(b);
}

/// Outcomes in pre-order; below a leaf every outcome is "left", its codes all mean that leaf.
inline void block_plan::complete_outcomes(const tree& t, const std::vector<std::uint32_t>& outcome,
                                          std::uint32_t levels) {
  const auto visit = [&](auto& self, std::int32_t at, std::uint32_t left_levels) -> void {
    if (left_levels == 0) return;
    outcomes.push_back(at < 0 ? leaf_coder::zeros : outcome[static_cast<std::size_t>(at)]);
    self(self, at < 0 ? at : t.splits[static_cast<std::size_t>(at)].left, left_levels - 1);
    self(self, at < 0 ? at : t.splits[static_cast<std::size_t>(at)].right, left_levels - 1);
  };
  visit(visit, 0, levels);
}

inline void block_plan::complete_leaves(const tree& t, std::int32_t at, std::uint32_t base, std::uint32_t levels,
                                        std::vector<std::uint32_t>& leaf_of) const {
  if (at < 0) {
    std::fill_n(leaf_of.begin() + base, std::size_t{1} << levels, static_cast<std::uint32_t>(~at));
    return;
  }
  const split& s = t.splits[static_cast<std::size_t>(at)];
  complete_leaves(t, s.left, base, levels - 1, leaf_of);
  complete_leaves(t, s.right, base + (std::uint32_t{1} << (levels - 1)), levels - 1, leaf_of);
}

template <class Number>
void block_plan::add_values(const forest_model& model, const tree& t, const std::vector<std::uint32_t>& leaf_of,
                            block_tree& out, bool with_bytes, std::vector<Number>& values) {
  const std::size_t width = model.leaf_width;
  out.values = values.size();
  values.resize(out.values + leaf_of.size() * width);
  Number* to = values.data() + out.values;
  for (const std::uint32_t leaf : leaf_of) {
    for (std::size_t j = 0; j < width; ++j) *to++ = static_cast<Number>(t.leaves[leaf * width + j]);
  }
  if (!with_bytes || out.planes > 8) return;
  // For each output, each byte of a value in its own table, so that byte permutes of a vector find 64 leaves at once.
  out.bytes = value_bytes.size();
  const std::size_t entries = std::max<std::size_t>(leaf_of.size(), 64);
  constexpr std::size_t size = sizeof(Number);
  value_bytes.resize(out.bytes + entries * size * width);
  const Number* from = values.data() + out.values;
  for (std::size_t code = 0; code < leaf_of.size(); ++code) {
    for (std::size_t j = 0; j < width; ++j) {
      const auto raw = std::bit_cast<std::array<std::uint8_t, size>>(*from++);
      for (std::size_t b = 0; b < size; ++b) value_bytes[out.bytes + (j * size + b) * entries + code] = raw[b];
    }
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
