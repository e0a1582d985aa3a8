// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "encoded_forest.hpp"
#include "load_options.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A model that CatBoost saved in its binary format or as JSON (1.x), from bytes in memory. `source` names it in
/// errors.
result<encoded_forest> read_catboost(std::string_view bytes, std::string_view source = "CatBoost model",
                                     const load_options& options = {});

/// The scorer of a file that CatBoost's save_model wrote (.cbm, or .json). Categorical features are text fields, in the
/// model's order after the numeric ones; those of load_options::integer_categories are numbers. Of two classes the
/// positive one begins above the model's probability border, as in CatBoost.
result<encoded_forest> load_catboost(const std::string& path, const load_options& options = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/catboost/load.hpp"
#endif
