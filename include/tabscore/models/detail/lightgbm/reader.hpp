// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../load_options.hpp"
#include "../../tree.hpp"
#include "objective.hpp"
#include "pandas_categories.hpp"
#include "text.hpp"
#include "tree_reader.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Makes a forest_model of LightGBM's text model: a header, one section per tree, and the categories of a DataFrame.
class lightgbm_reader {
 public:
  lightgbm_reader(std::string_view text, std::string_view source, const load_options& options = {})
      : file_(text, source), options_(options) {}

  result<forest_model> read() {
    if (read_header() && read_trees() && read_categories()) return std::move(model_);
    return file_.wrong();
  }

 private:
  using section = lightgbm_text::section;

  bool read_header() {
    std::string_view line;
    if (!file_.next_line(line) || line != "tree") {
      return file_.fail(errc::syntax, "not a LightGBM text model: the first line should be \"tree\"");
    }
    section header;
    if (!file_.read_section("header", header)) return false;
    const std::string_view version = lightgbm_text::lookup(header, "version").value_or("");
    if (version.empty()) {
      return file_.fail(
          errc::unsupported,
          "header: version is missing, as in texts of LightGBM 2.0.11 and earlier; train the model again");
    }
    if (version != "v2" && version != "v3" && version != "v4") {
      return file_.fail(errc::unsupported, fmt::format("version \"{}\"; v2, v3 and v4 are known", version));
    }
    version_2_ = version == "v2";
    std::int64_t per_iteration = 0;
    std::int64_t last_feature = 0;
    if (!file_.integer(header, "header", "num_tree_per_iteration", 1, 1 << 20, per_iteration) ||
        !file_.integer(header, "header", "max_feature_idx", 0, (std::int64_t{1} << 31) - 2, last_feature)) {
      return false;
    }
    model_.features = static_cast<std::size_t>(last_feature) + 1;
    model_.outputs = static_cast<std::size_t>(per_iteration);
    model_.base.assign(model_.outputs, 0.0);
    model_.codes = category_rule::truncate;
    model_.tiny_is_zero = true;
    model_.missing = options_.missing;
    average_ = lightgbm_text::lookup(header, "average_output").has_value();
    if (auto names = lightgbm_text::lookup(header, "feature_names")) {
      std::string_view name;
      while (lightgbm_text::next_word(*names, name)) model_.feature_names.emplace_back(name);
      if (!counted("feature_names", "names", model_.feature_names.size())) return false;
    }
    if (auto infos = lightgbm_text::lookup(header, "feature_infos")) {
      std::string_view info;
      while (lightgbm_text::next_word(*infos, info)) features_.push_back(read_info(info));
      if (!counted("feature_infos", "ranges", features_.size())) return false;
    }
    if (const auto sizes = lightgbm_text::lookup(header, "tree_sizes")) {
      if (!file_.numbers(header, "header", "tree_sizes", lightgbm_text::count_words(*sizes), tree_sizes_.emplace()))
        return false;
    }
    return read_objective(lightgbm_text::lookup(header, "objective").value_or("custom"));
  }

  bool counted(std::string_view key, std::string_view things, std::size_t found) {
    return found == model_.features ||
           file_.fail(fmt::format("header: {} should have {} {}, not {}", key, model_.features, things, found));
  }

  /// "[least:most]" of a number, codes in any order with -1 for missing of a feature of categories, or "none".
  static lightgbm_feature read_info(std::string_view text) {
    lightgbm_feature info;
    info.categories = text.find(':') != text.npos && text.front() != '[';
    info.constant = true;
    while (!text.empty()) {
      const std::size_t end = (std::min)(text.find_first_of("[]:"), text.size());
      double value = 0;
      if (parse_number(text.substr(0, end), value) && !(info.categories && value == -1)) {
        info.least = info.constant ? value : (std::min)(info.least, value);
        info.most = info.constant ? value : (std::max)(info.most, value);
        info.constant = false;
      }
      text.remove_prefix((std::min)(end + 1, text.size()));
    }
    return info;
  }

  /// Names of categories and the level of a quantile, after the trees: LightGBM's Python package writes what a
  /// DataFrame had, without saying where.
  bool read_categories() {
    std::string_view line;
    std::optional<std::string_view> json;
    while (file_.next_line(line)) {
      constexpr std::string_view parameter = "[categorical_feature: ";
      constexpr std::string_view names = "pandas_categorical:";
      if (line.substr(0, names.size()) == names) json = line.substr(names.size());
      constexpr std::string_view alpha = "[alpha: ";
      double level = 0;
      if (model_.predicts->task == task::quantiles && line.substr(0, alpha.size()) == alpha && line.back() == ']' &&
          parse_number(line.substr(alpha.size(), line.size() - alpha.size() - 1), level)) {
        model_.predicts->names.assign(1, fmt::format("{}", level));
      }
      if (line.substr(0, parameter.size()) != parameter) continue;
      line.remove_prefix(parameter.size());
      while (!line.empty()) {
        const std::size_t end = (std::min)(line.find_first_of(",]"), line.size());
        std::size_t feature = 0;
        if (parse_number(line.substr(0, end), feature) && feature < features_.size())
          features_[feature].categories = true;
        line.remove_prefix((std::min)(end + 1, line.size()));
      }
    }
    model_.unseen = unseen_rule::missing;
    if (!json) return true;
    auto lists = read_pandas_lists(*json, file_.source());
    if (!lists) return file_.fail(lists.error());
    if (lists->empty()) return true;
    if (std::any_of(lists->begin(), lists->end(), [](const pandas_list& list) { return list.mixed(); })) {
      model_.nameless =
          "pandas_categorical has a list of categories that are neither all texts nor all numbers: make them texts "
          "and train again";
      return true;
    }
    const auto found = features_of_lists(*lists, features_);
    if (!found) {
      model_.nameless = fmt::format(
          "pandas_categorical names {} lists of categories, and the text leaves open of which features: train with "
          "categorical_feature=\"auto\" and unordered categories that are texts only",
          lists->size());
      return true;
    }
    model_.categories.resize(model_.features);
    for (std::size_t l = 0; l < found->size(); ++l) model_.categories[(*found)[l]] = std::move((*lists)[l].names);
    return true;
  }

