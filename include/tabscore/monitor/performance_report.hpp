// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../outputs/task.hpp"
#include "estimate.hpp"
#include "performance.hpp"
#include "ranking.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A named figure. Where it was counted in cells of scores it is only known to lie between two bounds, and its interval
/// is that of the lower bound's low end to the upper one's high end.
struct figure {
  std::string_view name;                                       ///< as scikit-learn names it
  estimate value;                                              ///< with its interval
  double at_least = std::numeric_limits<double>::quiet_NaN();  ///< NaN: the value is exact
  double at_most = std::numeric_limits<double>::quiet_NaN();   ///< NaN: the value is exact
  double expected = std::numeric_limits<double>::quiet_NaN();  ///< of coverage: the nominal share
};

/// The figures of a class, a target or a quantile.
struct performance_part {
  std::string name;             ///< of the class, target or quantile
  std::vector<figure> figures;  ///< of this part alone
};

/// A point of the reliability curve: records with probabilities in (from, to].
struct reliability {
  double from = 0;       ///< exclusive; of the first point inclusive
  double to = 0;         ///< inclusive
  double predicted = 0;  ///< the mean probability
  estimate actual;       ///< the share of positive labels
};

/// The first tenths of the records by score: their share of all positive labels, and how much more that is than of
/// records at random.
struct gain {
  double records = 0;  ///< the share of all records
  figure captured;     ///< the share of all positive labels
  figure lift;         ///< captured, divided by that of records at random
};

/// All figures of a task that follow from labels.
struct performance_report {
  tabscore::task task = tabscore::task::binary;  ///< decides which figures there are
  std::uint64_t pairs = 0;                       ///< pairs of a prediction and its label
  std::vector<figure> figures;                   ///< of all records
  std::vector<performance_part> parts;           ///< of each class, target or quantile
  std::vector<std::string> classes;              ///< of the confusion, in its order
  std::vector<std::uint64_t> confusion;          ///< actual class after actual class, a count of each predicted one
  std::vector<reliability> curve;                ///< of two classes
  std::vector<gain> gains;                       ///< of binary, score and anomaly
};

/// Computes the figures of labelled predictions. `groups`: of binary, score and anomaly, the labels of equal scores, as
/// score_pairs gives them, which makes all figures exact; empty: those of the counted cells are taken.
performance_report report_performance(const performance_counts& counts, std::span<const score_group> groups = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/performance_report.hpp"
#endif
