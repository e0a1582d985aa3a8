// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <utility>

#include "../../compat/inference_errors.hpp"
#include "../../compat/problem_details.hpp"
#include "../../compat/pydantic1.hpp"
#include "../../compat/pydantic2.hpp"
#include "../../core/config.hpp"
#include "../../json/dialect.hpp"

#include "../settings.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Calls f.operator()<Dialect>().
template <class F>
decltype(auto) with_dialect(error_style style, F&& f) {
  switch (style) {
    case error_style::pydantic1:
      return f.template operator()<dialect::pydantic1>();
    case error_style::pydantic2:
      return f.template operator()<dialect::pydantic2>();
    case error_style::problem:
      return f.template operator()<dialect::problem_details>();
    case error_style::inference:
      return f.template operator()<dialect::inference>();
    case error_style::neutral:
      break;
  }
  return f.template operator()<dialect::neutral>();
}

/// Whether a service answers as FastAPI does.
inline bool speaks_pydantic(error_style style) noexcept {
  return style == error_style::pydantic1 || style == error_style::pydantic2;
}

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

std::string_view trimmed(std::string_view text);

/// Calls f(part) for each part between separators outside of quotes, without the blanks around it.
template <class F>
void split(std::string_view text, char separator, F&& f) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && quoted && text[i] == '\\') {
      ++i;
    } else if (i < text.size() && text[i] == '"') {
      quoted = !quoted;
    } else if (i >= text.size() || (!quoted && text[i] == separator)) {
      f(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
}

/// The weight of a q parameter in thousandths; -1: invalid (RFC 9110, 12.4.2).
int weight_of(std::string_view parameter);

/// Where the types of problems are explained: a page, and its anchors.
inline constexpr std::string_view problem_types = "/problems#";

std::string problems_page();

/// Whether a client that sends this Accept header wants errors as application/problem+json: it names that type, with a
/// weight above 0 and not below that of application/json. A wildcard does not name it.
bool accepts_problem(std::string_view accept);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

TABSCORE_INLINE int weight_of(std::string_view parameter) {
  const std::string_view digits = trimmed(parameter.substr(2));
  if (digits.empty() || digits.size() > 5 || (digits[0] != '0' && digits[0] != '1')) return -1;
  if (digits.size() > 1 && digits[1] != '.') return -1;
  int weight = digits[0] == '1' ? 1000 : 0;
  int place = 100;
  for (const char c : digits.substr((std::min<std::size_t>)(2, digits.size()))) {
    if (c < '0' || c > '9') return -1;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= 1000 ? weight : -1;
}

TABSCORE_INLINE std::string problems_page() {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Problem types</title>\n"
      "<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem;"
      " color-scheme: light dark }</style>\n<h1>Problem types</h1>\n";
  for (const auto& type : dialect::problem_details::all_types) {
    page.append("<h2 id=\"").append(type.name).append("\">").append(type.title).append("</h2>\n<p>");
    page.append(type.meaning).append("</p>\n");
  }
  return page.append("</html>\n");
}

TABSCORE_INLINE bool accepts_problem(std::string_view accept) {
  if (accept.find('+') == std::string_view::npos) return false;  // nearly always: it cannot name it
  int problem = -1;
  int json = 0;
  int json_precision = -1;  // of the range that the weight of application/json is from: */*, application/*, itself
  split(accept, ',', [&](std::string_view range) {
    std::string type;
    int weight = 1000;
    bool first = true;
    split(range, ';', [&](std::string_view piece) {
      if (std::exchange(first, false)) {
        type = lower_case(piece);
      } else if (piece.starts_with("q=") || piece.starts_with("Q=")) {
        weight = weight_of(piece);
      }
    });
    if (weight < 0) return;  // no weight that we know: as if the range was not there
    if (type == dialect::problem_details::content_type) problem = (std::max)(problem, weight);
    const int precision = type == "application/json" ? 2 : type == "application/*" ? 1 : type == "*/*" ? 0 : -1;
    if (precision > json_precision || (precision == json_precision && precision >= 0 && weight > json)) {
      json = weight;
      json_precision = precision;
    }
  });
  return problem > 0 && problem >= json;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
