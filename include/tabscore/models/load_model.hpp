// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "encoded_forest.hpp"
#include "load_catboost.hpp"
#include "load_lightgbm.hpp"
#include "load_sklearn.hpp"
#include "load_tabscore.hpp"
#include "load_xgboost.hpp"
#include "model_file.hpp"
#include "pipeline_model.hpp"
#include "scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The trees of a file of kind "xgboost", "lightgbm" or "sklearn", after they have given the trainer's numbers for the
/// trainer's rows.
result<encoded_forest> make_encoded_forest(const model_file& file);

/// The scorer of a trainer's own file, of any task: make_encoded_forest(*load_xgboost("model.json")). Features are
/// named as the file names them (x0, x1, ... where it does not); one whose categories are texts is a text field, the
/// others are numeric, each in the model's order. A threshold is for two classes (without one the label is that of the
/// trainer's predict()) and anomalies (0); with one, a regression whose numbers are from 0 to 1 (reg:logistic,
/// cross_entropy) counts as two classes.
result<encoded_forest> make_encoded_forest(forest trees, std::optional<double> threshold = std::nullopt,
                                           std::string_view source = "model");

/// Reads a model file, or a trainer's own file, which is recognised by its bytes; `source` names it in errors. Such a
/// file has no checks, histograms or provenance, and its threshold is that of the trainer's predict().
result<model_file> read_model(std::string_view bytes, std::string_view source = "model",
                              const load_options& options = {});

/// The scorer of a model file of any kind; refused when it disagrees with its own trainer.
result<any_scorer> make_scorer(const model_file& file);

/// The model file of a path: the path itself, or the file in a folder of MLflow, Spark, KServe or Triton (of numbered
/// versions the newest).
result<std::string> find_model_file(const std::string& path);

/// The scorer of a model file or of a trainer's own file, which is recognised by its bytes, or of a folder as above.
result<any_scorer> load_model(const std::string& path, const load_options& options = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/load_model.hpp"
#endif
