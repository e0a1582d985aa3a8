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
#include "walk.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// One operation on vectors of one bit per row: destination = bit of c ? right : left. All four are indices of vectors.
struct mux {
  std::uint32_t c, left, right, destination;
};

/// The leaf that rows reach, as a binary code: plane k holds bit k of every row's code.
struct leaf_program {
  std::vector<mux> steps;
  std::vector<std::uint32_t> planes;   ///< vector index of each bit
  std::vector<std::uint32_t> leaf_of;  ///< 2^planes codes -> leaf; codes that no row has are filled too
  std::uint32_t temporaries = 0;
};

/// Builds the operations that turn a tree's split outcomes (a vector each, set: right) into leaf codes, from the leaves
/// up: a split merges the codes of its two sides and needs no operation for a bit that only one side uses. Its memory
/// serves tree after tree.
class leaf_coder {
 public:
  static constexpr std::uint32_t zeros = 0;  ///< vector 0 is all zero, vector 1 all one
  static constexpr std::uint32_t ones = 1;

  /// `outcome[i]` is the vector of split i; temporaries are numbered from `first_temporary`. Valid until the next call.
  const leaf_program& build(const tree& t, std::span<const std::uint32_t> outcome, std::uint32_t first_temporary) {
    tree_ = &t;
    outcome_ = outcome;
    first_ = first_temporary;
    count_leaves();
    free_.clear();
    const auto bits = static_cast<std::uint32_t>(std::bit_width(t.splits.size()));
    out_.leaf_of.assign(std::size_t{1} << bits, 0);
    out_.steps.clear();
    out_.planes.clear();
    out_.temporaries = 0;
    const planes p = aligned(t.splits.empty() ? -1 : 0, 0, bits);
    for (std::uint32_t k = 0; k < p.count; ++k) out_.planes.push_back(p.bit[k] == any ? zeros : p.bit[k]);
    return out_;
  }

 private:
  /// Up to 16 bits of a code, lowest first, without an allocation for every split.
  struct planes {
    std::array<std::uint32_t, 16> bit;
    std::uint32_t count = 0;
    void push_back(std::uint32_t vector) { bit[count++] = vector; }
  };
  static constexpr std::uint32_t any = ~std::uint32_t{0};  ///< a bit that nothing depends on

  std::uint32_t leaves_of(std::int32_t at) const { return leaves_[at_or_leaf(at)]; }

  void count_leaves() {
    leaves_.assign(tree_->splits.size() + 1, 1);
    upwards(*tree_, order_,
            [&](std::size_t at, const split& s) { leaves_[at + 1] = leaves_of(s.left) + leaves_of(s.right); });
  }

  /// Codes base .. base + 2^bits - 1 belong to this part of the tree, which has that many leaves at most.
  planes aligned(std::int32_t at, std::uint32_t base, std::uint32_t bits) {
    if (at < 0) {
      std::fill_n(out_.leaf_of.begin() + base, std::size_t{1} << bits, static_cast<std::uint32_t>(~at));
      planes all;
      while (all.count < bits) all.push_back(any);
      return all;
    }
    const split& s = tree_->splits[static_cast<std::size_t>(at)];
    const std::uint32_t half = std::uint32_t{1} << (bits - 1);
    if (leaves_of(s.left) > half || leaves_of(s.right) > half) {
      std::uint32_t next = base;
      return dense(at, next, bits);
    }
    planes p = aligned(s.left, base, bits - 1);
    merge(outcome_[static_cast<std::size_t>(at)], p, aligned(s.right, base + half, bits - 1));
    p.push_back(outcome_[static_cast<std::size_t>(at)]);
    return p;
  }

  /// Consecutive codes in the order of the leaves, for parts too lopsided to give each side half of the codes.
  planes dense(std::int32_t at, std::uint32_t& next, std::uint32_t bits) {
    if (at < 0) {
      planes p;
      for (std::uint32_t bit = 0; bit < bits; ++bit) p.push_back((next >> bit & 1) != 0 ? ones : zeros);
      out_.leaf_of[next++] = static_cast<std::uint32_t>(~at);
      return p;
    }
    const std::uint32_t leaves = leaves_of(at);
    // A part that fills an aligned block can use the block's own low bits.
    const auto own = static_cast<std::uint32_t>(std::bit_width(leaves - 1));
    if (own <= bits && (next & ((std::uint32_t{1} << own) - 1)) == 0 && leaves == (std::uint32_t{1} << own) &&
        balanced(at, own)) {
      planes p = aligned(at, next, own);
      for (std::uint32_t bit = own; bit < bits; ++bit) p.push_back((next >> bit & 1) != 0 ? ones : zeros);
      next += leaves;
      return p;
    }
    const split& s = tree_->splits[static_cast<std::size_t>(at)];
    planes p = dense(s.left, next, bits);
    merge(outcome_[static_cast<std::size_t>(at)], p, dense(s.right, next, bits));
    return p;
  }

  bool balanced(std::int32_t at, std::uint32_t bits) const {
    if (at < 0) return true;
    if (bits == 0) return false;
    const split& s = tree_->splits[static_cast<std::size_t>(at)];
    const std::uint32_t half = std::uint32_t{1} << (bits - 1);
    return leaves_of(s.left) == half && leaves_of(s.right) == half;
  }

  /// The codes of both sides, in place of those of the left one.
  void merge(std::uint32_t c, planes& left, const planes& right) {
    for (std::uint32_t k = 0; k < left.count; ++k) {
      const std::uint32_t a = left.bit[k];
      const std::uint32_t b = right.bit[k];
      if (a == b || b == any) continue;
      if (a == any) {
        left.bit[k] = b;
      } else if (a == zeros && b == ones) {
        left.bit[k] = c;
      } else {
        release(a);
        release(b);
        left.bit[k] = acquire();
        out_.steps.push_back({c, a, b, left.bit[k]});
      }
    }
  }

  // A temporary is read once, so it is free again as soon as a later step has read it.
  void release(std::uint32_t vector) {
    if (vector >= first_ && vector != any) free_.push_back(vector);
  }
  std::uint32_t acquire() {
    if (free_.empty()) return first_ + out_.temporaries++;
    const std::uint32_t vector = free_.back();
    free_.pop_back();
    return vector;
  }

  const tree* tree_ = nullptr;
  std::span<const std::uint32_t> outcome_;
  std::uint32_t first_ = 0;
  std::vector<std::uint32_t> leaves_;  // of any leaf, then of each split
  std::vector<std::int32_t> order_;
  std::vector<std::uint32_t> free_;
  leaf_program out_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
