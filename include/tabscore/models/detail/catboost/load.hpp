// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../files/read_file.hpp"
#include "../../load_catboost.hpp"
#include "../model_value.hpp"
#include "../recognise.hpp"
#include "binary_reader.hpp"
#include "builder.hpp"
#include "json_reader.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

inline result<catboost_document> read_catboost_document(std::string_view bytes, std::string_view source) {
  if (bytes.starts_with("CBM1")) return catboost_binary_reader(bytes, source).read();
  simdjson::dom::parser parser;
  const auto root = parse_json(parser, bytes, source);
  if (!root) return root.error();
  return catboost_json_reader(*root, source).read();
}

}  // namespace detail

TABSCORE_INLINE result<encoded_forest> read_catboost(std::string_view bytes, std::string_view source,
                                                     const load_options& options) {
  auto document = detail::read_catboost_document(bytes, source);
  if (!document) return detail::refused_file(document.error(), bytes, source, detail::model_format::catboost);
  return detail::catboost_builder(*std::move(document), bytes.size(), source, options).build();
}

TABSCORE_INLINE result<encoded_forest> load_catboost(const std::string& path, const load_options& options) {
  const auto bytes = files::read_file(path);
  if (!bytes) return bytes.error();
  return read_catboost(*bytes, path, options);
}

}  // namespace tabscore::inline TABSCORE_ABI
