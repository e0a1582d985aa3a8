// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/schema/schema.hpp>

#include <cstddef>
#include <utility>

/// A schema of hundreds of numbers: f000, f001, ...
namespace wide {

template <std::size_t At>
constexpr tabscore::fixed_string<5> name() {
  return {{'f', '0' + At / 100, '0' + At / 10 % 10, '0' + At % 10, '\0'}};
}
template <class Positions>
struct numbers;
template <std::size_t... At>
struct numbers<std::index_sequence<At...>> {
  using type = tabscore::schema<tabscore::real<name<At>(), tabscore::ge{0}>...>;
};

inline constexpr std::size_t width = 300;
struct record : numbers<std::make_index_sequence<width>>::type {};

}  // namespace wide
