// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../core/detail/from_chars.hpp"
#include "../../../core/result.hpp"
#include "../../load_options.hpp"
#include "../../tree.hpp"
#include "../model_value.hpp"
#include "booster_reader.hpp"
#include "document.hpp"
#include "objective.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Makes a forest_model of a parsed XGBoost document.
class xgboost_reader {
 public:
  xgboost_reader(xgboost_value root, std::string_view source, load_options options = {})
      : root_(std::move(root)), file_(source), options_(std::move(options)) {}

  result<forest_model> read() {
    if (read_learner()) return std::move(model_);
    return file_.wrong();
  }

 private:
  using maybe = std::optional<xgboost_value>;

  bool read_version() {
    std::vector<std::uint16_t> version;
    if (!file_.numbers(root_, "the document", "version", version)) return false;
    if (version.size() != 3) return file_.expect("version", "three numbers");
    if (version[0] < 1 || version[0] > 3) {
      return file_.fail(errc::unsupported, fmt::format("version {}.{}.{} of XGBoost; 1 to 3 are known", version[0],
                                                       version[1], version[2]));
    }
    training_.version = version[0] * 10000 + version[1] * 100 + version[2];
    return true;
  }

  bool read_learner() {
    if (!root_.is_object()) return file_.expect("the document", "an object");
    if (!read_version()) return false;
    const maybe learner = file_.member(root_, "the document", "learner");
    if (!learner) return false;
    const maybe parameters = file_.member(*learner, "learner", "learner_model_param");
    if (!parameters) return false;
    constexpr std::string_view place = "learner.learner_model_param";
    std::uint64_t features = 0;
    std::uint64_t classes = 0;
    std::uint64_t targets = 0;
    if (!file_.parameter(*parameters, place, "num_feature", true, 1U << 31, features) ||
        !file_.parameter(*parameters, place, "num_class", false, 1U << 20, classes) ||
        !file_.parameter(*parameters, place, "num_target", false, 1U << 20, targets)) {
      return false;
    }
    if (classes > 1 && targets > 1) return file_.fail(errc::unsupported, "several targets of several classes");
    model_.features = features;
    model_.outputs = (std::max<std::size_t>)({classes, targets, 1});
    model_.input = precision::float32;
    model_.sum = precision::float32;
    model_.compare = comparison::less;
    if (!file_.texts(*learner, "learner", "feature_names", model_.feature_names) ||
        !file_.texts(*learner, "learner", "feature_types", model_.feature_types)) {
      return false;
    }
    const maybe objective = file_.member(*learner, "learner", "objective");
    const maybe booster = objective ? file_.member(*learner, "learner", "gradient_booster") : std::nullopt;
    std::uint64_t estimated = 0;
    if (!booster || !read_attributes(*learner) || !read_objective(*objective, *parameters) ||
        !xgboost_booster_reader(file_, model_, training_).read(*booster) ||
        !file_.parameter(*parameters, place, "boost_from_average", false, 1, estimated)) {
      return false;
    }
    // Since 3.1 a model that was never fitted has the default score as its margin, whatever the objective.
    if (training_.version >= 30100 && estimated == 1 && model_.rounds.saved == 0)
      model_.base.assign(model_.outputs, 0.5);
    return true;
  }

  /// What early stopping and the scikit-learn interface (1.x) wrote beside the model.
  bool read_attributes(const xgboost_value& learner) {
    model_.missing = options_.missing;
    const maybe attributes = learner.find("attributes");
    if (!attributes) return true;
    const maybe best = attributes->find("best_iteration");
    const bool none = best && best->text() == "-1";  // 1.7 writes it for no rounds
    if (options_.rounds == rounds::best && best && !none) {
      training_.best_iteration.emplace();
      if (!file_.parameter(*attributes, "learner.attributes", "best_iteration", true, 1U << 30,
                           *training_.best_iteration))
        return false;
    }
    if (!read_parallel_trees(*attributes)) return false;
    const maybe wrapper = attributes->find("scikit_learn");
    const auto text = wrapper ? wrapper->text() : std::nullopt;
    if (!text) return true;
    constexpr std::string_view place = "learner.attributes.scikit_learn";
    simdjson::dom::parser parser;
    const auto parsed = parse_json(parser, *text, place);
    if (!parsed) return file_.expect(place, "a JSON document");
    if (const auto trees = parsed->find("num_parallel_tree"); trees && training_.parallel_trees == 0) {
      const double count = trees->number().value_or(1);
      if (count >= 1 && count <= 1e9 && count == std::trunc(count))
        training_.parallel_trees = static_cast<std::uint64_t>(count);
    }
    const auto missing = parsed->find("missing");
    const auto number = missing ? missing->number() : std::nullopt;
    if (number && !std::isnan(*number) && !options_.missing) model_.missing = *number;
    return true;
  }

