// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <string>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../files/read_file.hpp"
#include "../files/replaced_file.hpp"
#include "state_json.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Larger files are refused; states of models with a thousand histograms have a few million bytes.
inline constexpr std::size_t max_state_file_bytes = std::size_t{1} << 28;

/// Reads a file that save_monitor_state() or tabscore-merge wrote.
result<monitor_state> load_monitor_state(const std::string& path);

/// Replaces the file as a whole: readers, also after a crash, find the old state or the new one (see
/// files::replaced_file). A new file gets the mode; an existing one keeps its own.
[[nodiscard]] std::optional<error> save_monitor_state(const monitor_state& state, const std::string& path,
                                                      ::mode_t mode = 0600);

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE result<monitor_state> load_monitor_state(const std::string& path) {
  const auto bytes = files::read_file(path, max_state_file_bytes + 1);
  if (!bytes) return bytes.error();
  if (bytes->size() > max_state_file_bytes) {
    return error{errc::io, path + ": expected at most " + std::to_string(max_state_file_bytes) + " bytes of a state"};
  }
  return parse_monitor_state(*bytes, path);
}

TABSCORE_INLINE std::optional<error> save_monitor_state(const monitor_state& state, const std::string& path,
                                                        ::mode_t mode) {
  auto file = files::replaced_file::open(path, mode);
  if (!file) return error{errc::io, path + ": cannot open a file for the state: " + file.error().message};
  if (file->write(to_json(state)) && file->sync() && file->commit()) return std::nullopt;
  error e{errc::io, path + ": cannot write the state" + files::because_of_errno()};
  file->discard();
  return e;
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
