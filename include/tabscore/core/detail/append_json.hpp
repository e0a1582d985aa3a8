// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string_view>

#include "../config.hpp"
#include "../json_text.hpp"
#include "../text_buffer.hpp"
#include "../write_number.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A text that append_json() writes as a JSON string.
struct quoted {
  std::string_view text;
};

inline void append_json_piece(text_buffer& out, std::string_view json) { out.append(json); }
inline void append_json_piece(text_buffer& out, const quoted& q) { append_json_text(out, q.text); }
inline void append_json_piece(text_buffer& out, double v) {
  if (!std::isfinite(v)) return out.append("null");
  out.keep_to(write_real<spelling::json>(out.space(number_text_space), v));
}
template <std::integral Integer>
void append_json_piece(text_buffer& out, Integer v) {
  if constexpr (std::same_as<Integer, bool>) {
    out.append(v ? "true" : "false");
  } else {
    out.keep_to(write_integer(out.space(number_text_space), static_cast<std::int64_t>(v)));
  }
}

/// Appends pieces of JSON: texts as they are, quoted texts, truths, and numbers (null for an infinite one or NaN).
template <class... Pieces>
void append_json(text_buffer& out, const Pieces&... pieces) {
  (append_json_piece(out, pieces), ...);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
