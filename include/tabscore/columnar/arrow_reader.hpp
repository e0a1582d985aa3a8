// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "arrow_abi.hpp"
#include "column_importer.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// The type of a column's values, from its format string.
enum class arrow_type : std::uint8_t {
  unknown,
  null,
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
  utf8,
  large_utf8,
  utf8_view
};

inline arrow_type arrow_type_of(std::string_view format) noexcept {
  constexpr std::string_view letters = "nbcCsSiIlLfguU";  // in the enumeration's order
  if (format == "vu") return arrow_type::utf8_view;
  const std::size_t i = format.size() == 1 ? letters.find(format[0]) : letters.npos;
  return i == letters.npos ? arrow_type::unknown : static_cast<arrow_type>(i + 1);
}

// Value i of a column, counted from the start of its buffers.

template <class Number>
struct arrow_numbers {
  explicit arrow_numbers(const ArrowArray& a) noexcept : values(static_cast<const Number*>(a.buffers[1])) {}
  Number operator()(std::size_t i) const noexcept { return values[i]; }
  const Number* values;
};

struct arrow_bits {
  explicit arrow_bits(const ArrowArray& a, int buffer = 1) noexcept
      : bits(static_cast<const std::uint8_t*>(a.buffers[buffer])) {}
  bool operator()(std::size_t i) const noexcept { return (bits[i / 8] >> (i % 8) & 1) != 0; }
  const std::uint8_t* bits;
};

template <class Offset>
struct arrow_texts {
  explicit arrow_texts(const ArrowArray& a) noexcept
      : offsets(static_cast<const Offset*>(a.buffers[1])), bytes(static_cast<const char*>(a.buffers[2])) {}
  std::string_view operator()(std::size_t i) const noexcept {
    return {bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
  }
  const Offset* offsets;
  const char* bytes;
};

/// Texts as views of 16 bytes: up to 12 bytes of text in place, or a data buffer and the place in it.
struct arrow_text_views {
  explicit arrow_text_views(const ArrowArray& a) noexcept
      : views(static_cast<const char*>(a.buffers[1])), buffers(a.buffers + 2) {}
  std::string_view operator()(std::size_t i) const noexcept {
    const char* const view = views + 16 * i;
    std::array<std::int32_t, 4> words;  // length, first bytes, data buffer, offset in it
    std::memcpy(words.data(), view, sizeof words);
    const auto length = static_cast<std::size_t>(words[0]);
    return length <= 12 ? std::string_view(view + 4, length)
                        : std::string_view(static_cast<const char*>(buffers[words[2]]) + words[3], length);
  }
  const char* views;
  const void* const* buffers;
};

/// Whether value i is null, in a column that may have nulls.
struct arrow_validity {
  explicit arrow_validity(const ArrowArray& a) noexcept
      : bits(a.null_count == 0 || a.n_buffers == 0 ? nullptr : static_cast<const std::uint8_t*>(a.buffers[0])) {}
  bool operator()(std::size_t i) const noexcept { return bits == nullptr || (bits[i / 8] >> (i % 8) & 1) != 0; }
  const std::uint8_t* bits;
};

}  // namespace detail

/// Finds a schema's fields among the columns of Arrow batches (arrays of the C data interface, one struct a record) and
/// lends them. Columns may be of any integer type, float, double, bool, utf8, large_utf8, utf8_view or a dictionary of
/// one of the three; other columns are ignored, and an optional field may have no column.
/// int64 and double columns without nulls are read where they lie, texts are views. Immutable: threads share it.
template <schema_type Schema>
class arrow_reader {
 public:
  /// The reader, or the error of the columns, by name.
  static result<arrow_reader> make(const ArrowSchema& records) {
    if (records.format == nullptr || std::string_view(records.format) != "+s") {
      return error{errc::structure, "Arrow: the records are not a struct but of format '" +
                                        std::string(records.format == nullptr ? "" : records.format) + "'"};
    }
    arrow_reader reader;
    reader.columns_ = records.n_children;
    std::optional<error> wrong;
    Schema::for_each([&]<std::size_t At>() {
      if (!wrong) wrong = reader.template find<At>(records);
    });
    if (wrong) return *std::move(wrong);
    return reader;
  }

