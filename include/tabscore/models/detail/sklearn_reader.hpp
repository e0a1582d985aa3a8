// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../outputs/task.hpp"
#include "../tree.hpp"
#include "model_value.hpp"
#include "read_classes.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Makes a forest_model of a parsed "sklearn-export-1" document.
class sklearn_reader {
 public:
  sklearn_reader(model_value root, std::string_view source) : root_(root), source_(source) {}

  result<forest_model> read() {
    if (read_model() && read_prediction()) return std::move(model_);
    return *wrong_;
  }

 private:
  enum class family : std::uint8_t { linear, forest, boosting, histogram };

  bool fail(errc code, std::string sentence) {
    if (!wrong_) wrong_ = error{code, fmt::format("{}: {}", source_, sentence)};
    return false;
  }
  bool expect(std::string_view place, std::string_view what) {
    return fail(errc::structure, fmt::format("{} should be {}", place, what));
  }
  std::optional<model_value> member(const model_value& object, std::string_view place, std::string_view key) {
    auto found = object.find(key);
    if (!found) fail(errc::structure, fmt::format("{}.{} is missing", place, key));
    return found;
  }

  /// Numbers of an array, or of an array of arrays, one after another.
  template <class T>
  static bool flatten(const model_value& array, std::vector<T>& out, int depth = 2) {
    return array.each([&](const model_value& e) {
      if (e.is_array()) return depth > 0 && flatten(e, out, depth - 1);
      const auto number = e.number();
      if (!number) return false;
      if constexpr (std::is_integral_v<T>) {
        if (!(*number >= static_cast<double>((std::numeric_limits<T>::min)()) &&
              *number <= static_cast<double>((std::numeric_limits<T>::max)()) && *number == std::trunc(*number))) {
          return false;
        }
      }
      out.push_back(static_cast<T>(*number));
      return true;
    });
  }
  template <class T>
  bool numbers(const model_value& object, std::string_view place, std::string_view key, std::vector<T>& out) {
    const auto array = member(object, place, key);
    return array && (flatten(*array, out) || expect(fmt::format("{}.{}", place, key), "an array of numbers in range"));
  }
  bool number(std::string_view key, double& out) {
    const auto found = member(root_, "model", key);
    const auto value = found ? found->number() : std::nullopt;
    if (value) out = *value;
    return value || expect(key, "a number");
  }
  std::string_view text(std::string_view key) const {
    const auto found = root_.find(key);
    return found ? found->text().value_or("") : "";
  }

  bool read_model() {
    if (!root_.is_object() || text("format") != "sklearn-export-1") {
      return fail(errc::structure, "format should be \"sklearn-export-1\"");
    }
    const std::string_view kind = text("kind");
    classifier_ = kind.ends_with("_classifier") || kind == "logistic_regression";
    if (classifier_) {
      const auto array = member(root_, "model", "classes");
      if (!array || !read_classes(array->element(), named_)) {
        return expect("classes", "an array of texts, of numbers or of booleans");
      }
      if (named_.classes.size() < 2) return expect("classes", "at least two classes");
      classes_ = named_.classes.size();
    }
    if (const auto names = root_.find("feature_names")) {
      const bool good = names->each([&](const model_value& e) {
        const auto name = e.text();
        if (name) model_.feature_names.emplace_back(*name);
        return name.has_value();
      });
      if (!good) return expect("feature_names", "an array of texts");
    }
    const std::string_view stem = kind.substr(0, kind.rfind('_'));
    if (const auto codes = root_.find("category_codes")) {
      const std::string_view said = codes->text().value_or("");
      if (said != "whole" && said != "given") return expect("category_codes", "\"whole\" or \"given\"");
      if (said == "whole") model_.codes = category_rule::whole;
    }
    if (kind == "logistic_regression") return read_linear();
    if (stem == "random_forest" || stem == "extra_trees" || stem == "decision_tree") return read_forest();
    if (stem == "gradient_boosting") return read_boosting(family::boosting, "init_raw");
    if (stem == "hist_gradient_boosting") return read_boosting(family::histogram, "baseline");
    if (kind == "isolation_forest") return read_isolation();
    return fail(errc::unsupported, fmt::format("kind \"{}\"", kind));
  }

