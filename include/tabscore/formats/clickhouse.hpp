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

#include "../columnar/column_importer.hpp"
#include "../core/config.hpp"
#include "../core/read_number.hpp"
#include "../core/result.hpp"
#include "../outputs/prediction_columns.hpp"
#include "error_text.hpp"
#include "format.hpp"

// What the binary formats of ClickHouse share: types by their names, numbers of variable length, texts.
namespace tabscore::inline TABSCORE_ABI::detail {

/// The values of a ClickHouse column. Opaque values have a width, so that they can be skipped.
enum class clickhouse_value : std::uint8_t {
  opaque,
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
  fixed_text,
  text
};

struct clickhouse_type {
  clickhouse_value value = clickhouse_value::opaque;
  std::size_t width = 0;  // bytes; a text has none
  bool nullable = false;
  bool coded = false;  // LowCardinality
};

/// The type of a name such as Nullable(Int64); nothing for an unsupported type.
std::optional<clickhouse_type> clickhouse_type_of(std::string_view name);

/// Whether a column of this type can feed a field of this kind.
constexpr bool feeds(clickhouse_value from, field_kind to) noexcept {
  using value = clickhouse_value;
  switch (to) {
    case field_kind::text:
      return from >= value::fixed_text;
    case field_kind::boolean:
      return from >= value::boolean && from <= value::uint64;
    case field_kind::integer:
    case field_kind::real:
      return from >= value::int8 && from <= value::float64;
  }
  return false;
}

/// The number at a place that need not be aligned.
template <class Number>
struct clickhouse_number {
  Number operator()(const char* at) const noexcept {
    Number v;
    std::memcpy(&v, at, sizeof v);
    return v;
  }
};
template <>
struct clickhouse_number<bool> {
  bool operator()(const char* at) const noexcept { return *at != 0; }
};

/// Calls f with what reads one value of the type, a number or a bool; nothing for others.
template <class F>
void visit_number(clickhouse_value type, F&& f) {
  using value = clickhouse_value;
  switch (type) {
    case value::opaque:
    case value::fixed_text:
    case value::text:
      return;
    case value::boolean:
      return f(clickhouse_number<bool>{});
    case value::int8:
      return f(clickhouse_number<std::int8_t>{});
    case value::uint8:
      return f(clickhouse_number<std::uint8_t>{});
    case value::int16:
      return f(clickhouse_number<std::int16_t>{});
    case value::uint16:
      return f(clickhouse_number<std::uint16_t>{});
    case value::int32:
      return f(clickhouse_number<std::int32_t>{});
    case value::uint32:
      return f(clickhouse_number<std::uint32_t>{});
    case value::int64:
      return f(clickhouse_number<std::int64_t>{});
    case value::uint64:
      return f(clickhouse_number<std::uint64_t>{});
    case value::float32:
      return f(clickhouse_number<float>{});
    case value::float64:
      return f(clickhouse_number<double>{});
  }
}

/// A FixedString without the zeros that fill it up.
inline std::string_view without_zeros(std::string_view fixed) noexcept {
  const std::size_t last = fixed.find_last_not_of('\0');
  return fixed.substr(0, last == fixed.npos ? 0 : last + 1);
}

/// Reads bytes in order. Where they end too early it is `out` from then on, and gives zeros.
class clickhouse_cursor {
 public:
  explicit clickhouse_cursor(std::string_view bytes, std::size_t at = 0) noexcept : bytes_(bytes), at_(at) {}

  bool out() const noexcept { return out_; }
  bool malformed() const noexcept { return malformed_; }
  std::size_t at() const noexcept { return at_; }

