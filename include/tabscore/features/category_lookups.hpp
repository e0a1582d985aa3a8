// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../schema/field_error.hpp"
#include "detail/city_hash.hpp"
#include "feature_block.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Columns whose values are looked up by the hash of one or more categories, as CatBoost computes them: positions of
/// categories, and statistics of the target per category or per combination of categories and conditions. Immutable.
struct category_lookups {
  /// A category: a text field, or a numeric feature of whole numbers, which count as their decimal text.
  struct source {
    std::uint32_t field = 0;  ///< position among the text fields, or the numeric features
    bool number = false;      ///< the source is a numeric feature
  };
  /// Whether a number, rounded to float32, is above a border.
  struct above {
    std::uint32_t feature = 0;  ///< position among the numeric features
    float border = 0;           ///< as float32
    bool missing = false;       ///< of NaN
  };
  /// Whether a category has this hash.
  struct equal {
    std::uint32_t source = 0;  ///< position among the combination's sources
    std::uint32_t hash = 0;    ///< CatBoost's hash of the category
  };
  /// Values that are hashed together, in this order.
  struct combination {
    std::vector<std::uint32_t> sources;  ///< positions of categories
    std::vector<above> numbers;          ///< conditions on numbers
    std::vector<equal> equals;           ///< conditions on categories
  };
  /// A place of the open-addressed hash table.
  struct slot {
    std::uint64_t hash = 0;  ///< of a combination of categories
    std::uint32_t row = 0;   ///< in values; 0: an empty slot
  };
  /// The values of neighbouring columns by hash; row 0 holds those of an unknown hash.
  struct table {
    std::uint32_t combination = 0;  ///< position in `combinations`
    std::uint32_t columns = 0;      ///< values per hash
    std::vector<slot> cells;        ///< a power of two, at least one of them empty
    std::vector<float> values;      ///< `columns` a row

    /// Where the search for a hash begins.
    const slot* first_slot(std::uint64_t hash) const noexcept {
      return cells.data() + (static_cast<std::size_t>(hash) & (cells.size() - 1));
    }
    /// The values for a hash, `columns` of them; never null.
    const float* row(std::uint64_t hash) const noexcept {
      const slot* at = first_slot(hash);
      while (at->row != 0 && at->hash != hash) at = at + 1 == cells.data() + cells.size() ? cells.data() : at + 1;
      return values.data() + std::size_t{at->row} * columns;
    }
  };

  std::vector<source> sources;            ///< the categories that take part
  std::vector<combination> combinations;  ///< the keys of the tables
  std::vector<table> tables;              ///< those of one combination are neighbours

  /// The sources' hashes come first: 32 bits each, as they are.
  std::size_t width() const noexcept {
    std::size_t columns = sources.size();
    for (const table& t : tables) columns += t.columns;
    return columns;
  }

  /// The features whose categories a table looks up (numeric ones before texts), each once. As in CatBoost's
  /// contributions, the conditions of the combination do not count.
  std::vector<std::uint32_t> fields_of(const table& t, std::size_t numeric) const;

  /// The hash of a text category.
  static std::uint32_t hash_of(std::string_view text) noexcept;
  /// Whether a number is whole and exact: beyond 2^53 a double stands for several integers with different texts.
  static bool is_whole(double v) noexcept { return v == std::trunc(v) && std::abs(v) < 0x1p53; }
  /// The hash of a whole number, by its decimal text.
  static std::uint32_t hash_of(double whole) noexcept;

  /// The first category of a row that the trainer refuses, by its feature (numeric ones first), and why.
  std::optional<std::pair<std::size_t, fault>> refused(const feature_block& x, std::size_t row) const noexcept;

  /// Writes width() columns of rows [first, first + rows), which are `stride` apart.
  template <std::floating_point Real>
  void write(const feature_block& x, std::size_t first, std::size_t rows, Real* out,
             std::size_t stride) const noexcept {
    for (std::size_t at = 0; at < rows; at += run) {
      write_run(x, first + at, (std::min)(run, rows - at), out + at * stride, stride);
    }
  }

