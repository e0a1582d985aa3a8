// SPDX-License-Identifier: MIT
// Any bytes as the query of a request: read without going beyond it, and a parameter at its end is found. Arguments:
// files or folders to replay.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tabscore/serving/detail/count_query.hpp>
#include <tabscore/serving/detail/query.hpp>
#include <vector>

#include "require.hpp"

using namespace tabscore::serving::detail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);  // exactly sized, so that reading past the end is seen
  const std::string_view bytes(exact.data(), exact.size());
  require(percent_decoded(bytes).size() <= bytes.size());
  if (bytes.find('%') == std::string_view::npos) require(percent_decoded(bytes) == bytes);
  for (const std::string_view name : {"on_error", "explain", ""}) {
    if (const auto value = query_value(bytes, name)) require(value->size() <= bytes.size());
  }
  const std::string longer = std::string(bytes) + "&on_error=last";
  require(query_value(longer, "on_error") == "last");
  const count_query asked = read_count_query(bytes, "explain");
  require(asked.count <= static_cast<std::size_t>(count_query::most));
  return 0;
}

#include "replay.hpp"
