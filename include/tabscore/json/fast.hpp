// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../schema/batch.hpp"
#include "json_value.hpp"
#include "key_table.hpp"
#include "scan.hpp"

namespace tabscore::detail {

/// How a client lays out its records: the order of the fields, and the bytes between their values, which tend to be the
/// same in record after record and body after body.
template <schema_type Schema>
struct record_layout {
  std::array<piece, Schema::size> gaps{};  ///< before each value; gaps[0] from the record before
  std::array<std::uint16_t, Schema::size> order{};
  piece head;               ///< from the beginning of the body to the first value
  bool known = false;       ///< order, and gaps[1] and up
  bool known_wrap = false;  ///< gaps[0]
  bool known_head = false;
  std::uint32_t wait = 0;  ///< records until the next attempt to learn; attempts become rare where they are no use
  std::uint32_t next_wait = 0;
};

/// Well-formed bodies whose values are plainly what the schema says, into a batch; gives up at the first doubt.
/// A record that is laid out like the one before is compared with it but for the values; others are read by member.
template <schema_type Schema, class Policy>
class fast_reader {
  static constexpr std::size_t size = Schema::size;
  using field_set = std::bitset<size>;

 public:
  fast_reader(std::string_view body, batch<Schema>& to, record_layout<Schema>& layout) noexcept
      : begin_(body.data()), end_(begin_ + body.size()), to_(to), layout_(layout) {}

  /// The array called `list` in the body: at least one record, `most` at most.
  bool records(std::string_view list, std::size_t most) {
    most_ = most;
    const char* p = first_laid_out();
    bool found = p != nullptr;
    if (found) {
      p = list_after_record(nullptr);
    } else {
      p = open(begin_);
    }
    for (bool behind_value = found; p != nullptr; behind_value = false) {
      if (!behind_value) {
        const std::string_view key = read_key(p);
        if (p == nullptr || key == Policy::reserved_name) return false;
        if (key != list) {
          p = skip_scalar(p);
        } else if (found || *p != '[') {
          return false;
        } else {
          found = true;
          p = object(skip_blanks(p + 1, end_), nullptr);
          if (p != nullptr) p = list_after_record(p);
        }
        if (p == nullptr) return false;
      }
      p = skip_blanks(p, end_);
      if (*p == '}') return found && at_end(p + 1);
      if (*p != ',') return false;
      p = skip_blanks(p + 1, end_);
    }
    return false;
  }

  /// The body as one record.
  bool record() {
    most_ = 1;
    const char* const p = first_laid_out() ? close_laid_out() : object(skip_blanks(begin_, end_), nullptr);
    return p != nullptr && at_end(p);
  }

 private:
  // Every step keeps to p <= end_ before it reads, and gives nullptr to give up.

  bool at_end(const char* p) const noexcept { return skip_blanks(p, end_) == end_; }
  const char* open(const char* p) const noexcept {
    p = skip_blanks(p, end_);
    return *p == '{' ? skip_blanks(p + 1, end_) : nullptr;
  }

  // Laid out like before.

  const char* first_laid_out() { return layout_.known_head && most_ > 0 ? laid_out(begin_, layout_.head) : nullptr; }

  /// A record whose first value comes behind `gap`; returns the end of its last value, which last_ keeps.
  const char* laid_out(const char* p, const piece& gap) {
    if (!gap.matches(p)) return nullptr;
    p += gap.size();
    const std::size_t row = to_.add_row();
    for (std::size_t i = 0;;) {
      if (p < end_) p = value(layout_.order[i], p, row);
      if (p == nullptr || p >= end_) break;
      if (++i == size) return last_ = p;
      if (!layout_.gaps[i].matches(p)) break;
      p += layout_.gaps[i].size();
    }
    to_.truncate(row);
    return nullptr;
  }

  /// Goes on behind the last value of a record that was laid out like before; returns what follows its brace.
  const char* close_laid_out() {
    const bool text = Schema::kinds[layout_.order.back()] == field_kind::text;
    field_set all;
    return members(last_ + text, to_.rows() - 1, all.set());
  }

  /// The records after one of which `behind` is what follows its brace (nullptr: to be found); returns what follows the
  /// array.
  const char* list_after_record(const char* behind) {
    for (;;) {
      bool moved = behind == nullptr;
      if (layout_.known_wrap) {
        while (to_.rows() < most_ && laid_out(last_, layout_.gaps[0])) moved = true;
      }
      if (moved) {
        layout_.wait = layout_.next_wait = 0;
        behind = close_laid_out();
        if (behind == nullptr) return nullptr;
      }
      const char* p = skip_blanks(behind, end_);
      if (*p == ']') return p + 1;
      if (*p != ',' || to_.rows() >= most_) return nullptr;
      behind = object(skip_blanks(p + 1, end_), last_);
      if (behind == nullptr) return nullptr;
    }
  }

