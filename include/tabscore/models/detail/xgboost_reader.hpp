// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "../../core/detail/from_chars.hpp"
#include "../../core/result.hpp"
#include "../tree.hpp"
#include "xgboost_objective.hpp"

namespace tabscore::detail {

/// Makes a forest_model of a parsed XGBoost document; Value is model_value or ubjson_value.
template <class Value>
class xgboost_reader {
 public:
  xgboost_reader(const Value& root, std::string_view source) : root_(root), source_(source) {}

  result<forest_model> read() {
    if (read_learner()) return std::move(model_);
    return *wrong_;
  }

 private:
  using maybe = std::optional<Value>;

  bool fail(errc code, std::string sentence) {
    if (!wrong_) wrong_ = error{code, fmt::format("{}: {}", source_, sentence)};
    return false;
  }
  bool expect(std::string_view place, std::string_view what) {
    return fail(errc::structure, fmt::format("{} should be {}", place, what));
  }
  maybe member(const Value& object, std::string_view place, std::string_view key) {
    maybe found = object.find(key);
    if (!found) fail(errc::structure, fmt::format("{}.{} is missing", place, key));
    return found;
  }

  /// An array of numbers, each of which `accept` takes or refuses.
  template <class T>
  bool numbers(const Value& object, std::string_view place, std::string_view key, std::vector<T>& out) {
    const maybe array = member(object, place, key);
    if (!array) return false;
    out.clear();
    out.reserve(array->size_hint());
    const bool good = array->each_number([&](double number) {
      if constexpr (std::is_integral_v<T>) {
        constexpr double end = std::numeric_limits<T>::digits == 63
                                   ? 9223372036854775808.0
                                   : static_cast<double>((std::numeric_limits<T>::max)()) + 1;
        if (!(number >= static_cast<double>((std::numeric_limits<T>::min)()) && number < end)) return false;
        if (static_cast<double>(static_cast<T>(number)) != number) return false;
      }
      out.push_back(static_cast<T>(number));
      return true;
    });
    return good || expect(fmt::format("{}.{}[{}]", place, key, out.size()),
                          std::is_integral_v<T> ? "a whole number in range" : "a number");
  }

  /// XGBoost writes its integer parameters as text: "100". Zero when absent and not required.
  bool parameter(const Value& object, std::string_view place, std::string_view key, bool required, std::uint64_t most,
                 std::uint64_t& out) {
    out = 0;
    const maybe found = object.find(key);
    if (!found) return !required || fail(errc::structure, fmt::format("{}.{} is missing", place, key));
    std::optional<double> number = found->number();
    if (const auto text = found->text()) {
      double parsed = 0;
      const auto [end, code] = from_chars(text->data(), text->data() + text->size(), parsed);
      if (code == std::errc() && end == text->data() + text->size()) number = parsed;
    }
    if (!number || !(*number >= 0 && *number <= static_cast<double>(most)) || *number != std::trunc(*number)) {
      return expect(fmt::format("{}.{}", place, key), fmt::format("a whole number from 0 to {}", most));
    }
    out = static_cast<std::uint64_t>(*number);
    return true;
  }

  bool read_texts(const Value& learner, std::string_view key, std::vector<std::string>& out) {
    const maybe array = learner.find(key);
    if (!array) return true;
    const bool good = array->each([&](const Value& e) {
      const auto text = e.text();
      if (text) out.emplace_back(*text);
      return text.has_value();
    });
    return good || expect(fmt::format("learner.{}", key), "an array of texts");
  }

  bool read_version() {
    std::vector<std::int32_t> version;
    if (!numbers(root_, "the document", "version", version)) return false;
    if (version.size() != 3) return expect("version", "three numbers");
    if (version[0] < 1 || version[0] > 3) {
      return fail(errc::unsupported,
                  fmt::format("version {}.{}.{} of XGBoost; 1 to 3 are known", version[0], version[1], version[2]));
    }
    major_minor_ = version[0] * 100 + version[1];
    return true;
  }

