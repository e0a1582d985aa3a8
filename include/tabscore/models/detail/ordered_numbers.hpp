// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// The positions of a model's numeric features in the order of `numbers` (load_options); others follow in their own.
inline std::vector<std::size_t> ordered_numbers(const std::vector<std::string>& names,
                                                const std::vector<std::string>& numbers) {
  std::map<std::string_view, std::size_t> rank;
  for (std::size_t i = 0; i < numbers.size(); ++i) rank.emplace(numbers[i], i);
  const auto rank_of = [&](std::size_t j) {
    const auto found = rank.find(names[j]);
    return found == rank.end() ? numbers.size() : found->second;
  };
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank_of(a) < rank_of(b); });
  return order;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
