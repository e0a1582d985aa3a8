// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "../core/result.hpp"
#include "../models/detail/read_file.hpp"
#include "state_json.hpp"

namespace tabscore {

inline result<monitor_state> load_monitor_state(const std::string& path) {
  const auto bytes = detail::read_file(path);
  if (!bytes) return bytes.error();
  return parse_monitor_state(*bytes, path);
}

/// Replaces the file whole: whoever reads it, also after a crash, finds the old state or the new one. The file beside
/// it that ends in ".new" is ours; two processes must not share one path.
inline std::optional<error> save_monitor_state(const monitor_state& state, const std::string& path) {
  const std::string fresh = path + ".new";
  const auto fail = [&](std::string_view what) {
    error e{errc::io, fmt::format("{}: cannot {} the state: {}", path, what, std::generic_category().message(errno))};
    ::unlink(fresh.c_str());
    return e;
  };
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return fail("open a file for");
  const std::string text = to_json(state);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ::ssize_t n = ::write(file, rest.data(), rest.size());
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  const bool written = rest.empty() && ::fsync(file) == 0;
  const int why = errno;
  if (::close(file) != 0 || !written) return errno = written ? errno : why, fail("write");
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return fail("replace");
  return std::nullopt;
}

}  // namespace tabscore
