// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../core/config.hpp"
#include "constraints.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The fault of one value. The comments name the limit that an error carries.
enum class fault : std::uint8_t {
  missing,         ///< the field is absent
  null,            ///< null where a value is required
  not_integer,     ///< not an integer, nor something that the policy takes for one
  not_real,        ///< not a number
  not_boolean,     ///< not true or false
  not_text,        ///< not a text
  not_record,      ///< not an object
  not_list,        ///< the records are not an array
  ge,              ///< must be >= limit
  gt,              ///< must be > limit
  le,              ///< must be <= limit
  lt,              ///< must be < limit
  min_length,      ///< text shorter than limit code points
  max_length,      ///< text longer than limit code points
  min_items,       ///< fewer records than limit
  max_items,       ///< more records than limit
  integer_range,   ///< an integer outside 64 bits
  not_finite,      ///< infinite or NaN, or an integer too large for a double
  reserved_name,   ///< a member with a name that the policy refuses
  model_needs,     ///< the value is missing, and the model has no step for that
  unlisted,        ///< a category that the model does not know
  not_probability  ///< a score that is no probability
};
/// Faults are the numbers below this.
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::not_probability) + 1;

/// One wrong value: where (record and field), what, and the limit it broke. Text is made only when it must be sent.
struct field_error {
  /// Stands for "no record": the error is the body's, or that of a field of a body that is one record.
  static constexpr std::uint32_t no_row = 0xFFFF'FFFF;
  /// Stands for all records: the error is that of their list.
  static constexpr std::uint32_t all_rows = 0xFFFF'FFFE;
  /// Stands for "no field": the error is the record's own (or the body's).
  static constexpr std::uint16_t no_field = 0xFFFF;

  std::uint32_t row = no_row;      ///< record, counted from 0
  std::uint16_t field = no_field;  ///< index in the schema
  fault what = fault::missing;     ///< the broken constraint
  limit bound{};                   ///< the bound, where the fault has one

  friend bool operator==(const field_error&, const field_error&) = default;
};

/// All errors of a body, in the order of its records and, within one, of the schema.
using validation_errors = std::vector<field_error>;

}  // namespace tabscore::inline TABSCORE_ABI
