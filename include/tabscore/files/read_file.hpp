// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "../core/config.hpp"
#include "../core/result.hpp"

namespace tabscore::inline TABSCORE_ABI::files {

/// The bytes of a file, at most `most` (/dev/zero has no end): pass one more than the largest valid size.
inline result<std::string> read_file(const std::string& path, std::size_t most = std::size_t(-1)) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  if (!file) return error{errc::io, path + ": cannot be opened"};
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return error{errc::io, path + ": is a folder, not a file"};
  std::string bytes;
  char piece[1 << 16];
  while (bytes.size() < most) {
    const std::size_t n = std::fread(piece, 1, (std::min)(sizeof piece, most - bytes.size()), file.get());
    if (n == 0) break;
    bytes.append(piece, n);
  }
  if (std::ferror(file.get()) != 0) return error{errc::io, path + ": cannot be read"};
  return bytes;
}

}  // namespace tabscore::inline TABSCORE_ABI::files
