// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

#include "../../../core/config.hpp"
#include "../../../outputs/task.hpp"
#include "../../link.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// An objective of LightGBM, and what predict() makes of its margins.
struct lightgbm_objective {
  std::string_view name;
  link::function form;
  bool takes_sqrt = false;
  tabscore::task task = tabscore::task::regression;  ///< by what predict() gives
};

/// By its name or an alias; nullptr: not known.
inline const lightgbm_objective* find_lightgbm_objective(std::string_view name) {
  using f = link::function;
  static constexpr lightgbm_objective known[] = {{"regression", f::identity, true},
                                                 {"regression_l2", f::identity, true},
                                                 {"mean_squared_error", f::identity, true},
                                                 {"mse", f::identity, true},
                                                 {"l2", f::identity, true},
                                                 {"l2_root", f::identity, true},
                                                 {"root_mean_squared_error", f::identity, true},
                                                 {"rmse", f::identity, true},
                                                 {"regression_l1", f::identity, true},
                                                 {"mean_absolute_error", f::identity, true},
                                                 {"mae", f::identity, true},
                                                 {"l1", f::identity, true},
                                                 {"quantile", f::identity, true, task::quantiles},
                                                 {"quantile_l2", f::identity, true, task::quantiles},
                                                 {"mape", f::identity, true},
                                                 {"mean_absolute_percentage_error", f::identity, true},
                                                 {"fair", f::identity, true},
                                                 {"huber", f::identity},
                                                 {"lambdarank", f::identity, false, task::score},
                                                 {"rank_xendcg", f::identity, false, task::score},
                                                 {"xendcg", f::identity, false, task::score},
                                                 {"xe_ndcg", f::identity, false, task::score},
                                                 {"xe_ndcg_mart", f::identity, false, task::score},
                                                 {"xendcg_mart", f::identity, false, task::score},
                                                 {"custom", f::identity},
                                                 {"none", f::identity},
                                                 {"null", f::identity},
                                                 {"na", f::identity},
                                                 {"binary", f::logistic, false, task::binary},
                                                 {"cross_entropy", f::logistic},
                                                 {"xentropy", f::logistic},
                                                 {"multiclassova", f::logistic, false, task::multiclass},
                                                 {"multiclass_ova", f::logistic, false, task::multiclass},
                                                 {"ova", f::logistic, false, task::multiclass},
                                                 {"ovr", f::logistic, false, task::multiclass},
                                                 {"multiclass", f::softmax, false, task::multiclass},
                                                 {"softmax", f::softmax, false, task::multiclass},
                                                 {"poisson", f::exponential},
                                                 {"gamma", f::exponential},
                                                 {"tweedie", f::exponential},
                                                 {"cross_entropy_lambda", f::log1p_exp},
                                                 {"xentlambda", f::log1p_exp}};
  const auto* found = std::find_if(std::begin(known), std::end(known), [&](const auto& k) { return k.name == name; });
  return found == std::end(known) ? nullptr : found;
}
}  // namespace tabscore::inline TABSCORE_ABI::detail
