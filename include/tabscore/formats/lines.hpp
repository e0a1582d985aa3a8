// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Up to and with the last line feed.
inline std::size_t whole_lines(std::string_view bytes) noexcept {
  const std::size_t feed = bytes.rfind('\n');
  return feed == std::string_view::npos ? 0 : feed + 1;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail

namespace tabscore::inline TABSCORE_ABI {

/// The bytes of a UTF-8 byte order mark at the beginning.
inline std::size_t byte_order_mark(std::string_view bytes) noexcept {
  return bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

/// Why the first bytes of a stream are no text in UTF-8, if they say so; else nullptr.
inline const char* not_utf8_text(std::string_view bytes) noexcept {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return "is UTF-16, expected UTF-8";
  for (const auto magic :
       {"\x1F\x8B"sv, "BZh91AY&SY"sv, "\xFD\x37zXZ"sv, "\x28\xB5\x2F\xFD"sv, "\x04\x22\x4D\x18"sv, "PK\x03\x04"sv}) {
    if (bytes.starts_with(magic)) {
      return "is compressed (gzip, bzip2, xz, zstd, lz4, or a ZIP archive as of Excel), expected text";
    }
  }
  if (bytes.starts_with("PAR1\x15") || bytes.starts_with("ARROW1\0\0"sv)) return "is Parquet or Arrow, expected text";
  return nullptr;
}

/// The line feeds in it. Counted 32 bytes at a time, as compilers see for themselves.
inline std::size_t count_lines(std::string_view bytes) noexcept {
  constexpr std::size_t width = 32;
  std::size_t count = 0;
  const char* p = bytes.data();
  for (std::size_t steps = bytes.size() / width; steps > 0;) {
    const std::size_t some = std::min<std::size_t>(steps, 255);
    std::array<std::uint8_t, width> feeds{};
    for (std::size_t i = 0; i < some; ++i, p += width) {
      for (std::size_t k = 0; k < width; ++k) feeds[k] = static_cast<std::uint8_t>(feeds[k] + (p[k] == '\n'));
    }
    for (const std::uint8_t n : feeds) count += n;
    steps -= some;
  }
  for (const char* const end = bytes.data() + bytes.size(); p != end; ++p) count += *p == '\n';
  return count;
}

}  // namespace tabscore::inline TABSCORE_ABI
