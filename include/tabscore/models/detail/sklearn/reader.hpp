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

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../../outputs/task.hpp"
#include "../../tree.hpp"
#include "../model_value.hpp"
#include "../tabscore/read_classes.hpp"
#include "document.hpp"
#include "tree_reader.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Makes a forest_model of a parsed "sklearn-export-1" document.
class sklearn_reader {
 public:
  sklearn_reader(model_value root, std::string_view source) : file_(root, source) {}

  result<forest_model> read() {
    if (read_model() && read_prediction()) return std::move(model_);
    return file_.wrong();
  }

 private:
  using family = sklearn_family;

  bool read_model() {
    if (!file_.root().is_object() || file_.text("format") != "sklearn-export-1") {
      return file_.fail("format should be \"sklearn-export-1\"");
    }
    const std::string_view kind = file_.text("kind");
    classifier_ = kind.ends_with("_classifier") || kind == "logistic_regression";
    if (classifier_) {
      const auto array = file_.member(file_.root(), "model", "classes");
      if (!array || !read_classes(array->element(), named_)) {
        return file_.expect("classes", "an array of texts, of numbers or of booleans");
      }
      if (named_.classes.size() < 2) return file_.expect("classes", "at least two classes");
      classes_ = named_.classes.size();
    }
    if (const auto names = file_.root().find("feature_names")) {
      const bool good = names->each([&](const model_value& e) {
        const auto name = e.text();
        if (name) model_.feature_names.emplace_back(*name);
        return name.has_value();
      });
      if (!good) return file_.expect("feature_names", "an array of texts");
    }
    const std::string_view stem = kind.substr(0, kind.rfind('_'));
    if (const auto codes = file_.root().find("category_codes")) {
      const std::string_view said = codes->text().value_or("");
      if (said != "whole" && said != "given") return file_.expect("category_codes", "\"whole\" or \"given\"");
      if (said == "whole") model_.codes = category_rule::whole;
    }
    if (kind == "logistic_regression") return read_linear();
    if (stem == "random_forest" || stem == "extra_trees" || stem == "decision_tree") return read_forest();
    if (stem == "gradient_boosting") return read_boosting(family::boosting, "init_raw");
    if (stem == "hist_gradient_boosting") return read_boosting(family::histogram, "baseline");
    if (kind == "isolation_forest") return read_isolation();
    return file_.fail(errc::unsupported, fmt::format("kind \"{}\"", kind));
  }

  /// What predict() gives. Of two classes the trees give the probability of the second one.
  bool read_prediction() {
    if (classes_ > 2) {
      named_.task = task::multiclass;
    } else if (file_.text("kind") == "isolation_forest") {
      named_.task = task::anomaly;
    } else if (!classifier_) {
      named_.task = task::regression;
    } else {
      named_ = model_outputs();
    }
    named_.columns = named_.task == task::binary ? 1 : model_.outputs;
    if (file_.root().find("level")) {
      double level = 0;
      if (!file_.number("level", level)) return false;
      if (classifier_ || model_.outputs != 1 || !(level > 0 && level < 1)) {
        return file_.expect("level", "of a regressor of one target, between 0 and 1");
      }
      named_.task = task::quantiles;
      named_.names.push_back(fmt::format("{}", level));
    }
    if (const auto by = file_.root().find("class_by")) {
      if (by->text() != "margin" && by->text() != "prediction") {
        return file_.expect("class_by", "\"margin\" or \"prediction\"");
      }
      model_.class_by_margins = by->text() == "margin";
    }
    if (named_.task == task::binary) {
      // A forest compares the shares, gradient boosting takes a margin of 0 for the second class.
      const std::string_view kind = file_.text("kind");
      const bool histogram = kind.starts_with("hist_");
      if (kind.starts_with("gradient_")) model_.positive_above = -std::numeric_limits<double>::denorm_min();
      if (!kind.starts_with("gradient_") && !histogram) model_.positive_above = 0.0;
    }
    model_.predicts = std::move(named_);
    return true;
  }

  /// The depths of the leaves are added in tree order, then divided by the average depth.
  bool read_isolation() {
    double depth = 0;
    double offset = 0;
    if (!read_width() || !file_.number("average_depth", depth) || !file_.number("offset", offset)) return false;
    if (!(depth > 0)) return file_.expect("average_depth", "above 0");
    model_.base.assign(1, 0.0);
    const auto trees = file_.member(file_.root(), "model", "trees");
    if (!trees || !trees->each([&](const model_value& t) { return trees_.read(t, family::forest, 0, 1.0); })) {
      return file_.expect("trees", "an array of trees");
    }
    if (model_.trees.empty()) return file_.expect("trees", "at least one tree");
    read_accepted(family::forest);
    const auto infinite = file_.root().find("infinite");
    if (infinite && infinite->number() == 1.0 && trees_.have_missing_sides()) model_.accepts = input_rule::any;
    model_.output_link.form = link::function::isolation;
    model_.output_link.divisor = depth;
    model_.output_link.offset = offset;
    return true;
  }

