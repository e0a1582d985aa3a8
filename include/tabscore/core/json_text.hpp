// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "config.hpp"
#include "detail/skip.hpp"
#include "text_buffer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Characters that are written as `\uXXXX`: those that JSON requires (and surrogates, which UTF-8 cannot hold), or all
/// that are not printable ASCII, as in Python's json.dumps.
enum class escape { needed, non_ascii };

namespace detail {

/// Reads one code point of UTF-8 text (surrogates of three bytes are accepted) and moves `p` past it. An invalid byte
/// gives U+FFFD and is skipped.
inline std::uint32_t next_code_point(const char*& p, const char* end) noexcept {
  const auto byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
  const std::uint32_t first = byte(0);
  const int size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  std::uint32_t c = size < 2 ? first : first & (0x7FU >> static_cast<unsigned>(size));
  bool formed = size > 0 && end - p >= size;
  for (int i = 1; formed && i < size; ++i) {
    formed = (byte(i) & 0xC0U) == 0x80;
    c = c << 6U | (byte(i) & 0x3FU);
  }
  if (size > 2) formed = formed && c >= (size == 3 ? 0x800U : 0x10000U) && c <= 0x10FFFF;
  p += formed ? size : 1;
  return formed ? c : 0xFFFD;
}

inline char* write_u_escape(char* to, std::uint32_t unit) noexcept {
  constexpr char hex[] = "0123456789abcdef";
  const char text[6] = {'\\',           'u', hex[unit >> 12U & 15U], hex[unit >> 8U & 15U], hex[unit >> 4U & 15U],
                        hex[unit & 15U]};
  std::memcpy(to, text, 6);
  return to + 6;
}

/// True for bytes that stand for themselves within a JSON string. A lead byte 0xED may begin a surrogate.
template <escape Escape>
inline constexpr auto plain_bytes = [] {
  struct {
    bool at[256];
  } table{};
  for (int c = 0x20; c < (Escape == escape::needed ? 256 : 0x7F); ++c) table.at[c] = c != '"' && c != '\\' && c != 0xED;
  return table;
}();

}  // namespace detail

/// Appends a JSON string with its quotes. The text is UTF-8; encoded surrogates become escapes. Under escape::non_ascii
/// a byte that is not UTF-8 becomes U+FFFD.
template <escape Escape = escape::needed>
void append_json_text(text_buffer& out, std::string_view text) {
  out.append("\"");
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* run = p;
    for (; end - p >= 8; p += 8) {
      const std::uint64_t x = detail::load8(p);
      const std::uint64_t beyond = (x & 0x8080808080808080U) | detail::first_equal_byte(x, 0x7F7F7F7F7F7F7F7FU);
      if ((detail::first_escaped(x) | beyond) != 0) break;
    }
    while (p != end && detail::plain_bytes<Escape>.at[static_cast<unsigned char>(*p)]) ++p;
    out.append({run, static_cast<std::size_t>(p - run)});
    if (p == end) break;

    char* to = out.space(12);
    const char* const sequence = p;
    const std::uint32_t c = detail::next_code_point(p, end);
    constexpr std::string_view short_escapes = "\"\\\n\r\t\b\f";
    const std::size_t known = c < 0x80 ? short_escapes.find(static_cast<char>(c)) : std::string_view::npos;
    if (known != std::string_view::npos) {
      to[0] = '\\';
      to[1] = "\"\\nrtbf"[known];
      to += 2;
    } else if (c >= 0x10000) {
      to = detail::write_u_escape(to, 0xD7C0U + (c >> 10U));
      to = detail::write_u_escape(to, 0xDC00U + (c & 0x3FFU));
    } else if (Escape == escape::needed && p - sequence == 3 && (c & 0xF800U) != 0xD800U) {  // 0xED, but no surrogate
      std::memcpy(to, sequence, 3);
      to += 3;
    } else {
      to = detail::write_u_escape(to, c);
    }
    out.keep_to(to);
  }
  out.append("\"");
}

/// A JSON string of a text.
inline std::string json_text(std::string_view text) {
  text_buffer out;
  append_json_text(out, text);
  return std::string(out.view());
}

/// A JSON array of text_of(item) for each item.
template <class Items, class F>
std::string json_list(const Items& items, F&& text_of) {
  std::string list = "[";
  for (const auto& item : items) list.append(list.size() == 1 ? "" : ",").append(text_of(item));
  return list + "]";
}

#if defined(TABSCORE_COMPILED)
TABSCORE_INSTANCE template void append_json_text<escape::needed>(text_buffer& out, std::string_view text);
TABSCORE_INSTANCE template void append_json_text<escape::non_ascii>(text_buffer& out, std::string_view text);
#endif

}  // namespace tabscore::inline TABSCORE_ABI
