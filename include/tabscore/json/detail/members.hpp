// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "../../core/config.hpp"
#include "../../schema/schema.hpp"
#include "../convert.hpp"
#include "../encoding.hpp"
#include "key_ends.hpp"
#include "key_table.hpp"
#include "record_layout.hpp"
#include "scan.hpp"

// Where the values of records are whose members come in any order. Every step keeps to p <= end before it reads, and
// gives nullptr (or false) at the first doubt.

namespace tabscore::inline TABSCORE_ABI::detail {

/// From behind a key to its value.
inline const char* behind_colon(const char* p, const char* end) noexcept {
  p = skip_blanks(p, end);
  if (*p != ':') return nullptr;
  p = skip_blanks(p + 1, end);
  return p < end ? p : nullptr;
}

/// A key; moves p to its value. p becomes nullptr when there is no plain key.
std::string_view read_key(const char*& p, const char* end) noexcept;

/// A value of an unknown member: a text, a number or a word.
const char* skip_scalar(const char* p, const char* end) noexcept;

/// Finds the values of a record by its keys.
template <schema_type Schema, class Policy>
class member_reader {
  static constexpr std::size_t size = Schema::size;
  using keys = key_table<Schema>;

 public:
  using field_set = std::bitset<size>;
  using values = std::array<value_block, size>;  ///< by place
  static constexpr std::array<bool, size> is_text = [] {
    std::array<bool, size> text{};
    for (std::size_t i = 0; i < size; ++i) text[i] = Schema::kinds[i] == field_kind::text;
    return text;
  }();

  member_reader(const char* begin, const char* end, values& to, const record_layout<Schema>& layout) noexcept
      : begin_(begin), end_(end), values_(to), layout_(layout) {}

  /// A record, or the rest of it, from behind the quote of a key to behind its brace. `last` becomes the end of its
  /// last value, if it has any; `trace` may be null.
  const char* read(const char* p, std::size_t row, field_set seen, layout_trace<Schema>* trace, const char*& last) {
    bool text = false;
    do {
      std::size_t i = keys::find(p);
      bool begun = i != Schema::npos;  // p is where the value is, behind the quote of a text
      if (begun) [[likely]] {
        text = is_text[i];
        p += keys::length(i);
        if (p >= end_) return nullptr;
        begun = colon_[text].skip(p);
        if (!begun) {
          const char* const from = p;
          p = behind_colon(p, end_);
          if (p != nullptr && (*p == '"') == text) colon_[text] = separator(from, p + text);
        }
      } else {
        --p;
        i = read_other_key(p, trace);
        if (p != nullptr && i == Schema::npos) p = skip_scalar(p, end_);
        text = i != Schema::npos && is_text[i];
      }
      if (p == nullptr) return nullptr;
      if (i == Schema::npos) continue;
      if (seen[i]) return nullptr;
      seen[i] = true;

      if (!begun) {
        if ((*p == '"') != text) {
          // null for an optional text. (For other kinds it is taken for a value.)
          if (Schema::required[i] || !text || std::memcmp(p, "null", 4) != 0) return nullptr;
          if (trace != nullptr) trace->give_up();
          set_value(i, row, {});
          p += 4;
          text = false;
          continue;
        }
        p += text;
      }
      extent value{p, value_end(p, text)};
      if (value.end == nullptr || value.end > end_) return nullptr;
      p = value.end;
      if (is_blank(value.end[-1])) {  // whatever stands in front of an empty value; else what stands behind a number
        while (!text && value.end > value.begin && is_blank(value.end[-1])) --value.end;
      }
      set_value(i, row, value);
      if (trace != nullptr) trace->add(i, value);
      last = value.end;
    } while (next_key(p, text));
    return p != nullptr && leave_out(seen, row) ? p : nullptr;
  }

  /// The same for a whole record. Keys are found before the values are, so that none waits for where the value before
  /// it ends. Gives up where the bytes around values are not as they were last time: read() then knows more.
  const char* read_at_once(const char* p, std::size_t row, const char*& last) {
    if (p - begin_ < keys::bytes_before || end_ - p < ends::bytes) return nullptr;
    const ends key_ends(p);
    const char* end = nullptr;
    field_set seen;
    bool text = false;
    for (std::size_t k = 0; k < key_ends.count(); ++k) {
      const char* const key_end = key_ends[k];
      const std::size_t i = keys::find_before(key_end);
      if (i == Schema::npos || key_end + 1 - keys::length(i) != p || seen[i]) return nullptr;
      seen[i] = true;
      text = is_text[i];
      const char* value = key_end + 1;
      if (!colon_[text].skip(value)) return nullptr;
      end = value_end(value, text);
      if (end == nullptr || end >= end_ || is_blank(end[-1])) return nullptr;
      set_value(i, row, {value, end});
      p = end;
      if (!comma_[text].skip(p)) break;
    }
    if (end == nullptr) return nullptr;
    p = skip_blanks(end + text, end_);
    if (*p != '}' || !leave_out(seen, row)) return nullptr;
    last = end;
    return p + 1;
  }

