// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "../core/config.hpp"
#include "field.hpp"
#include "schema.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A field at run time, for code that is compiled once and not once per schema.
struct field_view {
  std::string_view name;                     ///< as JSON names it
  field_kind kind = field_kind::integer;     ///< decides the column's type
  bool required = true;                      ///< it may not be absent
  bool is_id = false;                        ///< it names the record
  bool is_numeric = false;                   ///< a numeric feature
  std::span<const violation> constraints{};  ///< what breaking each of them is, in the order of the declaration
};

namespace detail {

template <class Field>
inline constexpr auto field_constraints = [] {
  constexpr std::size_t count = [] {
    std::size_t n = 0;
    Field::for_each_constraint([&](auto) { ++n; });
    return n;
  }();
  std::array<violation, count> all{};
  [[maybe_unused]] std::size_t n = 0;
  Field::for_each_constraint([&](auto c) { all[n++] = broken(c); });
  return all;
}();

template <class Field>
inline constexpr bool stores_as_declared =
    std::is_same_v<typename Field::stored_type,
                   std::conditional_t<Field::kind == field_kind::text, std::string_view,
                                      std::conditional_t<Field::required, typename Field::value_type, double>>>;

template <class Schema>
inline constexpr auto make_field_table = [] {
  std::array<field_view, Schema::size> all{};
  Schema::for_each([&]<std::size_t At>() {
    using field = typename Schema::template field<At>;
    static_assert(stores_as_declared<field>);
    all[At] = {field::name, field::kind, field::required, field::is_id, Schema::numeric[At], field_constraints<field>};
  });
  return all;
};

}  // namespace detail

/// The fields of a schema, in order.
template <schema_type Schema>
inline constexpr std::array<field_view, Schema::size> field_table = detail::make_field_table<Schema>();

/// Writes one entry of a column: an array of the field's stored_type.
class entry_writer {
 public:
  /// The place of a value in a column.
  entry_writer(const field_view& field, void* column, std::size_t row) noexcept
      : field_(field), column_(column), row_(row) {}

  /// Stores an integer.
  void integer(std::int64_t v) const noexcept { number(v); }
  /// Stores a number.
  void real(double v) const noexcept { number(v); }
  /// Stores a boolean.
  void boolean(bool v) const noexcept { number(v); }
  /// An empty text is a value, whatever its data() is.
  void text(std::string_view v) const noexcept {
    entry<std::string_view>() = v.data() != nullptr ? v : std::string_view{""};
  }
  /// Precondition: the field is a text or not required.
  void absent() const noexcept {
    if (field_.kind == field_kind::text) {
      entry<std::string_view>() = {};
    } else {
      entry<double>() = std::numeric_limits<double>::quiet_NaN();
    }
  }

 private:
  template <class T>
  T& entry() const noexcept {
    return static_cast<T*>(column_)[row_];
  }
  template <class T>
  void number(T v) const noexcept {
    if (field_.required) {
      entry<T>() = v;
    } else {
      entry<double>() = static_cast<double>(v);
    }
  }

  const field_view& field_;
  void* column_;
  std::size_t row_;
};

/// The first constraint that a value of the field breaks, if any.
std::optional<violation> first_violation(const field_view& field, std::int64_t v) noexcept;
/// The constraint that a number breaks first, if any.
std::optional<violation> first_violation(const field_view& field, double v) noexcept;
/// The constraint that a text breaks first, if any.
std::optional<violation> first_violation(const field_view& field, std::string_view v) noexcept;

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

template <class Number>
std::optional<violation> first_violation_of(const field_view& field, Number v) noexcept {
  for (const violation& c : field.constraints) {
    const bool kept = c.what == fault::ge   ? holds(ge{c.bound}, v)
                      : c.what == fault::gt ? holds(gt{c.bound}, v)
                      : c.what == fault::le ? holds(le{c.bound}, v)
                                            : holds(lt{c.bound}, v);
    if (!kept) return c;
  }
  return std::nullopt;
}

}  // namespace detail

TABSCORE_INLINE std::optional<violation> first_violation(const field_view& field, std::int64_t v) noexcept {
  return detail::first_violation_of(field, v);
}
TABSCORE_INLINE std::optional<violation> first_violation(const field_view& field, double v) noexcept {
  return detail::first_violation_of(field, v);
}
TABSCORE_INLINE std::optional<violation> first_violation(const field_view& field, std::string_view v) noexcept {
  for (const violation& c : field.constraints) {
    const auto length = static_cast<std::size_t>(c.bound.integer);
    if (!(c.what == fault::min_length ? detail::holds(min_length{length}, v) : detail::holds(max_length{length}, v))) {
      return c;
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
