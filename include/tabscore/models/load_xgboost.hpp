// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "detail/model_value.hpp"
#include "detail/read_file.hpp"
#include "detail/ubjson_value.hpp"
#include "detail/xgboost_reader.hpp"
#include "forest.hpp"

namespace tabscore {

/// A model that XGBoost saved as JSON or UBJSON (1.x to 3.x; gbtree, dart, gblinear), from bytes in memory. `source`
/// names it in errors.
inline result<forest_model> read_xgboost(std::string_view bytes, std::string_view source = "XGBoost model") {
  // Both begin with '{'; what follows is a quote or white space in JSON, a length or an optimisation mark in UBJSON.
  const bool json = bytes.size() < 2 || bytes[1] == '"' || bytes[1] == ' ' || bytes[1] == '\n' || bytes[1] == '\r' ||
                    bytes[1] == '\t' || bytes[1] == '}' || bytes[0] != '{';
  if (json) {
    simdjson::dom::parser parser;
    const auto root = detail::parse_json(parser, bytes, source);
    if (!root) return root.error();
    return detail::xgboost_reader(*root, source).read();
  }
  const auto root = detail::ubjson_parser(bytes).parse(source);
  if (!root) return root.error();
  return detail::xgboost_reader(*root, source).read();
}

/// A forest from a file that XGBoost's save_model wrote (.json or .ubj).
inline result<forest> load_xgboost(const std::string& path) {
  const auto bytes = detail::read_file(path);
  if (!bytes) return bytes.error();
  auto model = read_xgboost(*bytes, path);
  if (!model) return model.error();
  return forest::build(*std::move(model), path);
}

}  // namespace tabscore
