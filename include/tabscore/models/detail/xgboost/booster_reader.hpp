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
#include "category_reader.hpp"
#include "document.hpp"
#include "tree_reader.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// What a document says of the training, beside the booster.
struct xgboost_training {
  int version = 0;                              ///< 10000 x major + 100 x minor + patch
  std::optional<std::uint64_t> best_iteration;  ///< the last round to score; all rounds without one
  std::uint64_t parallel_trees = 0;             ///< of a round and output; 0: one, as far as is known
};

/// Reads a booster (gbtree, dart or gblinear) into a model: trees or weights, rounds, dart's weights of trees.
class xgboost_booster_reader {
 public:
  /// The model has its features, outputs and base margins already.
  xgboost_booster_reader(xgboost_document& file, forest_model& model, const xgboost_training& training)
      : file_(file), model_(model), training_(training) {}

  /// `booster` is the gradient_booster of the learner.
  bool read(const xgboost_value& booster) {
    constexpr std::string_view place = "learner.gradient_booster";
    const maybe name = file_.member(booster, place, "name");
    if (!name) return false;
    const std::string_view kind = name->text().value_or("");
    if (kind == "gblinear") return read_linear(booster);
    const bool dart = kind == "dart";
    if (!dart && kind != "gbtree") return file_.fail(errc::unsupported, fmt::format("booster \"{}\"", kind));
    const maybe holder = dart ? file_.member(booster, place, "gbtree") : maybe(booster);
    const std::string here = dart ? fmt::format("{}.gbtree", place) : std::string(place);
    const maybe model = holder ? file_.member(*holder, here, "model") : std::nullopt;
    const std::string inside = here + ".model";
    if (!model || !xgboost_tree_reader(file_, model_).read(*model, inside) || !read_weights(*model, inside, false) ||
        !read_weights(booster, std::string(place), dart) || !choose_rounds(*model, inside) ||
        !xgboost_category_reader(file_, model_, training_.version).read(*model, inside)) {
      return false;
    }
    if (training_.version < (dart ? 10400 : 10300)) add_base_last();
    return true;
  }

 private:
  using maybe = std::optional<xgboost_value>;

  /// Before 1.3 (dart: 1.4) the base margin was added to the sum of the leaves: as a tree of one leaf is.
  void add_base_last() {
    for (std::uint32_t o = 0; o < model_.outputs; ++o) {
      tree& last = model_.trees.emplace_back();
      last.output = o;
      last.leaves.push_back(std::exchange(model_.base[o], 0.0));
    }
  }

  bool read_linear(const xgboost_value& booster) {
    constexpr std::string_view place = "learner.gradient_booster.model";
    const maybe inner = file_.member(booster, "learner.gradient_booster", "model");
    std::vector<float> weights;
    std::uint64_t boosted = 0;
    if (!inner || !file_.numbers(*inner, place, "weights", weights) ||
        !file_.parameter(*inner, place, "boosted_rounds", false, 1U << 30, boosted)) {
      return false;
    }
    model_.rounds = {boosted, boosted};
    model_.accepts = input_rule::finite_or_missing;  // as the trainer, whose linear booster refuses infinities
    const std::size_t terms = weights.size() / model_.outputs;
    if (weights.size() % model_.outputs != 0 || terms != model_.features + 1) {
      return file_.expect(fmt::format("{}.weights", place),
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

  /// The first rounds, up to the best: a round is num_parallel_tree trees an output, or (since 2.0) what
  /// iteration_indptr says.
  bool choose_rounds(const xgboost_value& inner, const std::string& here) {
    std::vector<std::int64_t> ends;
    if (inner.find("iteration_indptr")) {
      if (!file_.numbers(inner, here, "iteration_indptr", ends)) return false;
      if (ends.empty() || ends.front() != 0 || !std::is_sorted(ends.begin(), ends.end()) ||
          ends.back() != static_cast<std::int64_t>(model_.trees.size())) {
        return file_.expect(here + ".iteration_indptr",
                            fmt::format("ascending numbers from 0 to {}, the trees", model_.trees.size()));
      }
    } else {
      const maybe parameters = inner.find("gbtree_model_param");
      if (parameters && parameters->find("num_parallel_tree") &&
          !file_.parameter(*parameters, here + ".gbtree_model_param", "num_parallel_tree", true, 1U << 30,
                           training_.parallel_trees)) {
        return false;
      }
      const std::size_t step = (std::max<std::size_t>)(training_.parallel_trees, 1) * model_.outputs;
      for (std::size_t end = 0; end <= model_.trees.size(); end += step) ends.push_back(static_cast<std::int64_t>(end));
    }
    const std::size_t saved = ends.size() - 1;
    model_.rounds = {saved, saved};
    if (!training_.best_iteration) return true;
    if (*training_.best_iteration >= saved) {
      return file_.fail(errc::structure,
                        fmt::format("learner.attributes.best_iteration is {}, but there are {} rounds; the "
                                    "option rounds::all scores them all",
                                    *training_.best_iteration, saved));
    }
    model_.rounds.used = *training_.best_iteration + 1;
    model_.trees.resize(static_cast<std::size_t>(ends[model_.rounds.used]));
    return true;
  }

  /// The weights of dart's trees, in one of three places: `dart` itself, which must have one for each tree
  /// (before 3.3), `gbtree` (3.3) or its model (since). Trees without one weigh 1.
  bool read_weights(const xgboost_value& object, const std::string& here, bool dart) {
    if (!dart && !object.find("weight_drop")) return true;
    std::vector<float> weights;
    if (!file_.numbers(object, here, "weight_drop", weights)) return false;
    if (dart ? weights.size() != model_.trees.size() : weights.size() > model_.trees.size()) {
      return file_.expect(here + ".weight_drop", fmt::format("one number for each of {} trees", model_.trees.size()));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      // From 1.4 to 3.2 in-place prediction multiplies the tree's share of a sum that holds the base margin as well.
      const float base =
          dart && training_.version >= 10400 ? static_cast<float>(model_.base[model_.trees[i].output]) : 0.0F;
      for (double& leaf : model_.trees[i].leaves) {
        const float share = (base + static_cast<float>(leaf)) - base;
        leaf = static_cast<double>(share * weights[i]);
      }
    }
    return true;
  }

  xgboost_document& file_;
  forest_model& model_;
  xgboost_training training_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
