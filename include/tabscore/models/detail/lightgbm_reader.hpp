// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "../../core/config.hpp"
#include "../../core/detail/from_chars.hpp"
#include "../../core/result.hpp"
#include "../load_options.hpp"
#include "../tree.hpp"
#include "pandas_categories.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Reads LightGBM's text model: a header and one block per tree, both of key=value lines.
class lightgbm_reader {
 public:
  lightgbm_reader(std::string_view text, std::string_view source, const load_options& options = {})
      : rest_(text), source_(source), options_(options) {}

  result<forest_model> read() {
    if (read_header() && read_trees() && read_categories()) return std::move(model_);
    return *wrong_;
  }

 private:
  using section = std::map<std::string_view, std::string_view>;

  bool fail(errc code, std::string sentence) {
    if (!wrong_) wrong_ = error{code, fmt::format("{}: {}", source_, sentence)};
    return false;
  }
  bool next_line(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    bytes_ += line.size() + (end == rest_.npos ? 0 : 1);
    return true;
  }
  static std::string_view peek_line(std::string_view text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    return line.substr(0, line.find('\r'));  // find_first_of would take a byte at a time
  }

  /// The line after the last tree: LightGBM 2.0.12 to 2.1.2 wrote the second one.
  static bool ends_trees(std::string_view line) { return line == "end of trees" || line == "feature importances:"; }

  /// Lines up to a tree or the end of the trees, which is left in place.
  bool read_section(std::string_view place, section& found) {
    while (!rest_.empty()) {
      const std::string_view ahead = peek_line(rest_);
      if (ahead.substr(0, 5) == "Tree=" || ends_trees(ahead)) break;
      std::string_view line;
      next_line(line);
      const std::size_t equals = line.find('=');
      const std::string_view key = line.substr(0, equals);
      const std::string_view value = equals == line.npos ? std::string_view() : line.substr(equals + 1);
      if (!found.emplace(key, value).second && !key.empty()) {
        return fail(errc::structure, fmt::format("{}: {} stands twice", place, key));
      }
    }
    return true;
  }

  static std::optional<std::string_view> lookup(const section& s, std::string_view key) {
    const auto at = s.find(key);
    if (at == s.end()) return std::nullopt;
    return at->second;
  }

