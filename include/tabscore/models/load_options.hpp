// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "../outputs/task.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The rounds of boosting that score, where early stopping trained on past the best round.
enum class rounds : std::uint8_t {
  best,  ///< up to the best, as the trainer's scikit-learn interface does
  all    ///< all in the file, as XGBoost's Booster.predict does (with dart up to 3.2, except for a few last bits)
};

/// The prediction of a random forest in a LightGBM text of version 2, which the file does not define.
enum class averaged : std::uint8_t {
  unknown,  ///< such a file is refused where the objective has a function, a sigmoid say
  as_is,    ///< the average of the leaves: LightGBM 2.0.12 to 2.2.2 wrote the file
  linked    ///< the objective's function of that average: LightGBM 2.2.3 did
};

/// How a trainer's own file is read where it leaves a choice: load_xgboost(path, {.rounds = rounds::all}).
struct load_options {
  tabscore::rounds rounds = tabscore::rounds::best;  ///< rounds of boosting that are scored
  std::optional<double> missing = std::nullopt;      ///< a number that means missing, beside NaN (XGBoost's `missing`)
  averaged version_2_forest = averaged::unknown;     ///< for random forests of LightGBM's model version 2
  /// The task of a CatBoost model whose file has no loss, or an unknown one.
  std::optional<tabscore::task> task = std::nullopt;
  std::vector<std::string> integer_categories = {};  ///< of CatBoost: features whose categories are whole numbers
  /// The numbers of the caller's records: the file's numeric features are put in this order, by name, numbers that it
  /// does not have are read by nothing, and CatBoost's categories among them are whole numbers. Empty: the file's own.
  std::vector<std::string> numbers = {};
};

}  // namespace tabscore::inline TABSCORE_ABI
