// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/large_pages.hpp"
#include "../core/detail/memory_size.hpp"
#include "columns.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
/// One field's values, of a type without constructors.
using owned_column = std::unique_ptr<std::byte[]>;

/// Room for `room` bytes, of which the first `size` are kept.
void grow(owned_column& column, std::size_t size, std::size_t room);

/// Moves up the values that are kept; an entry of `keep` for each.
template <class T>
void keep_values(T* values, std::span<const std::uint8_t> keep) noexcept {
  T* to = values;
  for (std::size_t row = 0; row < keep.size(); ++row) {
    if (keep[row] != 0) *to++ = values[row];
  }
}
#if defined(TABSCORE_COMPILED)
TABSCORE_INSTANCE template void keep_values(std::int64_t*, std::span<const std::uint8_t>) noexcept;
TABSCORE_INSTANCE template void keep_values(double*, std::span<const std::uint8_t>) noexcept;
TABSCORE_INSTANCE template void keep_values(std::string_view*, std::span<const std::uint8_t>) noexcept;
#endif
}  // namespace detail

/// Texts in memory: they stay where they are until clear(), which keeps the memory. Not for concurrent use.
class text_arena {
 public:
  /// Copies a text.
  std::string_view keep(std::string_view text) {
    char* to = text_space(text.size());
    std::copy(text.begin(), text.end(), to);
    return commit_text(text.size());
  }
  /// Room for up to `bytes` of text to be written in place; commit_text() keeps the first `bytes` of it.
  char* text_space(std::size_t bytes) {
    if (chunk_ >= chunks_.size() || chunks_[chunk_].size - used_ < bytes) next_chunk(bytes);
    return chunks_[chunk_].memory.get() + used_;
  }
  /// Makes the first bytes of text_space() a text, valid as long as the batch keeps its records.
  std::string_view commit_text(std::size_t bytes) noexcept {
    const std::string_view kept(chunks_[chunk_].memory.get() + used_, bytes);
    used_ += bytes;
    return kept;
  }
  /// Forgets all texts and keeps the memory.
  void clear() noexcept {
    chunk_ = 0;
    used_ = 0;
  }

 private:
  struct chunk {
    std::unique_ptr<char[]> memory;
    std::size_t size;
  };

  // Chunks never move; their sizes double up to a bound, and clear() starts over with the first one.
  void next_chunk(std::size_t bytes);

  std::vector<chunk> chunks_;
  std::size_t chunk_ = 0;
  std::size_t used_ = 0;
};

/// Records in memory, one array per field. clear() keeps the memory. Texts are views: into the caller's memory, or into
/// the batch after keep(). Not for concurrent use.
template <schema_type Schema>
class batch {
 public:
  static constexpr std::size_t spare = 3;  ///< rows after the last one that kernels may read

  /// Records.
  std::size_t rows() const noexcept { return rows_; }
  /// Records that fit without allocating.
  std::size_t capacity() const noexcept { return capacity_; }

  /// Views of the columns, valid until the batch changes.
  columns<Schema> view() const noexcept {
    std::array<const void*, Schema::size> first;
    for (std::size_t at = 0; at < Schema::size; ++at) first[at] = arrays_[at].get();
    return {rows_, first};
  }
  // NOLINTNEXTLINE(google-explicit-constructor): wherever columns are read, a batch will do.
  /// The same as view().
  operator columns<Schema>() const noexcept { return view(); }

  /// The field with index At of all records, writable: capacity() entries, of which rows() are records, and `spare`
  /// more for writers of several at a time.
  template <std::size_t At>
  auto* data() noexcept {
    return reinterpret_cast<typename Schema::template field<At>::stored_type*>(arrays_[At].get());
  }

  /// Makes room for this many records.
  void reserve(std::size_t rows) {
    if (rows <= capacity_) return;
    Schema::for_each([&]<std::size_t At>() {
      constexpr std::size_t bytes = sizeof(*data<At>());
      detail::grow(arrays_[At], rows_ * bytes, (rows + spare) * bytes);
    });
    capacity_ = rows;
  }

  /// One more record, its values still to be written by the caller; returns its row.
  std::size_t add_row() {
    if (rows_ == capacity_) reserve(std::max<std::size_t>(16, capacity_ * 2));
    const std::size_t row = rows_;
    rows_ += 1;
    return row;
  }
  /// Gives up the last records: rows <= rows().
  void truncate(std::size_t rows) noexcept { rows_ = (std::min<std::size_t>)(rows_, rows); }

  /// Gives up each record whose entry is 0; the others move up. One entry per record.
  void filter(std::span<const std::uint8_t> keep) noexcept {
    TABSCORE_ASSERT(keep.size() == rows_, "an entry for each record");
    Schema::for_each([&]<std::size_t At>() { detail::keep_values(data<At>(), keep); });
    rows_ = static_cast<std::size_t>(std::count_if(keep.begin(), keep.end(), [](std::uint8_t k) { return k != 0; }));
  }

