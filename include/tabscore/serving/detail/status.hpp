// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <variant>

#include "../../core/config.hpp"
#include "../../pipeline/outcome.hpp"
#include "negotiation.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

inline constexpr unsigned model_not_loaded = 503;
inline constexpr unsigned wrong_type = 415;      // of a body, under /v2
inline constexpr unsigned unknown_coding = 415;  // of a body that is compressed, say
inline constexpr unsigned not_logged = 503;
inline constexpr unsigned shutting_down = 503;  // of /health

/// The HTTP status of an outcome.
unsigned status_of(const outcome& outcome);

/// Why the HTTP layer refuses a request, or could not answer it.
std::string_view refusal_sentence(unsigned status) noexcept;

/// Whether a body is compressed or coded otherwise.
inline bool is_encoded(std::string_view content_encoding) {
  return !content_encoding.empty() && lower_case(content_encoding) != "identity";
}

/// Whether a body is read as JSON: of type application/json or application/*+json, or of no given type.
bool is_json(std::string_view content_type);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE unsigned status_of(const outcome& outcome) {
  if (std::holds_alternative<predictions>(outcome)) return 200;
  if (std::holds_alternative<partial_predictions>(outcome)) return 200;
  if (std::holds_alternative<no_model>(outcome)) return model_not_loaded;
  if (std::holds_alternative<unreadable>(outcome)) return 400;
  if (std::holds_alternative<refused>(outcome)) return not_logged;
  return 422;
}

TABSCORE_INLINE std::string_view refusal_sentence(unsigned status) noexcept {
  switch (status) {
    case 408:
      return "The request did not arrive in time.";
    case 413:
      return "The body is too large.";
    case 421:
      return "The server does not answer for the host that the request names.";
    case 431:
      return "The header is too large.";
    case 503:
      return "The server is busy.";
    default:
      return status < 500 ? "Invalid HTTP request received." : "Internal Server Error";
  }
}

TABSCORE_INLINE bool is_json(std::string_view content_type) {
  if (content_type.empty() || content_type == "application/json") return true;
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t')) content_type.remove_suffix(1);
  const auto same = [](std::string_view a, std::string_view lower) {
    if (a.size() != lower.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != lower[i]) return false;
    }
    return true;
  };
  const std::size_t slash = content_type.find('/');
  if (slash == std::string_view::npos || !same(content_type.substr(0, slash), "application")) return false;
  const std::string_view subtype = content_type.substr(slash + 1);
  if (subtype.find('/') != std::string_view::npos) return false;
  return same(subtype, "json") || (subtype.size() >= 5 && same(subtype.substr(subtype.size() - 5), "+json"));
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
