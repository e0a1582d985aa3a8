// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../tree.hpp"
#include "document.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads the trees of a booster into a model: splits, those of categories, leaves of one value or of several.
class xgboost_tree_reader {
 public:
  /// The model has its features and outputs already.
  xgboost_tree_reader(xgboost_document& file, forest_model& model) : file_(file), model_(model) {}

  /// `inner` is the booster's model, `here` its place.
  bool read(const xgboost_value& inner, const std::string& here) {
    std::vector<std::int32_t> outputs;
    const maybe trees = file_.member(inner, here, "trees");
    if (!trees || !file_.numbers(inner, here, "tree_info", outputs)) return false;
    const bool good = trees->each([&](const xgboost_value& t) {
      const std::size_t index = model_.trees.size();
      if (index >= outputs.size() || outputs[index] < 0 || static_cast<std::size_t>(outputs[index]) >= model_.outputs) {
        return file_.expect(fmt::format("{}.tree_info[{}]", here, index),
                            fmt::format("an output below {}", model_.outputs));
      }
      return read_tree(t, fmt::format("{}.trees[{}]", here, index), static_cast<std::uint32_t>(outputs[index]));
    });
    if (!good) return file_.expect(here + ".trees", "an array of trees");
    if (outputs.size() != model_.trees.size()) {
      return file_.expect(here + ".tree_info", fmt::format("one number for each of {} trees", model_.trees.size()));
    }
    return same_leaf_widths(here);
  }

 private:
  using maybe = std::optional<xgboost_value>;

  /// The arrays of a tree, one element per node, as the file has them; their memory serves tree after tree.
  struct node_arrays {
    std::vector<std::int32_t> left, right;
    std::vector<std::int64_t> feature;
    std::vector<float> condition, cover, values;
    std::vector<std::uint8_t> default_left, type;
    std::vector<std::int32_t> categories, category_nodes;
    std::vector<std::int64_t> segments, sizes;
    std::size_t width = 1;          ///< values of a leaf; one is in `condition`, more are in `values`
    bool values_of_leaves = false;  ///< those of leaves alone, the right child of a leaf being its number
  };

  /// Trees of one value a leaf beside vector leaves get as many values: -0 changes no sum.
  bool same_leaf_widths(const std::string& here) {
    if (model_.leaf_width == 1) return true;
    for (tree& t : model_.trees) {
      const std::size_t count = t.splits.size() + 1;
      if (t.leaves.size() == count * model_.leaf_width) continue;
      if (t.leaves.size() != count)
        return file_.expect(here + ".trees", "leaves of one value or of one for each output");
      std::vector<double> wide(count * model_.leaf_width, -0.0);
      for (std::size_t i = 0; i < count; ++i) wide[i * model_.leaf_width + t.output] = t.leaves[i];
      t.leaves = std::move(wide);
      t.output = 0;
    }
    return true;
  }

