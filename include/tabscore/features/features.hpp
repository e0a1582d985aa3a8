// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>

#include "../core/config.hpp"
#include "../expr/expr.hpp"
#include "../expr/mentions.hpp"

namespace tabscore::inline TABSCORE_ABI {

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
    return std::apply(
        [&](const auto&... f) { return ((n++ == engineered && detail::mentions(f.formula, field)) || ...); },
        engineered_);
  }

  /// Writes the matrix of the records, rows() x width, column-major: feature j of record i goes to out[j*stride + i].
  template <schema_type Schema>
  void write(const columns<Schema>& records, double* out, std::size_t stride) const {
    using destination = Eigen::Map<Eigen::Array<double, Eigen::Dynamic, 1>>;
    const std::size_t rows = records.rows();
    Schema::for_each([&]<std::size_t At>() {
      if constexpr (Schema::numeric[At]) {
        using source =
            Eigen::Map<const Eigen::Array<typename Schema::template field<At>::stored_type, Eigen::Dynamic, 1>>;
        const auto count = static_cast<Eigen::Index>(rows);
        destination(out, count) = source(records.template get<At>().data(), count).template cast<double>();
        out += stride;
      }
    });
    const auto compute = [&](const auto& formula) {
      for (std::size_t i = 0; i < rows; ++i) out[i] = detail::as<double>(formula.at(records, i));
      out += stride;
    };
    std::apply([&](const auto&... f) { (compute(f.formula), ...); }, engineered_);
  }

 private:
  std::tuple<Feature...> engineered_;
};

}  // namespace tabscore::inline TABSCORE_ABI
