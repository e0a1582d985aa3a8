// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "../link.hpp"

namespace tabscore::detail {

/// How base_score, which the file holds in the space of predictions, becomes a margin.
enum class base_space : std::uint8_t { margin, probability, positive };

struct xgboost_objective {
  std::string_view name;
  link::function form;
  base_space base;
};

inline const xgboost_objective* find_xgboost_objective(std::string_view name) noexcept {
  using f = link::function;
  static constexpr xgboost_objective known[] = {
      {"binary:logistic", f::logistic, base_space::probability},
      {"reg:logistic", f::logistic, base_space::probability},
      {"binary:logitraw", f::identity, base_space::margin},
      {"binary:hinge", f::positive, base_space::margin},
      {"count:poisson", f::exponential, base_space::positive},
      {"reg:gamma", f::exponential, base_space::positive},
      {"reg:tweedie", f::exponential, base_space::positive},
      {"survival:cox", f::exponential, base_space::positive},
      {"survival:aft", f::exponential, base_space::positive},
      {"reg:squarederror", f::identity, base_space::margin},
      {"reg:linear", f::identity, base_space::margin},
      {"reg:squaredlogerror", f::identity, base_space::margin},
      {"reg:pseudohubererror", f::identity, base_space::margin},
      {"reg:absoluteerror", f::identity, base_space::margin},
      {"reg:quantileerror", f::identity, base_space::margin},
      {"reg:expectileerror", f::identity, base_space::margin},
      {"rank:pairwise", f::identity, base_space::margin},
      {"rank:ndcg", f::identity, base_space::margin},
      {"rank:map", f::identity, base_space::margin},
      {"multi:softprob", f::softmax, base_space::margin},
      {"multi:softmax", f::most_likely, base_space::margin},
  };
  for (const xgboost_objective& o : known) {
    if (o.name == name) return &o;
  }
  return nullptr;
}

/// The margin of a base_score, in float32 as XGBoost computes it; NaN or infinite when the objective forbids the score.
/// `version` is 100 x major + minor: from 3.1 on a probability is kept off 0 and 1.
inline float base_margin(base_space space, float score, int version) noexcept {
  switch (space) {
    case base_space::margin:
      return score;
    case base_space::probability:
      if (!(score >= 0 && score <= 1)) return std::numeric_limits<float>::quiet_NaN();
      if (version >= 301) score = (std::min)((std::max)(score, 1e-6F), 1.0F - 1e-6F);
      return -std::log(1.0F / score - 1.0F);
    case base_space::positive:
      return std::log(score);
  }
  return score;
}

}  // namespace tabscore::detail
