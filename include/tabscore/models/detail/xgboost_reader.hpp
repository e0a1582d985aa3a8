// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "../../core/detail/from_chars.hpp"
#include "../../core/result.hpp"
#include "../load_options.hpp"
#include "../tree.hpp"
#include "model_value.hpp"
#include "xgboost_objective.hpp"

namespace tabscore::detail {

/// The float that XGBoost wrote as the decimal whose nearest double is `number`. Where that lies in the middle between
/// two floats, the decimal was beside it: it was the shortest of one of them, or had 9 digits.
inline std::optional<float> single_precision(double number) {
  const auto nearest = static_cast<float>(number);
  const bool normal = std::fabs(number) >= static_cast<double>((std::numeric_limits<float>::min)());
  if (normal && (std::bit_cast<std::uint64_t>(number) & 0x1FFFFFFFU) != 0x10000000U) return nearest;
  const auto wide = static_cast<double>(nearest);
  if (!std::isfinite(nearest) || wide == number || std::trunc(number) == number) return nearest;
  const float other = std::nextafter(
      nearest, wide < number ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity());
  if (std::fabs(number - wide) != std::fabs(static_cast<double>(other) - number)) return nearest;
  for (const float candidate : {nearest, other}) {
    for (const std::string& text : {fmt::format("{}", candidate), fmt::format("{:.8e}", candidate)}) {
      double read = 0;
      from_chars(text.data(), text.data() + text.size(), read);
      if (read == number) return candidate;
    }
  }
  return std::nullopt;
}

/// Makes a forest_model of a parsed XGBoost document; Value is model_value or ubjson_value.
template <class Value>
class xgboost_reader {
 public:
  xgboost_reader(const Value& root, std::string_view source, load_options options = {})
      : root_(root), source_(source), options_(options) {}

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
      if constexpr (std::is_same_v<T, float>) {
        const auto single = single_precision(number);
        if (!single) return false;
        number = static_cast<double>(*single);
      }
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
    return good ||
           expect(fmt::format("{}.{}[{}]", place, key, out.size()),
                  std::is_integral_v<T> ? "a whole number in range" : "a number of 32 bits, as XGBoost writes it");
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
    std::vector<std::uint16_t> version;
    if (!numbers(root_, "the document", "version", version)) return false;
    if (version.size() != 3) return expect("version", "three numbers");
    if (version[0] < 1 || version[0] > 3) {
      return fail(errc::unsupported,
                  fmt::format("version {}.{}.{} of XGBoost; 1 to 3 are known", version[0], version[1], version[2]));
    }
    version_ = version[0] * 10000 + version[1] * 100 + version[2];
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
    model_.outputs = (std::max<std::size_t>)({classes, targets, 1});
    model_.input = precision::float32;
    model_.sum = precision::float32;
    model_.compare = comparison::less;
    if (!read_texts(*learner, "feature_names", model_.feature_names) ||
        !read_texts(*learner, "feature_types", model_.feature_types)) {
      return false;
    }
    const maybe objective = member(*learner, "learner", "objective");
    const maybe booster = objective ? member(*learner, "learner", "gradient_booster") : std::nullopt;
    std::uint64_t estimated = 0;
    if (!booster || !read_attributes(*learner) || !read_objective(*objective, *parameters) || !read_booster(*booster) ||
        !parameter(*parameters, place, "boost_from_average", false, 1, estimated)) {
      return false;
    }
    // Since 3.1 a model that was never fitted has the default score as its margin, whatever the objective.
    if (version_ >= 30100 && estimated == 1 && model_.rounds.saved == 0) model_.base.assign(model_.outputs, 0.5);
    return true;
  }

