// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"
#include "../../schema/batch.hpp"
#include "../convert.hpp"
#include "../decode_progress.hpp"
#include "members.hpp"
#include "record_layout.hpp"
#include "scan.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Decodes well-formed bodies whose values plainly fit the schema into a batch; gives up at the first doubt.
/// Two steps for every few records: find where the values are (records that are laid out like the one before are
/// compared with it but for the values, others are read member by member), then convert them, field after field.
template <schema_type Schema, class Policy>
class fast_reader {
  static constexpr std::size_t size = Schema::size;
  using reader = member_reader<Schema, Policy>;

 public:
  fast_reader(std::string_view body, batch<Schema>& to, record_layout<Schema>& layout,
              const decode_progress<Schema>& progress = {}) noexcept
      : begin_(body.data()), end_(begin_ + body.size()), to_(to), layout_(layout), progress_(progress) {}

  /// The array called `list` in the body: at least one record, `most` at most.
  bool records(std::string_view list, std::size_t most) {
    most_ = most;
    const char* p = nullptr;
    bool found = most > 0 && layout_.known_head && laid_out(begin_, layout_.head);
    if (found) {
      layout_.wait = 0;
      p = list_after_record(nullptr);
    } else {
      p = open(begin_);
    }
    for (bool behind_value = found; p != nullptr; behind_value = false) {
      if (!behind_value) {
        const std::string_view key = read_key(p, end_);
        if (p == nullptr || key == Policy::reserved_name) return false;
        if (key != list) {
          p = skip_scalar(p, end_);
        } else if (found || *p != '[' || most == 0) {
          return false;
        } else {
          found = true;
          p = object(skip_blanks(p + 1, end_), nullptr);
          if (p != nullptr) p = list_after_record(p);
        }
        if (p == nullptr) return false;
      }
      p = skip_blanks(p, end_);
      if (*p == '}') return found && at_end(p + 1) && convert();
      if (*p != ',') return false;
      p = skip_blanks(p + 1, end_);
    }
    return false;
  }

  /// The body as records that a line feed follows each (blank lines may, and may lie within records: count them).
  bool lines() {
    most_ = SIZE_MAX;
    const char* behind = nullptr;
    if (layout_.known_head && laid_out(begin_, layout_.head)) {
      layout_.wait = 0;
    } else {
      behind = object(skip_blanks(begin_, end_), nullptr);
      if (behind == nullptr) return false;
    }
    return list_after_record<true>(behind) == end_ && convert();
  }

  /// Whether `progress` was called with records.
  bool told() const noexcept { return told_ > 0; }

  /// The body as one record.
  bool record() {
    const char* const p = layout_.known_head && laid_out(begin_, layout_.head)
                              ? close_laid_out()
                              : object(skip_blanks(begin_, end_), nullptr);
    return p != nullptr && at_end(p) && convert();
  }

 private:
  // Finding values. Every step keeps to p <= end_ before it reads, and gives nullptr (or false) to give up.

  bool at_end(const char* p) const noexcept { return skip_blanks(p, end_) == end_; }
  const char* open(const char* p) const noexcept {
    p = skip_blanks(p, end_);
    return *p == '{' ? skip_blanks(p + 1, end_) : nullptr;
  }

  std::size_t rows() const noexcept { return to_.rows() + found_; }
  /// Room for the values of one more record.
  void next_row() {
    if (found_ == value_block::capacity) convert();
  }

  /// A record whose first value comes behind `gap`, laid out like before; last_ is then the end of its last value.
  [[gnu::always_inline]] bool laid_out(const char* p, const piece& gap) {
    if (!gap.matches(p)) return false;
    next_row();
    p += gap.size();
    p = values_laid_out(p, std::make_index_sequence<size>{});
    if (p == nullptr) return false;
    last_ = p;
    ++found_;
    return true;
  }
  template <std::size_t... Place>
  [[gnu::always_inline]] const char* values_laid_out(const char* p, std::index_sequence<Place...>) {
    return (value_laid_out<Place>(p, found_, end_) && ...) ? p : nullptr;
  }
  template <std::size_t Place>
  [[gnu::always_inline]] bool value_laid_out(const char*& p, std::size_t row, const char* end) noexcept {
    const auto& place = layout_.places[Place];
    if constexpr (Place > 0) {  // p < end + 16: the gap lies within the readable bytes
      if (!place.gap.matches(p)) return false;
      p += place.gap.size();
    }
    if (p >= end) return false;
    values_[Place].begin[row] = p;
    const std::uint64_t bytes = load8(p);
    values_[Place].bytes[row] = bytes;
    const std::uint64_t first_stop = place.number ? first_equal_byte(bytes, place.stop8) : 0;
    std::uint32_t length = static_cast<std::uint32_t>(std::countr_zero(first_stop)) / 8;
    if (first_stop == 0) {
      std::uint32_t stops = equal_bytes(p, place.stop);
      if (stops == 0) [[unlikely]] {  // 16 bytes or more
        if (end - p <= 16) return false;
        stops = equal_bytes(p + 16, place.stop) << 16U;
        if (stops == 0 || p + std::countr_zero(stops) >= end) return false;
      }
      length = static_cast<std::uint32_t>(std::countr_zero(stops));
    }
    values_[Place].size[row] = length;
    p += length;
    return Place + 1 < size || p < end;
  }

