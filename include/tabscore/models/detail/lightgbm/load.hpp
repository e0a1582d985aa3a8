// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "../../../core/config.hpp"
#include "../../../files/read_file.hpp"
#include "../../forest.hpp"
#include "../../load_lightgbm.hpp"
#include "../recognise.hpp"
#include "reader.hpp"

namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<forest_model> read_lightgbm(std::string_view text, std::string_view source,
                                                   const load_options& options) {
  auto model = detail::lightgbm_reader(text, source, options).read();
  if (!model) return detail::refused_file(model.error(), text, source, detail::model_format::lightgbm);
  return model;
}

TABSCORE_INLINE result<forest> load_lightgbm(const std::string& path, const load_options& options) {
  const auto text = files::read_file(path);
  if (!text) return text.error();
  auto model = read_lightgbm(*text, path, options);
  if (!model) return model.error();
  return forest::build(*std::move(model), path);
}

}  // namespace tabscore::inline TABSCORE_ABI
