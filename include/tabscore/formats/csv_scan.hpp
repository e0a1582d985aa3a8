// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "../core/config.hpp"

// The structure of CSV by RFC 4180, for any separator. Records end with a line feed (and a carriage return in front of
// it); a cell that begins with a quote goes to the next quote that is not doubled, behind which the cell must end. A
// record whose quotes stand elsewhere is malformed and ends with its first line feed, so that it spoils no other line.
namespace tabscore::inline TABSCORE_ABI {

/// How a CSV file is written.
struct csv_dialect {
  char separator = ',';              ///< between the cells
  bool line_breaks_in_cells = true;  ///< in quoted cells; without them every line feed ends a record
};

namespace detail {

/// One bit for each of 64 bytes: whether it equals the byte.
struct byte_bits {
#if defined(__SSE2__)
  __m128i part[4];
  explicit byte_bits(const char* p) noexcept {
    for (std::size_t i = 0; i < 4; ++i) part[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
  }
  std::uint64_t equal(char c) const noexcept { return equal(c, c); }
  std::uint64_t equal(char c, char d) const noexcept {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const __m128i either =
          _mm_or_si128(_mm_cmpeq_epi8(part[i], _mm_set1_epi8(c)), _mm_cmpeq_epi8(part[i], _mm_set1_epi8(d)));
      bits |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(either))} << (16 * i);
    }
    return bits;
  }
#else
  const char* p;
  explicit byte_bits(const char* from) noexcept : p(from) {}
  std::uint64_t equal(char c) const noexcept { return equal(c, c); }
  std::uint64_t equal(char c, char d) const noexcept {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 64; ++i) bits |= std::uint64_t{p[i] == c || p[i] == d} << i;
    return bits;
  }
#endif
};

/// Bit i is the parity of bits 0 to i.
inline std::uint64_t prefix_parity(std::uint64_t bits) noexcept {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

/// Where a scan ended.
struct csv_stop {
  std::size_t position;  ///< of the end of the text, or of a byte that is not allowed there
  bool is_clean;         ///< the text ended outside quotes
};

/// Calls f(offset, bits) for each 64 bytes, from the beginning of a record: a bit for each byte that ends a cell.
/// Precondition: 64 bytes after the text are readable.
template <class F>
csv_stop scan_csv(std::string_view text, std::size_t from, const csv_dialect& dialect, F&& f) {
  std::uint64_t inside = 0;           // all ones within quotes
  std::uint64_t after_mark = 1;       // the next byte begins a cell
  std::uint64_t after_quote = 0;      // it is behind a quote,
  std::uint64_t after_close = 0;      // behind one that ends a quoted cell (or is doubled),
  std::uint64_t after_closed_cr = 0;  // behind a carriage return that is behind such a quote
  for (std::size_t at = from; at < text.size(); at += 64) {
    const byte_bits bytes(text.data() + at);
    const std::size_t left = text.size() - at;
    const std::uint64_t valid = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    const std::uint64_t marks = bytes.equal(dialect.separator, '\n') & valid;
    const std::uint64_t quotes = bytes.equal('"') & valid;
    if ((quotes | inside | after_close | after_closed_cr) == 0) {
      f(at, marks);
      after_mark = marks >> 63U;
      after_quote = 0;
      continue;
    }
    const std::uint64_t within = prefix_parity(quotes) ^ inside;  // opening quotes included, closing ones not
    const std::uint64_t ends = marks & ~within;
    const std::uint64_t opening = quotes & within;
    const std::uint64_t closing = quotes & ~within;
    const std::uint64_t feeds = bytes.equal('\n');
    const std::uint64_t returns = bytes.equal('\r');
    const std::uint64_t behind_close = closing << 1U | after_close;
    const std::uint64_t behind_closed_cr = (behind_close & returns) << 1U | after_closed_cr;
    const std::uint64_t wrong = ((opening & ~(ends << 1U | after_mark | quotes << 1U | after_quote)) |
                                 (behind_close & ~(marks | quotes | returns)) | (behind_closed_cr & ~feeds) |
                                 (dialect.line_breaks_in_cells ? 0 : within & feeds)) &
                                valid;
    if (wrong != 0) {
      const auto first = static_cast<unsigned>(std::countr_zero(wrong));
      f(at, ends & ((std::uint64_t{1} << first) - 1));
      return {at + first, false};
    }
    f(at, ends);
    inside = 0 - (within >> 63U);
    after_mark = ends >> 63U;
    after_quote = quotes >> 63U;
    after_close = closing >> 63U;
    after_closed_cr = (behind_close & returns) >> 63U;
  }
  return {text.size(), inside == 0};
}

/// The size of a malformed record that begins at `from`, with its line feed; without a line feed, the rest of the text.
inline std::size_t malformed_size(std::string_view text, std::size_t from) noexcept {
  const std::size_t feed = text.find('\n', from);
  return (feed == std::string_view::npos ? text.size() : feed + 1) - from;
}

/// The size of the whole records at the beginning of a text, which is not the end of its stream.
inline std::size_t whole_csv_records(std::string_view text, const csv_dialect& dialect) {
  const std::size_t last_feed = text.rfind('\n');
  if (last_feed == std::string_view::npos) return 0;
  if (!dialect.line_breaks_in_cells || std::memchr(text.data(), '"', text.size()) == nullptr) return last_feed + 1;
  std::size_t whole = 0;
  for (;;) {
    const csv_stop stop = scan_csv(text, whole, dialect, [&](std::size_t at, std::uint64_t ends) {
      while (ends != 0) {  // from the last one down: most blocks have a line feed or two
        const auto last = static_cast<unsigned>(std::bit_width(ends) - 1);
        if (text[at + last] == '\n') {
          whole = at + last + 1;
          return;
        }
        ends ^= std::uint64_t{1} << last;
      }
    });
    if (stop.position == text.size() || whole > last_feed) return whole;
    whole += malformed_size(text, whole);  // there is a line feed
  }
}

}  // namespace detail

}  // namespace tabscore::inline TABSCORE_ABI
