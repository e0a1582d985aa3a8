// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../schema/schema.hpp"
#include "arrow_abi.hpp"
#include "detail/arrow_export.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Makes *out the Arrow schema of a schema's records, which its receiver releases: a struct of int64, double, bool and
/// utf8 columns in the schema's order, nullable where the field is optional. arrow_reader also takes other types.
template <schema_type Schema>
void export_schema(ArrowSchema* out) {
  auto& records = detail::export_struct(out, "", Schema::size);
  for (std::size_t at = 0; at < Schema::size; ++at) {
    const field_kind kind = Schema::kinds[at];
    const char* const format = kind == field_kind::integer   ? "l"
                               : kind == field_kind::real    ? "g"
                               : kind == field_kind::boolean ? "b"
                                                             : "u";
    detail::export_column(&records.children[at], format, Schema::names[at], !Schema::required[at]);
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
