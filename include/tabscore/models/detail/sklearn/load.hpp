// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "../../../core/config.hpp"
#include "../../../files/read_file.hpp"
#include "../../forest.hpp"
#include "../../load_sklearn.hpp"
#include "../model_value.hpp"
#include "../recognise.hpp"
#include "reader.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<forest_model> read_sklearn(std::string_view text, std::string_view source) {
  const auto read = [&]() -> result<forest_model> {
    simdjson::dom::parser parser;
    const auto root = detail::parse_json(parser, text, source);
    if (!root) return root.error();
    return detail::sklearn_reader(*root, source).read();
  };
  auto model = read();
  if (!model) return detail::refused_file(model.error(), text, source, detail::model_format::sklearn);
  return model;
}

TABSCORE_INLINE result<forest> load_sklearn(const std::string& path) {
  const auto text = files::read_file(path);
  if (!text) return text.error();
  auto model = read_sklearn(*text, path);
  if (!model) return model.error();
  return forest::build(*std::move(model), path);
}

}  // namespace tabscore::inline TABSCORE_ABI
