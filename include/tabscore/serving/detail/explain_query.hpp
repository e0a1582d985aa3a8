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

/// The query parameter ?explain=N: the N largest contributions of each record.
struct explain_query {
  static constexpr std::int64_t least = 1, most = 1000;
  static constexpr std::size_t most_records = 10'000;  ///< of a body; trees take a tenth of a millisecond a record

  std::size_t count = 0;  ///< 0: no such parameter
  bool valid = true;
  fault what{};  ///< the fault, and the limit that is broken
  limit bound{};
};

/// A parameter given twice is not an integer.
inline explain_query read_explain_query(std::string_view query) {
  explain_query asked;
  const auto wrong = [&](fault what, limit bound = {}) {
    return explain_query{.valid = false, .what = what, .bound = bound};
  };
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix((std::min)(query.size(), one.size() + 1));
    const std::size_t equals = (std::min)(one.find('='), one.size());
    if (percent_decoded(one.substr(0, equals)) != "explain") continue;
    if (asked.count != 0) return wrong(fault::not_integer);
    const std::string text = percent_decoded(one.substr((std::min)(one.size(), equals + 1)));
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
      return wrong(fault::not_integer);
    }
    if (error == std::errc::result_out_of_range) n = text.starts_with('-') ? INT64_MIN : INT64_MAX;
    if (n < explain_query::least) return wrong(fault::ge, explain_query::least);
    if (n > explain_query::most) return wrong(fault::le, explain_query::most);
    asked.count = static_cast<std::size_t>(n);
  }
  return asked;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
