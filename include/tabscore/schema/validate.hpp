// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include "columns.hpp"

namespace tabscore {

/// Appends every broken constraint of the records, in row order, then schema order, one per field at most. For records
/// that did not come through a decoder, which checks for itself. An absent optional value breaks nothing.
template <schema_type Schema>
void validate(const columns<Schema>& records, validation_errors& errors) {
  for (std::size_t row = 0; row < records.rows(); ++row) {
    Schema::for_each([&]<std::size_t I>() {
      using field = typename Schema::template field<I>;
      const auto stored = records.template get<I>()[row];
      if constexpr (!field::required) {
        if constexpr (field::kind == field_kind::text) {
          if (stored.data() == nullptr) return;
        } else {
          if (std::isnan(stored)) return;
        }
      }
      if constexpr (field::kind != field_kind::boolean) {
        using checked = typename field::value_type;
        if (const auto v = field::first_violation(static_cast<checked>(stored))) {
          errors.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint16_t>(I), v->what, v->bound});
        }
      }
    });
  }
}

}  // namespace tabscore