  bool read_objective(std::string_view text) {
    using f = link::function;
    std::string_view name;
    if (!lightgbm_text::next_word(text, name)) return file_.fail("header: objective is empty");
    const lightgbm_objective* found = find_lightgbm_objective(name);
    if (found == nullptr) return file_.fail(errc::unsupported, fmt::format("objective \"{}\"", name));
    link& last = model_.output_link;
    last.form = found->form;
    model_outputs& out = model_.predicts.emplace();
    const bool one = found->task != task::multiclass && found->task != task::regression;
    out.task = one && model_.outputs > 1 ? task::regression : found->task;
    out.columns = model_.outputs;
    if (out.task == task::multiclass) {
      out.classes_are = class_kind::number;
      for (std::size_t k = 0; k < model_.outputs; ++k) out.classes.push_back(std::to_string(k));
    }
    const bool one_each = name == "multiclassova" || name == "multiclass_ova" || name == "ova" || name == "ovr";
    std::size_t classes = one_each || found->form == f::softmax ? model_.outputs : 1;
    bool scaled = !one_each && name != "binary";
    std::string_view option;
    while (lightgbm_text::next_word(text, option)) {
      if (option == "sqrt" && found->takes_sqrt) last.form = f::signed_square;
      if (option.substr(0, 10) == "num_class:" && !parse_number(option.substr(10), classes)) classes = 0;
      if (option.substr(0, 8) != "sigmoid:" || scaled) continue;
      scaled = parse_number(option.substr(8), last.scale) && last.scale > 0 && std::isfinite(last.scale);
      if (!scaled) break;
    }
    if (!scaled) {
      return file_.fail(fmt::format("header: objective {} should have sigmoid:, a number above 0", name));
    }
    if (last.form != f::identity && classes != model_.outputs) {
      return file_.fail(fmt::format("header: objective {} has {} outputs, but num_tree_per_iteration is {}", name,
                                    classes, model_.outputs));
    }
    if (average_ && version_2_ && last.form != f::identity) {
      if (options_.version_2_forest == averaged::unknown) {
        return file_.fail(
            errc::unsupported,
            fmt::format("a version 2 text of a random forest does not say what predict() gives: the average "
                        "itself if LightGBM 2.2.2 or earlier wrote it, {}'s function of the average if 2.2.3 "
                        "did; set load_options::version_2_forest to averaged::as_is or averaged::linked",
                        name));
      }
      if (options_.version_2_forest == averaged::as_is) {
        last = link();
        out.probabilities = false;
        if (out.task == task::binary) out.task = task::score;  // the average is no probability
      }
    }
    return true;
  }

  bool read_trees() {
    lightgbm_tree_reader trees(file_, model_);
    while (!file_.ends_trees()) {
      const std::size_t i = model_.trees.size();
      const std::string place = fmt::format("tree {}", i);
      std::string_view line;
      const std::uint64_t begin = file_.bytes();
      file_.next_line(line);
      if (line != fmt::format("Tree={}", i)) {
        return file_.fail(fmt::format("{}: \"Tree={}\" should begin here", place, i));
      }
      section lines;
      if (!file_.read_section(place, lines) || !trees.read(lines, place)) return false;
      bytes_ = file_.bytes() - begin;
      const bool last = file_.ends_trees();
      if (tree_sizes_ && i < tree_sizes_->size() && !last && bytes_ != (*tree_sizes_)[i]) {
        return file_.fail(
            fmt::format("header: tree_sizes[{}] is {}, but tree {} has {} bytes", i, (*tree_sizes_)[i], i, bytes_));
      }
    }
    return check_end();
  }

  bool check_end() {
    const std::size_t trees = model_.trees.size();
    if (file_.is_empty()) {
      // A text of version 2 that ends with its last tree is whole too.
      const bool whole =
          version_2_ && tree_sizes_ && tree_sizes_->size() == trees && trees > 0 && bytes_ >= tree_sizes_->back();
      if (!whole) return file_.fail("\"end of trees\" is missing: the file is cut off");
    }
    if (tree_sizes_ && tree_sizes_->size() != trees) {
      return file_.fail(errc::structure, fmt::format("header: tree_sizes names {} trees, but the file has {}",
                                                     tree_sizes_->size(), trees));
    }
    if (trees % model_.outputs != 0) {
      return file_.fail(fmt::format("{} trees are not whole iterations of {}", trees, model_.outputs));
    }
    model_.rounds = {trees / model_.outputs, trees / model_.outputs};
    if (average_) {
      if (trees == 0) return file_.fail("average_output of no trees");
      model_.output_link.divisor = static_cast<double>(model_.rounds.used);
    }
    return true;
  }

  lightgbm_text file_;
  load_options options_;
  forest_model model_;
  std::vector<lightgbm_feature> features_;
  std::optional<std::vector<std::uint64_t>> tree_sizes_;
  std::uint64_t bytes_ = 0;  // of the last tree
  bool average_ = false;
  bool version_2_ = false;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
