// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The files of Swagger UI and its licence in memory, from a folder of the npm package swagger-ui-dist.
class docs_files {
 public:
  struct file {
    std::string_view content_type;
    std::string text;
  };

  docs_files() = default;
  /// Empty when the folder lacks one of them.
  explicit docs_files(const std::filesystem::path& folder);

  bool empty() const { return files_.empty(); }
  const file* find(std::string_view name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, file, std::less<>> files_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE docs_files::docs_files(const std::filesystem::path& folder) {
  constexpr std::pair<const char*, std::string_view> names[] = {
      {"swagger-ui.css", "text/css; charset=utf-8"},
      {"swagger-ui-bundle.js", "text/javascript; charset=utf-8"},
      {"LICENSE", "text/plain; charset=utf-8"},
      {"NOTICE", "text/plain; charset=utf-8"},
  };
  for (const auto& [name, type] : names) {
    std::ifstream in(folder / name, std::ios::binary);
    if (!in) {
      files_.clear();
      return;
    }
    files_[name] = {type, std::string(std::istreambuf_iterator<char>(in), {})};
  }
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
