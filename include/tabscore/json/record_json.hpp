// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/detail/append_json.hpp"
#include "../core/text_buffer.hpp"
#include "../core/write_number.hpp"
#include "../schema/columns.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Appends a stored value of a field as JSON: null for an absent value.
template <field_type Field>
void append_value(text_buffer& out, const typename Field::stored_type& v) {
  if constexpr (Field::kind == field_kind::text) {
    if (!Field::required && v.data() == nullptr) return out.append("null");
    append_json_text(out, v);
  } else {
    if constexpr (!Field::required) {
      if (std::isnan(v)) return out.append("null");
    }
    if constexpr (Field::kind == field_kind::boolean) {
      detail::append_json(out, v != 0);
    } else if constexpr (Field::kind == field_kind::integer) {
      detail::append_json(out, static_cast<std::int64_t>(v));
    } else {
      out.keep_to(write_real<spelling::json>(out.space(number_text_space), v));
    }
  }
}

/// Appends one record as a JSON object that decoders read: all fields in the schema's order.
template <schema_type Schema>
void append_record(text_buffer& out, const columns<Schema>& records, std::size_t row) {
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    detail::append_json(out, At == 0 ? "{" : ",", detail::quoted{field::name}, ":");
    append_value<field>(out, records.template get<At>()[row]);
  });
  out.append("}");
}

}  // namespace tabscore::inline TABSCORE_ABI