  /// What predict() gives. Of two classes the trees give the probability of the second one.
  bool read_prediction() {
    if (classes_ > 2) {
      named_.task = task::multiclass;
    } else if (text("kind") == "isolation_forest") {
      named_.task = task::anomaly;
    } else if (!classifier_) {
      named_.task = task::regression;
    } else {
      named_ = model_outputs();
    }
    named_.columns = named_.task == task::binary ? 1 : model_.outputs;
    if (root_.find("level")) {
      double level = 0;
      if (!number("level", level)) return false;
      if (classifier_ || model_.outputs != 1 || !(level > 0 && level < 1)) {
        return expect("level", "of a regressor of one target, between 0 and 1");
      }
      named_.task = task::quantiles;
      named_.names.push_back(fmt::format("{}", level));
    }
    if (const auto by = root_.find("class_by")) {
      if (by->text() != "margin" && by->text() != "prediction") {
        return expect("class_by", "\"margin\" or \"prediction\"");
      }
      model_.class_by_margins = by->text() == "margin";
    }
    model_.predicts = std::move(named_);
    return true;
  }

  /// The depths of the leaves are added in tree order, then divided by the average depth.
  bool read_isolation() {
    double depth = 0;
    double offset = 0;
    if (!read_width() || !number("average_depth", depth) || !number("offset", offset)) return false;
    if (!(depth > 0)) return expect("average_depth", "above 0");
    model_.base.assign(1, 0.0);
    const auto trees = member(root_, "model", "trees");
    if (!trees || !trees->each([&](const model_value& t) { return read_tree(t, family::forest, 0, 1.0); })) {
      return expect("trees", "an array of trees");
    }
    if (model_.trees.empty()) return expect("trees", "at least one tree");
    read_accepted(family::forest);
    const auto infinite = root_.find("infinite");
    if (infinite && infinite->number() == 1.0 && missing_sides_ == model_.trees.size())
      model_.accepts = input_rule::any;
    model_.output_link.form = link::function::isolation;
    model_.output_link.divisor = depth;
    model_.output_link.offset = offset;
    return true;
  }

  bool read_width() {
    double features = 0;
    if (!number("n_features", features)) return false;
    if (!(features >= 1 && features <= 2147483648.0) || features != std::trunc(features)) {
      return expect("n_features", "a whole number above 0");
    }
    model_.features = static_cast<std::size_t>(features);
    const std::string_view cast = text("input_cast");
    if (cast != "float32" && cast != "float64") return expect("input_cast", "\"float32\" or \"float64\"");
    model_.input = cast == "float32" ? precision::float32 : precision::float64;
    return true;
  }

  bool read_linear() {
    std::vector<double> weights;
    if (!numbers(root_, "model", "coef", weights) || !numbers(root_, "model", "intercept", model_.base)) return false;
    model_.outputs = model_.base.size();
    if (model_.outputs != (classes_ == 2 ? 1 : classes_) || weights.empty() || weights.size() % model_.outputs != 0) {
      return expect("intercept and coef", "one row per class, one row for two classes");
    }
    model_.features = weights.size() / model_.outputs;
    model_.linear.resize(weights.size());
    for (std::size_t o = 0; o < model_.outputs; ++o) {
      for (std::size_t f = 0; f < model_.features; ++f) {
        model_.linear[f * model_.outputs + o] = weights[o * model_.features + f];
      }
    }
    using form = link::function;
    model_.class_by_margins = true;
    const bool ovr = text("multi_class") == "ovr";
    if (classes_ == 2 && text("multi_class") == "multinomial") {
      return fail(errc::unsupported,
                  "multi_class \"multinomial\" of two classes; export it with export_sklearn.export");
    }
    model_.output_link.form = classes_ == 2 ? form::two_classes : ovr ? form::one_against_rest : form::softmax;
    return true;
  }