  /// From the end of a value to behind the quote of the next key; false when there is none: then p is behind the brace,
  /// or nullptr.
  [[gnu::always_inline]] bool next_key(const char*& p, bool text) noexcept {
    if (comma_[text].skip(p)) return true;
    const char* const from = p;
    p = skip_blanks(p + text, end_);
    if (*p == '}') {
      ++p;
      return false;
    }
    const bool more = *p == ',';
    p = skip_blanks(p + 1, end_);
    if (!more || p >= end_ || *p != '"') {
      p = nullptr;
      return false;
    }
    ++p;
    comma_[text] = separator(from, p);
    return true;
  }

 private:
  using ends = key_ends<Schema>;

  void set_value(std::size_t field, std::size_t row, extent value) noexcept {
    values_[layout_.place_of[field]].set(row, value.begin, value.size());
  }
  /// The fields that were not seen have no value; false when one must have.
  bool leave_out(const field_set& seen, std::size_t row) noexcept {
    if (seen.all()) return true;
    for (std::size_t i = 0; i < size; ++i) {
      if (seen[i]) continue;
      if (Schema::required[i]) return false;
      set_value(i, row, {});
    }
    return true;
  }

  /// A key that key_table does not know; moves p to its value.
  [[gnu::noinline]] std::size_t read_other_key(const char*& p, layout_trace<Schema>* trace) const noexcept {
    const std::string_view key = read_key(p, end_);
    const std::size_t i = keys::complete ? Schema::npos : Schema::index_of(key);
    if (i == Schema::npos && trace != nullptr) trace->give_up();
    if (key == Policy::reserved_name) p = nullptr;
    return i;
  }

  [[gnu::always_inline]] const char* value_end(const char* p, bool text) const noexcept {
    const std::uint32_t ends_near = value_ends(p, text);
    return ends_near != 0 ? p + std::countr_zero(ends_near) : far_end(p, text);
  }
  /// Where a value of 16 bytes or more ends.
  [[gnu::noinline]] const char* far_end(const char* p, bool text) const noexcept {
    const char* const begin = p;
    if (text) {
      p = read_text(p, end_).end;
    } else {
      while (p < end_ && value_ends(p, false) == 0) p += 16;
      p = p < end_ ? p + std::countr_zero(value_ends(p, false)) : nullptr;
    }
    return p != nullptr && p - begin < 0x7FFF'FFFF ? p : nullptr;
  }

  const char* begin_;
  const char* end_;
  values& values_;
  const record_layout<Schema>& layout_;
  // As they were last time: with the quotes behind them; of texts, with those that belong to the text.
  std::array<separator, 2> comma_, colon_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE std::string_view read_key(const char*& p, const char* end) noexcept {
  const char* const key = p + 1;
  const bool quoted = p < end && *p == '"';
  p = nullptr;
  if (!quoted) return {};
  std::size_t length = 0;
  if (const text_block b(key); b.plain()) {
    length = b.size();
  } else {
    const text_extent t = read_text(key, end);
    if (t.end == nullptr || t.escaped) return {};
    length = static_cast<std::size_t>(t.end - key);
    if (!t.ascii && !is_utf8({key, length})) return {};
  }
  p = behind_colon(key + length + 1, end);
  return {key, length};
}

TABSCORE_INLINE const char* skip_scalar(const char* p, const char* end) noexcept {
  if (*p == '"') {
    const text_extent t = read_text(p + 1, end);
    if (t.end == nullptr) return nullptr;
    if (!t.ascii && !is_utf8({p + 1, static_cast<std::size_t>(t.end - p - 1)})) return nullptr;
    return t.end + 1;
  }
  for (const std::string_view word : {"null", "true", "false"}) {
    if (std::memcmp(p, word.data(), word.size()) == 0) return p + word.size();
  }
  return number_end(p, end);
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
