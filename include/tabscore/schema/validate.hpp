// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include "../core/config.hpp"
#include "columns.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// Whether a stored value of an optional field means absent.
template <class Field>
bool absent(const typename Field::stored_type& stored) noexcept {
  if constexpr (Field::required) {
    return false;
  } else if constexpr (Field::kind == field_kind::text) {
    return stored.data() == nullptr;
  } else {
    return std::isnan(stored);
  }
}

template <schema_type Schema>
bool all_valid(const columns<Schema>& records) noexcept {
  bool all = true;
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    if constexpr (field::kind != field_kind::boolean) {
      for (const auto& stored : records.template get<At>()) {
        all &= absent<field>(stored) || field::valid(static_cast<typename field::value_type>(stored));
      }
    }
  });
  return all;
}

}  // namespace detail

/// Appends every broken constraint of the records, in row order, then schema order, one per field at most. For records
/// that did not come through a decoder, which checks for itself. An absent optional value breaks nothing.
template <schema_type Schema>
void validate(const columns<Schema>& records, validation_errors& errors) {
  if (detail::all_valid(records)) return;  // column by column, which is quicker than in the order of errors
  for (std::size_t row = 0; row < records.rows(); ++row) {
    Schema::for_each([&]<std::size_t At>() {
      using field = typename Schema::template field<At>;
      const auto stored = records.template get<At>()[row];
      if (detail::absent<field>(stored)) return;
      if constexpr (field::kind != field_kind::boolean) {
        using checked = typename field::value_type;
        if (const auto v = field::first_violation(static_cast<checked>(stored))) {
          errors.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint16_t>(At), v->what, v->bound});
        }
      }
    });
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
