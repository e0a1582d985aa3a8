// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../core/result.hpp"
#include "../../tree.hpp"
#include "../model_value.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// What a LightGBM text says of a feature: whether it is one of categories, and the range of its values or codes.
struct lightgbm_feature {
  bool categories = false;
  bool constant = false;  ///< in training, so that nothing is known of it
  double least = 0;
  double most = 0;

  /// Whether codes 0 to n - 1 of a pandas column can be this feature's values.
  bool may_have(std::size_t n) const noexcept {
    if (constant) return true;
    const bool whole = std::floor(least) == least && std::floor(most) == most;
    return whole && least >= 0 && most < static_cast<double>(n);
  }
};

/// The categories of a pandas column; without names when those are neither all texts nor all numbers.
struct pandas_list {
  category_names names;
  std::size_t count = 0;

  /// Neither all texts nor all numbers.
  bool mixed() const noexcept { return count != 0 && names.empty(); }
};

/// The lists of a pandas_categorical line.
inline result<std::vector<pandas_list>> read_pandas_lists(std::string_view json, std::string_view source) {
  const std::string place = fmt::format("{}: pandas_categorical", source);
  std::vector<pandas_list> lists;
  if (json.find_first_not_of(" \t") == json.find("null")) return lists;  // of an array, not of a DataFrame
  simdjson::dom::parser parser;
  const auto root = parse_json(parser, json, place);
  if (!root) return root.error();
  const auto add = [&](const model_value& list) {
    pandas_list& added = lists.emplace_back();
    return list.each([&](const model_value& name) {
      ++added.count;
      if (const auto text = name.text()) {
        added.names.texts.emplace_back(*text);
      } else if (const auto number = name.number()) {
        added.names.numbers.push_back(*number);
      }
      return true;
    });
  };
  if (!root->each(add)) return error{errc::structure, place + " should be a list of lists"};
  for (pandas_list& list : lists) {
    if ((std::max)(list.names.texts.size(), list.names.numbers.size()) != list.count) list.names = {};
  }
  return lists;
}

/// Whether numbers of a list may be those of another feature than `found[l]`, whose values look like all its codes:
/// with categorical_feature= the features of categories are others than the columns of dtype category. A wrong list of
/// texts would make a field of another type, and false and true are their own codes.
inline bool doubtful(const std::vector<pandas_list>& lists, const std::vector<lightgbm_feature>& features,
                     const std::vector<std::size_t>& found, std::size_t l) {
  const std::vector<double>& numbers = lists[l].names.numbers;
  if (numbers.empty() || numbers == std::vector<double>{0, 1} || !features[found[l]].categories) return false;
  const std::size_t end = l + 1 < found.size() ? found[l + 1] : features.size();
  for (std::size_t f = l > 0 ? found[l - 1] + 1 : 0; f < end; ++f) {
    const lightgbm_feature& other = features[f];
    const bool codes = other.least == 0 && other.most == static_cast<double>(numbers.size() - 1);
    if (f != found[l] && !other.constant && codes) return true;
  }
  return false;
}

/// The feature of each list: lists are in the order of the features, every feature of categories has one, and numbers
/// may have one (ordered categories). Nothing where that leaves no way, several, or a doubt.
inline std::optional<std::vector<std::size_t>> features_of_lists(const std::vector<pandas_list>& lists,
                                                                 const std::vector<lightgbm_feature>& features) {
  // ways[l]: to give the first l lists to the features so far, counted up to 2.
  std::vector<std::uint8_t> ways(lists.size() + 1, 0);
  ways[0] = 1;
  std::vector<std::vector<std::uint8_t>> before;
  for (const lightgbm_feature& f : features) {
    before.push_back(ways);
    for (std::size_t l = lists.size() + 1; l-- > 0;) {
      const int skipped = f.categories ? 0 : ways[l];
      const int taken = l > 0 && f.may_have(lists[l - 1].count) ? ways[l - 1] : 0;
      ways[l] = static_cast<std::uint8_t>((std::min)(skipped + taken, 2));
    }
  }
  if (ways.back() != 1) return std::nullopt;
  std::vector<std::size_t> found(lists.size());
  for (std::size_t l = lists.size(), f = features.size(); l > 0 && f-- > 0;) {
    if (features[f].may_have(lists[l - 1].count) && before[f][l - 1] != 0) found[--l] = f;
  }
  for (std::size_t l = 0; l < lists.size(); ++l) {
    if (doubtful(lists, features, found, l)) return std::nullopt;
  }
  return found;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