  bool read_learner() {
    if (!root_.is_object()) return expect("the document", "an object");
    if (!read_version()) return false;
    const maybe learner = member(root_, "the document", "learner");
    if (!learner) return false;
    const maybe parameters = member(*learner, "learner", "learner_model_param");
    if (!parameters) return false;
    constexpr std::string_view place = "learner.learner_model_param";
    std::uint64_t features = 0;
    std::uint64_t classes = 0;
    std::uint64_t targets = 0;
    if (!parameter(*parameters, place, "num_feature", true, 1U << 31, features) ||
        !parameter(*parameters, place, "num_class", false, 1U << 20, classes) ||
        !parameter(*parameters, place, "num_target", false, 1U << 20, targets)) {
      return false;
    }
    if (classes > 1 && targets > 1) return fail(errc::unsupported, "several targets of several classes");
    model_.features = features;
    model_.outputs = std::max<std::size_t>({classes, targets, 1});
    model_.input = precision::float32;
    model_.sum = precision::float32;
    model_.compare = comparison::less;
    if (!read_texts(*learner, "feature_names", model_.feature_names) ||
        !read_texts(*learner, "feature_types", model_.feature_types)) {
      return false;
    }
    const maybe objective = member(*learner, "learner", "objective");
    const maybe booster = objective ? member(*learner, "learner", "gradient_booster") : std::nullopt;
    return booster && read_objective(*objective, *parameters) && read_booster(*booster);
  }

  /// The link, and the base margin that base_score stands for.
  bool read_objective(const Value& objective, const Value& parameters) {
    const maybe name = member(objective, "learner.objective", "name");
    if (!name) return false;
    const auto text = name->text();
    if (!text) return expect("learner.objective.name", "a text");
    const xgboost_objective* known = find_xgboost_objective(*text);
    if (known == nullptr) return fail(errc::unsupported, fmt::format("objective \"{}\"", *text));
    model_.output_link.form = known->form;
    model_.output_link.single = true;

    std::vector<double> scores;
    if (!read_base_score(parameters, scores)) return false;
    for (std::size_t o = 0; o < model_.outputs; ++o) {
      const auto score = static_cast<float>(scores[scores.size() == 1 ? 0 : o]);
      const float margin = base_margin(known->base, score, major_minor_);
      if (!std::isfinite(margin)) {
        return fail(errc::structure,
                    fmt::format("learner.learner_model_param.base_score {} is outside what {} allows", score, *text));
      }
      model_.base.push_back(static_cast<double>(margin));
    }
    return true;
  }

  /// "5E-1", or since 3.1 a list in a text: "[5E-1]", one score for all outputs or one for each.
  bool read_base_score(const Value& parameters, std::vector<double>& scores) {
    constexpr std::string_view place = "learner.learner_model_param.base_score";
    const maybe found = member(parameters, "learner.learner_model_param", "base_score");
    if (!found) return false;
    if (const auto number = found->number()) scores.push_back(*number);
    if (const auto text = found->text()) {
      std::string_view rest = *text;
      const bool list = !rest.empty() && rest.front() == '[' && rest.back() == ']';
      if (list) rest = rest.substr(1, rest.size() - 2);
      while (!rest.empty()) {
        double score = 0;
        const auto [end, code] = from_chars(rest.data(), rest.data() + rest.size(), score);
        if (code != std::errc()) return expect(place, "a number or a list of numbers");
        scores.push_back(score);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        if (!rest.empty() && (!list || rest.front() != ',')) return expect(place, "a number or a list of numbers");
        if (!rest.empty()) rest.remove_prefix(1);
      }
    }
    if (scores.size() == 1 || scores.size() == model_.outputs) return true;
    return expect(place, fmt::format("one number, or one for each of {} outputs", model_.outputs));
  }

  bool read_booster(const Value& booster) {
    constexpr std::string_view place = "learner.gradient_booster";
    const maybe name = member(booster, place, "name");
    if (!name) return false;
    const std::string_view kind = name->text().value_or("");
    if (kind == "gblinear") return read_linear(booster);
    if (kind == "gbtree") return read_trees(booster, std::string(place));
    if (kind != "dart") return fail(errc::unsupported, fmt::format("booster \"{}\"", kind));
    dart_ = true;
    const maybe inner = member(booster, place, "gbtree");
    if (!inner || !read_trees(*inner, fmt::format("{}.gbtree", place))) return false;
    std::vector<double> weights;
    if (!numbers(booster, place, "weight_drop", weights)) return false;
    if (weights.size() != model_.trees.size()) {
      return expect(fmt::format("{}.weight_drop", place),
                    fmt::format("one number for each of {} trees", model_.trees.size()));
    }
    // In-place prediction multiplies the tree's share of a sum that already holds the base margin.
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto weight = static_cast<float>(weights[i]);
      const auto base = static_cast<float>(model_.base[model_.trees[i].output]);
      for (double& leaf : model_.trees[i].leaves) {
        const float share = (base + static_cast<float>(leaf)) - base;
        leaf = static_cast<double>(share * weight);
      }
    }
    return true;
  }

