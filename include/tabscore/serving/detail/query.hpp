// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// "%62" -> "b"; a percent sign without two hexadecimal digits is kept.
std::string percent_decoded(std::string_view text);

/// A path or query as it may stand in a header: `special` and all but printable ASCII become %XX.
std::string percent_encoded(std::string_view text, std::string_view special);

/// The value of a parameter in a query ("a=1&b=two"), decoded; of several the last.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

TABSCORE_INLINE std::string percent_encoded(std::string_view text, std::string_view special) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7F && special.find(c) == std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  return out;
}

TABSCORE_INLINE std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size() < query.size() ? pair.size() + 1 : pair.size());
    const std::size_t equals = pair.find('=');
    if (percent_decoded(pair.substr(0, equals)) != name) continue;
    std::string value(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    for (char& c : value) c = c == '+' ? ' ' : c;
    found = percent_decoded(value);
  }
  return found;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
