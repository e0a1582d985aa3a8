// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../files/replaced_file.hpp"
#include "../settings.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Keeps a file in the settings' archive under its SHA-256, whole or not at all; one that is there stays. An error
/// where that cannot be done.
std::optional<error> archive(const settings& config, const std::string& sha256, std::string_view bytes);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE std::optional<error> archive(const settings& config, const std::string& sha256,
                                             std::string_view bytes) {
  if (config.archive.empty()) return std::nullopt;
  const std::string path = config.archive + "/" + sha256;
  std::error_code failed;
  const auto is_there = [&] { return std::filesystem::file_size(path, failed) == bytes.size() && !failed; };
  if (is_there()) return std::nullopt;
  std::filesystem::create_directories(config.archive, failed);
  const auto fail = [&](const std::string& why) { return error{errc::io, "the archive: " + why}; };
  const auto open = [&] { return files::replaced_file::open(path, config.log.file.mode, 0, files::links::replace); };
  auto file = open();
  // Servers that share an archive may start at once.
  for (int waits = 0; !file && waits < 250 && std::filesystem::exists(path + ".partial", failed); ++waits) {
    ::usleep(20'000);
    if (is_there()) return std::nullopt;
    file = open();
  }
  if (!file) return fail(file.error().message);
  if (file->write(bytes) && file->sync() && file->commit()) return std::nullopt;
  const std::string why = path + ": cannot be written" + files::because_of_errno();
  file->discard();
  return fail(why);
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