  bool read_linear(const Value& booster) {
    constexpr std::string_view place = "learner.gradient_booster.model";
    const maybe inner = member(booster, "learner.gradient_booster", "model");
    std::vector<double> weights;
    if (!inner || !numbers(*inner, place, "weights", weights)) return false;
    const std::size_t terms = weights.size() / model_.outputs;
    if (weights.size() % model_.outputs != 0 || terms != model_.features + 1) {
      return expect(fmt::format("{}.weights", place),
                    fmt::format("{} x {} numbers, not {}", model_.features + 1, model_.outputs, weights.size()));
    }
    for (double& w : weights) w = static_cast<double>(static_cast<float>(w));
    for (std::size_t o = 0; o < model_.outputs; ++o) {
      const auto bias = static_cast<float>(weights[model_.features * model_.outputs + o]);
      model_.base[o] = static_cast<double>(bias + static_cast<float>(model_.base[o]));
    }
    weights.resize(model_.features * model_.outputs);
    model_.linear = std::move(weights);
    return true;
  }

  bool read_trees(const Value& booster, const std::string& place) {
    const maybe inner = member(booster, place, "model");
    if (!inner) return false;
    const std::string here = place + ".model";
    std::vector<std::int32_t> outputs;
    const maybe trees = member(*inner, here, "trees");
    if (!trees || !numbers(*inner, here, "tree_info", outputs)) return false;
    const bool good = trees->each([&](const Value& t) {
      const std::size_t index = model_.trees.size();
      if (index >= outputs.size() || outputs[index] < 0 || static_cast<std::size_t>(outputs[index]) >= model_.outputs) {
        return expect(fmt::format("{}.tree_info[{}]", here, index), fmt::format("an output below {}", model_.outputs));
      }
      return read_tree(t, fmt::format("{}.trees[{}]", here, index), static_cast<std::uint32_t>(outputs[index]));
    });
    if (!good) return expect(here + ".trees", "an array of trees");
    if (outputs.size() != model_.trees.size()) {
      return expect(here + ".tree_info", fmt::format("one number for each of {} trees", model_.trees.size()));
    }
    return dart_ || read_inner_weights(*inner, here);
  }

  /// Since 3.4 dart keeps its weights beside the trees and multiplies leaves by them; trees without one weigh 1.
  bool read_inner_weights(const Value& inner, const std::string& here) {
    if (!inner.find("weight_drop")) return true;
    std::vector<double> weights;
    if (!numbers(inner, here, "weight_drop", weights)) return false;
    if (weights.size() > model_.trees.size()) {
      return expect(here + ".weight_drop", fmt::format("at most one number for each of {} trees", model_.trees.size()));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (double& leaf : model_.trees[i].leaves) {
        leaf = static_cast<double>(static_cast<float>(leaf) * static_cast<float>(weights[i]));
      }
    }
    return true;
  }

  /// The arrays of a tree, one element per node, as the file has them; their memory serves tree after tree.
  struct node_arrays {
    std::vector<std::int32_t> left, right;
    std::vector<std::int64_t> feature;
    std::vector<float> condition, cover;
    std::vector<std::uint8_t> default_left, type;
    std::vector<std::int32_t> categories, category_nodes;
    std::vector<std::int64_t> segments, sizes;
  };

  bool read_tree(const Value& t, const std::string& place, std::uint32_t output) {
    node_arrays& a = arrays_;
    a.cover.clear();
    a.type.clear();
    const maybe parameters = member(t, place, "tree_param");
    std::uint64_t width = 0;
    if (!parameters || !parameter(*parameters, place + ".tree_param", "size_leaf_vector", false, 1U << 20, width) ||
        !numbers(t, place, "left_children", a.left) || !numbers(t, place, "right_children", a.right) ||
        !numbers(t, place, "split_indices", a.feature) || !numbers(t, place, "split_conditions", a.condition) ||
        !numbers(t, place, "default_left", a.default_left) ||
        (t.find("sum_hessian") && !numbers(t, place, "sum_hessian", a.cover)) ||
        (t.find("split_type") && !numbers(t, place, "split_type", a.type))) {
      return false;
    }
    if (width > 1) return fail(errc::unsupported, place + ": a leaf with several values (multi_output_tree)");
    const std::size_t nodes = a.left.size();
    if (nodes == 0) return expect(place + ".left_children", "at least one node");
    if (a.type.empty()) a.type.resize(nodes);
    const auto same = [&](std::size_t size, std::string_view key) {
      return size == nodes || expect(fmt::format("{}.{}", place, key), fmt::format("{} elements, not {}", nodes, size));
    };
    if (!same(a.right.size(), "right_children") || !same(a.feature.size(), "split_indices") ||
        !same(a.condition.size(), "split_conditions") || !same(a.default_left.size(), "default_left") ||
        !same(a.type.size(), "split_type") || (!a.cover.empty() && !same(a.cover.size(), "sum_hessian"))) {
      return false;
    }
    std::vector<std::int32_t> set_of(nodes, split::numeric);
    model_.trees.emplace_back().output = output;
    return read_categories(t, place, a, set_of, model_.trees.back()) &&
           link_nodes(a, set_of, place, model_.trees.back());
  }