  const char* take(std::uint64_t size) noexcept {
    if (out_ || size > bytes_.size() - at_) return out_ = true, nullptr;
    const char* const from = bytes_.data() + at_;
    at_ += static_cast<std::size_t>(size);
    return from;
  }
  /// `count` values of `width` bytes.
  const char* take(std::uint64_t count, std::size_t width) noexcept {
    if (width > 1 && count > bytes_.size() / width) return out_ = true, nullptr;
    return take(count * width);
  }
  template <class Number>
  Number number() noexcept {
    const char* const from = take(sizeof(Number));
    return from == nullptr ? Number{} : clickhouse_number<Number>{}(from);
  }
  /// Seven bits a byte, the lowest first.
  std::uint64_t length() noexcept {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const char* const from = take(1);
      if (from == nullptr) return 0;
      const auto byte = static_cast<unsigned char>(*from);
      v |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return v;
    }
    malformed_ = out_ = true;
    return 0;
  }
  std::string_view text() noexcept {
    if (!out_ && at_ < bytes_.size()) {  // most are short: one byte of length
      const std::size_t size = static_cast<unsigned char>(bytes_[at_]);
      if (size < 0x80 && size < bytes_.size() - at_) {
        at_ += size + 1;
        return bytes_.substr(at_ - size, size);
      }
    }
    const std::uint64_t size = length();
    const char* const from = take(size);
    return from == nullptr ? std::string_view{} : std::string_view(from, static_cast<std::size_t>(size));
  }
  /// Calls f(text) for each of `count` texts as far as the bytes go; returns their number and moves past the last one.
  template <class F>
  std::uint64_t texts(std::uint64_t count, F&& f) {
    constexpr std::size_t group = 8;
    std::uint64_t done = 0;
    while (done < count) {
      // Where texts are of one length, as countries and codes are, no place hangs on what was read before it.
      if (const std::size_t step = count - done < group ? 0 : common_step<group>(); step != 0) {
        for (std::size_t i = 0; i < group; ++i) f(std::string_view(bytes_.data() + at_ + i * step + 1, step - 1));
        at_ += group * step;
        done += group;
        continue;
      }
      for (const std::uint64_t end = (std::min)(count, done + group); done < end; ++done) {
        const std::size_t at = at_;
        const std::string_view one = text();
        if (out_) return at_ = at, done;
        f(one);
      }
    }
    return done;
  }

 private:
  /// From one text to the next, if all of the next `group` are equally short and there; or else 0.
  template <std::size_t group>
  std::size_t common_step() const noexcept {
    if (out_ || at_ >= bytes_.size()) return 0;
    const char* const first = bytes_.data() + at_;
    const std::size_t step = std::size_t{static_cast<unsigned char>(*first)} + 1;
    if (step > 0x80 || step * group > bytes_.size() - at_) return 0;
    bool same = true;
    for (std::size_t i = 1; i < group; ++i) same &= first[i * step] == *first;
    return same ? step : 0;
  }

  std::string_view bytes_;
  std::size_t at_;
  bool out_ = false;
  bool malformed_ = false;
};

/// Appends a number as it is, or a length in seven bits a byte.
template <class Number>
void append_bytes(text_buffer& out, Number v) {
  std::array<char, sizeof v> bytes;
  std::memcpy(bytes.data(), &v, sizeof v);
  out.append({bytes.data(), bytes.size()});
}
inline void append_length(text_buffer& out, std::uint64_t v) {
  char* to = out.space(10);
  for (; v >= 0x80; v >>= 7) *to++ = static_cast<char>(v | 0x80);
  *to++ = static_cast<char>(v);
  out.keep_to(to);
}
inline void append_text(text_buffer& out, std::string_view text) {
  append_length(out, text.size());
  out.append(text);
}

/// The column of each field, by name; an optional field may have none.
template <schema_type Schema>
class clickhouse_binding {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// Columns are objects with a name (text), a type_name and a type. Returns the error of the columns, if any.
  template <class Columns>
  std::optional<error> bind(std::string_view format, const Columns& columns) {
    column_.fill(none);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::size_t field = Schema::index_of(columns[c].name);
      if (field == Schema::npos) continue;
      if (column_[field] != none) return refused(format, columns[c].name, "is duplicated");
      if (!feeds(columns[c].type.value, Schema::kinds[field])) {
        return refused(format, columns[c].name,
                       "has the type " + std::string(columns[c].type_name) + ", which can't feed the field");
      }
      column_[field] = c;
    }
    for (std::size_t field = 0; field < Schema::size; ++field) {
      if (column_[field] == none && Schema::required[field]) return refused(format, Schema::names[field], "is missing");
    }
    return std::nullopt;
  }
  std::size_t column(std::size_t field) const noexcept { return column_[field]; }

  static error refused(std::string_view format, std::string_view column, const std::string& why) {
    return {errc::mismatch, std::string(format) + ": column '" + std::string(column) + "' " + why};
  }

 private:
  std::array<std::size_t, Schema::size> column_{};
};