  bool read_width() {
    double features = 0;
    if (!file_.number("n_features", features)) return false;
    if (!(features >= 1 && features <= 2147483648.0) || features != std::trunc(features)) {
      return file_.expect("n_features", "a whole number above 0");
    }
    model_.features = static_cast<std::size_t>(features);
    const std::string_view cast = file_.text("input_cast");
    if (cast != "float32" && cast != "float64") return file_.expect("input_cast", "\"float32\" or \"float64\"");
    model_.input = cast == "float32" ? precision::float32 : precision::float64;
    return true;
  }

  bool read_linear() {
    std::vector<double> weights;
    if (!file_.numbers(file_.root(), "model", "coef", weights) ||
        !file_.numbers(file_.root(), "model", "intercept", model_.base))
      return false;
    model_.outputs = model_.base.size();
    if (model_.outputs != (classes_ == 2 ? 1 : classes_) || weights.empty() || weights.size() % model_.outputs != 0) {
      return file_.expect("intercept and coef", "one row per class, one row for two classes");
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
    const bool ovr = file_.text("multi_class") == "ovr";
    if (classes_ == 2 && file_.text("multi_class") == "multinomial") {
      return file_.fail(errc::unsupported,
                        "multi_class \"multinomial\" of two classes; export it with export_sklearn.export");
    }
    model_.output_link.form = classes_ == 2 ? form::two_classes : ovr ? form::one_against_rest : form::softmax;
    return true;
  }

  /// Averages of leaf rows: the trees' values are added in order, then divided by their number.
  bool read_forest() {
    if (!read_width()) return false;
    double outputs = 1;
    if (!classifier_ && file_.root().find("n_outputs") && !file_.number("n_outputs", outputs)) return false;
    if (!(outputs >= 1 && outputs <= 1048576) || outputs != std::trunc(outputs))
      return file_.expect("n_outputs", "a whole number from 1 to 2^20");
    model_.outputs = classifier_ ? classes_ : static_cast<std::size_t>(outputs);
    model_.leaf_width = static_cast<std::uint32_t>(model_.outputs);
    model_.base.assign(model_.outputs, 0.0);
    const auto trees = file_.member(file_.root(), "model", "trees");
    if (!trees || !trees->each([&](const model_value& t) { return trees_.read(t, family::forest, 0, 1.0); })) {
      return file_.expect("trees", "an array of trees");
    }
    if (model_.trees.empty()) return file_.expect("trees", "at least one tree");
    read_accepted(family::forest);
    model_.output_link.divisor = static_cast<double>(model_.trees.size());
    return true;
  }

  /// Stages of one tree per output, added to a start value.
  bool read_boosting(family kind, std::string_view base) {
    double rate = 1;
    if (!read_width() || !file_.numbers(file_.root(), "model", base, model_.base) ||
        (kind == family::boosting && !file_.number("learning_rate", rate)) || !trees_.read_known_categories()) {
      return false;
    }
    model_.outputs = model_.base.size();
    if (model_.outputs != (classifier_ && classes_ > 2 ? classes_ : 1))
      return file_.expect(base, "one number per output");
    using form = link::function;
    if (classifier_) {
      model_.output_link.form = classes_ == 2 ? form::two_classes : form::softmax;
      model_.output_link.log_sum = kind == family::boosting;
    } else if (file_.text("link") == "log") {
      model_.output_link.form = form::exponential;
    }
    const auto stages = file_.member(file_.root(), "model", "trees");
    const bool good = stages && stages->each([&](const model_value& stage) {
      std::uint32_t output = 0;
      const bool read = stage.each([&](const model_value& t) {
        return output < model_.outputs ? trees_.read(t, kind, output++, rate)
                                       : file_.expect("trees", "one tree per output");
      });
      return (read && output == model_.outputs) || file_.expect("trees", "one tree per output in each stage");
    });
    if (!good) return file_.expect("trees", "an array of stages");
    read_accepted(kind);
    if (kind == family::histogram && !file_.root().find("category_codes") && may_be_reordered()) {
      return file_.fail(
          errc::unsupported,
          "the file does not say whether its categorical features are in the order of the data (scikit-learn 1.4 "
          "and later puts them in front); export the model again with models/export_sklearn_trees.py");
    }
    if (!file_.root().find("link_scale")) return true;
    double scale = 1;
    if (!file_.number("link_scale", scale)) return false;
    if (model_.output_link.form != form::two_classes || !(scale > 0))
      return file_.expect("link_scale", "of two classes, above 0");
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
    model_.accepts = trees_.have_missing_sides() ? input_rule::finite_or_missing : input_rule::finite;
  }

  sklearn_document file_;
  forest_model model_;
  sklearn_tree_reader trees_{file_, model_};
  bool classifier_ = false;
  std::size_t classes_ = 0;
  model_outputs named_;  ///< with the classes of a classifier
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
