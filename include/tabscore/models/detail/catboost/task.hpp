// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../../outputs/check_outputs.hpp"
#include "../../../outputs/task.hpp"
#include "../../link.hpp"
#include "../../load_options.hpp"
#include "../model_value.hpp"
#include "../tabscore/read_classes.hpp"
#include "document.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// What a CatBoost model predicts and how.
struct catboost_task {
  model_outputs outputs;
  link output_link;
  double threshold = 0;
  std::optional<double> positive_above;  ///< two classes: the raw value above which predict() gives the second one
  std::vector<std::uint32_t> order;      ///< the column of each dimension, where they differ
};

/// A loss function: what predict() of the estimator gives for it, and predict_proba() of classes.
struct catboost_loss {
  std::string_view name;
  tabscore::task task = task::regression;
  link::function form = link::function::identity;
};

inline const catboost_loss* find_catboost_loss(std::string_view name) {
  using f = link::function;
  static constexpr catboost_loss known[] = {{"Logloss", task::binary, f::logistic},
                                            {"CrossEntropy", task::binary, f::logistic},
                                            {"Focal", task::binary, f::logistic},
                                            {"MultiClass", task::multiclass, f::softmax},
                                            {"MultiClassOneVsAll", task::multiclass, f::logistic},
                                            {"MultiLogloss", task::regression, f::logistic},
                                            {"MultiCrossEntropy", task::regression, f::logistic},
                                            {"RMSE"},
                                            {"RMSPE"},
                                            {"MAE"},
                                            {"MAPE"},
                                            {"Lq"},
                                            {"Huber"},
                                            {"Expectile"},
                                            {"LogCosh"},
                                            {"LogLinQuantile"},
                                            {"GroupQuantile"},
                                            {"MultiRMSE"},
                                            {"MultiRMSEWithMissingValues"},
                                            {"Quantile", task::quantiles},
                                            {"MultiQuantile", task::quantiles},
                                            {"Poisson", task::regression, f::exponential},
                                            {"Tweedie", task::regression, f::exponential},
                                            {"RMSEWithUncertainty", task::regression, f::mean_and_variance},
                                            {"SurvivalAft", task::score},
                                            {"Cox", task::score},
                                            {"QueryRMSE", task::score},
                                            {"QuerySoftMax", task::score},
                                            {"QueryCrossEntropy", task::score},
                                            {"PairLogit", task::score},
                                            {"PairLogitPairwise", task::score},
                                            {"YetiRank", task::score},
                                            {"YetiRankPairwise", task::score},
                                            {"LambdaMart", task::score},
                                            {"StochasticFilter", task::score},
                                            {"StochasticRank", task::score}};
  const auto* const found =
      std::find_if(std::begin(known), std::end(known), [&](const auto& k) { return k.name == name; });
  return found == std::end(known) ? nullptr : found;
}
/// What a task of load_options stands for.
inline catboost_loss catboost_loss_of(task predicted) {
  using f = link::function;
  if (predicted == task::binary) return {"", task::binary, f::logistic};
  if (predicted == task::multiclass) return {"", task::multiclass, f::softmax};
  return {"", predicted, f::identity};
}

class catboost_task_reader {
 public:
  catboost_task_reader(const catboost_document& document, const load_options& options)
      : document_(document), options_(options) {}

  result<catboost_task> read() {
    std::string name;
    std::string levels = "0.5";
    if (auto wrong = read_loss(name, levels)) return *std::move(wrong);
    const catboost_loss* const known = find_catboost_loss(name);
    if (known == nullptr && !options_.task) {
      return error{errc::unsupported,
                   name.empty() ? std::string("the file does not say the loss function: set load_options::task")
                                : fmt::format("the loss function \"{}\" is not known: set load_options::task", name)};
    }
    const catboost_loss loss = options_.task ? catboost_loss_of(*options_.task) : *known;
    const std::size_t n = document_.dimension;
    const bool one = loss.task == task::binary || loss.task == task::score || loss.task == task::anomaly;
    if ((one && n != 1) || (loss.task == task::multiclass && n < 2) ||
        (loss.form == link::function::mean_and_variance && n != 2)) {
      return error{errc::structure, fmt::format("a model of {} dimensions cannot be of {}", n,
                                                loss.name.empty() ? tabscore::name(loss.task) : loss.name)};
    }
    made_.output_link.form = loss.form;
    made_.output_link.table = loss.form == link::function::exponential || loss.form == link::function::softmax;
    made_.outputs.task = loss.task;
    made_.outputs.columns = n;
    if (loss.form == link::function::mean_and_variance) made_.outputs.names = {"mean", "variance"};
    if (loss.task == task::quantiles) {
      if (auto wrong = read_levels(levels)) return *std::move(wrong);
    }
    if (loss.task == task::binary || loss.task == task::multiclass) {
      if (auto wrong = read_classes_of(loss.task)) return *std::move(wrong);
    }
    if (loss.task == task::binary) {
      if (auto wrong = read_threshold()) return *std::move(wrong);
    }
    return std::move(made_);
  }

 private:
  std::string_view info(const char* key) const {
    const auto found = document_.info.find(key);
    return found == document_.info.end() ? std::string_view() : std::string_view(found->second);
  }

