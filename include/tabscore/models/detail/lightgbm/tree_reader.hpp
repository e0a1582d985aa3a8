// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "text.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads the trees of a LightGBM text into a model: splits, those of categories, leaves of a value or of a linear
/// function.
class lightgbm_tree_reader {
  using section = lightgbm_text::section;

 public:
  /// The model has its outputs already.
  lightgbm_tree_reader(lightgbm_text& file, forest_model& model) : file_(file), model_(model) {}

  bool read(const section& s, const std::string& place) {
    std::int64_t leaf_count = 0;
    std::int64_t set_count = 0;
    std::int64_t linear = 0;
    if (!file_.integer(s, place, "num_leaves", 1, 1 << 30, leaf_count) ||
        !file_.integer(s, place, "num_cat", 0, 1 << 30, set_count) ||
        (file_.lookup(s, "is_linear") && !file_.integer(s, place, "is_linear", 0, 1, linear))) {
      return false;
    }
    const auto leaves = static_cast<std::size_t>(leaf_count);
    const std::size_t splits = leaves - 1;
    tree& t = model_.trees.emplace_back();
    t.output = static_cast<std::uint32_t>((model_.trees.size() - 1) % model_.outputs);
    if (!file_.numbers(s, place, "leaf_value", leaves, t.leaves)) return false;
    if (linear != 0 && !read_linear_leaves(s, place, t)) return false;
    if (splits == 0) return true;

    std::vector<std::uint32_t> feature;
    std::vector<double> threshold;
    std::vector<std::uint8_t> type;
    std::vector<std::int32_t> left;
    std::vector<std::int32_t> right;
    if (!file_.numbers(s, place, "split_feature", splits, feature) ||
        !file_.numbers(s, place, "threshold", splits, threshold) ||
        !file_.numbers(s, place, "decision_type", splits, type) ||
        !file_.numbers(s, place, "left_child", splits, left) ||
        !file_.numbers(s, place, "right_child", splits, right) ||
        !read_sets(s, place, static_cast<std::size_t>(set_count), t) || !read_covers(s, place, t, splits)) {
      return false;
    }
    t.splits.resize(splits);
    for (std::size_t i = 0; i < splits; ++i) {
      split& out = t.splits[i];
      out = {feature[i], left[i], right[i], split::numeric, threshold[i], missing_rule::none, (type[i] & 2) != 0};
      if ((type[i] & 1) != 0) {
        if (!(threshold[i] >= 0 && threshold[i] < static_cast<double>(t.sets.size()))) {
          return file_.fail(
              fmt::format("{}: threshold[{}] should be one of {} category sets", place, i, t.sets.size()));
        }
        out.categories = static_cast<std::int32_t>(threshold[i]);
        out.threshold = 0;
        out.default_left = false;  // NaN is not a category, whatever the missing type says
      } else {
        switch ((type[i] >> 2) & 3) {
          case 0:
            break;
          case 1:
            out.missing = missing_rule::nan_or_zero;
            break;
          case 2:
            out.missing = missing_rule::nan;
            break;
          default:
            return file_.fail(fmt::format("{}: decision_type[{}] has no missing type 3", place, i));
        }
      }
    }
    return true;
  }

 private:
  bool read_linear_leaves(const section& s, const std::string& place, tree& t) {
    if (!file_.lookup(s, "leaf_const")) return file_.fail(place + ": leaf_const of linear leaves is missing");
    std::vector<double> constants;
    std::vector<std::uint32_t> counts;
    if (!file_.numbers(s, place, "leaf_const", t.leaves.size(), constants) ||
        !file_.numbers(s, place, "num_features", t.leaves.size(), counts)) {
      return false;
    }
    const std::size_t terms = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    std::vector<std::uint32_t> feature;
    std::vector<double> weight;
    if (!file_.numbers(s, place, "leaf_features", terms, feature) ||
        !file_.numbers(s, place, "leaf_coeff", terms, weight)) {
      return false;
    }
    std::size_t next = 0;
    for (std::size_t leaf = 0; leaf < constants.size(); ++leaf) {
      linear_leaf& out = t.linear.emplace_back();
      out.constant = constants[leaf];
      for (const std::size_t end = next + counts[leaf]; next < end; ++next) {
        out.terms.push_back({feature[next], weight[next]});
      }
    }
    return true;
  }

  bool read_sets(const section& s, const std::string& place, std::size_t count, tree& t) {
    if (count == 0) return true;
    std::vector<std::uint64_t> boundaries;
    if (!file_.numbers(s, place, "cat_boundaries", count + 1, boundaries)) return false;
    std::vector<std::uint32_t> words;
    if (!file_.numbers(s, place, "cat_threshold", boundaries.back(), words)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (boundaries[i] > boundaries[i + 1] || boundaries[i + 1] > words.size()) {
        return file_.fail(fmt::format("{}: cat_boundaries[{}] is out of order", place, i));
      }
      const auto begin = words.begin() + static_cast<std::ptrdiff_t>(boundaries[i]);
      const auto end = words.begin() + static_cast<std::ptrdiff_t>(boundaries[i + 1]);
      t.sets.push_back({std::vector<std::uint32_t>(begin, end), false});
    }
    return true;
  }

  /// Rows per node; written by every version, read only for contributions.
  bool read_covers(const section& s, const std::string& place, tree& t, std::size_t splits) {
    if (!file_.lookup(s, "internal_count") || !file_.lookup(s, "leaf_count")) return true;
    return file_.numbers(s, place, "internal_count", splits, t.split_cover) &&
           file_.numbers(s, place, "leaf_count", splits + 1, t.leaf_cover);
  }

  lightgbm_text& file_;
  forest_model& model_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