  /// Lends records [begin, begin + count) of a batch; they must be within its length. The batch must be of the schema
  /// that the reader was made for and outlive the records. Returns the error, if it cannot be read.
  std::optional<error> read(const ArrowArray& batch, std::size_t begin, std::size_t count,
                            column_importer<Schema>& records) const {
    const auto broken = [](const std::string& what) { return error{errc::structure, "Arrow: " + what}; };
    if (batch.release == nullptr) return broken("the batch was moved away or released");
    if (batch.n_children != columns_) {
      return broken("the batch has " + std::to_string(batch.n_children) + " columns, its schema " +
                    std::to_string(columns_));
    }
    if (batch.length < 0 || batch.offset < 0 || begin + count > static_cast<std::size_t>(batch.length)) {
      return broken("records " + std::to_string(begin) + " to " + std::to_string(begin + count) +
                    " are not within the batch's " + std::to_string(batch.length));
    }
    records.begin(count);
    std::optional<error> wrong;
    Schema::for_each([&]<std::size_t At>() {
      if (!wrong) wrong = this->template lend<At>(batch, begin, count, records);
    });
    return wrong;
  }

  /// Lends a batch a few thousand records at a time, so that what must be converted stays in the cache: calls f() for
  /// each part, once for an empty batch. Returns the error, if it cannot be read.
  template <class F>
  std::optional<error> read_all(const ArrowArray& batch, column_importer<Schema>& records, F&& f) const {
    constexpr std::size_t most = 4096;
    const auto rows = static_cast<std::size_t>((std::max<std::int64_t>)(0, batch.length));
    for (std::size_t begin = 0; begin == 0 || begin < rows; begin += most) {
      if (auto wrong = read(batch, begin, (std::min)(most, rows - begin), records)) return wrong;
      f();
    }
    return std::nullopt;
  }

 private:
  using type = detail::arrow_type;

  struct source {
    static constexpr std::int64_t none = -1;
    std::int64_t column = none;
    type values = type::unknown;
    type codes = type::unknown;  // of a dictionary
  };

  static error refused(std::string_view column, const std::string& why) {
    return {errc::mismatch, "Arrow: column '" + std::string(column) + "' " + why};
  }

  template <std::size_t At>
  std::optional<error> find(const ArrowSchema& records) {
    constexpr std::string_view name = Schema::names[At];
    for (std::int64_t c = 0; c < records.n_children; ++c) {
      const ArrowSchema& column = *records.children[c];
      if (column.name == nullptr || column.name != name) continue;
      if (sources_[At].column != source::none) return refused(name, "is duplicated");
      const bool coded = column.dictionary != nullptr;
      const char* const format = coded ? column.dictionary->format : column.format;
      sources_[At] = {c, detail::arrow_type_of(format), coded ? detail::arrow_type_of(column.format) : type::unknown};
      if (!readable<At>(sources_[At])) {
        return refused(name, "is of format '" + std::string(format) + "'" + (coded ? " in a dictionary" : "") +
                                 ", which can't feed the field");
      }
    }
    if (sources_[At].column != source::none || !Schema::required[At]) return std::nullopt;
    return refused(name, "is missing");
  }

  template <std::size_t At>
  static bool readable(const source& s) noexcept {
    if (s.codes != type::unknown && (s.codes < type::int8 || s.codes > type::uint64)) return false;
    switch (Schema::kinds[At]) {
      case field_kind::text:
        return s.values >= type::utf8 || s.values == type::null;
      case field_kind::boolean:
        return s.codes == type::unknown && s.values >= type::null && s.values <= type::uint64;
      case field_kind::integer:
      case field_kind::real:
        return s.codes == type::unknown &&
               (s.values == type::null || (s.values >= type::int8 && s.values < type::utf8));
    }
    return false;
  }

  static std::int64_t buffers_of(type t) noexcept {
    return t == type::null ? 0 : t == type::utf8 || t == type::large_utf8 ? 3 : 2;
  }

  // Calls f with the values of an array.
  template <class F>
  static void visit(type t, const ArrowArray& a, F&& f) {
    switch (t) {
      case type::unknown:
      case type::null:
        return;
      case type::boolean:
        return f(detail::arrow_bits(a));
      case type::int8:
        return f(detail::arrow_numbers<std::int8_t>(a));
      case type::uint8:
        return f(detail::arrow_numbers<std::uint8_t>(a));
      case type::int16:
        return f(detail::arrow_numbers<std::int16_t>(a));
      case type::uint16:
        return f(detail::arrow_numbers<std::uint16_t>(a));
      case type::int32:
        return f(detail::arrow_numbers<std::int32_t>(a));
      case type::uint32:
        return f(detail::arrow_numbers<std::uint32_t>(a));
      case type::int64:
        return f(detail::arrow_numbers<std::int64_t>(a));
      case type::uint64:
        return f(detail::arrow_numbers<std::uint64_t>(a));
      case type::float32:
        return f(detail::arrow_numbers<float>(a));
      case type::float64:
        return f(detail::arrow_numbers<double>(a));
      case type::utf8:
        return f(detail::arrow_texts<std::int32_t>(a));
      case type::large_utf8:
        return f(detail::arrow_texts<std::int64_t>(a));
      case type::utf8_view:
        return f(detail::arrow_text_views(a));
    }
  }

