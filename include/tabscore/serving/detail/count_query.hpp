// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include "../../core/config.hpp"
#include "../../schema/field_error.hpp"

#include "query.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// A query parameter that is a count: ?explain=N, the N largest contributions of each record; ?reasons=N, up to N
/// reasons of each; ?top=N, the N most likely classes.
struct count_query {
  static constexpr std::int64_t least = 1, most = 1000;
  static constexpr std::size_t most_explained = 10'000;  ///< records of a body; trees take 0.1 ms a record

  std::size_t count = 0;  ///< 0: no such parameter
  bool valid = true;
  fault what{};  ///< the fault, and the limit that is broken
  limit bound{};
};

/// A parameter given twice is not an integer.
count_query read_count_query(std::string_view query, std::string_view name);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE count_query read_count_query(std::string_view query, std::string_view name) {
  count_query asked;
  const auto wrong = [&](fault what, limit bound = {}) {
    return count_query{.valid = false, .what = what, .bound = bound};
  };
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix((std::min)(query.size(), one.size() + 1));
    const std::size_t equals = (std::min)(one.find('='), one.size());
    if (percent_decoded(one.substr(0, equals)) != name) continue;
    if (asked.count != 0) return wrong(fault::not_integer);
    const std::string text = percent_decoded(one.substr((std::min)(one.size(), equals + 1)));
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
      return wrong(fault::not_integer);
    }
    if (error == std::errc::result_out_of_range) n = text.starts_with('-') ? INT64_MIN : INT64_MAX;
    if (n < count_query::least) return wrong(fault::ge, count_query::least);
    if (n > count_query::most) return wrong(fault::le, count_query::most);
    asked.count = static_cast<std::size_t>(n);
  }
  return asked;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
