// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "../core/config.hpp"
#include "../core/detail/ascii.hpp"
#include "../core/fixed_string.hpp"
#include "constraints.hpp"
#include "field_error.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The type of a field.
enum class field_kind : std::uint8_t { integer, real, boolean, text };

/// What logs show of a field's values.
enum class privacy : std::uint8_t { open, hashed, bucketed, unlogged };

/// Code points of UTF-8 text: the bytes that do not continue a sequence.
constexpr std::size_t code_points(std::string_view text) noexcept {
  if (!std::is_constant_evaluated() && detail::is_ascii(text)) return text.size();
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  return n;
}

/// A broken constraint: what, and its limit.
struct violation {
  fault what;   ///< the constraint
  limit bound;  ///< the bound that was broken
};

namespace detail {

template <class Number>
constexpr bool less(Number a, limit b) noexcept {
  if constexpr (std::integral<Number>) {
    if (!b.is_real) return static_cast<std::int64_t>(a) < b.integer;
  }
  return static_cast<double>(a) < b.real();
}
template <class Number>
constexpr bool greater(Number a, limit b) noexcept {
  if constexpr (std::integral<Number>) {
    if (!b.is_real) return static_cast<std::int64_t>(a) > b.integer;
  }
  return static_cast<double>(a) > b.real();
}

// Each is written so that NaN breaks it.
constexpr bool holds(ge c, auto v) noexcept { return greater(v, c.value) || (!less(v, c.value) && v == v); }
constexpr bool holds(gt c, auto v) noexcept { return greater(v, c.value); }
constexpr bool holds(le c, auto v) noexcept { return less(v, c.value) || (!greater(v, c.value) && v == v); }
constexpr bool holds(lt c, auto v) noexcept { return less(v, c.value); }
constexpr bool holds(min_length c, std::string_view v) noexcept { return code_points(v) >= c.value; }
constexpr bool holds(max_length c, std::string_view v) noexcept {
  return v.size() <= c.value || code_points(v) <= c.value;  // the length in bytes is a bound on that in code points
}

constexpr violation broken(ge c) noexcept { return {fault::ge, c.value}; }
constexpr violation broken(gt c) noexcept { return {fault::gt, c.value}; }
constexpr violation broken(le c) noexcept { return {fault::le, c.value}; }
constexpr violation broken(lt c) noexcept { return {fault::lt, c.value}; }
constexpr violation broken(min_length c) noexcept { return {fault::min_length, c.value}; }
constexpr violation broken(max_length c) noexcept { return {fault::max_length, c.value}; }

template <fixed_string Name, field_kind Kind, class Value, auto... Constraints>
struct field {
  static constexpr std::string_view name = Name.view();
  static constexpr field_kind kind = Kind;
  static constexpr bool required = true;
  static constexpr bool is_id = false;
  static constexpr privacy logged = privacy::open;
  using value_type = Value;   // what one record holds
  using stored_type = Value;  // what the column holds

  /// An empty text is a value, whatever its data() is.
  static constexpr stored_type store(value_type v) noexcept {
    if constexpr (Kind == field_kind::text) {
      return v.data() == nullptr ? value_type{""} : v;
    } else {
      return v;
    }
  }

  /// Calls f(constraint) for each constraint, in the order of the declaration.
  template <class F>
  static constexpr void for_each_constraint(F&& f) {
    (f(Constraints), ...);
  }
  static constexpr bool valid(const value_type& v) noexcept { return (holds(Constraints, v) && ...); }
  /// The first constraint that v breaks, if any.
  static constexpr std::optional<violation> first_violation(const value_type& v) noexcept {
    std::optional<violation> found;
    static_cast<void>(((holds(Constraints, v) || (found = broken(Constraints), false)) && ...));
    return found;
  }
};

}  // namespace detail

/// The fields of a record: a name, and constraints such as ge{0} or max_length{64}.
/// A column holds std::int64_t, double, bool or std::string_view; text is UTF-8 and stays where it is (see batch).
template <fixed_string Name, auto... Constraints>
struct integer : detail::field<Name, field_kind::integer, std::int64_t, Constraints...> {};
/// A number, finite: double.
template <fixed_string Name, auto... Constraints>
struct real : detail::field<Name, field_kind::real, double, Constraints...> {};
/// True or false.
template <fixed_string Name>
struct boolean : detail::field<Name, field_kind::boolean, bool> {};
/// UTF-8; min_length and max_length count code points.
template <fixed_string Name, auto... Constraints>
struct text : detail::field<Name, field_kind::text, std::string_view, Constraints...> {};

/// A field that may be absent or null: optional<real<"income", ge{0}>>. As in pandas, a column of optional numbers or
/// booleans holds doubles with NaN where there is no value (integers beyond 2^53 lose their last bits there), one of
/// texts holds views whose data() is null.
template <class Field>
struct optional : Field {
  static constexpr bool required = false;  ///< it may be absent
  /// Numbers as double, so that NaN can stand for an absent one.
  using stored_type = std::conditional_t<Field::kind == field_kind::text, std::string_view, double>;

  /// From the field's type to the stored one.
  static constexpr stored_type store(typename Field::value_type v) noexcept {
    return static_cast<stored_type>(Field::store(v));
  }
  /// The stored value of an absent field.
  static constexpr stored_type absent() noexcept {
    if constexpr (Field::kind == field_kind::text) {
      return {};
    } else {
      return std::numeric_limits<double>::quiet_NaN();
    }
  }
};

/// The field that names a record, as labels do that come later: id<text<"order">>. It is not a feature of a model; a
/// schema has one at most.
template <class Field>
struct id : Field {
  static_assert(Field::kind == field_kind::text || Field::kind == field_kind::integer,
                "tabscore: an id is a text or an integer");
  static constexpr bool is_id = true;  ///< marks the field
};

/// Private fields; decoding and scoring do not change. Logs show, of hashed<text<"email">>, 16 hexadecimal digits that
/// are equal for the same value and key; of bucketed<real<"income">, 1000>, the largest multiple of the width that is
/// not above the value; of unlogged<text<"name">>, nothing.
template <class Field>
struct hashed : Field {
  static constexpr privacy logged = privacy::hashed;  ///< in logs
};
/// A field whose value is logged as the bucket that it falls into.
template <class Field, limit Width>
struct bucketed : Field {
  static_assert(Field::kind == field_kind::integer || Field::kind == field_kind::real,
                "tabscore: only numbers have buckets");
  static_assert(Width.real() > 0, "tabscore: the width of a bucket is greater than 0");
  static_assert(Field::kind == field_kind::real || !Width.is_real, "tabscore: buckets of integers have whole widths");
  static constexpr privacy logged = privacy::bucketed;  ///< in logs
  static constexpr limit bucket_width = Width;          ///< in the field's unit
};
/// A field that is never logged.
template <class Field>
struct unlogged : Field {
  static constexpr privacy logged = privacy::unlogged;  ///< in logs
};

/// Anything a schema can be made of.
template <class Field>
concept field_type = requires {
  { Field::name } -> std::convertible_to<std::string_view>;
  { Field::kind } -> std::convertible_to<field_kind>;
  { Field::required } -> std::convertible_to<bool>;
  { Field::is_id } -> std::convertible_to<bool>;
  { Field::logged } -> std::convertible_to<privacy>;
  typename Field::value_type;
  typename Field::stored_type;
};

}  // namespace tabscore::inline TABSCORE_ABI
