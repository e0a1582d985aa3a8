// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../outputs/task.hpp"
#include "../encoded_forest.hpp"
#include "../load_model.hpp"
#include "../load_tabscore.hpp"
#include "../logistic.hpp"
#include "../model_file.hpp"
#include "../pipeline_model.hpp"
#include "../scorer.hpp"
#include "../verify.hpp"
#include "find_model.hpp"
#include "ordered_numbers.hpp"
#include "recognise.hpp"
#include "trees/rank_plan.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<encoded_forest> make_encoded_forest(const model_file& file) {
  const auto* const read = std::get_if<forest_model>(&file.model);
  if (read == nullptr) {
    if (std::holds_alternative<any_scorer>(file.model)) {
      return error{errc::mismatch, file.path + ": a trainer's own file is not a model file: make_scorer() takes it"};
    }
    return error{errc::mismatch, file.path + ": kind: expected trees, found \"" + file.kind + "\""};
  }
  const std::string source = file.path + ": model";
  auto trees = forest::build(*read, source);
  if (!trees) return trees.error();
  auto model = encoded_forest::make(file.features, file.encoder, *std::move(trees), file.threshold, source);
  if (!model) return model.error();
  if (auto e = verify(*model, file.checks, file.path)) return *std::move(e);
  return model;
}

namespace detail {

/// As make_encoded_forest(); `numbers`: see load_options.
inline result<encoded_forest> encode_forest(forest trees, std::optional<double> threshold, std::string_view source,
                                            const std::vector<std::string>& numbers) {
  const forest_model& model = trees.model();
  if (!model.nameless.empty()) {
    return error{errc::unsupported, fmt::format("{}: {}; a forest itself scores codes", source, model.nameless)};
  }
  if (model.features > (std::max)(model.feature_names.size(), detail::rank_plan::most_features)) {
    return error{errc::unsupported,
                 fmt::format("{}: {} features without names are more than {}: train with names; a forest scores rows "
                             "without them",
                             source, model.features, detail::rank_plan::most_features)};
  }
  model_outputs predicted = encoded_forest::described(model);
  if (threshold && encoded_forest::gives_probability(model)) predicted = model_outputs();
  if (threshold && !has_threshold(predicted.task)) {
    return error{errc::mismatch, fmt::format("{}: a threshold is for models of two classes, and this one's task is {}: "
                                             "leave the threshold out",
                                             source, name(predicted.task))};
  }
  const double above_half = std::nextafter(0.5, 1.0);
  const double limit = threshold.value_or(predicted.task == task::binary ? above_half : 0.0);
  const std::optional<double> positive_above = threshold ? std::nullopt : model.positive_above;
  const auto categories_of = [&](std::size_t f) {
    return f < model.categories.size() ? model.categories[f] : category_names();
  };
  feature_names found;
  std::vector<std::uint32_t> number_places, text_places;
  for (std::size_t f = 0; f < model.features; ++f) {
    const bool number = categories_of(f).texts.empty();
    (number ? found.numeric : found.text)
        .push_back(f < model.feature_names.size() ? model.feature_names[f] : fmt::format("x{}", f));
    (number ? number_places : text_places).push_back(static_cast<std::uint32_t>(f));
  }
  feature_names names{{}, std::move(found.text)};
  tabscore::encoder encoder;
  for (const std::size_t j : ordered_numbers(found.numeric, numbers)) {
    names.numeric.push_back(std::move(found.numeric[j]));
    encoder.numeric.emplace_back();
    encoder.place.push_back(number_places[j]);
    const category_names categories = categories_of(number_places[j]);
    if (categories.numbers.empty()) continue;
    category_code lookup;
    for (std::size_t c = 0; c < categories.numbers.size(); ++c) {
      lookup.codes.emplace_back(categories.numbers[c], static_cast<double>(c));
    }
    std::sort(lookup.codes.begin(), lookup.codes.end());
    encoder.before.resize(encoder.numeric.size());
    encoder.before.back().emplace_back(std::move(lookup));
  }
  for (const std::uint32_t place : text_places) {
    const category_names categories = categories_of(place);
    encoder.text.emplace_back(
        std::vector<std::optional<std::string>>(categories.texts.begin(), categories.texts.end()));
    encoder.ordinal.emplace_back(std::numeric_limits<double>::quiet_NaN());
    encoder.place.push_back(place);
  }
  encoder.absent_is_nan = true;
  encoder.refuses_unseen = model.unseen == unseen_rule::fault && !model.categories.empty();
  return encoded_forest::make(std::move(names), std::move(encoder), std::move(trees), std::move(predicted), limit,
                              source, positive_above);
}

/// Adds a column that nothing reads for each number of the caller that the file does not have.
inline void add_unread(forest_model& model, const std::vector<std::string>& numbers) {
  if (model.feature_names.empty()) return;
  for (const std::string& name : numbers) {
    const auto& names = model.feature_names;
    if (std::find(names.begin(), names.end(), name) == names.end()) model.feature_names.push_back(name);
  }
  model.features = model.feature_names.size();
  if (!model.categories.empty()) model.categories.resize(model.features);
  if (!model.feature_types.empty()) model.feature_types.resize(model.features);
  if (!model.linear.empty()) model.linear.resize(model.features * model.outputs);
}

/// The scorer of a trainer's own file; `file` gets the trainer.
inline result<encoded_forest> read_trainer_file(model_format format, std::string_view bytes, std::string_view source,
                                                const load_options& options, model_file& file) {
  result<forest_model> trees = error{errc::unsupported, {}};
  switch (format) {
    case model_format::catboost:
      file.kind = "catboost";
      file.origin.trainer = "CatBoost";
      return read_catboost(bytes, source, options);
    case model_format::xgboost:
      file.kind = "xgboost";
      file.origin.trainer = "XGBoost";
      trees = read_xgboost(bytes, source, options);
      break;
    case model_format::lightgbm:
      file.kind = "lightgbm";
      file.origin.trainer = "LightGBM";
      trees = read_lightgbm(bytes, source, options);
      break;
    case model_format::sklearn:
    case model_format::tabscore:
      file.kind = "sklearn";
      file.origin.trainer = "scikit-learn";
      trees = read_sklearn(bytes, source);
      break;
  }
  if (!trees) return trees.error();
  add_unread(*trees, options.numbers);
  auto built = forest::build(*std::move(trees), source);
  if (!built) return built.error();
  return encode_forest(*std::move(built), std::nullopt, source, options.numbers);
}

/// The numeric feature of a trainer's own file that the records, which have `numbers`, do not have, as an error.
inline std::optional<error> unknown_number(const encoded_forest& model, const std::vector<std::string>& numbers,
                                           std::string_view source) {
  if (numbers.empty()) return std::nullopt;
  const std::vector<std::string>& names = model.features().numeric;
  const auto unknown = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(numbers.begin(), numbers.end(), name) == numbers.end();
  });
  if (unknown == names.end()) return std::nullopt;
  const forest_model& trees = model.trees().model();
  const auto column = static_cast<std::size_t>(
      std::find(trees.feature_names.begin(), trees.feature_names.end(), *unknown) - trees.feature_names.begin());
  const bool category = column < trees.feature_types.size() && trees.feature_types[column] == "c";
  return error{
      errc::mismatch,
      fmt::format("{}: the file's numeric feature \"{}\" is not a number of the records, which have \"{}\"{}: {}",
                  source, *unknown, numbers.front(), numbers.size() > 1 ? ", ..." : "",
                  category ? "it is a category, and the file does not name those: train with XGBoost 3.1 or "
                             "later, or export the model"
                           : "train on a DataFrame whose columns have the names of the records")};
}

}  // namespace detail

