// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../columnar/column_importer.hpp"
#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "api.hpp"

namespace tabscore::inline TABSCORE_ABI::duckdb::detail {

/// A text of DuckDB's, copied.
inline std::string taken(char* text) {
  std::string copy = text == nullptr ? "" : text;
  api.free(text);
  return copy;
}

__extension__ using hugeint = __int128;

/// The double that is nearest to digits * 10^-scale. `unit`: 10^scale.
template <class Digits>
double nearest(Digits digits, int scale, double unit) {
  constexpr Digits exact = sizeof(Digits) > 4 ? static_cast<Digits>(std::int64_t{1} << 53) : Digits{};
  if (sizeof(Digits) <= 4 || (scale <= 22 && digits >= -exact && digits <= exact)) {
    return static_cast<double>(digits) / unit;  // of two numbers that are exact
  }
  const std::string text = fmt::format("{}e-{}", digits, scale);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Bits of values that are not NULL; without any, all are.
struct validity {
  explicit validity(vector v) noexcept : bits(api.vector_get_validity(v)) {}
  bool operator()(std::size_t i) const noexcept { return bits == nullptr || (bits[i / 64] >> i % 64 & 1) != 0; }
  const std::uint64_t* bits;
};

/// Finds a schema's fields among the members of a STRUCT and lends them: BIGINT and DOUBLE without NULL where they lie,
/// texts as views. The struct of an optional field's absence has no other members; otherwise those are ignored.
/// Immutable: threads share it.
template <schema_type Schema>
class record_reader {
 public:
  /// Or the reason why such records cannot be read, with the member's name.
  static result<record_reader> make(logical_type records) {
    record_reader reader;
    const idx members = api.struct_type_child_count(records);
    std::vector<std::string> names;
    for (idx i = 0; i < members; ++i) names.push_back(taken(api.struct_type_child_name(records, i)));
    std::optional<error> wrong;
    std::string_view absent;
    std::vector<std::string> others = names;
    Schema::for_each([&]<std::size_t At>() {
      constexpr std::string_view name = Schema::names[At];
      const auto at = std::find(names.begin(), names.end(), name);
      if (wrong) return;
      if (at == names.end()) {
        if (Schema::required[At]) wrong = error{errc::mismatch, "the record has no member '" + std::string(name) + "'"};
        absent = name;
        return;
      }
      others.erase(std::find(others.begin(), others.end(), name));
      wrong = reader.template find<At>(records, static_cast<idx>(at - names.begin()));
    });
    if (!wrong && !absent.empty() && !others.empty()) {  // which may be a slip of the pen
      wrong =
          error{errc::mismatch, "the record has no member '" + std::string(absent) + "' but '" + others.front() +
                                    "', which is no field: leave it out, or add " + std::string(absent) + " := NULL"};
    }
    if (wrong) return *std::move(wrong);
    return reader;
  }

  /// Lends the records of a flat STRUCT vector, which must outlive them.
  void read(vector from, std::size_t rows, column_importer<Schema>& records) const {
    records.begin(rows);
    const validity structs(from);
    Schema::for_each([&]<std::size_t At>() { this->template lend<At>(from, structs, records); });
  }

 private:
  struct source {
    idx member = 0;
    type values = type::null;             // as they are stored
    int scale = 0;                        // of a DECIMAL
    double unit = 0;                      // 10^scale; 0: it is no DECIMAL
    std::vector<std::string> dictionary;  // of an ENUM
  };

  template <std::size_t At>
  std::optional<error> find(logical_type records, idx at) {
    const owned_type member(api.struct_type_child_type(records, at));
    sources_[At] = describe(member.get());
    sources_[At].member = at;
    if (is_readable<At>()) return std::nullopt;
    constexpr field_kind kind = Schema::kinds[At];
    constexpr std::string_view wanted = kind == field_kind::text      ? "VARCHAR"
                                        : kind == field_kind::boolean ? "BOOLEAN"
                                        : kind == field_kind::integer ? "BIGINT"
                                                                      : "DOUBLE";
    return error{errc::mismatch, "the member '" + std::string(Schema::names[At]) +
                                     "' of the record has a type that cannot feed the field: cast it to " +
                                     std::string(wanted)};
  }

  static source describe(logical_type member) {
    source s;
    const type id = api.get_type_id(member);
    if (id == type::decimal) {
      s.values = api.decimal_internal_type(member);
      s.scale = api.decimal_scale(member);
      s.unit = 1;
      for (int digit = s.scale; digit > 0; --digit) s.unit *= 10;
    } else if (id == type::enumeration) {
      s.values = api.enum_internal_type(member);
      for (idx i = 0; i < api.enum_dictionary_size(member); ++i) {
        s.dictionary.push_back(taken(api.enum_dictionary_value(member, i)));
      }
      if (s.dictionary.empty()) s.values = type::null;
    } else {
      s.values = id;
    }
    return s;
  }

  template <std::size_t At>
  bool is_readable() const {
    const source& s = sources_[At];
    if (s.values == type::null) return true;
    if (!s.dictionary.empty()) return Schema::kinds[At] == field_kind::text;
    bool readable = false;
    visit(s, nullptr, [&](const auto& value) {
      readable = tabscore::detail::feeds<typename Schema::template field<At>, decltype(value(0))>();
    });
    return readable;
  }

  // Calls f with the function that gives the value of a row.
  template <class F>
  static void visit(const source& s, const void* data, F&& f) {
    const auto numbers = [&]<class Number>(Number) {
      f([values = static_cast<const Number*>(data)](std::size_t i) { return values[i]; });
    };
    if (s.unit != 0) {
      return f([data, width = s.values, scale = s.scale, unit = s.unit](std::size_t i) {
        const auto at = [&]<class Digits>(Digits) { return nearest(static_cast<const Digits*>(data)[i], scale, unit); };
        return width == type::int16   ? at(std::int16_t{})
               : width == type::int32 ? at(std::int32_t{})
               : width == type::int64 ? at(std::int64_t{})
                                      : at(hugeint{});
      });
    }
    switch (s.values) {
      case type::boolean:
        return f([bits = static_cast<const bool*>(data)](std::size_t i) { return bits[i]; });
      case type::int8:
        return numbers(std::int8_t{});
      case type::int16:
        return numbers(std::int16_t{});
      case type::int32:
        return numbers(std::int32_t{});
      case type::int64:
        return numbers(std::int64_t{});
      case type::uint8:
        return numbers(std::uint8_t{});
      case type::uint16:
        return numbers(std::uint16_t{});
      case type::uint32:
        return numbers(std::uint32_t{});
      case type::uint64:
        return numbers(std::uint64_t{});
      case type::float32:
        return numbers(float{});
      case type::float64:
        return numbers(double{});
      case type::varchar:
        return f([texts = static_cast<const text*>(data)](std::size_t i) {
          return std::string_view(texts[i].data(), texts[i].length);
        });
      default:
        return;
    }
  }

  template <std::size_t At>
  void lend(vector from, const validity& structs, column_importer<Schema>& records) const {
    using field = typename Schema::template field<At>;
    const source& s = sources_[At];
    if (s.values == type::null) return records.template fill_nulls<At>();
    const vector column = api.struct_vector_get_child(from, s.member);
    const void* const data = api.vector_get_data(column);
    const validity values(column);
    const auto valid = [&](std::size_t i) { return values(i) && structs(i); };
    if constexpr (!std::is_same_v<typename field::stored_type, std::string_view>) {
      constexpr bool is_real = field::kind == field_kind::real;
      constexpr bool is_integer = std::is_same_v<typename field::stored_type, std::int64_t>;
      const bool same =
          (is_real && s.values == type::float64) || (is_integer && s.values == type::int64 && s.unit == 0);
      if (same && values.bits == nullptr && structs.bits == nullptr) {
        return records.template lend<At>(static_cast<const typename field::stored_type*>(data));
      }
    }
    visit(s, data, [&](const auto& value) {
      using value_type = decltype(value(0));
      if constexpr (tabscore::detail::feeds<field, value_type>()) {
        records.template fill<At>(value, valid);
      } else if constexpr (field::kind == field_kind::text && std::is_unsigned_v<value_type> &&
                           !std::is_same_v<value_type, bool>) {
        if (s.dictionary.empty()) return;
        records.template fill<At>([&](std::size_t i) -> std::string_view { return s.dictionary[value(i)]; }, valid);
      }
    });
  }

  std::array<source, Schema::size> sources_;
};

}  // namespace tabscore::inline TABSCORE_ABI::duckdb::detail
