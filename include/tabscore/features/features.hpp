// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../core/config.hpp"
#include "../core/detail/pack.hpp"
#include "../expr/expr.hpp"
#include "../expr/mentions.hpp"
#include "../schema/field_table.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {
/// Writes the numeric fields, whose columns begin at `first`, as columns of doubles `stride` apart; the place behind
/// them.
double* write_numbers(std::span<const field_view> fields, std::span<const void* const> first, std::size_t rows,
                      double* out, std::size_t stride) noexcept;
}  // namespace detail

/// A formula with the name of the feature that it computes.
template <fixed_string Name, expression_type Formula>
struct named_feature {
  static constexpr std::string_view name = Name.view();  ///< as the model file names it
  Formula formula;                                       ///< what computes it
};

/// An engineered feature: feature<"ratio">(col<"a"> / col<"b">).
template <fixed_string Name, expression_type Formula>
constexpr named_feature<Name, Formula> feature(Formula formula) {
  return {formula};
}

/// The numeric features of a model: the schema's numeric fields but for an id, in order, then the engineered ones in
/// theirs.
template <class... Feature>
class features {
 public:
  /// Engineered features, after the schema's numeric fields, in this order.
  constexpr explicit features(Feature... f) : engineered_(f...) {}

  template <schema_type Schema>
  static constexpr std::size_t width = Schema::numeric_count + sizeof...(Feature);  ///< numeric features in all

  /// Their names, in the order of columns.
  template <schema_type Schema>
  static constexpr std::array<std::string_view, width<Schema>> names() {
    std::array<std::string_view, width<Schema>> all{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < Schema::size; ++i) {
      if (Schema::numeric[i]) all[n++] = Schema::names[i];
    }
    ((all[n++] = Feature::name), ...);
    return all;
  }

  /// Whether the formula of an engineered feature reads a field.
  bool mentions(std::size_t engineered, std::string_view field) const {
    std::size_t n = 0;
    return engineered_.apply(
        [&](const auto&... f) { return ((n++ == engineered && detail::mentions(f.formula, field)) || ...); });
  }

  /// Writes the matrix of the records, rows() x width, column-major: feature j of record i goes to out[j*stride + i].
  template <schema_type Schema>
  void write(const columns<Schema>& records, double* out, std::size_t stride) const {
    const std::size_t rows = records.rows();
    out = detail::write_numbers(field_table<Schema>, records.first(), rows, out, stride);
    const auto compute = [&](const auto& formula) {
      for (std::size_t i = 0; i < rows; ++i) out[i] = detail::as<double>(formula.at(records, i));
      out += stride;
    };
    engineered_.apply([&](const auto&... f) { (compute(f.formula), ...); });
  }

 private:
  detail::pack<Feature...> engineered_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
#include "../core/detail/eigen.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

template <class Value>
void write_as_double(const void* from, std::size_t rows, double* to) noexcept {
  const auto count = static_cast<Eigen::Index>(rows);
  Eigen::Map<Eigen::ArrayXd>(to, count) =
      Eigen::Map<const Eigen::Array<Value, Eigen::Dynamic, 1>>(static_cast<const Value*>(from), count)
          .template cast<double>();
}

TABSCORE_INLINE double* write_numbers(std::span<const field_view> fields, std::span<const void* const> first,
                                      std::size_t rows, double* out, std::size_t stride) noexcept {
  for (std::size_t at = 0; at < fields.size(); ++at) {
    const field_view& field = fields[at];
    if (!field.is_numeric) continue;
    if (!field.required || field.kind == field_kind::real) {  // what may be absent is stored as a double
      write_as_double<double>(first[at], rows, out);
    } else if (field.kind == field_kind::integer) {
      write_as_double<std::int64_t>(first[at], rows, out);
    } else {
      write_as_double<bool>(first[at], rows, out);
    }
    out += stride;
  }
  return out;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
