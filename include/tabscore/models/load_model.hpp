// SPDX-License-Identifier: MIT
#pragma once

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "encoded_forest.hpp"
#include "load_lightgbm.hpp"
#include "load_sklearn.hpp"
#include "load_tabscore.hpp"
#include "load_xgboost.hpp"
#include "model_file.hpp"
#include "scorer.hpp"

namespace tabscore {

/// The trees of a file of kind "xgboost", "lightgbm" or "sklearn", after they have given the trainer's numbers for the
/// trainer's rows.
result<encoded_forest> make_encoded_forest(const model_file& file);

/// The scorer of a model file of any kind; refused when it disagrees with its own trainer.
result<any_scorer> make_scorer(const model_file& file);

}  // namespace tabscore

#if !defined(TABSCORE_COMPILED)
#include "detail/load_model.hpp"
#endif