  // Member by member.

  /// A record from its brace; `previous` is the end of the last value of the record before, if any.
  const char* object(const char* p, const char* previous) {
    p = open(p);
    if (p == nullptr) return nullptr;
    trace_.count = 0;
    trace_.clean = true;
    const std::size_t row = to_.add_row();
    field_set seen;
    p = member(p, row, seen);
    if (p == nullptr) return nullptr;
    p = members(p, row, seen);
    if (p == nullptr) return nullptr;
    if (layout_.wait > 0) {
      --layout_.wait;
    } else {
      learn(previous);
    }
    return p;
  }

  /// The rest of a record behind one of its values, to behind its brace.
  const char* members(const char* p, std::size_t row, field_set seen) {
    for (;;) {
      p = skip_blanks(p, end_);
      if (*p == '}') return absent(row, seen) ? p + 1 : nullptr;
      if (*p != ',') return nullptr;
      p = member(skip_blanks(p + 1, end_), row, seen);
      if (p == nullptr) return nullptr;
    }
  }

  bool absent(std::size_t row, field_set seen) {
    if (seen.all()) return true;
    bool allowed = true;
    Schema::for_each([&]<std::size_t I>() {
      using field = typename Schema::template field<I>;
      if (seen[I]) return;
      if constexpr (field::required) {
        allowed = false;
      } else {
        to_.template data<I>()[row] = field::absent();
      }
    });
    return allowed;
  }

  /// A key; moves p to its value. p becomes nullptr when there is no plain key.
  std::string_view read_key(const char*& p) const noexcept {
    const char* const key = p + 1;
    const bool quoted = p < end_ && *p == '"';
    p = nullptr;
    if (!quoted) return {};
    std::size_t length = 0;
    if (const text_block block(key); block.plain()) {
      length = block.size();
    } else {
      const text_extent t = read_text(key, end_);
      if (t.end == nullptr || t.escaped) return {};
      length = static_cast<std::size_t>(t.end - key);
      if (!t.ascii && !simdjson::validate_utf8(key, length)) return {};
    }
    const char* q = skip_blanks(key + length + 1, end_);
    if (*q != ':') return {};
    q = skip_blanks(q + 1, end_);
    if (q < end_) p = q;
    return {key, length};
  }

  const char* member(const char* p, std::size_t row, field_set& seen) {
    const std::string_view key = read_key(p);
    if (p == nullptr) return nullptr;
    const std::size_t i = key_table<Schema>::find(key.data(), key.size());
    if (i == Schema::npos) {
      trace_.clean = false;
      return key == Policy::reserved_name ? nullptr : skip_scalar(p);
    }
    const bool quoted = *p == '"';
    if (quoted != (Schema::kinds[i] == field_kind::text)) return null_text(i, p, row, seen);
    const char* const from = p + quoted;
    p = value(i, from, row);
    if (p == nullptr) return nullptr;
    if (seen[i] || trace_.count == size) {
      trace_.clean = false;
    } else {
      trace_.field[trace_.count] = static_cast<std::uint16_t>(i);
      trace_.begin[trace_.count] = from;
      trace_.end[trace_.count] = p;
      ++trace_.count;
    }
    seen.set(i);
    last_ = p;
    return p + quoted;
  }

  /// null for an optional text. (For other kinds value() takes it.)
  const char* null_text(std::size_t i, const char* p, std::size_t row, field_set& seen) {
    if (Schema::required[i] || Schema::kinds[i] != field_kind::text || std::memcmp(p, "null", 4) != 0) return nullptr;
    trace_.clean = false;
    seen.set(i);
    Schema::for_each([&]<std::size_t I>() {
      using field = typename Schema::template field<I>;
      if constexpr (!field::required) {
        if (I == i) to_.template data<I>()[row] = field::absent();
      }
    });
    return p + 4;
  }

  /// A value that nobody asked for: a text, a number or a word.
  const char* skip_scalar(const char* p) const noexcept {
    if (*p == '"') {
      const text_extent t = read_text(p + 1, end_);
      if (t.end == nullptr) return nullptr;
      if (!t.ascii && !simdjson::validate_utf8(p + 1, static_cast<std::size_t>(t.end - p - 1))) return nullptr;
      return t.end + 1;
    }
    for (const std::string_view word : {"null", "true", "false"}) {
      if (std::memcmp(p, word.data(), word.size()) == 0) return p + word.size();
    }
    return number_end(p, end_);
  }