  /// Where the record's last value seems to end, from where the one of the record before ended: before the first brace
  /// that is not too near.
  const char* guess_end(const char* previous) const noexcept {
    if (layout_.least > static_cast<std::size_t>(end_ - previous)) return nullptr;
    const char* const p = previous + layout_.least;
    static constexpr auto brace = sixteen('}');
    const std::uint32_t braces = equal_bytes(p, brace) | equal_bytes(p + 16, brace) << 16U;
    return p + std::countr_zero(braces) - layout_.brace;
  }

  /// Goes on behind the last value of a record that was laid out like before; returns what follows its brace.
  const char* close_laid_out() {
    const bool text = reader::is_text[layout_.fields.back()];
    if (found_ == 0) {  // converted already: there may be no more members
      const char* const p = skip_blanks(last_ + text, end_);
      return *p == '}' ? p + 1 : nullptr;
    }
    const char* p = last_;
    typename reader::field_set all;
    return members_.next_key(p, text) ? members_.read(p, found_ - 1, all.set(), nullptr, last_) : p;
  }

  /// The records after one whose brace ends at `behind` (nullptr: to be found); returns the end of the array, or of the
  /// lines.
  template <bool Lines = false>
  const char* list_after_record(const char* behind) {
    for (;;) {
      bool moved = behind == nullptr;
      if (layout_.known_wrap && (tracing_ || layout_.wait == 0)) {  // not while it is no use
        while (rows() < most_) {
          const char* const guess = guess_end(last_);
          if (!laid_out(last_, layout_.places[0].gap)) break;
          last_ = speculate(guess, last_);
          moved = true;
        }
      }
      if (moved) {
        layout_.wait = layout_.next_wait = 0;
        behind = close_laid_out();
        if (behind == nullptr) return nullptr;
      }
      const char* p = behind;
      if constexpr (Lines) {
        while (p < end_ && (*p == ' ' || *p == '\r' || *p == '\t')) ++p;
        if (p >= end_ || *p != '\n') return nullptr;
        p = skip_blanks(p + 1, end_) - 1;
        if (p + 1 == end_) return end_;
      } else {
        p = skip_blanks(behind, end_);
        if (*p == ']') return p + 1;
        if (*p != ',' || rows() >= most_) return nullptr;
      }
      // The bytes between values add up to the same in any order.
      const char* const guess = guess_end(behind - 1 - layout_.brace);
      behind = object(skip_blanks(p + 1, end_), last_);
      if (behind == nullptr) return nullptr;
      if (guess != nullptr) behind = speculate(guess + layout_.brace + 1, behind);
    }
  }

  /// A record from its brace, member by member; `previous` is the end of the last value of the record before, if any.
  const char* object(const char* p, const char* previous) {
    p = open(p);
    if (p == nullptr) return nullptr;
    next_row();
    tracing_ = previous == nullptr || layout_.wait == 0;
    const std::size_t row = found_++;
    if (p >= end_ || *p != '"') return nullptr;
    ++p;
    if (!tracing_) --layout_.wait;
    if (!tracing_ && at_once_) {
      const char* const behind = members_.read_at_once(p, row, last_);
      if (behind != nullptr) return behind;
    }
    at_once_ = tracing_;  // of records that this cannot read there tend to be more
    trace_.clear();
    p = members_.read(p, row, {}, tracing_ ? &trace_ : nullptr, last_);
    if (p == nullptr || !tracing_) return p;
    if (!convert()) return nullptr;  // before the places of values change
    trace_.learn(layout_, begin_, previous);
    return p;
  }

  /// The values found so far, into the batch; false when one of the body was not what the schema says.
  bool convert() {
    const std::size_t first = to_.rows();
    for (std::size_t i = 0; i < found_; ++i) to_.add_row();
    Schema::for_each([&]<std::size_t At>() {
      using field = typename Schema::template field<At>;
      auto* const column = to_.template data<At>() + first;
      plain_ = plain_ && convert_values<field>(values_[layout_.place_of[At]], found_, column, end_, to_);
    });
    found_ = 0;
    if (plain_ && to_.rows() - told_ >= told_at_once) {
      told_ = to_.rows();
      progress_(to_);
    }
    return plain_;
  }

  static constexpr std::size_t told_at_once = 256;  // records

  const char* begin_;
  const char* end_;
  batch<Schema>& to_;
  record_layout<Schema>& layout_;
  decode_progress<Schema> progress_;
  std::size_t told_ = 0;  // records
  std::size_t most_ = 1;
  const char* last_ = nullptr;  // the end of the last value of the last record
  layout_trace<Schema> trace_;
  bool tracing_ = false;
  bool at_once_ = true;
  typename reader::values values_;
  reader members_{begin_, end_, values_, layout_};
  std::size_t found_ = 0;  // records whose values are there
  bool plain_ = true;      // all values were, so far
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