  /// Categories listed for a node go right, every other code goes left.
  bool read_categories(const Value& t, const std::string& place, node_arrays& a, std::vector<std::int32_t>& set_of,
                       tree& out) {
    if (!t.find("categories_nodes")) return true;
    if (!numbers(t, place, "categories", a.categories) || !numbers(t, place, "categories_nodes", a.category_nodes) ||
        !numbers(t, place, "categories_segments", a.segments) || !numbers(t, place, "categories_sizes", a.sizes)) {
      return false;
    }
    if (a.segments.size() != a.category_nodes.size() || a.sizes.size() != a.category_nodes.size()) {
      return expect(place + ".categories_sizes", "as long as categories_nodes and categories_segments");
    }
    for (std::size_t i = 0; i < a.category_nodes.size(); ++i) {
      const auto node = static_cast<std::size_t>(a.category_nodes[i]);
      const auto total = static_cast<std::int64_t>(a.categories.size());
      if (a.category_nodes[i] < 0 || node >= set_of.size() || a.segments[i] < 0 || a.sizes[i] < 0 ||
          a.segments[i] > total || a.sizes[i] > total - a.segments[i]) {
        return expect(fmt::format("{}.categories_segments[{}]", place, i), "inside categories, of an existing node");
      }
      category_set& set = out.sets.emplace_back();
      set.others_left = true;
      for (std::int64_t c = a.segments[i]; c < a.segments[i] + a.sizes[i]; ++c) {
        const std::int32_t code = a.categories[static_cast<std::size_t>(c)];
        if (code < 0 || code >= (1 << 24)) return expect(fmt::format("{}.categories[{}]", place, c), "below 2^24");
        const auto word = static_cast<std::size_t>(code) / 32;
        if (word >= set.left.size()) {
          category_words_ += word + 1 - set.left.size();
          if (category_words_ > most_category_words) {
            return fail(errc::unsupported, place + ".categories: more categories in all than tabscore accepts");
          }
          set.left.resize(word + 1, ~std::uint32_t{0});
        }
        set.left[word] &= ~(std::uint32_t{1} << (code % 32));
      }
      set_of[node] = static_cast<std::int32_t>(out.sets.size()) - 1;
    }
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
        return fail(errc::structure,
                    fmt::format("{}: a child is node {}, but there are {}", place, now.node, a.left.size()));
      }
      if (seen[i]) return fail(errc::structure, fmt::format("{}: node {} is reached twice", place, i));
      seen[i] = true;
      const bool leaf = a.left[i] == -1;
      std::int32_t id = 0;
      if (leaf) {
        id = ~static_cast<std::int32_t>(out.leaves.size());
        out.leaves.push_back(static_cast<double>(a.condition[i]));
        if (!a.cover.empty()) out.leaf_cover.push_back(static_cast<double>(a.cover[i]));
      } else {
        id = static_cast<std::int32_t>(out.splits.size());
        split& s = out.splits.emplace_back();
        if (a.feature[i] < 0 || static_cast<std::uint64_t>(a.feature[i]) >= model_.features) {
          return expect(fmt::format("{}.split_indices[{}]", place, i), fmt::format("below {}", model_.features));
        }
        if (a.type[i] > 1 || (a.type[i] == 1) != (set_of[i] != split::numeric)) {
          return expect(fmt::format("{}.split_type[{}]", place, i), "1 for nodes with categories, else 0");
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

  Value root_;
  std::string source_;
  forest_model model_;
  std::optional<error> wrong_;
  node_arrays arrays_;
  int major_minor_ = 0;
  bool dart_ = false;
  std::size_t category_words_ = 0;
};

}  // namespace tabscore::detail