  /// One record, values in the schema's order; std::nullopt for an absent optional field. Bounds are not checked here
  /// (see validate). Texts must outlive the batch's use; keep() copies one.
  template <class... Given>
  void push_back(Given&&... values) {
    static_assert(!(std::is_same_v<Given, std::string> || ...) && !(std::is_same_v<Given, const std::string> || ...) &&
                      !(std::is_same_v<Given, std::optional<std::string>> || ...),
                  "tabscore: the text of a temporary std::string is gone after push_back; give keep(text), or a text "
                  "that outlives the batch's use");
    push_values<std::remove_cvref_t<Given>...>(values...);
  }
  /// Copies records; their texts stay where they are, and must outlive the batch's use.
  void append_views(const columns<Schema>& records) {
    TABSCORE_ASSERT(records.first()[0] != data<0>() || records.rows() == 0, "the records of another batch");
    if (const std::size_t rows = rows_ + records.rows(); rows > capacity_) reserve((std::max)(rows, capacity_ * 2));
    Schema::for_each([&]<std::size_t At>() {
      const auto from = records.template get<At>();
      std::copy(from.begin(), from.end(), data<At>() + rows_);
    });
    rows_ += records.rows();
  }
  /// Copies records, and their texts into the batch.
  void append(const columns<Schema>& records) {
    const std::size_t before = rows_;
    append_views(records);
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (Schema::kinds[At] == field_kind::text) {
        for (std::size_t i = before; i < rows_; ++i) {
          if (data<At>()[i].data() != nullptr) data<At>()[i] = keep(data<At>()[i]);
        }
      }
    });
  }

  /// Copies a text into the batch, where it lives until clear().
  std::string_view keep(std::string_view text) { return texts_.keep(text); }
  /// As text_arena has them.
  char* text_space(std::size_t bytes) { return texts_.text_space(bytes); }
  /// Makes the first bytes of text_space() a text of the batch.
  std::string_view commit_text(std::size_t bytes) noexcept { return texts_.commit_text(bytes); }
  /// Where texts live that no one else keeps.
  text_arena& texts() noexcept { return texts_; }

  /// No records and no kept texts any more; the memory stays for the next ones.
  void clear() noexcept {
    rows_ = 0;
    texts_.clear();
  }

 private:
  template <class... Values>
  void push_values(const Values&... values) {
    static_assert(sizeof...(Values) == Schema::size,
                  "tabscore: push_back takes one value per field, std::nullopt for one that is missing");
    if constexpr (sizeof...(Values) == Schema::size) {
      const std::size_t row = add_row();
      // By addresses: g++ 12 takes an empty std::optional's value for read where it sees through.
      const std::array<const void*, Schema::size> all{std::addressof(values)...};
      const auto store = [&]<std::size_t... At>(std::index_sequence<At...>) {
        ((data<At>()[row] = stored<typename Schema::template field<At>>(*static_cast<const Values*>(all[At]))), ...);
      };
      store(std::make_index_sequence<Schema::size>{});
    }
  }

  template <class Field, class Value>
  static typename Field::stored_type stored(const Value& v) {
    using value_type = typename Field::value_type;
    if constexpr (std::is_same_v<Value, std::nullopt_t>) {
      static_assert(!Field::required,
                    "tabscore: only an optional field can be std::nullopt; declare it as ts::optional<...>");
      if constexpr (Field::required) return {};
      if constexpr (!Field::required) return Field::absent();
    } else if constexpr (requires { v.has_value(); }) {
      static_assert(!Field::required,
                    "tabscore: only an optional field takes a std::optional; declare it as ts::optional<...>");
      if constexpr (Field::required) return {};
      if constexpr (!Field::required) return v ? stored<Field>(*v) : Field::absent();
    } else {
      constexpr bool fits = std::is_convertible_v<const Value&, value_type>;
      static_assert(fits, "tabscore: a value does not fit its field");
      constexpr bool is_unsigned_64 = std::is_unsigned_v<Value> && sizeof(Value) == sizeof(std::int64_t);
      constexpr bool changes = std::is_same_v<value_type, bool>
                                   ? !std::is_same_v<Value, bool>
                                   : std::is_integral_v<value_type> && (!std::is_integral_v<Value> || is_unsigned_64);
      static_assert(
          !fits || !changes,
          "tabscore: an integer field takes integers that fit 64 bits with a sign, and a boolean field true or "
          "false; convert the value as you mean it");
      if constexpr (fits && !changes) {
        return Field::store(static_cast<value_type>(v));
      } else {
        return {};
      }
    }
  }

  std::array<detail::owned_column, Schema::size> arrays_;
  detail::memory_size rows_;
  detail::memory_size capacity_;
  text_arena texts_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void detail::grow(owned_column& column, std::size_t size, std::size_t room) {
  owned_column larger(new std::byte[room]);  // not initialised: every entry is written before it is read
  prefer_large_pages(larger.get(), room);
  std::copy_n(column.get(), size, larger.get());
  column = std::move(larger);
}

TABSCORE_INLINE void text_arena::next_chunk(std::size_t bytes) {
  used_ = 0;
  while (++chunk_ < chunks_.size()) {
    if (chunks_[chunk_].size >= bytes) return;
  }
  if (chunks_.empty()) chunk_ = 0;
  const std::size_t size = (std::max)(bytes, std::size_t{4096} << std::min<std::size_t>(chunks_.size(), 8));
  chunks_.push_back({std::unique_ptr<char[]>(new char[size]), size});
  chunk_ = chunks_.size() - 1;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
