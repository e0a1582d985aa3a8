// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

namespace tabscore {

/// Which rounds of boosting score, where training stopped early and went on past the best one.
enum class rounds : std::uint8_t {
  best,  ///< those up to the best, as the trainer's scikit-learn interface does
  all    ///< all that the file holds, as XGBoost's Booster.predict does
};

/// How a trainer's own file is read where it leaves a choice: load_xgboost(path, {.rounds = rounds::all}).
struct load_options {
  tabscore::rounds rounds = tabscore::rounds::best;
  std::optional<double> missing = std::nullopt;  ///< a number that means missing, beside NaN (XGBoost's `missing`)
};

}  // namespace tabscore
