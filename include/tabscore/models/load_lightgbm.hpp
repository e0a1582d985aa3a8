// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "forest.hpp"
#include "load_options.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// A LightGBM text model (versions 2 to 4 of the format) from memory. `source` names it in errors.
result<forest_model> read_lightgbm(std::string_view text, std::string_view source = "LightGBM model",
                                   const load_options& options = {});

/// A forest from a file that LightGBM's save_model wrote.
result<forest> load_lightgbm(const std::string& path, const load_options& options = {});

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/lightgbm/load.hpp"
#endif