  static bool next_word(std::string_view& text, std::string_view& word) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == text.npos) return false;
    text.remove_prefix(begin);
    const std::size_t end = (std::min)(text.find(' '), text.size());
    word = text.substr(0, end);
    text.remove_prefix(end);
    return true;
  }

  static std::size_t words(std::string_view text) {
    std::size_t count = 0;
    for (std::string_view word; next_word(text, word);) ++count;
    return count;
  }

  template <class T>
  static bool parse(std::string_view word, T& out) {
    const auto [end, code] = from_chars(word.data(), word.data() + word.size(), out);
    return code == std::errc() && end == word.data() + word.size();
  }

  bool integer(const section& s, std::string_view place, std::string_view key, std::int64_t least, std::int64_t most,
               std::int64_t& out) {
    const auto text = lookup(s, key);
    if (!text) return fail(errc::structure, fmt::format("{}: {} is missing", place, key));
    if (parse(*text, out) && out >= least && out <= most) return true;
    return fail(errc::structure, fmt::format("{}: {} should be a whole number from {} to {}", place, key, least, most));
  }

  /// A line of `count` numbers.
  template <class T>
  bool numbers(const section& s, const std::string& place, std::string_view key, std::size_t count,
               std::vector<T>& out) {
    auto text = lookup(s, key);
    if (!text) return fail(errc::structure, fmt::format("{}: {} is missing", place, key));
    if (count > text->size()) {  // each number takes a byte, so that no count is trusted before an allocation
      return fail(errc::structure, fmt::format("{}: {} should have {} numbers", place, key, count));
    }
    out.reserve(count);
    std::string_view word;
    while (next_word(*text, word)) {
      T value{};
      if (!parse(word, value)) {
        return fail(errc::structure, fmt::format("{}: {}[{}] is not a number in range", place, key, out.size()));
      }
      out.push_back(value);
    }
    return out.size() == count ||
           fail(errc::structure, fmt::format("{}: {} should have {} numbers, not {}", place, key, count, out.size()));
  }

  bool read_header() {
    std::string_view line;
    if (!next_line(line) || line != "tree") {
      return fail(errc::syntax, "not a LightGBM text model: the first line should be \"tree\"");
    }
    section header;
    if (!read_section("header", header)) return false;
    const std::string_view version = lookup(header, "version").value_or("");
    if (version.empty()) {
      return fail(errc::unsupported,
                  "header: version is missing, as in texts of LightGBM 2.0.11 and earlier; train the model again");
    }
    if (version != "v2" && version != "v3" && version != "v4") {
      return fail(errc::unsupported, fmt::format("version \"{}\"; v2, v3 and v4 are known", version));
    }
    version_2_ = version == "v2";
    std::int64_t per_iteration = 0;
    std::int64_t last_feature = 0;
    if (!integer(header, "header", "num_tree_per_iteration", 1, 1 << 20, per_iteration) ||
        !integer(header, "header", "max_feature_idx", 0, (std::int64_t{1} << 31) - 2, last_feature)) {
      return false;
    }
    model_.features = static_cast<std::size_t>(last_feature) + 1;
    model_.outputs = static_cast<std::size_t>(per_iteration);
    model_.base.assign(model_.outputs, 0.0);
    model_.codes = category_rule::truncate;
    model_.tiny_is_zero = true;
    model_.missing = options_.missing;
    average_ = lookup(header, "average_output").has_value();
    if (auto names = lookup(header, "feature_names")) {
      std::string_view name;
      while (next_word(*names, name)) model_.feature_names.emplace_back(name);
      if (!counted("feature_names", "names", model_.feature_names.size())) return false;
    }
    if (auto infos = lookup(header, "feature_infos")) {
      std::string_view info;
      while (next_word(*infos, info)) features_.push_back(read_info(info));
      if (!counted("feature_infos", "ranges", features_.size())) return false;
    }
    if (const auto sizes = lookup(header, "tree_sizes")) {
      if (!numbers(header, "header", "tree_sizes", words(*sizes), tree_sizes_.emplace())) return false;
    }
    return read_objective(lookup(header, "objective").value_or("custom"));
  }

  bool counted(std::string_view key, std::string_view things, std::size_t found) {
    return found == model_.features || fail(errc::structure, fmt::format("header: {} should have {} {}, not {}", key,
                                                                         model_.features, things, found));
  }

  /// "[least:most]" of a number, codes in any order with -1 for missing of a feature of categories, or "none".
  static lightgbm_feature read_info(std::string_view text) {
    lightgbm_feature info;
    info.categories = text.find(':') != text.npos && text.front() != '[';
    info.constant = true;
    while (!text.empty()) {
      const std::size_t end = (std::min)(text.find_first_of("[]:"), text.size());
      double value = 0;
      if (parse(text.substr(0, end), value) && !(info.categories && value == -1)) {
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
    while (next_line(line)) {
      constexpr std::string_view parameter = "[categorical_feature: ";
      constexpr std::string_view names = "pandas_categorical:";
      if (line.substr(0, names.size()) == names) json = line.substr(names.size());
      constexpr std::string_view alpha = "[alpha: ";
      double level = 0;
      if (model_.predicts->task == task::quantiles && line.substr(0, alpha.size()) == alpha && line.back() == ']' &&
          parse(line.substr(alpha.size(), line.size() - alpha.size() - 1), level)) {
        model_.predicts->names.assign(1, fmt::format("{}", level));
      }
      if (line.substr(0, parameter.size()) != parameter) continue;
      line.remove_prefix(parameter.size());
      while (!line.empty()) {
        const std::size_t end = (std::min)(line.find_first_of(",]"), line.size());
        std::size_t feature = 0;
        if (parse(line.substr(0, end), feature) && feature < features_.size()) features_[feature].categories = true;
        line.remove_prefix((std::min)(end + 1, line.size()));
      }
    }
    model_.unseen = unseen_rule::missing;
    if (!json) return true;
    auto lists = read_pandas_lists(*json, source_);
    if (!lists) {
      wrong_ = lists.error();
      return false;
    }
    if (lists->empty()) return true;
    const auto found = features_of_lists(*lists, features_);
    if (!found) {
      model_.nameless = fmt::format(
          "pandas_categorical names {} lists of categories, and the text leaves open of which features: train with "
          "categorical_feature=\"auto\" and unordered categories only",
          lists->size());
      return true;
    }
    model_.categories.resize(model_.features);
    for (std::size_t l = 0; l < found->size(); ++l) model_.categories[(*found)[l]] = std::move((*lists)[l].names);
    return true;
  }

  /// Names and aliases of objectives, and what predict() makes of their margins.
  struct objective {
    std::string_view name;
    link::function form;
    bool takes_sqrt = false;
    tabscore::task task = tabscore::task::regression;  ///< by what predict() gives
  };
  static const objective* find_objective(std::string_view name) {
    using f = link::function;
    static constexpr objective known[] = {{"regression", f::identity, true},
                                          {"regression_l2", f::identity, true},
                                          {"mean_squared_error", f::identity, true},
                                          {"mse", f::identity, true},
                                          {"l2", f::identity, true},
                                          {"l2_root", f::identity, true},
                                          {"root_mean_squared_error", f::identity, true},
                                          {"rmse", f::identity, true},
                                          {"regression_l1", f::identity, true},
                                          {"mean_absolute_error", f::identity, true},
                                          {"mae", f::identity, true},
                                          {"l1", f::identity, true},
                                          {"quantile", f::identity, true, task::quantiles},
                                          {"quantile_l2", f::identity, true, task::quantiles},
                                          {"mape", f::identity, true},
                                          {"mean_absolute_percentage_error", f::identity, true},
                                          {"fair", f::identity, true},
                                          {"huber", f::identity},
                                          {"lambdarank", f::identity, false, task::score},
                                          {"rank_xendcg", f::identity, false, task::score},
                                          {"xendcg", f::identity, false, task::score},
                                          {"xe_ndcg", f::identity, false, task::score},
                                          {"xe_ndcg_mart", f::identity, false, task::score},
                                          {"xendcg_mart", f::identity, false, task::score},
                                          {"custom", f::identity},
                                          {"none", f::identity},
                                          {"null", f::identity},
                                          {"na", f::identity},
                                          {"binary", f::logistic, false, task::binary},
                                          {"cross_entropy", f::logistic},
                                          {"xentropy", f::logistic},
                                          {"multiclassova", f::logistic, false, task::multiclass},
                                          {"multiclass_ova", f::logistic, false, task::multiclass},
                                          {"ova", f::logistic, false, task::multiclass},
                                          {"ovr", f::logistic, false, task::multiclass},
                                          {"multiclass", f::softmax, false, task::multiclass},
                                          {"softmax", f::softmax, false, task::multiclass},
                                          {"poisson", f::exponential},
                                          {"gamma", f::exponential},
                                          {"tweedie", f::exponential},
                                          {"cross_entropy_lambda", f::log1p_exp},
                                          {"xentlambda", f::log1p_exp}};
    const auto* found = std::find_if(std::begin(known), std::end(known), [&](const auto& k) { return k.name == name; });
    return found == std::end(known) ? nullptr : found;
  }

  bool read_objective(std::string_view text) {
    using f = link::function;
    std::string_view name;
    if (!next_word(text, name)) return fail(errc::structure, "header: objective is empty");
    const objective* found = find_objective(name);
    if (found == nullptr) return fail(errc::unsupported, fmt::format("objective \"{}\"", name));
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
    while (next_word(text, option)) {
      if (option == "sqrt" && found->takes_sqrt) last.form = f::signed_square;
      if (option.substr(0, 10) == "num_class:" && !parse(option.substr(10), classes)) classes = 0;
      if (option.substr(0, 8) != "sigmoid:" || scaled) continue;
      scaled = parse(option.substr(8), last.scale) && last.scale > 0 && std::isfinite(last.scale);
      if (!scaled) break;
    }
    if (!scaled) {
      return fail(errc::structure, fmt::format("header: objective {} should have sigmoid:, a number above 0", name));
    }
    if (last.form != f::identity && classes != model_.outputs) {
      return fail(errc::structure, fmt::format("header: objective {} has {} outputs, but num_tree_per_iteration is {}",
                                               name, classes, model_.outputs));
    }
    if (average_ && version_2_ && last.form != f::identity) {
      if (options_.version_2_forest == averaged::unknown) {
        return fail(errc::unsupported,
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
    while (!rest_.empty() && !ends_trees(peek_line(rest_))) {
      const std::size_t i = model_.trees.size();
      const std::string place = fmt::format("tree {}", i);
      std::string_view line;
      bytes_ = 0;
      next_line(line);
      if (line != fmt::format("Tree={}", i)) {
        return fail(errc::structure, fmt::format("{}: \"Tree={}\" should begin here", place, i));
      }
      section lines;
      if (!read_section(place, lines) || !read_tree(lines, place)) return false;
      const bool last = rest_.empty() || ends_trees(peek_line(rest_));
      if (tree_sizes_ && i < tree_sizes_->size() && !last && bytes_ != (*tree_sizes_)[i]) {
        return fail(errc::structure, fmt::format("header: tree_sizes[{}] is {}, but tree {} has {} bytes", i,
                                                 (*tree_sizes_)[i], i, bytes_));
      }
    }
    return check_end();
  }

  bool check_end() {
    const std::size_t trees = model_.trees.size();
    if (rest_.empty()) {
      // A text of version 2 that ends with its last tree is whole too.
      const bool whole =
          version_2_ && tree_sizes_ && tree_sizes_->size() == trees && trees > 0 && bytes_ >= tree_sizes_->back();
      if (!whole) return fail(errc::structure, "\"end of trees\" is missing: the file is cut off");
    }
    if (tree_sizes_ && tree_sizes_->size() != trees) {
      return fail(errc::structure,
                  fmt::format("header: tree_sizes names {} trees, but the file has {}", tree_sizes_->size(), trees));
    }
    if (trees % model_.outputs != 0) {
      return fail(errc::structure, fmt::format("{} trees are not whole iterations of {}", trees, model_.outputs));
    }
    model_.rounds = {trees / model_.outputs, trees / model_.outputs};
    if (average_) {
      if (trees == 0) return fail(errc::structure, "average_output of no trees");
      model_.output_link.divisor = static_cast<double>(model_.rounds.used);
    }
    return true;
  }

  bool read_tree(const section& s, const std::string& place) {
    std::int64_t leaf_count = 0;
    std::int64_t set_count = 0;
    std::int64_t linear = 0;
    if (!integer(s, place, "num_leaves", 1, 1 << 30, leaf_count) ||
        !integer(s, place, "num_cat", 0, 1 << 30, set_count) ||
        (lookup(s, "is_linear") && !integer(s, place, "is_linear", 0, 1, linear))) {
      return false;
    }
    const auto leaves = static_cast<std::size_t>(leaf_count);
    const std::size_t splits = leaves - 1;
    tree& t = model_.trees.emplace_back();
    t.output = static_cast<std::uint32_t>((model_.trees.size() - 1) % model_.outputs);
    if (!numbers(s, place, "leaf_value", leaves, t.leaves)) return false;
    if (linear != 0 && !read_linear_leaves(s, place, t)) return false;
    if (splits == 0) return true;

    std::vector<std::uint32_t> feature;
    std::vector<double> threshold;
    std::vector<std::uint8_t> type;
    std::vector<std::int32_t> left;
    std::vector<std::int32_t> right;
    if (!numbers(s, place, "split_feature", splits, feature) || !numbers(s, place, "threshold", splits, threshold) ||
        !numbers(s, place, "decision_type", splits, type) || !numbers(s, place, "left_child", splits, left) ||
        !numbers(s, place, "right_child", splits, right) ||
        !read_sets(s, place, static_cast<std::size_t>(set_count), t) || !read_covers(s, place, t, splits)) {
      return false;
    }
    t.splits.resize(splits);
    for (std::size_t i = 0; i < splits; ++i) {
      split& out = t.splits[i];
      out = {feature[i], left[i], right[i], split::numeric, threshold[i], missing_rule::none, (type[i] & 2) != 0};
      if ((type[i] & 1) != 0) {
        if (!(threshold[i] >= 0 && threshold[i] < static_cast<double>(t.sets.size()))) {
          return fail(errc::structure,
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
            return fail(errc::structure, fmt::format("{}: decision_type[{}] has no missing type 3", place, i));
        }
      }
    }
    return true;
  }

  bool read_linear_leaves(const section& s, const std::string& place, tree& t) {
    if (!lookup(s, "leaf_const")) return fail(errc::structure, place + ": leaf_const of linear leaves is missing");
    std::vector<double> constants;
    std::vector<std::uint32_t> counts;
    if (!numbers(s, place, "leaf_const", t.leaves.size(), constants) ||
        !numbers(s, place, "num_features", t.leaves.size(), counts)) {
      return false;
    }
    const std::size_t terms = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    std::vector<std::uint32_t> feature;
    std::vector<double> weight;
    if (!numbers(s, place, "leaf_features", terms, feature) || !numbers(s, place, "leaf_coeff", terms, weight)) {
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
    if (!numbers(s, place, "cat_boundaries", count + 1, boundaries)) return false;
    std::vector<std::uint32_t> words;
    if (!numbers(s, place, "cat_threshold", boundaries.back(), words)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (boundaries[i] > boundaries[i + 1] || boundaries[i + 1] > words.size()) {
        return fail(errc::structure, fmt::format("{}: cat_boundaries[{}] is out of order", place, i));
      }
      const auto begin = words.begin() + static_cast<std::ptrdiff_t>(boundaries[i]);
      const auto end = words.begin() + static_cast<std::ptrdiff_t>(boundaries[i + 1]);
      t.sets.push_back({std::vector<std::uint32_t>(begin, end), false});
    }
    return true;
  }

  /// Rows per node; written by every version, read only for contributions.
  bool read_covers(const section& s, const std::string& place, tree& t, std::size_t splits) {
    if (!lookup(s, "internal_count") || !lookup(s, "leaf_count")) return true;
    return numbers(s, place, "internal_count", splits, t.split_cover) &&
           numbers(s, place, "leaf_count", splits + 1, t.leaf_cover);
  }

  std::string_view rest_;
  std::string source_;
  load_options options_;
  forest_model model_;
  std::optional<error> wrong_;
  std::vector<lightgbm_feature> features_;
  std::optional<std::vector<std::uint64_t>> tree_sizes_;
  std::uint64_t bytes_ = 0;  // of the tree at hand, as if lines ended in one byte
  bool average_ = false;
  bool version_2_ = false;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
