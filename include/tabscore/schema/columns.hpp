// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <tuple>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "schema.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
template <class T>
using const_pointer = const T*;
template <class T>
using const_span = std::span<const T>;
}  // namespace detail

/// A view of records as one array per field: the caller's arrays, a batch, or a part of either. A few pointers: copy
/// it. The arrays, and the texts that a text column points to, must outlive it.
template <schema_type Schema>
class columns {
  using pointers = typename Schema::template columns_of<detail::const_pointer>;
  using spans = typename Schema::template columns_of<detail::const_span>;

 public:
  constexpr columns() noexcept = default;
  /// The first value of each column.
  constexpr columns(std::size_t rows, pointers first) noexcept : rows_(rows), first_(first) {}

  /// One span per field, in the schema's order. Different lengths throw (abort without exceptions).
  template <class... Arrays>
  requires(sizeof...(Arrays) == Schema::size &&
           std::constructible_from<spans, const Arrays&...>) explicit constexpr columns(const Arrays&... arrays)
      : columns(spans{arrays...}) {}

  /// Records.
  constexpr std::size_t rows() const noexcept { return rows_; }

  /// The array of the field with index At (or of the field called Name), rows() entries.
  template <std::size_t At>
  constexpr auto get() const noexcept {
    return std::span(std::get<At>(first_), rows_);
  }
  /// The column of a field, by its position in the schema.
  template <fixed_string Name>
  constexpr auto get() const noexcept {
    constexpr std::size_t i = Schema::index_of(Name.view());
    static_assert(i != Schema::npos, "tabscore: the schema has no field with this name");
    return get<i>();
  }

  /// Records [begin, begin + count).
  constexpr columns slice(std::size_t begin, std::size_t count) const noexcept {
    TABSCORE_ASSERT(begin <= rows_ && count <= rows_ - begin, "slice outside the records");
    return {count, std::apply([&](auto... p) { return pointers{p + begin...}; }, first_)};
  }

 private:
  explicit constexpr columns(const spans& s)
      : rows_(std::get<0>(s).size()), first_(std::apply([](auto... a) { return pointers{a.data()...}; }, s)) {
    if (!std::apply([&](auto... a) { return ((a.size() == rows_) && ...); }, s)) {
      detail::raise({errc::structure, "the columns of a table have different lengths"});
    }
  }

  std::size_t rows_ = 0;
  pointers first_{};
};

}  // namespace tabscore::inline TABSCORE_ABI
