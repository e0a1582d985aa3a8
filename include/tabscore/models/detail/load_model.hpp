// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
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
#include "recognise.hpp"
#include "trees/rank_plan.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<encoded_forest> make_encoded_forest(const model_file& file) {
  const auto* const read = std::get_if<forest_model>(&file.model);
  if (read == nullptr) {
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

TABSCORE_INLINE result<encoded_forest> make_encoded_forest(forest trees, std::optional<double> threshold,
                                                           std::string_view source) {
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
  const double limit = threshold.value_or(predicted.task == task::binary ? 0.5 : 0.0);
  feature_names names;
  tabscore::encoder encoder;
  std::vector<std::uint32_t> text_places;
  for (std::size_t f = 0; f < model.features; ++f) {
    const category_names categories = f < model.categories.size() ? model.categories[f] : category_names();
    const std::string feature = f < model.feature_names.size() ? model.feature_names[f] : fmt::format("x{}", f);
    if (categories.texts.empty()) {
      names.numeric.push_back(feature);
      encoder.numeric.emplace_back();
      encoder.place.push_back(static_cast<std::uint32_t>(f));
      if (categories.numbers.empty()) continue;
      category_code lookup;
      for (std::size_t c = 0; c < categories.numbers.size(); ++c) {
        lookup.codes.emplace_back(categories.numbers[c], static_cast<double>(c));
      }
      std::sort(lookup.codes.begin(), lookup.codes.end());
      encoder.before.resize(encoder.numeric.size());
      encoder.before.back().emplace_back(std::move(lookup));
    } else {
      names.text.push_back(feature);
      encoder.text.emplace_back(
          std::vector<std::optional<std::string>>(categories.texts.begin(), categories.texts.end()));
      encoder.ordinal.emplace_back(std::numeric_limits<double>::quiet_NaN());
      text_places.push_back(static_cast<std::uint32_t>(f));
    }
  }
  encoder.place.insert(encoder.place.end(), text_places.begin(), text_places.end());
  encoder.absent_is_nan = true;
  encoder.refuses_unseen = model.unseen == unseen_rule::fault && !model.categories.empty();
  return encoded_forest::make(std::move(names), std::move(encoder), std::move(trees), std::move(predicted), limit,
                              source);
}

TABSCORE_INLINE result<any_scorer> make_scorer(const model_file& file) {
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
  const auto known = detail::recognise(*bytes, detail::model_format::tabscore);
  result<forest_model> trees = error{errc::unsupported, {}};
  switch (known && known->format ? *known->format : detail::model_format::tabscore) {
    case detail::model_format::xgboost:
      trees = read_xgboost(*bytes, *file, options);
      break;
    case detail::model_format::lightgbm:
      trees = read_lightgbm(*bytes, *file, options);
      break;
    case detail::model_format::sklearn:
      trees = read_sklearn(*bytes, *file);
      break;
    case detail::model_format::catboost: {
      auto model = read_catboost(*bytes, *file, options);
      if (!model) return model.error();
      return any_scorer(*std::move(model));
    }
    case detail::model_format::tabscore: {
      const auto document = parse_model_file(*bytes, *file);
      if (!document) return document.error();
      return make_scorer(*document);
    }
  }
  if (!trees) return trees.error();
  auto built = forest::build(*std::move(trees), *file);
  if (!built) return built.error();
  auto model = make_encoded_forest(*std::move(built), std::nullopt, *file);
  if (!model) return model.error();
  return any_scorer(*std::move(model));
}

}  // namespace tabscore::inline TABSCORE_ABI
