// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../files/read_file.hpp"
#include "../../forest.hpp"
#include "../../load_xgboost.hpp"
#include "../model_value.hpp"
#include "../recognise.hpp"
#include "reader.hpp"
#include "text_value.hpp"
#include "ubjson_value.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// As a text_document: a model, or a fault that simdjson knows better.
inline result<forest_model> read_plain_xgboost(std::string_view bytes, std::string_view source,
                                               const load_options& options) {
  text_document plain(bytes);
  if (!plain.parse()) return error{};
  auto model = xgboost_reader(text_value(plain), source, options).read();
  if (model && !plain.check_rest()) return error{};
  return model;
}

inline result<forest_model> read_xgboost_document(std::string_view bytes, std::string_view source,
                                                  const load_options& options) {
  // Both begin with '{'; what follows is a quote or white space in JSON, a length or an optimisation mark in UBJSON.
  const bool json = bytes.size() < 2 || bytes[1] == '"' || bytes[1] == ' ' || bytes[1] == '\n' || bytes[1] == '\r' ||
                    bytes[1] == '\t' || bytes[1] == '}' || bytes[0] != '{';
  if (json) {
    if (auto model = read_plain_xgboost(bytes, source, options)) return model;
    simdjson::dom::parser parser;
    const auto root = parse_json(parser, bytes, source);
    if (!root) return root.error();
    return xgboost_reader(*root, source, options).read();
  }
  const auto root = ubjson_parser(bytes).parse(source);
  if (!root) return root.error();
  return xgboost_reader(*root, source, options).read();
}

}  // namespace detail

TABSCORE_INLINE result<forest_model> read_xgboost(std::string_view bytes, std::string_view source,
                                                  const load_options& options) {
  auto model = detail::read_xgboost_document(bytes, source, options);
  if (!model) return detail::refused_file(model.error(), bytes, source, detail::model_format::xgboost);
  return model;
}

TABSCORE_INLINE result<forest> load_xgboost(const std::string& path, const load_options& options) {
  const auto bytes = files::read_file(path);
  if (!bytes) return bytes.error();
  auto model = read_xgboost(*bytes, path, options);
  if (!model) return model.error();
  return forest::build(*std::move(model), path);
}

}  // namespace tabscore::inline TABSCORE_ABI
