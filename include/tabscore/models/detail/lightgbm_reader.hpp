// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "../../core/result.hpp"
#include "../tree.hpp"

namespace tabscore::detail {

/// Reads LightGBM's text model: a header and one block per tree, both of key=value lines.
class lightgbm_reader {
 public:
  lightgbm_reader(std::string_view text, std::string_view source) : rest_(text), source_(source) {}

  result<forest_model> read() {
    if (read_header() && read_trees()) return std::move(model_);
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
    return true;
  }
  static std::string_view peek_line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

  /// Lines up to the one that begins with one of the stops, which is left in place.
  section read_section() {
    section found;
    while (!rest_.empty()) {
      const std::string_view ahead = peek_line(rest_);
      if (ahead.substr(0, 5) == "Tree=" || ahead == "end of trees") break;
      std::string_view line;
      next_line(line);
      const std::size_t equals = line.find('=');
      if (equals == line.npos) {
        found.emplace(line, std::string_view());
      } else {
        found.emplace(line.substr(0, equals), line.substr(equals + 1));
      }
    }
    return found;
  }

  static std::optional<std::string_view> lookup(const section& s, std::string_view key) {
    const auto at = s.find(key);
    if (at == s.end()) return std::nullopt;
    return at->second;
  }

  static bool next_word(std::string_view& text, std::string_view& word) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return false;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    word = text.substr(0, end);
    text.remove_prefix(end);
    return true;
  }

  template <class T>
  static bool parse(std::string_view word, T& out) {
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), out);
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
    const section header = read_section();
    const std::string_view version = lookup(header, "version").value_or("");
    if (version != "v2" && version != "v3" && version != "v4") {
      return fail(errc::unsupported, fmt::format("version \"{}\"; v2, v3 and v4 are known", version));
    }
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
    average_ = lookup(header, "average_output").has_value();
    if (auto names = lookup(header, "feature_names")) {
      std::string_view name;
      while (next_word(*names, name)) model_.feature_names.emplace_back(name);
      if (model_.feature_names.size() != model_.features) {
        return fail(errc::structure, fmt::format("header: feature_names should have {} names, not {}", model_.features,
                                                 model_.feature_names.size()));
      }
    }
    return read_objective(lookup(header, "objective").value_or("regression"));
  }

  bool read_objective(std::string_view text) {
    using f = link::function;
    static constexpr struct {
      std::string_view name;
      f form;
    } known[] = {
        {"regression", f::identity},    {"regression_l1", f::identity}, {"huber", f::identity},
        {"fair", f::identity},          {"quantile", f::identity},      {"mape", f::identity},
        {"lambdarank", f::identity},    {"rank_xendcg", f::identity},   {"custom", f::identity},
        {"none", f::identity},          {"binary", f::logistic},        {"multiclassova", f::logistic},
        {"cross_entropy", f::logistic}, {"multiclass", f::softmax},     {"poisson", f::exponential},
        {"gamma", f::exponential},      {"tweedie", f::exponential},    {"cross_entropy_lambda", f::log1p_exp}};
    std::string_view name;
    if (!next_word(text, name)) return fail(errc::structure, "header: objective is empty");
    const auto* found = std::find_if(std::begin(known), std::end(known), [&](const auto& k) { return k.name == name; });
    if (found == std::end(known)) return fail(errc::unsupported, fmt::format("objective \"{}\"", name));
    model_.output_link.form = found->form;
    std::string_view option;
    while (next_word(text, option)) {
      if (option == "sqrt" && found->form == f::identity) model_.output_link.form = f::signed_square;
      if (option.substr(0, 8) != "sigmoid:") continue;
      if (!parse(option.substr(8), model_.output_link.scale) || !(model_.output_link.scale > 0)) {
        return fail(errc::structure, "header: the objective's sigmoid should be a number above 0");
      }
    }
    return true;
  }

  bool read_trees() {
    std::string_view line;
    while (next_line(line) && line != "end of trees") {
      const std::string place = fmt::format("tree {}", model_.trees.size());
      if (line != fmt::format("Tree={}", model_.trees.size())) {
        return fail(errc::structure, fmt::format("{}: \"Tree={}\" should begin here", place, model_.trees.size()));
      }
      if (!read_tree(read_section(), place)) return false;
    }
    if (line != "end of trees") return fail(errc::structure, "\"end of trees\" is missing: the file is cut off");
    if (model_.trees.size() % model_.outputs != 0) {
      return fail(errc::structure,
                  fmt::format("{} trees are not whole iterations of {}", model_.trees.size(), model_.outputs));
    }
    if (average_ && !model_.trees.empty()) {
      model_.output_link.divisor = static_cast<double>(model_.trees.size() / model_.outputs);
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
    if (linear != 0) return fail(errc::unsupported, place + ": linear leaves (linear_tree)");
    const auto leaves = static_cast<std::size_t>(leaf_count);
    const std::size_t splits = leaves - 1;
    tree& t = model_.trees.emplace_back();
    t.output = static_cast<std::uint32_t>((model_.trees.size() - 1) % model_.outputs);
    if (!numbers(s, place, "leaf_value", leaves, t.leaves)) return false;
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
        out.default_left = false;  // NaN is no category, whatever the missing type says
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
  forest_model model_;
  std::optional<error> wrong_;
  bool average_ = false;
};

}  // namespace tabscore::detail
