// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "../config.hpp"
#include "../text_buffer.hpp"
#include "../write_number.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Appends a number as JSON: null for an infinite one or NaN, which JSON does not have.
inline void append_json_number(text_buffer& out, double v) {
  if (!std::isfinite(v)) return out.append("null");
  out.keep_to(write_real<spelling::json>(out.space(number_text_space), v));
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
