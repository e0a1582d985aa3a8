// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

#include "../config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

template <std::size_t At, class T>
struct pack_part {
  T value{};
};
template <class Positions, class... T>
struct pack_parts;
template <std::size_t... At, class... T>
struct pack_parts<std::index_sequence<At...>, T...> : pack_part<At, T>... {
  constexpr pack_parts() requires(sizeof...(T) > 0) = default;
  constexpr explicit pack_parts(T... v) : pack_part<At, T>{std::forward<T>(v)}... {}

  /// f(values...).
  template <class F>
  constexpr decltype(auto) apply(F&& f) const {
    return f(static_cast<const pack_part<At, T>&>(*this).value...);
  }
  template <class F>
  constexpr decltype(auto) apply(F&& f) {
    return f(static_cast<pack_part<At, T>&>(*this).value...);
  }
};

/// Values or references of several types, cheaper for the compiler than std::tuple and std::apply.
template <class... T>
using pack = pack_parts<std::index_sequence_for<T...>, T...>;

}  // namespace tabscore::inline TABSCORE_ABI::detail
