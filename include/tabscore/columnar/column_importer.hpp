// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string_view>
#include <type_traits>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/ascii.hpp"
#include "../core/scratch.hpp"
#include "../schema/number_rule.hpp"
#include "../schema/validate.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

inline bool utf8(std::string_view text) noexcept {
  return is_ascii(text) || simdjson::validate_utf8(text.data(), text.size());
}

/// Whether a column of Value can feed the field at all; whether one value does is seen when it is read.
template <class Field, class Value>
constexpr bool feeds() noexcept {
  constexpr bool number = std::is_arithmetic_v<Value> && !std::same_as<Value, bool>;
  switch (Field::kind) {
    case field_kind::text:
      return std::same_as<Value, std::string_view>;
    case field_kind::boolean:
      return std::integral<Value>;
    case field_kind::integer:
    case field_kind::real:
      return number;
  }
  return false;
}

}  // namespace detail

/// Imports records from the caller's columns (Arrow, ClickHouse, DuckDB): without a copy where the types are the
/// schema's, converted otherwise, and validated as records from JSON. Integers of any width, floats and doubles
/// feed integer and real fields by the number_rule (an integer beyond 2^53 is rounded in a real field). Integers 0
/// and 1 feed boolean fields, unless the rule is strict. NaN is an absent value of an optional field and an error
/// in a required one. The caller's columns and filled texts must outlive the view. Reuses its memory; one per
/// thread.
template <schema_type Schema>
class column_importer {
  template <std::size_t At>
  using field = typename Schema::template field<At>;
  template <std::size_t At>
  using stored = typename field<At>::stored_type;

 public:
  column_importer() noexcept = default;
  /// The rule says which numbers fit the fields.
  explicit column_importer(number_rule rule) noexcept : rule_(rule) {}

  /// Starts over with records of which every field is then lent or filled, once.
  void begin(std::size_t rows) noexcept {
    TABSCORE_ASSERT(rows < field_error::all_rows, "more records than an error can number");
    rows_ = rows;
    errors_.clear();
  }
  /// Records of the batch.
  std::size_t rows() const noexcept { return rows_; }

  /// The field with index At is these rows() values, where they are.
  template <std::size_t At>
  void lend(const stored<At>* values) noexcept {
    first_[At] = values;
  }

  /// The field with index At of record r is value(r), a number, a bool or a std::string_view, where valid(r), and null
  /// elsewhere.
  template <std::size_t At, class Value, class Valid>
  void fill(const Value& value, const Valid& valid) {
    static_assert(detail::feeds<field<At>, decltype(value(0))>(), "tabscore: such a column cannot feed this field");
    stored<At>* const to = memory_[At].template get<stored<At>>(rows_).data();
    for (std::size_t row = 0; row < rows_; ++row) to[row] = valid(row) ? convert<At>(row, value(row)) : null<At>(row);
    lend<At>(to);
  }
  /// The field with index At is null in all records: a column of nulls, or no column at all.
  template <std::size_t At>
  void fill_nulls() {
    fill<At>([](std::size_t) { return typename field<At>::value_type{}; }, [](std::size_t) { return false; });
  }

  /// Views of the columns, valid until the next batch.
  columns<Schema> view() const noexcept { return {rows_, first_}; }

  /// Every wrong value of the records, one per field at most, in row order, then schema order.
  const validation_errors& check() {
    const columns<Schema> records = view();
    validate(records, errors_);
    Schema::for_each([&]<std::size_t At>() { check_finite<At>(records); });
    if (errors_.empty()) return errors_;
    // The first thing said of a value stays: what stands in for a null may break a bound too.
    order_by(Schema::size, [](const field_error& e) { return std::size_t{e.field}; });
    order_by(rows_, [](const field_error& e) { return std::size_t{e.row}; });
    const auto same = [](const auto& a, const auto& b) { return a.row == b.row && a.field == b.field; };
    errors_.erase(std::unique(errors_.begin(), errors_.end(), same), errors_.end());
    return errors_;
  }

 private:
  /// Stable, in linear time: many wrong records have many errors.
  template <class Key>
  void order_by(std::size_t keys, Key key) {
    places_.assign(keys + 1, 0);
    for (const field_error& e : errors_) ++places_[key(e) + 1];
    std::partial_sum(places_.begin(), places_.end(), places_.begin());
    ordered_.resize(errors_.size());
    for (const field_error& e : errors_) ordered_[places_[key(e)]++] = e;
    errors_.swap(ordered_);
  }

  template <std::size_t At>
  void fault_at(std::size_t row, fault what) {
    errors_.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint16_t>(At), what, {}});
  }

  template <std::size_t At>
  stored<At> null(std::size_t row) {
    if constexpr (field<At>::required) {
      fault_at<At>(row, fault::null);
      return {};
    } else {
      return field<At>::absent();
    }
  }

  template <std::size_t At, class Value>
  stored<At> convert(std::size_t row, Value v) {
    constexpr field_kind kind = field<At>::kind;
    const auto wrong = [&](fault what) {
      fault_at<At>(row, what);
      return stored<At>{};
    };
    if constexpr (kind == field_kind::text) {
      return detail::utf8(v) ? field<At>::store(v) : wrong(fault::not_text);
    } else if constexpr (kind == field_kind::boolean) {
      if constexpr (!std::same_as<Value, bool>) {
        if (rule_ == number_rule::strict || (v != 0 && v != 1)) return wrong(fault::not_boolean);
      }
      return field<At>::store(v != 0);
    } else if constexpr (kind == field_kind::real) {
      return field<At>::store(static_cast<double>(v));
    } else if constexpr (std::floating_point<Value>) {
      if constexpr (!field<At>::required) {
        if (std::isnan(v)) return field<At>::absent();
      }
      if (rule_ == number_rule::strict) return wrong(fault::not_integer);
      if (!std::isfinite(v)) return wrong(fault::not_finite);
      constexpr auto end = static_cast<Value>(9223372036854775808.0);  // 2^63
      return v >= -end && v < end ? field<At>::store(static_cast<std::int64_t>(v)) : wrong(fault::integer_range);
    } else {
      if constexpr (std::same_as<Value, std::uint64_t>) {
        if (v > std::uint64_t{(std::numeric_limits<std::int64_t>::max)()}) return wrong(fault::integer_range);
      }
      return field<At>::store(static_cast<std::int64_t>(v));
    }
  }

  template <std::size_t At>
  void check_finite(const columns<Schema>& records) {
    if constexpr (field<At>::kind == field_kind::real) {
      const auto values = records.template get<At>();
      const auto right = [](double v) { return std::abs(v) < inf || (!field<At>::required && v != v); };
      bool all = true;
      for (const double v : values) all &= right(v);
      for (std::size_t row = 0; !all && row < rows_; ++row) {
        if (!right(values[row])) fault_at<At>(row, fault::not_finite);
      }
    }
  }

  static constexpr double inf = std::numeric_limits<double>::infinity();

  number_rule rule_ = number_rule::strict;
  std::size_t rows_ = 0;
  std::array<const void*, Schema::size> first_{};
  std::array<scratch, Schema::size> memory_;
  validation_errors errors_;
  validation_errors ordered_;        // errors_ while they are ordered,
  std::vector<std::size_t> places_;  // and where those of each row or field go
};

}  // namespace tabscore::inline TABSCORE_ABI