  /// What early stopping and the scikit-learn interface (1.x) wrote beside the model.
  bool read_attributes(const Value& learner) {
    model_.missing = options_.missing;
    const maybe attributes = learner.find("attributes");
    if (!attributes) return true;
    const maybe best = attributes->find("best_iteration");
    const bool none = best && best->text() == "-1";  // 1.7 writes it for no rounds
    if (options_.rounds == rounds::best && best && !none) {
      best_iteration_.emplace();
      if (!parameter(*attributes, "learner.attributes", "best_iteration", true, 1U << 30, *best_iteration_))
        return false;
    }
    const maybe wrapper = attributes->find("scikit_learn");
    const auto text = wrapper ? wrapper->text() : std::nullopt;
    if (!text) return true;
    constexpr std::string_view place = "learner.attributes.scikit_learn";
    simdjson::dom::parser parser;
    const auto parsed = parse_json(parser, *text, place);
    if (!parsed) return expect(place, "a JSON document");
    if (const auto trees = parsed->find("num_parallel_tree")) {
      const double count = trees->number().value_or(1);
      if (count >= 1 && count <= 1e9 && count == std::trunc(count)) parallel_trees_ = static_cast<std::uint64_t>(count);
    }
    const auto missing = parsed->find("missing");
    const auto number = missing ? missing->number() : std::nullopt;
    if (number && !std::isnan(*number) && !options_.missing) model_.missing = *number;
    return true;
  }

  /// The link, and the base margin that base_score stands for.
  bool read_objective(const Value& objective, const Value& parameters) {
    const maybe name = member(objective, "learner.objective", "name");
    if (!name) return false;
    const auto text = name->text();
    if (!text) return expect("learner.objective.name", "a text");
    const auto known = find_xgboost_objective(*text, version_);
    if (!known) return fail(errc::unsupported, fmt::format("objective \"{}\"", *text));
    // XGBRanker scored all rounds before 1.4.
    if (text->starts_with("rank:") && version_ < 10400) best_iteration_.reset();
    model_.output_link.form = known->form;
    model_.output_link.single = true;

    std::vector<float> scores;
    if (!read_base_score(parameters, scores)) return false;
    scores.resize(model_.outputs, scores.front());
    for (std::size_t o = 0; o < model_.outputs; ++o) {
      const float score = scores[o];
      float margin = base_margin(known->base, score, version_);
      if (known->base == base_space::steps && o > 0)
        margin = softplus_inverse_float(score - scores[o - 1] - least_step);
      if (!std::isfinite(margin)) {
        return fail(errc::structure,
                    fmt::format("learner.learner_model_param.base_score {} is outside what {} allows", score, *text));
      }
      model_.base.push_back(static_cast<double>(margin));
    }
    return true;
  }