  bool read_tree(const xgboost_value& t, const std::string& place, std::uint32_t output) {
    node_arrays& a = arrays_;
    a.cover.clear();
    a.type.clear();
    a.values.clear();
    const maybe parameters = file_.member(t, place, "tree_param");
    std::uint64_t width = 0;
    if (!parameters ||
        !file_.parameter(*parameters, place + ".tree_param", "size_leaf_vector", false, 1U << 20, width) ||
        !file_.numbers(t, place, "left_children", a.left) || !file_.numbers(t, place, "right_children", a.right) ||
        !file_.numbers(t, place, "split_indices", a.feature) ||
        !file_.numbers(t, place, "split_conditions", a.condition) ||
        !file_.numbers(t, place, "default_left", a.default_left) ||
        (t.find("sum_hessian") && !file_.numbers(t, place, "sum_hessian", a.cover)) ||
        (t.find("split_type") && !file_.numbers(t, place, "split_type", a.type))) {
      return false;
    }
    a.width = (std::max<std::size_t>)(width, 1);
    if (a.width > 1 && (a.width != model_.outputs || output != 0)) {
      return file_.expect(place + ".tree_param.size_leaf_vector", fmt::format("{}, the outputs", model_.outputs));
    }
    a.values_of_leaves = t.find("leaf_weights").has_value();  // since 3.2; before, the values of all nodes
    if (a.width > 1 && !file_.numbers(t, place, a.values_of_leaves ? "leaf_weights" : "base_weights", a.values))
      return false;
    const std::size_t nodes = a.left.size();
    if (!a.values_of_leaves && a.width > 1 && a.values.size() != nodes * a.width) {
      return file_.expect(place + ".base_weights", fmt::format("{} numbers, not {}", nodes * a.width, a.values.size()));
    }
    model_.leaf_width = (std::max)(model_.leaf_width, static_cast<std::uint32_t>(a.width));
    if (nodes == 0) return file_.expect(place + ".left_children", "at least one node");
    if (a.type.empty()) a.type.resize(nodes);
    const auto same = [&](std::size_t size, std::string_view key) {
      return size == nodes ||
             file_.expect(fmt::format("{}.{}", place, key), fmt::format("{} elements, not {}", nodes, size));
    };
    if (!same(a.right.size(), "right_children") || !same(a.feature.size(), "split_indices") ||
        !same(a.condition.size(), "split_conditions") || !same(a.default_left.size(), "default_left") ||
        !same(a.type.size(), "split_type") || (!a.cover.empty() && !same(a.cover.size(), "sum_hessian"))) {
      return false;
    }
    std::vector<std::int32_t> set_of(nodes, split::numeric);
    model_.trees.emplace_back().output = output;
    return read_category_sets(t, place, a, set_of, model_.trees.back()) &&
           link_nodes(a, set_of, place, model_.trees.back());
  }

  /// Categories listed for a node go right, every other code goes left.
  bool read_category_sets(const xgboost_value& t, const std::string& place, node_arrays& a,
                          std::vector<std::int32_t>& set_of, tree& out) {
    if (!t.find("categories_nodes")) return true;
    if (!file_.numbers(t, place, "categories", a.categories) ||
        !file_.numbers(t, place, "categories_nodes", a.category_nodes) ||
        !file_.numbers(t, place, "categories_segments", a.segments) ||
        !file_.numbers(t, place, "categories_sizes", a.sizes)) {
      return false;
    }
    if (a.segments.size() != a.category_nodes.size() || a.sizes.size() != a.category_nodes.size()) {
      return file_.expect(place + ".categories_sizes", "as long as categories_nodes and categories_segments");
    }
    for (std::size_t i = 0; i < a.category_nodes.size(); ++i) {
      const auto node = static_cast<std::size_t>(a.category_nodes[i]);
      const auto total = static_cast<std::int64_t>(a.categories.size());
      if (a.category_nodes[i] < 0 || node >= set_of.size() || a.segments[i] < 0 || a.sizes[i] < 0 ||
          a.segments[i] > total || a.sizes[i] > total - a.segments[i]) {
        return file_.expect(fmt::format("{}.categories_segments[{}]", place, i),
                            "inside categories, of an existing node");
      }
      category_set& set = out.sets.emplace_back();
      set.others_left = true;
      for (std::int64_t c = a.segments[i]; c < a.segments[i] + a.sizes[i]; ++c) {
        const std::int32_t code = a.categories[static_cast<std::size_t>(c)];
        if (code < 0 || code >= (1 << 24))
          return file_.expect(fmt::format("{}.categories[{}]", place, c), "below 2^24");
        const auto word = static_cast<std::size_t>(code) / 32;
        if (word >= set.left.size()) {
          category_words_ += word + 1 - set.left.size();
          if (category_words_ > most_category_words) {
            return file_.fail(errc::unsupported, place + ".categories: more categories in all than tabscore accepts");
          }
          set.left.resize(word + 1, ~std::uint32_t{0});
        }
        set.left[word] &= ~(std::uint32_t{1} << (code % 32));
      }
      set_of[node] = static_cast<std::int32_t>(out.sets.size()) - 1;
    }
    return true;
  }

