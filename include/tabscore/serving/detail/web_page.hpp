// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/detail/sha256.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

inline void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

std::string html_text(std::string_view text);

/// A content security policy: only the page's own scripts run, nothing is loaded from another host, and no other site
/// frames it.
std::string page_headers(std::string_view page);

/// An HTML page and its security headers.
struct web_page {
  explicit web_page(std::string page) : text(std::move(page)), headers(page_headers(text)) {}
  /// Fills in the service's title and `root`, the way from the page's address to the service's.
  web_page(std::string_view page, std::string_view title, std::string_view root = "")
      : web_page(filled(page, title, root)) {}

  std::string text;
  std::string headers;  // whole lines

 private:
  static std::string filled(std::string_view page, std::string_view title, std::string_view root);
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE std::string html_text(std::string_view text) {
  std::string html(text);
  replace_all(html, "&", "&amp;");
  replace_all(html, "<", "&lt;");
  replace_all(html, "\"", "&quot;");
  return html;
}

TABSCORE_INLINE std::string page_headers(std::string_view page) {
  std::string scripts = "'self'";
  constexpr std::string_view open = "<script>", close = "</script>";
  for (std::size_t at = 0; (at = page.find(open, at)) != std::string_view::npos;) {
    at += open.size();
    scripts.append(" 'sha256-")
        .append(tabscore::detail::sha256_base64(page.substr(at, page.find(close, at) - at)))
        .append("'");
  }
  return "content-security-policy: default-src 'none'; script-src " + scripts +
         "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'self'; "
         "base-uri 'none'; form-action 'none'\r\nx-frame-options: SAMEORIGIN\r\nreferrer-policy: no-referrer\r\n";
}

TABSCORE_INLINE std::string web_page::filled(std::string_view page, std::string_view title, std::string_view root) {
  std::string text(page);
  replace_all(text, "{title}", html_text(title));
  replace_all(text, "{root}", root);
  return text;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