TABSCORE_INLINE result<encoded_forest> make_encoded_forest(forest trees, std::optional<double> threshold,
                                                           std::string_view source) {
  return detail::encode_forest(std::move(trees), threshold, source, {});
}

TABSCORE_INLINE result<model_file> read_model(std::string_view bytes, std::string_view source,
                                              const load_options& options) {
  const auto known = detail::recognise(bytes, detail::model_format::tabscore);
  const auto format = known && known->format ? *known->format : detail::model_format::tabscore;
  if (format == detail::model_format::tabscore || bytes.size() > max_model_file_bytes) {
    return parse_model_file(bytes, source);
  }
  model_file file;
  auto model = detail::read_trainer_file(format, bytes, source, options, file);
  if (!model) return model.error();
  if (auto wrong = detail::unknown_number(*model, options.numbers, source)) return *std::move(wrong);
  file.path = source;
  file.name = source.substr(source.rfind('/') + 1);
  file.outputs = model->outputs();
  file.features = model->features();
  file.threshold = model->threshold();
  file.rounds = model->trees().model().rounds;
  file.model = any_scorer(*std::move(model));
  return file;
}

TABSCORE_INLINE result<any_scorer> make_scorer(const model_file& file) {
  if (const auto* const own = std::get_if<any_scorer>(&file.model)) return *own;
  if (std::holds_alternative<logistic_parameters>(file.model)) {
    auto model = make_logistic(file);
    if (!model) return model.error();
    return any_scorer(*std::move(model), file.outputs);
  }
  if (file.kind == "pipeline") {
    auto model = make_pipeline_model(file);
    if (!model) return model.error();
    return any_scorer(*std::move(model), file.outputs);
  }
  auto model = make_encoded_forest(file);
  if (!model) return model.error();
  return any_scorer(*std::move(model), file.outputs);
}

TABSCORE_INLINE result<std::string> find_model_file(const std::string& path) { return detail::find_model(path); }

TABSCORE_INLINE result<any_scorer> load_model(const std::string& path, const load_options& options) {
  const auto file = find_model_file(path);
  if (!file) return file.error();
  const auto bytes = read_model_bytes(*file);
  if (!bytes) return bytes.error();
  const auto model = read_model(*bytes, *file, options);
  return model ? make_scorer(*model) : model.error();
}

}  // namespace tabscore::inline TABSCORE_ABI