  /// A hash of what was hashed before and the next value.
  static std::uint64_t combined(std::uint64_t before, std::uint64_t next) noexcept {
    constexpr std::uint64_t multiplier = 0x4906ba494954cb65U;
    return multiplier * (before + multiplier * next);
  }
  /// A category's hash as a signed number, which is what combined() takes.
  static std::uint64_t widened(std::uint32_t hash) noexcept {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(hash)));
  }

 private:
  static constexpr std::size_t run = 64;  ///< rows whose cache misses overlap

  static void prefetch([[maybe_unused]] const void* at) noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(at);
#endif
  }

  template <std::floating_point Real>
  void write_run(const feature_block& x, std::size_t first, std::size_t rows, Real* out,
                 std::size_t stride) const noexcept {
    for (std::size_t s = 0; s < sources.size(); ++s) {
      const std::uint32_t field = sources[s].field;
      for (std::size_t i = 0; i < rows; ++i) {
        const std::uint32_t hash =
            sources[s].number ? hash_of(x.column(field)[first + i]) : hash_of(x.text[field][first + i]);
        std::memcpy(out + i * stride + s, &hash, sizeof hash);
      }
    }
    const auto hash_at = [&](std::size_t i, std::uint32_t s) {
      std::uint32_t hash;
      std::memcpy(&hash, out + i * stride + s, sizeof hash);
      return hash;
    };
    Real* to = out + sources.size();
    std::uint32_t hashed = ~std::uint32_t{0};
    std::uint64_t hash[run];
    const float* values[run];
    for (const table& t : tables) {
      if (t.combination != hashed) {
        hashed = t.combination;
        find_keys(combinations[hashed], x, first, rows, hash_at, hash);
      }
      for (std::size_t i = 0; i < rows; ++i) prefetch(t.first_slot(hash[i]));
      for (std::size_t i = 0; i < rows; ++i) {
        values[i] = t.row(hash[i]);
        prefetch(values[i]);
      }
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::uint32_t c = 0; c < t.columns; ++c) to[i * stride + c] = static_cast<Real>(values[i][c]);
      }
      to += t.columns;
    }
  }

  /// The combined hash of each row of a run.
  template <class HashAt>
  static void find_keys(const combination& of, const feature_block& x, std::size_t first, std::size_t rows,
                        HashAt hash_at, std::uint64_t* hash) noexcept {
    std::fill_n(hash, rows, std::uint64_t{0});
    for (const std::uint32_t s : of.sources) {
      for (std::size_t i = 0; i < rows; ++i) hash[i] = combined(hash[i], widened(hash_at(i, s)));
    }
    for (const above& a : of.numbers) {
      const double* const column = x.column(a.feature) + first;
      for (std::size_t i = 0; i < rows; ++i) {
        const auto value = static_cast<float>(column[i]);
        hash[i] = combined(hash[i], (std::isnan(value) ? a.missing : value > a.border) ? 1 : 0);
      }
    }
    for (const equal& e : of.equals) {
      for (std::size_t i = 0; i < rows; ++i) hash[i] = combined(hash[i], hash_at(i, e.source) == e.hash ? 1 : 0);
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_MODEL_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE std::vector<std::uint32_t> category_lookups::fields_of(const table& t, std::size_t numeric) const {
  std::vector<std::uint32_t> fields;
  for (const std::uint32_t s : combinations[t.combination].sources) {
    fields.push_back(static_cast<std::uint32_t>(sources[s].field + (sources[s].number ? 0 : numeric)));
  }
  std::sort(fields.begin(), fields.end());
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  return fields;
}

TABSCORE_INLINE std::uint32_t category_lookups::hash_of(std::string_view text) noexcept {
  return static_cast<std::uint32_t>(detail::city_hash::of(text));
}

TABSCORE_INLINE std::uint32_t category_lookups::hash_of(double whole) noexcept {
  if (!is_whole(whole)) return 0;
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(whole)).ptr;
  return hash_of(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

TABSCORE_INLINE std::optional<std::pair<std::size_t, fault>> category_lookups::refused(const feature_block& x,
                                                                                       std::size_t row) const noexcept {
  for (const source& s : sources) {
    if (!s.number) {
      if (x.text[s.field][row].data() == nullptr) return std::pair{x.width + s.field, fault::model_needs};
    } else if (const double v = x.column(s.field)[row]; !is_whole(v)) {
      return std::pair{std::size_t{s.field}, std::isnan(v) ? fault::model_needs : fault::not_integer};
    }
  }
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