  /// Notes how the record that was just read is laid out.
  void learn(const char* previous) {
    if (!trace_.clean || trace_.count != size) return;
    if (!layout_.known || layout_.order[0] != trace_.field[0]) layout_.known_head = layout_.known_wrap = false;
    const auto gap = [&](piece& to, const char* from, const char* until) {
      const std::string_view bytes(from, static_cast<std::size_t>(until - from));
      if (bytes.size() > piece::capacity) return false;
      to = piece(bytes);
      return true;
    };
    layout_.known = true;
    for (std::size_t i = 1; i < size; ++i) {
      layout_.known = layout_.known && gap(layout_.gaps[i], trace_.end[i - 1], trace_.begin[i]);
    }
    layout_.order = trace_.field;
    if (previous == nullptr) {
      layout_.known_head = gap(layout_.head, begin_, trace_.begin[0]);
    } else {
      layout_.known_wrap = gap(layout_.gaps[0], previous, trace_.begin[0]);
      layout_.wait = layout_.next_wait;
      layout_.next_wait = std::min<std::uint32_t>(2 * layout_.next_wait + 1, 63);
    }
    layout_.known_head = layout_.known_head && layout_.known;
    layout_.known_wrap = layout_.known_wrap && layout_.known;
  }

  // Values: from the first byte (of a text: behind its quote) to the end (of a text: its closing quote).

  const char* value(std::size_t i, const char* p, std::size_t row) {
    const char* after = nullptr;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      static_cast<void>(((i == I && (after = value<I>(p, row), true)) || ...));
    }
    (std::make_index_sequence<size>{});
    return after;
  }

  template <std::size_t I>
  const char* value(const char* p, std::size_t row) {
    using field = typename Schema::template field<I>;
    auto& stored = to_.template data<I>()[row];
    if constexpr (field::kind == field_kind::text) {
      return text<I>(p, stored);
    } else {
      if constexpr (!field::required) {
        if (std::memcmp(p, "null", 4) == 0) {
          stored = field::absent();
          return p + 4;
        }
      }
      typename field::value_type v{};
      const char* after = nullptr;
      if constexpr (field::kind == field_kind::integer) after = read_integer(p, v);
      if constexpr (field::kind == field_kind::real) after = read_real(p, end_, v);
      if constexpr (field::kind == field_kind::boolean) {
        v = std::memcmp(p, "true", 4) == 0;
        if (v || std::memcmp(p, "false", 5) == 0) after = p + (v ? 4 : 5);
      }
      if (after == nullptr || after > end_) return nullptr;
      if constexpr (field::kind != field_kind::boolean) {
        if (!field::valid(v)) return nullptr;
      }
      stored = field::store(v);
      return after;
    }
  }

  template <std::size_t I>
  const char* text(const char* p, std::string_view& stored) {
    using field = typename Schema::template field<I>;
    if (const text_block block(p); block.plain()) [[likely]] {
      stored = {p, block.size()};
      return p + block.size() <= end_ && valid_ascii<field>(block.size()) ? p + block.size() : nullptr;
    }
    const text_extent t = read_text(p, end_);
    if (t.end == nullptr) return nullptr;
    stored = {p, static_cast<std::size_t>(t.end - p)};
    if (!t.ascii && !simdjson::validate_utf8(p, stored.size())) return nullptr;
    if (t.escaped) {
      char* const kept = to_.text_space(stored.size());
      stored = to_.commit_text(static_cast<std::size_t>(unescape(stored, kept) - kept));
    }
    return field::valid(stored) ? t.end : nullptr;
  }

  /// The constraints of a text of that many code points.
  template <class Field>
  static bool valid_ascii(std::size_t length) noexcept {
    bool valid = true;
    Field::for_each_constraint([&](auto c) {
      if constexpr (std::is_same_v<decltype(c), min_length>) valid = valid && length >= c.value;
      if constexpr (std::is_same_v<decltype(c), max_length>) valid = valid && length <= c.value;
    });
    return valid;
  }

  const char* begin_;
  const char* end_;
  batch<Schema>& to_;
  record_layout<Schema>& layout_;
  std::size_t most_ = 0;
  const char* last_ = nullptr;  // the end of the last value of the last record
  struct {
    std::array<std::uint16_t, size> field;
    std::array<const char*, size> begin;
    std::array<const char*, size> end;
    std::size_t count = 0;  // values of the record that is being read
    bool clean = true;      // and nothing else in it that a layout cannot tell
  } trace_{};
};

}  // namespace tabscore::detail
