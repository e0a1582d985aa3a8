// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../outputs/task.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Appends the classes of a JSON list as they are shown; false when they are not all texts, all numbers or all truth
/// values.
inline bool read_classes(simdjson::dom::element list, model_outputs& out) {
  simdjson::dom::array array;
  if (list.get(array) != simdjson::SUCCESS) return false;
  for (const simdjson::dom::element value : array) {
    if (!value.is_string() && !value.is_number() && !value.is_bool()) return false;
    const class_kind kind = value.is_string() ? class_kind::text
                            : value.is_bool() ? class_kind::boolean
                                              : class_kind::number;
    if (!out.classes.empty() && kind != out.classes_are) return false;
    out.classes_are = kind;
    std::string_view text;
    out.classes.push_back(value.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(value));
  }
  return true;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
