// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include "../core/config.hpp"
#include "expr.hpp"

// Which fields a formula reads.
namespace tabscore::inline TABSCORE_ABI::detail {

template <class Value>
constexpr bool mentions(const constant<Value>&, std::string_view) noexcept {
  return false;
}
template <fixed_string Name>
constexpr bool mentions(const column<Name>&, std::string_view field) noexcept {
  return Name.view() == field;
}
template <class Operand, class Value, std::size_t N>
constexpr bool mentions(const membership<Operand, Value, N>& m, std::string_view field) noexcept {
  return mentions(m.of, field);
}
template <class Op, class... Operands>
constexpr bool mentions(const operation<Op, Operands...>& o, std::string_view field) noexcept {
  return o.operands.apply([&](const auto&... operands) { return (mentions(operands, field) || ...); });
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
