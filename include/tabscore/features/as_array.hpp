// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/detail/eigen.hpp"
#include "../expr/expression.hpp"
#include "../schema/columns.hpp"
#include "feature_block.hpp"

// Formulas and features as Eigen arrays, for code that computes with Eigen.
namespace tabscore::inline TABSCORE_ABI {

/// The values of a formula: an Eigen expression of one entry per record, computed where it is used, which must be
/// before the columns end. Its Scalar is double, std::int64_t or bool.
template <expression_type Formula, schema_type Schema>
auto as_array(const Formula& formula, const columns<Schema>& records) {
  using value = decltype(formula.at(records, 0));
  return Eigen::Array<value, Eigen::Dynamic, 1>::NullaryExpr(
      static_cast<Eigen::Index>(records.rows()),
      [=](Eigen::Index row) { return formula.at(records, static_cast<std::size_t>(row)); });
}

/// The numeric features of a block, rows x width, column-major: a view, valid as long as the block.
inline auto as_array(const feature_block& x) {
  using matrix = Eigen::Map<const Eigen::ArrayXXd, Eigen::Unaligned, Eigen::OuterStride<>>;
  return matrix(x.numeric, static_cast<Eigen::Index>(x.rows), static_cast<Eigen::Index>(x.width),
                Eigen::OuterStride<>(static_cast<Eigen::Index>(x.stride)));
}

}  // namespace tabscore::inline TABSCORE_ABI
