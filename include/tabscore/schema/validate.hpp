// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

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

/// The fault of a stored value that its type allows and the kind of its field does not: an optional integer or boolean
/// is stored as a double.
template <class Field>
std::optional<fault> wrong_kind(const typename Field::stored_type& stored) noexcept {
  if constexpr (!Field::required && Field::kind == field_kind::boolean) {
    if (stored != 0 && stored != 1) return fault::not_boolean;
  } else if constexpr (!Field::required && Field::kind == field_kind::integer) {
    if (std::isinf(stored)) return fault::not_finite;
    if (stored != std::trunc(stored)) return fault::not_integer;
    if (stored < -0x1p63 || stored >= 0x1p63) return fault::integer_range;
  }
  return std::nullopt;
}

template <class Field>
bool is_valid(const typename Field::stored_type& stored) noexcept {
  return absent<Field>(stored) ||
         (!wrong_kind<Field>(stored) && Field::valid(static_cast<typename Field::value_type>(stored)));
}

template <schema_type Schema>
bool all_valid(const columns<Schema>& records) noexcept {
  bool all = true;
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    if constexpr (field::kind != field_kind::boolean || !field::required) {
      for (const auto& stored : records.template get<At>()) all &= is_valid<field>(stored);
    }
  });
  return all;
}

}  // namespace detail

/// Appends every broken constraint of the records, in row order, then schema order, one per field at most. For records
/// that did not come through a decoder, which checks for itself. An absent optional value breaks nothing; one that is
/// no integer or boolean, as its field is, is not_integer, integer_range, not_finite or not_boolean.
template <schema_type Schema>
void validate(const columns<Schema>& records, validation_errors& errors) {
  if (detail::all_valid(records)) return;  // column by column, which is quicker than in the order of errors
  for (std::size_t row = 0; row < records.rows(); ++row) {
    Schema::for_each([&]<std::size_t At>() {
      using field = typename Schema::template field<At>;
      const auto stored = records.template get<At>()[row];
      if (detail::is_valid<field>(stored)) return;
      violation found{};
      if (const auto wrong = detail::wrong_kind<field>(stored)) {
        found.what = *wrong;
      } else {
        found = *field::first_violation(static_cast<typename field::value_type>(stored));
      }
      errors.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint16_t>(At), found.what, found.bound});
    });
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
