// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/distinct.hpp"
#include "field.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// Types by position. std::tuple_element of hundreds takes the compiler gigabytes.
template <std::size_t At, class Field>
struct indexed_field {
  using type = Field;
};
template <class Positions, class... Fields>
struct indexed_fields;
template <std::size_t... At, class... Fields>
struct indexed_fields<std::index_sequence<At...>, Fields...> : indexed_field<At, Fields>... {};
template <std::size_t At, class Field>
indexed_field<At, Field> field_at(const indexed_field<At, Field>&);

}  // namespace detail

/// A record, declared once: schema<text<"country">, integer<"age", ge{0}>>. Everything else (columns, decoder, rules,
/// features, documentation) is derived from it at compile time.
template <field_type... Fields>
struct schema {
  static_assert(sizeof...(Fields) > 0, "tabscore: a schema has at least one field");
  static_assert(sizeof...(Fields) < field_error::no_field);

  static constexpr std::size_t size = sizeof...(Fields);                       ///< number of fields
  static constexpr std::array<std::string_view, size> names{Fields::name...};  ///< in the order of declaration
  static constexpr std::array<field_kind, size> kinds{Fields::kind...};        ///< in the order of declaration
  static constexpr std::array<bool, size> required{Fields::required...};       ///< in the order of declaration

  /// The type of the field at a position.
  template <std::size_t At>
  using field = typename decltype(detail::field_at<At>(
      std::declval<detail::indexed_fields<std::make_index_sequence<size>, Fields...>>()))::type;

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);  ///< no such field
  /// The index of a field, or npos.
  static constexpr std::size_t index_of(std::string_view name) noexcept {
    for (std::size_t i = 0; i < size; ++i) {
      if (names[i] == name) return i;
    }
    return npos;
  }
  /// The index of the field that is marked as the id, or npos.
  static constexpr std::size_t id_at = [] {
    constexpr std::array<bool, size> ids{Fields::is_id...};
    for (std::size_t i = 0; i < size; ++i) {
      if (ids[i]) return i;
    }
    return npos;
  }();

  /// Of each field, whether it is a numeric feature: an integer, a real or a boolean, but for the id.
  static constexpr std::array<bool, size> numeric{(Fields::kind != field_kind::text && !Fields::is_id)...};
  /// Fields that are numbers or booleans.
  static constexpr std::size_t numeric_count =
      (std::size_t{0} + ... + std::size_t{Fields::kind != field_kind::text && !Fields::is_id});
  /// Fields that are texts.
  static constexpr std::size_t text_count = (std::size_t{0} + ... + std::size_t{Fields::kind == field_kind::text});

  /// Calls `f.template operator()<At>()` for each field, in order.
  template <class F>
  static constexpr void for_each(F&& f) {
    [&]<std::size_t... At>(std::index_sequence<At...>) { (f.template operator()<At>(), ...); }
    (std::make_index_sequence<size>{});
  }

 private:
  static_assert((std::size_t{0} + ... + std::size_t{Fields::is_id}) <= 1, "tabscore: a schema has one id at most");
  static_assert(((!Fields::is_id || Fields::required || Fields::kind == field_kind::text) && ...),
                "tabscore: an integer id is not optional: as a double it would lose digits");
  static_assert(detail::distinct(names), "tabscore: two fields of a schema have the same name");
};

namespace detail {
template <class... Fields>
void takes_schema(const schema<Fields...>&);
}  // namespace detail

/// A schema<...>, or a class that derives from one. Many fields are better derived: the compiler's messages and symbols
/// then hold the class's name, not the list of all fields (an object of 100 fields: 2 MB, not 7).
///
///     struct student : schema<text<"country">, integer<"age", ge{0}>> {};
template <class T>
concept schema_type = requires(const T& s) {
  detail::takes_schema(s);
};

}  // namespace tabscore::inline TABSCORE_ABI