  template <std::size_t At>
  std::optional<error> lend(const ArrowArray& batch, std::size_t begin, std::size_t count,
                            column_importer<Schema>& records) const {
    const source& from = sources_[At];
    constexpr std::string_view name = Schema::names[At];
    if (from.column == source::none || from.values == type::null || count == 0) {
      records.template fill_nulls<At>();
      return std::nullopt;
    }
    const ArrowArray& column = *batch.children[from.column];
    const bool coded = from.codes != type::unknown;
    if (column.release == nullptr) return refused(name, "was moved away");
    if (column.n_buffers < buffers_of(coded ? from.codes : from.values) || coded != (column.dictionary != nullptr)) {
      return refused(name, "is not laid out as its schema says");
    }
    // Where record 0 of the run is: the struct's own offset counts in its columns too.
    const std::size_t row = static_cast<std::size_t>(batch.offset) + begin;
    if (column.length < 0 || column.offset < 0 || row + count > static_cast<std::size_t>(column.length)) {
      return refused(name, "has fewer values than the batch has records");
    }
    const std::size_t first = static_cast<std::size_t>(column.offset) + row;
    const auto valid = [values = detail::arrow_validity(column), structs = detail::arrow_validity(batch), first,
                        row](std::size_t i) { return values(first + i) && structs(row + i); };

    if (coded) return lend_coded<At>(column, from, first, valid, records);
    visit(from.values, column, [&](const auto& values) {
      using value_type = std::remove_cvref_t<decltype(values(0))>;
      if constexpr (detail::feeds<typename Schema::template field<At>, value_type>()) {
        // Doubles are not lent to an optional integer, which is stored as a double: the rule decides about fractions.
        constexpr bool is_kept = Schema::kinds[At] != field_kind::integer || std::integral<value_type>;
        if constexpr (is_kept && requires { records.template lend<At>(values.values); }) {
          if (detail::arrow_validity(column).bits == nullptr && detail::arrow_validity(batch).bits == nullptr) {
            return records.template lend<At>(values.values + first);
          }
        }
        records.template fill<At>([&](std::size_t i) { return values(first + i); }, valid);
      }
    });
    return std::nullopt;
  }

  template <std::size_t At, class Valid>
  std::optional<error> lend_coded(const ArrowArray& column, const source& from, std::size_t first, const Valid& valid,
                                  column_importer<Schema>& records) const {
    if constexpr (Schema::kinds[At] == field_kind::text) {
      const ArrowArray& dictionary = *column.dictionary;
      if (dictionary.release == nullptr || dictionary.n_buffers < buffers_of(from.values) || dictionary.offset < 0) {
        return refused(Schema::names[At], "has a dictionary that is not laid out as its schema says");
      }
      const auto size = static_cast<std::uint64_t>(dictionary.length);
      const auto start = static_cast<std::size_t>(dictionary.offset);
      const detail::arrow_validity known(dictionary);
      bool within = true;
      visit(from.codes, column, [&](const auto& codes) {
        if constexpr (std::integral<decltype(codes(0))>) {
          const auto code = [&](std::size_t i) { return static_cast<std::uint64_t>(codes(first + i)); };
          for (std::size_t i = 0; i < records.rows(); ++i) within &= code(i) < size || !valid(i);
          if (!within) return;
          const auto texts_of = [&](const auto& texts) {
            if constexpr (std::same_as<std::remove_cvref_t<decltype(texts(0))>, std::string_view>) {
              records.template fill<At>([&](std::size_t i) { return texts(start + code(i)); },
                                        [&](std::size_t i) { return valid(i) && known(start + code(i)); });
            }
          };
          visit(from.values, dictionary, texts_of);
        }
      });
      if (!within) return refused(Schema::names[At], "has a code outside its dictionary of " + std::to_string(size));
    }
    return std::nullopt;
  }

  std::array<source, Schema::size> sources_;
  std::int64_t columns_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI
