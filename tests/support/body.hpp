// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <cstring>
#include <string_view>
#include <vector>

/// A body with exactly the padding that decoders may read, which holds `behind` (the rest of a request that was cut, or
/// of an older one) and then quotes.
class padded_body {
 public:
  explicit padded_body(std::string_view body, std::string_view behind = {})
      : size_(body.size()), bytes_(body.size() + simdjson::SIMDJSON_PADDING, '"') {
    if (!body.empty()) std::memcpy(bytes_.data(), body.data(), body.size());
    behind = behind.substr(0, simdjson::SIMDJSON_PADDING);
    if (!behind.empty()) std::memcpy(bytes_.data() + size_, behind.data(), behind.size());
  }
  // NOLINTNEXTLINE(google-explicit-constructor): it is what a decoder takes.
  operator simdjson::padded_string_view() const {
    return simdjson::padded_string_view(bytes_.data(), size_, bytes_.size());
  }

 private:
  std::size_t size_;
  std::vector<char> bytes_;
};