  /// Averages of leaf rows: the trees' values are added in order, then divided by their number.
  bool read_forest() {
    if (!read_width()) return false;
    double outputs = 1;
    if (!classifier_ && root_.find("n_outputs") && !number("n_outputs", outputs)) return false;
    if (!(outputs >= 1 && outputs <= 1048576) || outputs != std::trunc(outputs))
      return expect("n_outputs", "a whole number from 1 to 2^20");
    model_.outputs = classifier_ ? classes_ : static_cast<std::size_t>(outputs);
    model_.leaf_width = static_cast<std::uint32_t>(model_.outputs);
    model_.base.assign(model_.outputs, 0.0);
    const auto trees = member(root_, "model", "trees");
    if (!trees || !trees->each([&](const model_value& t) { return read_tree(t, family::forest, 0, 1.0); })) {
      return expect("trees", "an array of trees");
    }
    if (model_.trees.empty()) return expect("trees", "at least one tree");
    read_accepted(family::forest);
    model_.output_link.divisor = static_cast<double>(model_.trees.size());
    return true;
  }

  /// Stages of one tree per output, added to a start value.
  bool read_boosting(family kind, std::string_view base) {
    double rate = 1;
    if (!read_width() || !numbers(root_, "model", base, model_.base) ||
        (kind == family::boosting && !number("learning_rate", rate)) || !read_known_categories()) {
      return false;
    }
    model_.outputs = model_.base.size();
    if (model_.outputs != (classifier_ && classes_ > 2 ? classes_ : 1)) return expect(base, "one number per output");
    using form = link::function;
    if (classifier_) {
      model_.output_link.form = classes_ == 2 ? form::two_classes : form::softmax;
      model_.output_link.log_sum = kind == family::boosting;
    } else if (text("link") == "log") {
      model_.output_link.form = form::exponential;
    }
    const auto stages = member(root_, "model", "trees");
    const bool good = stages && stages->each([&](const model_value& stage) {
      std::uint32_t output = 0;
      const bool read = stage.each([&](const model_value& t) {
        return output < model_.outputs ? read_tree(t, kind, output++, rate) : expect("trees", "one tree per output");
      });
      return (read && output == model_.outputs) || expect("trees", "one tree per output in each stage");
    });
    if (!good) return expect("trees", "an array of stages");
    read_accepted(kind);
    if (kind == family::histogram && !root_.find("category_codes") && may_be_reordered()) {
      return fail(
          errc::unsupported,
          "the file does not say whether its categorical features are in the order of the data (scikit-learn 1.4 "
          "and later puts them in front); export the model again with models/export_sklearn_trees.py");
    }
    if (!root_.find("link_scale")) return true;
    double scale = 1;
    if (!number("link_scale", scale)) return false;
    if (model_.output_link.form != form::two_classes || !(scale > 0))
      return expect("link_scale", "of two classes, above 0");
    model_.output_link.scale = scale;
    return true;
  }

  /// Categorical features before all others, as the encoder of scikit-learn 1.4 and later leaves them.
  bool may_be_reordered() const {
    std::uint32_t last_category = 0;
    auto first_number = static_cast<std::uint32_t>(model_.features);
    bool categories = false;
    for (const tree& t : model_.trees) {
      for (const split& s : t.splits) {
        if (s.categories == split::numeric) {
          first_number = (std::min)(first_number, s.feature);
        } else {
          categories = true;
          last_category = (std::max)(last_category, s.feature);
        }
      }
    }
    return categories && first_number < model_.features && last_category < first_number;
  }

  /// scikit-learn refuses infinities, and missing values in trees that have no side for them.
  void read_accepted(family kind) {
    if (kind == family::histogram) return;
    model_.accepts = missing_sides_ == model_.trees.size() ? input_rule::finite_or_missing : input_rule::finite;
  }

