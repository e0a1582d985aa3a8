// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "reasons.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// How the numbers of a prediction become a decision: bands of one number, or the costs of each decision.
struct decision_table {
  /// The cost of a decision, by the true class.
  struct cost {
    std::string decision;                                 ///< the decision that it is of
    std::vector<std::pair<std::string, double>> classes;  ///< cost of the decision for a record of the class
  };
  std::string place;           ///< in the file, for errors: "by.values.car", or empty
  std::string number;          ///< that the bands are of: a member of the prediction, or a class; empty: the only one
  bool is_threshold = false;   ///< two bands that the file writes as "threshold", "below" and "reached"
  std::vector<double> limits;  ///< of the bands, ascending: a number below the first limit is of the first band
  std::vector<std::string> bands;  ///< the decision of each, one more than limits; empty: the costs decide
  std::vector<cost> costs;         ///< the decision of the least expected cost
};

/// A policy file (docs/reference/policies.md): the decisions that follow from predictions. It has its own version,
/// apart from the model's.
struct decision_policy {
  std::string path;     ///< as given by the caller; errors name it
  std::string name;     ///< as the file says
  std::string version;  ///< as the file says
  std::string sha256;   ///< of the file's bytes
  std::string tables;   ///< the members of the file that decide, as one JSON object
  std::string field;    ///< whose value chooses the table; empty: `otherwise` is for all records
  std::vector<std::pair<std::string, decision_table>> values;  ///< texts, or integers and booleans as in JSON
  std::optional<decision_table> otherwise;                     ///< for records whose value has no table
  std::optional<decision_table> missing;                       ///< of records without a value; nothing: as otherwise
  std::optional<reason_table> reasons;                         ///< for the persons concerned by adverse decisions

  // Compiled once: copies and destruction of all the members are much code.
  /// All members empty.
  decision_policy();
  /// A copy.
  decision_policy(const decision_policy&);
  /// Takes the members of another one.
  decision_policy(decision_policy&&) noexcept;
  /// A copy.
  decision_policy& operator=(const decision_policy&);
  /// Takes the members of another one.
  decision_policy& operator=(decision_policy&&) noexcept;
  ~decision_policy();
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE decision_policy::decision_policy() = default;
TABSCORE_INLINE decision_policy::decision_policy(const decision_policy&) = default;
TABSCORE_INLINE decision_policy::decision_policy(decision_policy&&) noexcept = default;
TABSCORE_INLINE decision_policy& decision_policy::operator=(const decision_policy&) = default;
TABSCORE_INLINE decision_policy& decision_policy::operator=(decision_policy&&) noexcept = default;
TABSCORE_INLINE decision_policy::~decision_policy() = default;

}  // namespace tabscore::inline TABSCORE_ABI
#endif
