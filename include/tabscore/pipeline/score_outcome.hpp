// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "../core/config.hpp"
#include "../expr/rule.hpp"
#include "../outputs/predictions.hpp"
#include "../schema/field_error.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A record without a prediction, and the reason: infinities that cancel out, a category that the model does not know,
/// a missing value for which the model has no step.
struct unscorable {
  std::size_t row = 0;                          ///< position in the batch
  std::uint16_t field = field_error::no_field;  ///< of the schema, where one is the reason
  fault what = fault::not_finite;               ///< the reason
};

/// A sink refused the batch, such as a prediction log that cannot be written, with log_failure::refuse.
struct refused {};

/// The outcome of a batch: all records are predicted, or none.
using score_outcome = std::variant<predictions, broken_rule, unscorable, refused>;

}  // namespace tabscore::inline TABSCORE_ABI