  bool add_leaf(const node_arrays& a, std::size_t node, const std::string& place, tree& out) {
    if (a.width == 1) {
      out.leaves.push_back(static_cast<double>(a.condition[node]));
      return true;
    }
    const auto first = (a.values_of_leaves ? static_cast<std::size_t>(a.right[node]) : node) * a.width;
    if (a.values_of_leaves && (a.right[node] < 0 || first + a.width > a.values.size())) {
      return file_.expect(fmt::format("{}.right_children[{}]", place, node), "the number of a leaf in leaf_weights");
    }
    const auto from = a.values.begin() + static_cast<std::ptrdiff_t>(first);
    out.leaves.insert(out.leaves.end(), from, from + static_cast<std::ptrdiff_t>(a.width));
    return true;
  }

  /// Nodes become splits and leaves in the order a walk from the root meets them; pruned nodes are never met.
  bool link_nodes(const node_arrays& a, const std::vector<std::int32_t>& set_of, const std::string& place, tree& out) {
    struct step {
      std::int32_t node, parent;
      bool left;
    };
    std::vector<bool> seen(a.left.size());
    std::vector<step> open;
    open.reserve(64);
    open.push_back({0, -1, false});
    out.splits.reserve(a.left.size() / 2);
    out.leaves.reserve(a.left.size() / 2 + 1);
    if (!a.cover.empty()) {
      out.split_cover.reserve(a.left.size() / 2);
      out.leaf_cover.reserve(a.left.size() / 2 + 1);
    }
    while (!open.empty()) {
      const step now = open.back();
      open.pop_back();
      const auto i = static_cast<std::size_t>(now.node);
      if (now.node < 0 || i >= a.left.size()) {
        return file_.fail(errc::structure,
                          fmt::format("{}: a child is node {}, but there are {}", place, now.node, a.left.size()));
      }
      if (seen[i]) return file_.fail(errc::structure, fmt::format("{}: node {} is reached twice", place, i));
      seen[i] = true;
      const bool leaf = a.left[i] == -1;
      std::int32_t id = 0;
      if (leaf) {
        id = ~static_cast<std::int32_t>(out.leaves.size() / a.width);
        if (!add_leaf(a, i, place, out)) return false;
        if (!a.cover.empty()) out.leaf_cover.push_back(static_cast<double>(a.cover[i]));
      } else {
        id = static_cast<std::int32_t>(out.splits.size());
        split& s = out.splits.emplace_back();
        if (a.feature[i] < 0 || static_cast<std::uint64_t>(a.feature[i]) >= model_.features) {
          return file_.expect(fmt::format("{}.split_indices[{}]", place, i), fmt::format("below {}", model_.features));
        }
        if (a.type[i] > 1 || (a.type[i] == 1) != (set_of[i] != split::numeric)) {
          return file_.expect(fmt::format("{}.split_type[{}]", place, i), "1 for nodes with categories, else 0");
        }
        s.feature = static_cast<std::uint32_t>(a.feature[i]);
        s.categories = set_of[i];
        s.threshold = s.categories == split::numeric ? static_cast<double>(a.condition[i]) : 0;
        s.default_left = a.default_left[i] != 0;
        if (!a.cover.empty()) out.split_cover.push_back(static_cast<double>(a.cover[i]));
        open.push_back({a.right[i], id, false});
        open.push_back({a.left[i], id, true});
      }
      if (now.parent >= 0) {
        split& parent = out.splits[static_cast<std::size_t>(now.parent)];
        (now.left ? parent.left : parent.right) = id;
      }
    }
    return true;
  }

  static constexpr std::size_t most_category_words = std::size_t{1} << 24;

  xgboost_document& file_;
  forest_model& model_;
  node_arrays arrays_;
  std::size_t category_words_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