  /// "5E-1", or since 3.1 a list in a text: "[5E-1]", one score for all outputs or one for each.
  bool read_base_score(const Value& parameters, std::vector<float>& scores) {
    constexpr std::string_view place = "learner.learner_model_param.base_score";
    const maybe found = member(parameters, "learner.learner_model_param", "base_score");
    if (!found) return false;
    if (const auto number = found->number()) scores.push_back(static_cast<float>(*number));
    if (const auto text = found->text()) {
      std::string_view rest = *text;
      const bool list = !rest.empty() && rest.front() == '[' && rest.back() == ']';
      if (list) rest = rest.substr(1, rest.size() - 2);
      while (!rest.empty()) {
        float score = 0;
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
    const bool dart = kind == "dart";
    if (!dart && kind != "gbtree") return fail(errc::unsupported, fmt::format("booster \"{}\"", kind));
    const maybe holder = dart ? member(booster, place, "gbtree") : maybe(booster);
    const std::string here = dart ? fmt::format("{}.gbtree", place) : std::string(place);
    const maybe model = holder ? member(*holder, here, "model") : std::nullopt;
    const std::string inside = here + ".model";
    if (!model || !read_trees(*model, inside) || !read_weights(*model, inside, false) ||
        !read_weights(booster, std::string(place), dart) || !choose_rounds(*model, inside) ||
        !read_categories(*model, inside)) {
      return false;
    }
    if (version_ < (dart ? 10400 : 10300)) add_base_last();
    return true;
  }

  /// Before 1.3 (dart: 1.4) the base margin was added to the sum of the leaves: as a tree of one leaf is.
  void add_base_last() {
    for (std::uint32_t o = 0; o < model_.outputs; ++o) {
      tree& last = model_.trees.emplace_back();
      last.output = o;
      last.leaves.push_back(std::exchange(model_.base[o], 0.0));
    }
  }

  bool read_linear(const Value& booster) {
    constexpr std::string_view place = "learner.gradient_booster.model";
    const maybe inner = member(booster, "learner.gradient_booster", "model");
    std::vector<float> weights;
    std::uint64_t boosted = 0;
    if (!inner || !numbers(*inner, place, "weights", weights) ||
        !parameter(*inner, place, "boosted_rounds", false, 1U << 30, boosted)) {
      return false;
    }
    model_.rounds = {boosted, boosted};
    model_.accepts = input_rule::finite_or_missing;  // as the trainer, whose linear booster refuses infinities
    const std::size_t terms = weights.size() / model_.outputs;
    if (weights.size() % model_.outputs != 0 || terms != model_.features + 1) {
      return expect(fmt::format("{}.weights", place),
                    fmt::format("{} x {} numbers, not {}", model_.features + 1, model_.outputs, weights.size()));
    }
    std::vector<double> margins;
    for (std::size_t o = 0; o < model_.outputs; ++o) {
      const float bias = weights[model_.features * model_.outputs + o];
      // The first output's score, even where each output has one of its own: XGBoost adds that.
      margins.push_back(static_cast<double>(bias + static_cast<float>(model_.base[0])));
    }
    model_.base = std::move(margins);
    weights.resize(model_.features * model_.outputs);
    model_.linear.assign(weights.begin(), weights.end());
    return true;
  }

  bool read_trees(const Value& inner, const std::string& here) {
    std::vector<std::int32_t> outputs;
    const maybe trees = member(inner, here, "trees");
    if (!trees || !numbers(inner, here, "tree_info", outputs)) return false;
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
    return same_leaf_widths(here);
  }

  /// Trees of one value a leaf beside vector leaves get as many values: -0 changes no sum.
  bool same_leaf_widths(const std::string& here) {
    if (model_.leaf_width == 1) return true;
    for (tree& t : model_.trees) {
      const std::size_t count = t.splits.size() + 1;
      if (t.leaves.size() == count * model_.leaf_width) continue;
      if (t.leaves.size() != count) return expect(here + ".trees", "leaves of one value or of one for each output");
      std::vector<double> wide(count * model_.leaf_width, -0.0);
      for (std::size_t i = 0; i < count; ++i) wide[i * model_.leaf_width + t.output] = t.leaves[i];
      t.leaves = std::move(wide);
      t.output = 0;
    }
    return true;
  }

  /// The first rounds, up to the best: a round is num_parallel_tree trees an output, or (since 2.0) what
  /// iteration_indptr says.
  bool choose_rounds(const Value& inner, const std::string& here) {
    std::vector<std::int64_t> ends;
    if (inner.find("iteration_indptr")) {
      if (!numbers(inner, here, "iteration_indptr", ends)) return false;
      if (ends.empty() || ends.front() != 0 || !std::is_sorted(ends.begin(), ends.end()) ||
          ends.back() != static_cast<std::int64_t>(model_.trees.size())) {
        return expect(here + ".iteration_indptr",
                      fmt::format("ascending numbers from 0 to {}, the trees", model_.trees.size()));
      }
    } else {
      const maybe parameters = inner.find("gbtree_model_param");
      if (parameters && parameters->find("num_parallel_tree") &&
          !parameter(*parameters, here + ".gbtree_model_param", "num_parallel_tree", true, 1U << 30, parallel_trees_)) {
        return false;
      }
      const std::size_t step = (std::max<std::size_t>)(parallel_trees_, 1) * model_.outputs;
      for (std::size_t end = 0; end <= model_.trees.size(); end += step) ends.push_back(static_cast<std::int64_t>(end));
    }
    const std::size_t saved = ends.size() - 1;
    model_.rounds = {saved, saved};
    if (!best_iteration_) return true;
    if (*best_iteration_ >= saved) {
      return fail(errc::structure, fmt::format("learner.attributes.best_iteration is {}, but there are {} rounds; the "
                                               "option rounds::all scores them all",
                                               *best_iteration_, saved));
    }
    model_.rounds.used = *best_iteration_ + 1;
    model_.trees.resize(static_cast<std::size_t>(ends[model_.rounds.used]));
    return true;
  }

  /// Since 3.1: the names of each feature's categories, texts as bytes one after another, or numbers of a type.
  bool read_categories(const Value& inner, const std::string& here) {
    const maybe found = inner.find("cats");
    const maybe columns = found ? found->find("enc") : std::nullopt;
    if (!columns) return true;
    const std::string place = here + ".cats.enc";
    std::vector<category_names> all;
    const bool good = columns->each([&](const Value& column) {
      const std::string mine = fmt::format("{}[{}]", place, all.size());
      category_names& names = all.emplace_back();
      std::vector<std::int64_t> values;
      if (!numbers(column, mine, "values", values)) return false;
      return column.find("offsets") ? read_category_texts(column, mine, values, names.texts)
                                    : read_category_numbers(column, mine, values, names.numbers);
    });
    if (!good || (!all.empty() && all.size() != model_.features)) {
      return expect(place, fmt::format("an array of {} features", model_.features));
    }
    const auto each = [](const auto& range, auto holds) { return std::all_of(range.begin(), range.end(), holds); };
    if (each(all, [](const category_names& names) { return names.empty(); })) return true;
    const auto whole = [&](const category_names& names) {
      return each(names.texts, [&](const std::string& text) {
        return each(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
      });
    };
    if (version_ < 30400 && !each(all, whole)) {
      model_.nameless = "XGBoost before 3.4 cut the names of categories that are not ASCII: train with 3.4 or later";
      return true;
    }
    model_.categories = std::move(all);
    model_.unseen = unseen_rule::fault;
    return true;
  }
  bool read_category_texts(const Value& column, const std::string& place, const std::vector<std::int64_t>& bytes,
                           std::vector<std::string>& texts) {
    std::vector<std::int64_t> ends;
    if (!numbers(column, place, "offsets", ends)) return false;
    const auto size = static_cast<std::int64_t>(bytes.size());
    const bool inside = ends.empty() ? bytes.empty() : ends.front() == 0 && ends.back() == size;
    if (!inside || !std::is_sorted(ends.begin(), ends.end())) {
      return expect(place + ".offsets", fmt::format("ascending numbers from 0 to {}, the values", size));
    }
    for (std::size_t c = 1; c < ends.size(); ++c) {
      std::string& text = texts.emplace_back();
      for (std::int64_t i = ends[c - 1]; i < ends[c]; ++i) {
        text.push_back(static_cast<char>(bytes[static_cast<std::size_t>(i)]));
      }
    }
    return distinct(texts, place);
  }
  bool read_category_numbers(const Value& column, const std::string& place, const std::vector<std::int64_t>& values,
                             std::vector<double>& out) {
    std::uint64_t type = 0;
    if (!parameter(column, place, "type", true, 16, type)) return false;
    // 9 to 16: signed and unsigned integers of 8, 16, 32, 64 bits. UBJSON has the bits of an unsigned one as signed.
    if (type < 9) return fail(errc::unsupported, place + ": categories that are real numbers");
    for (const std::int64_t value : values) {
      constexpr std::int64_t exact = std::int64_t{1} << 53;
      const bool wraps = type % 2 == 0 && value < 0 && type < 16;
      const std::int64_t number = wraps ? value + (std::int64_t{1} << (4U << ((type - 8) / 2))) : value;
      if (number > exact || number < -exact) return expect(place + ".values", "numbers up to 2^53");
      out.push_back(static_cast<double>(number));
    }
    return distinct(out, place);
  }
  template <class Name>
  bool distinct(std::vector<Name> names, const std::string& place) {
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) == names.end() || expect(place, "categories that differ");
  }

  /// The weights of dart's trees, in one of three places: `dart` itself, which must have one for each tree
  /// (before 3.3), `gbtree` (3.3) or its model (since). Trees without one weigh 1.
  bool read_weights(const Value& object, const std::string& here, bool dart) {
    if (!dart && !object.find("weight_drop")) return true;
    std::vector<float> weights;
    if (!numbers(object, here, "weight_drop", weights)) return false;
    if (dart ? weights.size() != model_.trees.size() : weights.size() > model_.trees.size()) {
      return expect(here + ".weight_drop", fmt::format("one number for each of {} trees", model_.trees.size()));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      // From 1.4 to 3.2 in-place prediction multiplies the tree's share of a sum that holds the base margin as well.
      const float base = dart && version_ >= 10400 ? static_cast<float>(model_.base[model_.trees[i].output]) : 0.0F;
      for (double& leaf : model_.trees[i].leaves) {
        const float share = (base + static_cast<float>(leaf)) - base;
        leaf = static_cast<double>(share * weights[i]);
      }
    }
    return true;
  }

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

  bool read_tree(const Value& t, const std::string& place, std::uint32_t output) {
    node_arrays& a = arrays_;
    a.cover.clear();
    a.type.clear();
    a.values.clear();
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
    a.width = (std::max<std::size_t>)(width, 1);
    if (a.width > 1 && (a.width != model_.outputs || output != 0)) {
      return expect(place + ".tree_param.size_leaf_vector", fmt::format("{}, the outputs", model_.outputs));
    }
    a.values_of_leaves = t.find("leaf_weights").has_value();  // since 3.2; before, the values of all nodes
    if (a.width > 1 && !numbers(t, place, a.values_of_leaves ? "leaf_weights" : "base_weights", a.values)) return false;
    const std::size_t nodes = a.left.size();
    if (!a.values_of_leaves && a.width > 1 && a.values.size() != nodes * a.width) {
      return expect(place + ".base_weights", fmt::format("{} numbers, not {}", nodes * a.width, a.values.size()));
    }
    model_.leaf_width = (std::max)(model_.leaf_width, static_cast<std::uint32_t>(a.width));
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
    return read_category_sets(t, place, a, set_of, model_.trees.back()) &&
           link_nodes(a, set_of, place, model_.trees.back());
  }

  /// Categories listed for a node go right, every other code goes left.
  bool read_category_sets(const Value& t, const std::string& place, node_arrays& a, std::vector<std::int32_t>& set_of,
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

  bool add_leaf(const node_arrays& a, std::size_t node, const std::string& place, tree& out) {
    if (a.width == 1) {
      out.leaves.push_back(static_cast<double>(a.condition[node]));
      return true;
    }
    const auto first = (a.values_of_leaves ? static_cast<std::size_t>(a.right[node]) : node) * a.width;
    if (a.values_of_leaves && (a.right[node] < 0 || first + a.width > a.values.size())) {
      return expect(fmt::format("{}.right_children[{}]", place, node), "the number of a leaf in leaf_weights");
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
        return fail(errc::structure,
                    fmt::format("{}: a child is node {}, but there are {}", place, now.node, a.left.size()));
      }
      if (seen[i]) return fail(errc::structure, fmt::format("{}: node {} is reached twice", place, i));
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
  load_options options_;
  forest_model model_;
  std::optional<error> wrong_;
  node_arrays arrays_;
  int version_ = 0;  ///< 10000 x major + 100 x minor + patch
  std::optional<std::uint64_t> best_iteration_;
  std::uint64_t parallel_trees_ = 1;
  std::size_t category_words_ = 0;
};

}  // namespace tabscore::detail