  std::optional<error> read_loss(std::string& name, std::string& levels) {
    const std::string_view params = info("params"), of_merged_models = info("loss_function");
    const bool merged = params.empty();
    if (merged && of_merged_models.empty()) return std::nullopt;
    simdjson::dom::parser parser;
    const auto said =
        merged ? parse_json(parser, of_merged_models, "loss_function") : parse_json(parser, params, "params");
    if (!said) return said.error();
    const auto loss = merged ? std::optional(*said) : said->find("loss_function");
    const auto type = loss ? loss->find("type") : std::nullopt;
    if (type) name = std::string(type->text().value_or(""));
    const auto details = loss ? loss->find("params") : std::nullopt;
    const auto alpha = details ? details->find("alpha") : std::nullopt;
    if (alpha && alpha->text()) levels = std::string(*alpha->text());
    if (alpha && alpha->element().is_number()) levels = simdjson::minify(alpha->element());
    return std::nullopt;
  }

  std::optional<error> read_levels(std::string_view text) {
    while (!text.empty()) {
      const std::string_view level = text.substr(0, text.find(','));
      text.remove_prefix((std::min)(text.size(), level.size() + 1));
      const double number = number_in(level);
      if (!(number > 0 && number < 1)) {
        return error{errc::structure,
                     fmt::format("params: the quantile level \"{}\" should be between 0 and 1", level)};
      }
      made_.outputs.names.push_back(fmt::format("{}", number));
    }
    if (made_.outputs.names.size() == document_.dimension) return std::nullopt;
    return error{errc::structure, fmt::format("params: {} quantile levels for {} dimensions",
                                              made_.outputs.names.size(), document_.dimension)};
  }

  /// class_names are the columns, and class_to_label those of the dimensions; labels that the data had are in the
  /// latter.
  std::optional<error> read_classes_of(task predicted) {
    const std::size_t expected = predicted == task::binary ? 2 : document_.dimension;
    const std::string_view text = info("class_params").empty() ? info("multiclass_params") : info("class_params");
    model_outputs& out = made_.outputs;
    const auto number_classes = [&] {
      out.classes_are = class_kind::number;
      for (std::size_t k = 0; k < expected; ++k) out.classes.push_back(std::to_string(k));
    };
    if (text.empty()) {
      if (predicted == task::multiclass) number_classes();
      return std::nullopt;
    }
    const auto wrong = [](std::string_view what) {
      return error{errc::structure, fmt::format("class_params should have {}", what)};
    };
    simdjson::dom::parser parser;
    const auto params = parse_json(parser, text, "class_params");
    if (!params) return params.error();
    const auto names = params->find("class_names");
    const auto labels = params->find("class_to_label");
    const auto count = params->find("classes_count");
    const auto size_of = [](const std::optional<model_value>& list) {
      std::size_t n = 0;
      if (list) list->each([&](const model_value&) { return ++n > 0; });
      return n;
    };
    const double declared = count ? count->number().value_or(0) : 0;
    const std::size_t named = size_of(names);
    if (named == 0 && declared == 0) {
      if (labels && size_of(labels) > 0 && !read_classes(labels->element(), out)) {
        return wrong("classes that are all texts, all numbers or all truth values");
      }
      if (out.classes.size() != expected) return wrong(fmt::format("{} classes", expected));
      return std::nullopt;
    }
    const auto most = (std::max)(static_cast<double>(named), declared);
    if (most != static_cast<double>(expected)) {
      if (most > static_cast<double>(expected) && predicted == task::multiclass) {
        return error{errc::unsupported, fmt::format("class_params declares {} classes, but the training data had {} of "
                                                    "them: train without class_names and classes_count",
                                                    most, expected)};
      }
      return wrong(fmt::format("{} classes", expected));
    }
    if (named == 0) {
      number_classes();
    } else if (!read_classes(names->element(), out)) {
      return wrong("classes that are all texts, all numbers or all truth values");
    }
    if (predicted == task::multiclass) {
      std::vector<bool> seen(expected);
      const bool good = labels && labels->each([&](const model_value& label) {
        const auto column = label.number();
        if (!column || !(*column >= 0 && *column < static_cast<double>(expected))) return false;
        const auto at = static_cast<std::size_t>(*column);
        if (static_cast<double>(at) != *column || seen[at]) return false;
        seen[at] = true;
        made_.order.push_back(static_cast<std::uint32_t>(at));
        return true;
      });
      if (!good || made_.order.size() != expected) {
        return wrong(fmt::format("class_to_label with the numbers 0 to {}", expected - 1));
      }
      if (std::is_sorted(made_.order.begin(), made_.order.end())) made_.order.clear();
    }
    return std::nullopt;
  }

  /// The positive class begins above the border, not at it: at the next larger number.
  std::optional<error> read_threshold() {
    double border = 0.5;
    if (const std::string_view text = info("binclass_probability_threshold"); !text.empty()) border = number_in(text);
    if (!(border > 0 && border < 1)) {
      return error{errc::structure, "binclass_probability_threshold should be between 0 and 1"};
    }
    made_.threshold = std::nextafter(border, 1.0);
    made_.positive_above = -std::log(1 / border - 1);
    return std::nullopt;
  }

  const catboost_document& document_;
  const load_options& options_;
  catboost_task made_;
};

inline result<catboost_task> read_catboost_task(const catboost_document& document, const load_options& options) {
  return catboost_task_reader(document, options).read();
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
