// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A text's escapes resolved, as UTF-8 (a surrogate without its partner becomes three bytes): at most raw.size() bytes
/// to `to`. Returns the end. Precondition of all three: has_json_escapes(raw).
char* unescape(std::string_view raw, char* to) noexcept;

/// The same into `spare`.
std::string_view unescape(std::string_view raw, std::string& spare);
/// The same, but `raw` itself where it has no escapes.
inline std::string_view unescaped(std::string_view raw, std::string& spare) {
  return raw.find('\\') == std::string_view::npos ? raw : unescape(raw, spare);
}

/// Whether each escape in a JSON text is one that JSON has.
bool has_json_escapes(std::string_view raw) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The character that an escape of one letter stands for.
constexpr char escaped_char(char letter) noexcept {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

}  // namespace detail

TABSCORE_INLINE char* unescape(std::string_view raw, char* to) noexcept {
  TABSCORE_ASSERT(has_json_escapes(raw), "a text whose escapes JSON has");
  const char* p = raw.data();
  const char* const end = p + raw.size();
  const auto unit = [&] {
    std::uint32_t u = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = *p++;
      u = u << 4U | static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return u;
  };
  while (p != end) {
    if (*p != '\\') {
      *to++ = *p++;
      continue;
    }
    const char c = p[1];
    p += 2;
    if (c != 'u') {
      *to++ = detail::escaped_char(c);
      continue;
    }
    std::uint32_t code = unit();
    if ((code & 0xFC00U) == 0xD800U && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
      const char* const second = p;
      p += 2;
      const std::uint32_t low = unit();
      if ((low & 0xFC00U) == 0xDC00U) {
        code = 0x10000U + ((code & 0x3FFU) << 10U) + (low & 0x3FFU);
      } else {
        p = second;
      }
    }
    const auto put = [&](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0U | code >> 6U);
      put(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
      put(0xE0U | code >> 12U);
      put(0x80U | (code >> 6U & 0x3FU));
      put(0x80U | (code & 0x3FU));
    } else {
      put(0xF0U | code >> 18U);
      put(0x80U | (code >> 12U & 0x3FU));
      put(0x80U | (code >> 6U & 0x3FU));
      put(0x80U | (code & 0x3FU));
    }
  }
  return to;
}

TABSCORE_INLINE std::string_view unescape(std::string_view raw, std::string& spare) {
  spare.resize(raw.size());
  spare.resize(static_cast<std::size_t>(unescape(raw, spare.data()) - spare.data()));
  return spare;
}

TABSCORE_INLINE bool has_json_escapes(std::string_view raw) noexcept {
  constexpr std::string_view letters = R"("\/bfnrtu)", digits = "0123456789abcdefABCDEF";
  for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at)) {
    const std::string_view escape = raw.substr(at, raw.substr(at, 2) == "\\u" ? 6 : 2);
    if (escape.size() < 2 || letters.find(escape[1]) == std::string_view::npos) return false;
    if (escape[1] == 'u' && (escape.size() < 6 || escape.find_first_not_of(digits, 2) != std::string_view::npos)) {
      return false;
    }
    at += escape.size();
  }
  return true;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