  /// Before 1.6 the model does not say how many trees an output has a round; the trees up to the best round tell.
  bool read_parallel_trees(const xgboost_value& attributes) {
    constexpr std::string_view place = "learner.attributes";
    std::uint64_t best = 0, trees = 0;
    const maybe round = attributes.find("best_iteration");
    if (!round || round->text() == "-1" || !attributes.find("best_ntree_limit")) return true;
    if (!file_.parameter(attributes, place, "best_iteration", true, 1U << 30, best) ||
        !file_.parameter(attributes, place, "best_ntree_limit", true, 1U << 30, trees)) {
      return false;
    }
    if (trees % (best + 1) == 0) training_.parallel_trees = trees / (best + 1);
    return true;
  }

  /// The link, and the base margin that base_score stands for.
  bool read_objective(const xgboost_value& objective, const xgboost_value& parameters) {
    const maybe name = file_.member(objective, "learner.objective", "name");
    if (!name) return false;
    const auto text = name->text();
    if (!text) return file_.expect("learner.objective.name", "a text");
    const auto known = find_xgboost_objective(*text, training_.version);
    if (!known) return file_.fail(errc::unsupported, fmt::format("objective \"{}\"", *text));
    // XGBRanker scored all rounds before 1.4.
    if (text->starts_with("rank:") && training_.version < 10400) training_.best_iteration.reset();
    model_.output_link.form = known->form;
    model_.output_link.single = true;
    model_.class_by_margins = known->form == link::function::most_likely;
    if (!read_prediction(objective, known->task)) return false;

    std::vector<float> scores;
    if (!read_base_score(parameters, scores)) return false;
    scores.resize(model_.outputs, scores.front());
    for (std::size_t o = 0; o < model_.outputs; ++o) {
      const float score = scores[o];
      float margin = base_margin(known->base, score, training_.version);
      if (known->base == base_space::steps && o > 0)
        margin = softplus_inverse_float(score - scores[o - 1] - least_step);
      if (!std::isfinite(margin)) {
        return file_.fail(
            errc::structure,
            fmt::format("learner.learner_model_param.base_score {} is outside what {} allows", score, *text));
      }
      model_.base.push_back(static_cast<double>(margin));
    }
    return true;
  }

  /// What predict() gives: classes have numbers, quantiles the levels that the file lists.
  bool read_prediction(const xgboost_value& objective, task predicted) {
    model_outputs& out = model_.predicts.emplace();
    out.task = predicted;
    out.columns = model_.outputs;
    // The chances of several labels, say, are numbers of several targets.
    if ((predicted == task::binary || predicted == task::score) && model_.outputs > 1) out.task = task::regression;
    if (predicted == task::multiclass) {
      out.classes_are = class_kind::number;
      for (std::size_t k = 0; k < model_.outputs; ++k) out.classes.push_back(std::to_string(k));
    }
    const maybe loss = predicted == task::quantiles ? objective.find("quantile_loss_param") : std::nullopt;
    const maybe levels = loss ? loss->find("quantile_alpha") : std::nullopt;
    if (!levels) return true;
    std::vector<double> numbers;
    constexpr std::string_view place = "learner.objective.quantile_loss_param.quantile_alpha";
    if (!read_list(*levels, place, numbers)) return false;
    if (numbers.size() != model_.outputs) return file_.expect(place, fmt::format("{} levels", model_.outputs));
    for (const double level : numbers) out.names.push_back(fmt::format("{}", level));
    return true;
  }

  /// "5E-1", or since 3.1 a list in a text: "[5E-1]", one score for all outputs or one for each.
  bool read_base_score(const xgboost_value& parameters, std::vector<float>& scores) {
    constexpr std::string_view place = "learner.learner_model_param.base_score";
    const maybe found = file_.member(parameters, "learner.learner_model_param", "base_score");
    if (!found || !read_list(*found, place, scores)) return false;
    if (scores.size() == 1 || scores.size() == model_.outputs) return true;
    return file_.expect(place, fmt::format("one number, or one for each of {} outputs", model_.outputs));
  }

  /// A number, or numbers in a text: "5E-1", "[1E-1,5E-1]".
  template <class Number>
  bool read_list(const xgboost_value& list_or_number, std::string_view place, std::vector<Number>& out) {
    if (const auto number = list_or_number.number()) out.push_back(static_cast<Number>(*number));
    if (const auto text = list_or_number.text()) {
      std::string_view rest = *text;
      const bool list = !rest.empty() && rest.front() == '[' && rest.back() == ']';
      if (list) rest = rest.substr(1, rest.size() - 2);
      while (!rest.empty()) {
        Number value = 0;
        const auto [end, code] = from_chars(rest.data(), rest.data() + rest.size(), value);
        if (code != std::errc()) return file_.expect(place, "a number or a list of numbers");
        out.push_back(value);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        if (!rest.empty() && (!list || rest.front() != ','))
          return file_.expect(place, "a number or a list of numbers");
        if (!rest.empty()) rest.remove_prefix(1);
      }
    }
    return true;
  }

  xgboost_value root_;
  xgboost_document file_;
  load_options options_;
  forest_model model_;
  xgboost_training training_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
