// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "forest.hpp"
#include "load_options.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A model that XGBoost saved as JSON or UBJSON (1.x to 3.x; gbtree, dart, gblinear), from bytes in memory. `source`
/// names it in errors.
result<forest_model> read_xgboost(std::string_view bytes, std::string_view source = "XGBoost model",
                                  const load_options& options = {});

/// A forest from a file that XGBoost's save_model wrote (.json or .ubj). After early stopping it scores the rounds up
/// to the best, as XGBClassifier and XGBRegressor do: load_xgboost(path, {.rounds = rounds::all}) scores all.
result<forest> load_xgboost(const std::string& path, const load_options& options = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/xgboost/load.hpp"
#endif
