// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../tree.hpp"
#include "../model_value.hpp"
#include "document.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

enum class sklearn_family : std::uint8_t { forest, boosting, histogram };

/// Reads the trees of a scikit-learn document into a model: splits, those of categories, leaves of one value or of
/// several.
class sklearn_tree_reader {
 public:
  /// The model has its features and outputs already.
  sklearn_tree_reader(sklearn_document& file, forest_model& model) : file_(file), model_(model) {}

  /// The categories of all trees.
  bool read_known_categories() {
    const auto known = file_.root().find("known_categories");
    const auto bitsets = known ? known->find("bitsets") : std::nullopt;
    if (!bitsets) return true;
    const bool good = bitsets->each([&](const model_value& e) {
      std::vector<std::uint32_t> words;
      const bool read = file_.flatten(e, words, 0) && words.size() <= most_words();
      known_.push_back(std::move(words));
      return read;
    });
    if (!good) return file_.expect("known_categories.bitsets", fmt::format("arrays of up to {} words", most_words()));
    return file_.numbers(*known, "known_categories", "feature_map", known_of_);
  }

  bool read(const model_value& t, sklearn_family kind, std::uint32_t output, double rate) {
    const std::string place = fmt::format("trees[{}]", model_.trees.size());
    std::vector<std::int64_t> feature;
    std::vector<double> threshold;
    std::vector<std::int64_t> left;
    std::vector<std::int64_t> right;
    std::vector<double> value;
    std::vector<double> cover;
    std::vector<std::uint8_t> leaf;
    std::vector<std::uint8_t> missing_left;
    std::vector<std::uint8_t> categorical;
    std::vector<std::uint32_t> set_of;
    if (!file_.numbers(t, place, "feature", feature) || !file_.numbers(t, place, "threshold", threshold) ||
        !file_.numbers(t, place, "left", left) || !file_.numbers(t, place, "right", right) ||
        !file_.numbers(t, place, "value", value) || (t.find("cover") && !file_.numbers(t, place, "cover", cover))) {
      return false;
    }
    const std::size_t nodes = left.size();
    if (kind == sklearn_family::histogram) {
      if (!file_.numbers(t, place, "is_leaf", leaf) || !file_.numbers(t, place, "missing_left", missing_left) ||
          !file_.numbers(t, place, "is_categorical", categorical) || !file_.numbers(t, place, "bitset_idx", set_of)) {
        return false;
      }
    } else {
      leaf.resize(nodes);
      for (std::size_t i = 0; i < nodes; ++i) leaf[i] = left[i] == -1 ? 1 : 0;
      if (t.find("missing_left")) {
        if (!file_.numbers(t, place, "missing_left", missing_left)) return false;
        ++missing_sides_;
      } else {
        missing_left.resize(nodes);
      }
      categorical.resize(nodes);
      set_of.resize(nodes);
    }
    const std::size_t width = kind == sklearn_family::forest ? model_.leaf_width : 1;
    if (nodes == 0 || feature.size() != nodes || threshold.size() != nodes || right.size() != nodes ||
        value.size() != nodes * width || leaf.size() != nodes || missing_left.size() != nodes ||
        categorical.size() != nodes || set_of.size() != nodes || (!cover.empty() && cover.size() != nodes)) {
      return file_.expect(place, "arrays of one length, one element per node");
    }
    std::vector<std::vector<std::uint32_t>> sets;
    if (const auto bitsets = t.find("left_bitsets")) {
      if (!bitsets->each([&](const model_value& e) { return file_.flatten(e, sets.emplace_back(), 0); })) {
        return file_.expect(place + ".left_bitsets", "arrays of words");
      }
    }

    tree& out = model_.trees.emplace_back();
    out.output = output;
    out.splits.reserve(nodes / 2);
    out.leaves.reserve((nodes / 2 + 1) * width);
    if (!cover.empty()) out.split_cover.reserve(nodes / 2), out.leaf_cover.reserve(nodes / 2 + 1);
    struct step {
      std::int64_t node;
      std::int32_t parent;
      bool left;
    };
    std::vector<bool> seen(nodes);
    std::vector<step> open{{0, -1, false}};
    while (!open.empty()) {
      const step now = open.back();
      open.pop_back();
      const auto i = static_cast<std::size_t>(now.node);
      if (now.node < 0 || i >= nodes || seen[i]) {
        return file_.fail(fmt::format("{}: node {} is not a node or is reached twice", place, now.node));
      }
      seen[i] = true;
      std::int32_t id = 0;
      if (leaf[i] != 0) {
        id = ~static_cast<std::int32_t>(out.leaves.size() / width);
        for (std::size_t j = 0; j < width; ++j) out.leaves.push_back(rate * value[i * width + j]);
        if (!cover.empty()) out.leaf_cover.push_back(cover[i]);
      } else {
        id = static_cast<std::int32_t>(out.splits.size());
        if (feature[i] < 0 || static_cast<std::uint64_t>(feature[i]) >= model_.features) {
          return file_.expect(fmt::format("{}.feature[{}]", place, i), fmt::format("below {}", model_.features));
        }
        split& s = out.splits.emplace_back();
        s.feature = static_cast<std::uint32_t>(feature[i]);
        s.default_left = missing_left[i] != 0;
        if (categorical[i] == 0) {
          s.threshold = threshold[i];
        } else if (!add_set(out, s, sets, set_of[i])) {
          return file_.expect(fmt::format("{}.bitset_idx[{}]", place, i),
                              "one of left_bitsets, of a categorical feature");
        }
        if (!cover.empty()) out.split_cover.push_back(cover[i]);
        open.push_back({right[i], id, false});
        open.push_back({left[i], id, true});
      }
      if (now.parent >= 0) {
        split& parent = out.splits[static_cast<std::size_t>(now.parent)];
        (now.left ? parent.left : parent.right) = id;
      }
    }
    const auto orphan = std::find(seen.begin(), seen.end(), false);
    if (orphan != seen.end()) {
      return file_.fail(fmt::format("{}: no node leads to node {}", place, orphan - seen.begin()));
    }
    return true;
  }

  /// Whether every tree says where missing values go.
  bool have_missing_sides() const noexcept { return missing_sides_ == model_.trees.size(); }

 private:
  /// Of a set: codes are below 256, whole numbers that are categories themselves below 65,536.
  std::size_t most_words() const noexcept { return model_.codes == category_rule::whole ? 2048 : 8; }

  /// In the node's set: left; known otherwise: right; never seen: where missing values go.
  bool add_set(tree& out, split& s, const std::vector<std::vector<std::uint32_t>>& sets, std::uint32_t index) {
    if (index >= sets.size() || s.feature >= known_of_.size() || known_of_[s.feature] >= known_.size()) return false;
    const std::vector<std::uint32_t>& known = known_[known_of_[s.feature]];
    category_set& set = out.sets.emplace_back();
    set.others_left = s.default_left;
    set.left.resize((std::max)(known.size(), sets[index].size()));
    for (std::size_t w = 0; w < set.left.size(); ++w) {
      const std::uint32_t in = w < sets[index].size() ? sets[index][w] : 0;
      const std::uint32_t seen = w < known.size() ? known[w] : 0;
      set.left[w] = in | (s.default_left ? ~seen : 0);
    }
    s.categories = static_cast<std::int32_t>(out.sets.size()) - 1;
    return true;
  }

  sklearn_document& file_;
  forest_model& model_;
  std::size_t missing_sides_ = 0;  ///< trees that say where missing values go
  std::vector<std::vector<std::uint32_t>> known_;
  std::vector<std::uint32_t> known_of_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
