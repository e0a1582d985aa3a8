// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// Trees for rapid_make(), one after the other: a child >= 0 is a split of the same tree, a negative one leaf ~child.
struct rapid_trees {
  std::size_t features, outputs, trees;
  bool less;        ///< left when x < threshold, else when x <= threshold
  bool float_sums;  ///< additions are rounded to float32
  const double* base;
  const std::size_t* first_split;  ///< trees + 1
  const std::size_t* first_leaf;
  const std::uint32_t* feature;
  const float* threshold;
  const std::int32_t* left;
  const std::int32_t* right;
  const double* leaves;
  const std::uint32_t* output;  ///< of each tree
};

extern "C" {
void* rapid_make(const rapid_trees* trees);
void rapid_score(const void* made, const float* rows, std::size_t n, double* out);
}
