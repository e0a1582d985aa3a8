// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../tree.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

inline error bad_model(std::string sentence) { return {errc::structure, std::move(sentence)}; }

/// Whether splits stand before their children, and no child has two parents: then each node is reached.
inline bool has_plain_shape(const tree& t, std::size_t leaves) {
  const std::size_t splits = t.splits.size();
  std::vector<std::uint8_t> seen(splits + leaves);
  for (std::size_t i = 0; i < splits; ++i) {
    for (const std::int32_t child : {t.splits[i].left, t.splits[i].right}) {
      const bool is_leaf = child < 0;
      const std::size_t at = is_leaf ? splits + static_cast<std::size_t>(~child) : static_cast<std::size_t>(child);
      if (at <= i || at >= (is_leaf ? splits + leaves : splits) || seen[at] != 0) return false;
      seen[at] = 1;
    }
  }
  return leaves == splits + 1;
}

/// Every split and leaf of a tree is reached from the root exactly once: no cycle, no shared or lost part.
inline std::optional<error> check_shape(const tree& t, std::size_t index, std::size_t leaves) {
  if (has_plain_shape(t, leaves)) return std::nullopt;
  std::vector<bool> seen_split(t.splits.size());
  std::vector<bool> seen_leaf(leaves);
  std::size_t found = 0;
  std::vector<std::int32_t> open;
  open.reserve(64);
  open.push_back(t.splits.empty() ? -1 : 0);
  while (!open.empty()) {
    const std::int32_t at = open.back();
    open.pop_back();
    const bool is_leaf = at < 0;
    const auto i = static_cast<std::size_t>(is_leaf ? ~at : at);
    std::vector<bool>& seen = is_leaf ? seen_leaf : seen_split;
    if (i >= seen.size()) {
      return bad_model(fmt::format("tree {}: a child is {} {}, but there are {}", index, is_leaf ? "leaf" : "split", i,
                                   seen.size()));
    }
    if (seen[i]) {
      return bad_model(fmt::format("tree {}: {} {} is reached twice; a tree has no cycle and shares nothing", index,
                                   is_leaf ? "leaf" : "split", i));
    }
    seen[i] = true;
    ++found;
    if (!is_leaf) {
      open.push_back(t.splits[i].right);
      open.push_back(t.splits[i].left);
    }
  }
  if (found != t.splits.size() + leaves) {
    return bad_model(fmt::format("tree {}: {} of its {} splits and leaves are not connected to the root", index,
                                 t.splits.size() + leaves - found, t.splits.size() + leaves));
  }
  return std::nullopt;
}

inline std::optional<error> check_tree(const forest_model& model, std::size_t index) {
  const tree& t = model.trees[index];
  const std::size_t leaves = t.splits.size() + 1;
  if (t.splits.size() > (std::numeric_limits<std::int32_t>::max)() / 2 ||
      t.leaves.size() != leaves * model.leaf_width) {
    return bad_model(fmt::format("tree {}: {} splits need {} leaf values, not {}", index, t.splits.size(),
                                 leaves * model.leaf_width, t.leaves.size()));
  }
  if (t.output >= model.outputs || model.leaf_width > model.outputs - t.output) {
    return bad_model(fmt::format("tree {}: output {} of {} does not exist", index, t.output, model.outputs));
  }
  for (std::size_t i = 0; i < t.splits.size(); ++i) {
    const split& s = t.splits[i];
    if (s.feature >= model.features) {
      return bad_model(
          fmt::format("tree {}, split {}: feature {} of {} does not exist", index, i, s.feature, model.features));
    }
    if (s.categories == split::numeric) {
      if (std::isnan(s.threshold)) return bad_model(fmt::format("tree {}, split {}: the threshold is NaN", index, i));
      if (model.input == precision::float32 && model.compare == comparison::less &&
          static_cast<double>(static_cast<float>(s.threshold)) != s.threshold) {
        return bad_model(fmt::format("tree {}, split {}: the threshold is not a 32-bit float", index, i));
      }
    } else if (s.categories < 0 || static_cast<std::size_t>(s.categories) >= t.sets.size()) {
      return bad_model(fmt::format("tree {}, split {}: category set {} of {} does not exist", index, i, s.categories,
                                   t.sets.size()));
    }
  }
  for (const double leaf : t.leaves) {
    if (std::isnan(leaf)) return bad_model(fmt::format("tree {}: a leaf value is NaN", index));
  }
  if (!t.linear.empty()) {
    if (t.linear.size() != leaves || model.leaf_width != 1) {
      return bad_model(fmt::format("tree {}: {} linear leaves of {}", index, t.linear.size(), leaves));
    }
    for (const linear_leaf& leaf : t.linear) {
      for (const auto& term : leaf.terms) {
        if (std::isnan(term.weight)) return bad_model(fmt::format("tree {}: a leaf's weight is NaN", index));
        if (term.feature < model.features) continue;
        return bad_model(fmt::format("tree {}: a linear leaf reads feature {} of {}, which does not exist", index,
                                     term.feature, model.features));
      }
    }
  }
  if ((!t.split_cover.empty() || !t.leaf_cover.empty()) &&
      (t.split_cover.size() != t.splits.size() || t.leaf_cover.size() != leaves)) {
    return bad_model(fmt::format("tree {}: covers do not match its splits and leaves", index));
  }
  return check_shape(t, index, leaves);
}

/// The first thing wrong with a model, if anything is.
inline std::optional<error> check_model(const forest_model& model) {
  if (model.features > (std::size_t{1} << 31)) return bad_model("more than 2^31 features");
  if (model.outputs == 0 || model.outputs > (std::size_t{1} << 20)) {
    return bad_model(fmt::format("{} outputs; 1 to 2^20 are expected", model.outputs));
  }
  if (model.base.size() != model.outputs) {
    return bad_model(fmt::format("{} base margins for {} outputs", model.base.size(), model.outputs));
  }
  if (!model.linear.empty() && model.linear.size() / model.outputs != model.features) {
    return bad_model(fmt::format("{} linear weights for {} features and {} outputs", model.linear.size(),
                                 model.features, model.outputs));
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!model.offset.empty() && (model.offset.size() != model.outputs || !finite(model.scale) ||
                                !std::all_of(model.offset.begin(), model.offset.end(), finite))) {
    return bad_model(
        fmt::format("the scale and {} offsets for {} outputs should be finite", model.offset.size(), model.outputs));
  }
  if (!model.feature_names.empty() && model.feature_names.size() != model.features) {
    return bad_model(fmt::format("{} feature names for {} features", model.feature_names.size(), model.features));
  }
  for (std::size_t i = 0; i < model.trees.size(); ++i) {
    if (auto wrong = check_tree(model, i)) return wrong;
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
