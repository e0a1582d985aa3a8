// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "forest.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A scikit-learn model as models/export_sklearn_trees.py writes it ("sklearn-export-1"), from memory.
result<forest_model> read_sklearn(std::string_view text, std::string_view source = "scikit-learn model");

/// A forest from such a file.
result<forest> load_sklearn(const std::string& path);

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/sklearn/load.hpp"
#endif
