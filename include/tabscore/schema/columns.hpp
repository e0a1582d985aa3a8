// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "schema.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A view of records as one array per field: the caller's arrays, a batch, or a part of either. A few pointers: copy
/// it. The arrays, and the texts that a text column points to, must outlive it.
template <schema_type Schema>
class columns {
  template <std::size_t At>
  using stored = typename Schema::template field<At>::stored_type;

  template <class... Arrays>
  static constexpr bool fit = []<std::size_t... At>(std::index_sequence<At...>) {
    return (std::constructible_from<std::span<const stored<At>>, const Arrays&> && ...);
  }
  (std::make_index_sequence<sizeof...(Arrays)>{});

 public:
  constexpr columns() noexcept = default;
  /// The first value of each column, of the fields' stored types.
  constexpr columns(std::size_t rows, const std::array<const void*, Schema::size>& first) noexcept
      : rows_(rows), first_(first) {}

  /// One span per field, in the schema's order. Different lengths throw (abort without exceptions).
  template <class... Arrays>
  requires(sizeof...(Arrays) == Schema::size && fit<Arrays...>) explicit columns(const Arrays&... arrays) {
    [&]<std::size_t... At>(std::index_sequence<At...>) { (set<At>(std::span<const stored<At>>(arrays)), ...); }
    (std::make_index_sequence<Schema::size>{});
  }

  /// Records.
  constexpr std::size_t rows() const noexcept { return rows_; }

  /// The array of the field with index At (or of the field called Name), rows() entries.
  template <std::size_t At>
  auto get() const noexcept {
    return std::span(static_cast<const stored<At>*>(first_[At]), rows_);
  }
  /// The column of a field, by its position in the schema.
  template <fixed_string Name>
  auto get() const noexcept {
    constexpr std::size_t i = Schema::index_of(Name.view());
    static_assert(i != Schema::npos, "tabscore: the schema has no field with this name");
    return get<i>();
  }

  /// The first value of each column.
  constexpr std::span<const void* const> first() const noexcept { return first_; }

  /// Records [begin, begin + count).
  columns slice(std::size_t begin, std::size_t count) const noexcept {
    TABSCORE_ASSERT(begin <= rows_ && count <= rows_ - begin, "slice outside the records");
    columns part(count, first_);
    Schema::for_each([&]<std::size_t At>() { part.first_[At] = get<At>().data() + begin; });
    return part;
  }

 private:
  template <std::size_t At>
  void set(std::span<const stored<At>> array) {
    if (At == 0) rows_ = array.size();
    if (array.size() != rows_) detail::raise({errc::structure, "the columns of a table have different lengths"});
    first_[At] = array.data();
  }

  // Pointers to the fields' stored types: a std::tuple of hundreds takes the compiler gigabytes.
  std::size_t rows_ = 0;
  std::array<const void*, Schema::size> first_{};
};

}  // namespace tabscore::inline TABSCORE_ABI
