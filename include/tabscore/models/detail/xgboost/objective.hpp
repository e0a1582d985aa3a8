// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "../../../core/config.hpp"
#include "../../../outputs/task.hpp"
#include "../../link.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// How base_score, which the file holds in the space of predictions, becomes a margin. `steps`: of several expectiles.
enum class base_space : std::uint8_t { margin, probability, positive, steps };

struct xgboost_objective {
  std::string_view name;
  link::function form;
  base_space base;
  tabscore::task task = tabscore::task::regression;  ///< by what predict() gives
};

/// `version` is 10000 x major + 100 x minor + patch.
inline std::optional<xgboost_objective> find_xgboost_objective(std::string_view name, int version) noexcept {
  using f = link::function;
  static constexpr xgboost_objective known[] = {
      {"binary:logistic", f::logistic, base_space::probability, task::binary},
      {"reg:logistic", f::logistic, base_space::probability},
      {"binary:logitraw", f::identity, base_space::margin, task::score},
      {"binary:hinge", f::positive, base_space::margin, task::binary},
      {"count:poisson", f::exponential, base_space::positive},
      {"reg:gamma", f::exponential, base_space::positive},
      {"reg:tweedie", f::exponential, base_space::positive},
      {"survival:cox", f::exponential, base_space::positive, task::score},
      {"survival:aft", f::exponential, base_space::positive},
      {"reg:squarederror", f::identity, base_space::margin},
      {"reg:linear", f::identity, base_space::margin},
      {"reg:squaredlogerror", f::identity, base_space::margin},
      {"reg:pseudohubererror", f::identity, base_space::margin},
      {"reg:absoluteerror", f::identity, base_space::margin},
      {"reg:quantileerror", f::ascending, base_space::margin, task::quantiles},
      {"reg:expectileerror", f::steps, base_space::steps},
      {"rank:pairwise", f::identity, base_space::margin, task::score},
      {"rank:ndcg", f::identity, base_space::margin, task::score},
      {"rank:map", f::identity, base_space::margin, task::score},
      {"multi:softprob", f::softmax, base_space::margin, task::multiclass},
      {"multi:softmax", f::most_likely, base_space::margin, task::multiclass},
  };
  for (const xgboost_objective& o : known) {
    if (o.name != name) continue;
    xgboost_objective found = o;
    if (name == "binary:logitraw" && version < 10301) found.base = base_space::probability;
    if (name == "reg:quantileerror" && version < 30400) found.form = f::identity;
    return found;
  }
  return std::nullopt;
}

/// The margin of a base_score, in float32 as XGBoost computes it; NaN or infinite when the objective forbids the score.
/// From 3.1 on a probability is kept off 0 and 1.
inline float base_margin(base_space space, float score, int version) noexcept {
  switch (space) {
    case base_space::margin:
    case base_space::steps:
      return score;
    case base_space::probability:
      if (!(score >= 0 && score <= 1)) return std::numeric_limits<float>::quiet_NaN();
      if (version >= 30100) score = (std::min)((std::max)(score, 1e-6F), 1.0F - 1e-6F);
      return -std::log(1.0F / score - 1.0F);
    case base_space::positive:
      return std::log(score);
  }
  return score;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
