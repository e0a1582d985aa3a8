// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "detail/model_value.hpp"
#include "detail/read_file.hpp"
#include "detail/sklearn_reader.hpp"
#include "forest.hpp"

namespace tabscore {

/// A scikit-learn model as models/export_sklearn_trees.py writes it ("sklearn-export-1"), from memory.
inline result<forest_model> read_sklearn(std::string_view text, std::string_view source = "scikit-learn model") {
  simdjson::dom::parser parser;
  const auto root = detail::parse_json(parser, text, source);
  if (!root) return root.error();
  return detail::sklearn_reader(*root, source).read();
}

/// A forest from such a file.
inline result<forest> load_sklearn(const std::string& path) {
  const auto text = detail::read_file(path);
  if (!text) return text.error();
  auto model = read_sklearn(*text, path);
  if (!model) return model.error();
  return forest::build(*std::move(model), path);
}

}  // namespace tabscore