/// Moves lent records to the good ones of a block; those with errors are rejected.
template <schema_type Schema>
void take_records(column_importer<Schema>& from, block_records<Schema>& to) {
  const validation_errors& errors = from.check();
  const columns<Schema> all = from.view();
  const std::size_t before = to.size();
  std::size_t begin = 0;
  for (auto e = errors.begin(); e != errors.end();) {
    const std::size_t row = e->row;
    const auto last = std::find_if(e, errors.end(), [&](const field_error& other) { return other.row != row; });
    to.good.append_views(all.slice(begin, row - begin));
    to.rejected.push_back({before + row, {}, false, describe(std::span(e, last), Schema::names)});
    begin = row + 1;
    e = last;
  }
  to.good.append_views(all.slice(begin, all.rows() - begin));
}

/// A name as ClickHouse's types spell it: in backquotes where it is not an identifier.
inline std::string clickhouse_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_plain = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  if (!name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), is_plain)) return std::string(name);
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "`";
}

/// The type of a prediction's column; NULL without a prediction. The reason, a String, follows these columns.
constexpr std::string_view clickhouse_type_of(prediction_column::kind column) noexcept {
  switch (column) {
    case prediction_column::kind::label:
      return "Nullable(UInt8)";
    case prediction_column::kind::class_name:
    case prediction_column::kind::decision:
      return "Nullable(String)";
    case prediction_column::kind::number:
      break;
  }
  return "Nullable(Float64)";
}

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE std::optional<clickhouse_type> clickhouse_type_of(std::string_view name) {
  using value = clickhouse_value;
  clickhouse_type type;
  const auto unwrap = [&](std::string_view wrapper) {
    if (!name.starts_with(wrapper) || !name.ends_with(')')) return false;
    name = name.substr(wrapper.size(), name.size() - wrapper.size() - 1);
    return true;
  };
  type.coded = unwrap("LowCardinality(");
  type.nullable = unwrap("Nullable(");
  if (unwrap("FixedString(")) {
    type.value = value::fixed_text;
    return parse_number(name, type.width) && type.width > 0 ? std::optional(type) : std::nullopt;
  }
  struct known {
    std::string_view name;
    clickhouse_value value;
    std::size_t width;
  };
  static constexpr known all[] = {
      {"String", value::text, 0},       {"Int64", value::int64, 8},    {"Float64", value::float64, 8},
      {"Int32", value::int32, 4},       {"UInt8", value::uint8, 1},    {"Bool", value::boolean, 1},
      {"Int8", value::int8, 1},         {"Int16", value::int16, 2},    {"UInt16", value::uint16, 2},
      {"UInt32", value::uint32, 4},     {"UInt64", value::uint64, 8},  {"Float32", value::float32, 4},
      {"Date", value::opaque, 2},       {"Date32", value::opaque, 4},  {"DateTime", value::opaque, 4},
      {"DateTime64", value::opaque, 8}, {"Enum8", value::opaque, 1},   {"Enum16", value::opaque, 2},
      {"UUID", value::opaque, 16},      {"IPv4", value::opaque, 4},    {"IPv6", value::opaque, 16},
      {"Int128", value::opaque, 16},    {"UInt128", value::opaque, 16}};
  const std::string_view plain = name.substr(0, name.find('('));
  for (const known& k : all) {
    if (k.name != plain || (plain.size() < name.size() && k.value != value::opaque)) continue;
    type.value = k.value;
    type.width = k.width;
    return !type.coded || k.value == value::text ? std::optional(type) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