  /// Of a set: codes are below 256, whole numbers that are categories themselves below 65,536.
  std::size_t most_words() const noexcept { return model_.codes == category_rule::whole ? 2048 : 8; }

  bool read_known_categories() {
    const auto known = root_.find("known_categories");
    const auto bitsets = known ? known->find("bitsets") : std::nullopt;
    if (!bitsets) return true;
    const bool good = bitsets->each([&](const model_value& e) {
      std::vector<std::uint32_t> words;
      const bool read = flatten(e, words, 0) && words.size() <= most_words();
      known_.push_back(std::move(words));
      return read;
    });
    if (!good) return expect("known_categories.bitsets", fmt::format("arrays of up to {} words", most_words()));
    return numbers(*known, "known_categories", "feature_map", known_of_);
  }

  bool read_tree(const model_value& t, family kind, std::uint32_t output, double rate) {
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
    if (!numbers(t, place, "feature", feature) || !numbers(t, place, "threshold", threshold) ||
        !numbers(t, place, "left", left) || !numbers(t, place, "right", right) || !numbers(t, place, "value", value) ||
        (t.find("cover") && !numbers(t, place, "cover", cover))) {
      return false;
    }
    const std::size_t nodes = left.size();
    if (kind == family::histogram) {
      if (!numbers(t, place, "is_leaf", leaf) || !numbers(t, place, "missing_left", missing_left) ||
          !numbers(t, place, "is_categorical", categorical) || !numbers(t, place, "bitset_idx", set_of)) {
        return false;
      }
    } else {
      leaf.resize(nodes);
      for (std::size_t i = 0; i < nodes; ++i) leaf[i] = left[i] == -1 ? 1 : 0;
      if (t.find("missing_left")) {
        if (!numbers(t, place, "missing_left", missing_left)) return false;
        ++missing_sides_;
      } else {
        missing_left.resize(nodes);
      }
      categorical.resize(nodes);
      set_of.resize(nodes);
    }
    const std::size_t width = kind == family::forest ? model_.leaf_width : 1;
    if (nodes == 0 || feature.size() != nodes || threshold.size() != nodes || right.size() != nodes ||
        value.size() != nodes * width || leaf.size() != nodes || missing_left.size() != nodes ||
        categorical.size() != nodes || set_of.size() != nodes || (!cover.empty() && cover.size() != nodes)) {
      return expect(place, "arrays of one length, one element per node");
    }
    std::vector<std::vector<std::uint32_t>> sets;
    if (const auto bitsets = t.find("left_bitsets")) {
      if (!bitsets->each([&](const model_value& e) { return flatten(e, sets.emplace_back(), 0); })) {
        return expect(place + ".left_bitsets", "arrays of words");
      }
    }

    tree& out = model_.trees.emplace_back();
    out.output = output;
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
        return fail(errc::structure, fmt::format("{}: node {} is not a node or is reached twice", place, now.node));
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
          return expect(fmt::format("{}.feature[{}]", place, i), fmt::format("below {}", model_.features));
        }
        split& s = out.splits.emplace_back();
        s.feature = static_cast<std::uint32_t>(feature[i]);
        s.default_left = missing_left[i] != 0;
        if (categorical[i] == 0) {
          s.threshold = threshold[i];
        } else if (!add_set(out, s, sets, set_of[i])) {
          return expect(fmt::format("{}.bitset_idx[{}]", place, i), "one of left_bitsets, of a categorical feature");
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
      return fail(errc::structure, fmt::format("{}: no node leads to node {}", place, orphan - seen.begin()));
    }
    return true;
  }

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

  model_value root_;
  std::string source_;
  forest_model model_;
  std::optional<error> wrong_;
  bool classifier_ = false;
  std::size_t classes_ = 0;
  model_outputs named_;            ///< with the classes of a classifier
  std::size_t missing_sides_ = 0;  ///< trees that say where missing values go
  std::vector<std::vector<std::uint32_t>> known_;
  std::vector<std::uint32_t> known_of_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
