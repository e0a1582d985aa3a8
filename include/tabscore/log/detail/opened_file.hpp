// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>

#include "../../core/config.hpp"
#include "../../files/write_target.hpp"
#include "disk_room.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A file that is open to append to.
struct opened_file {
  opened_file() = default;
  opened_file(const opened_file&) = delete;
  opened_file& operator=(const opened_file&) = delete;
  ~opened_file() {
    if (has_room) disk_room::give_back(fd.get());
  }

  files::unique_fd fd;
  struct ::stat status {};  // when it was opened
  bool regular = false;
  std::chrono::system_clock::time_point born;
  mutable std::atomic<bool> has_room = false;  // some may have been taken
};

/// Opens what the path stands for, or makes it: with the owner and mode of the file that was open before, if any, or
/// with this mode. nullptr: errno says why. `target`: where the path leads to, also when that cannot be opened.
inline std::shared_ptr<const opened_file> open_to_append(const std::string& path, ::mode_t mode,
                                                         const opened_file* before, files::write_target& target) {
  auto next = std::make_shared<opened_file>();
  for (int attempt = 0; !next->fd; ++attempt) {
    auto found = files::find_write_target(path);
    if (!found) return nullptr;
    target = *std::move(found);
    if (target.exists) {
      next->fd = files::open_directly(target, O_APPEND | O_NONBLOCK | (target.is_plain ? O_NOFOLLOW : 0));
      if (!next->fd && errno != ENOENT) return nullptr;
    } else {
      constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
      next->fd = files::unique_fd(::open(target.path.c_str(), flags, 0600));
      if (!next->fd && errno != EEXIST) return nullptr;
      struct ::stat old {};
      if (next->fd && before != nullptr && ::fstat(before->fd.get(), &old) == 0) {
        files::take_after(next->fd.get(), old);
      } else if (next->fd) {
        static_cast<void>(::fchmod(next->fd.get(), mode));
      }
    }
    if (!next->fd && attempt == 100) return nullptr;
  }
  if (::fstat(next->fd.get(), &next->status) != 0) return nullptr;
  next->regular = target.is_plain && S_ISREG(next->status.st_mode);
  next->born = std::chrono::system_clock::now();
  struct statx times {};
  if (next->status.st_size > 0 && ::statx(next->fd.get(), "", AT_EMPTY_PATH, STATX_BTIME, &times) == 0 &&
      (times.stx_mask & STATX_BTIME) != 0) {
    next->born = std::chrono::system_clock::from_time_t(static_cast<std::time_t>(times.stx_btime.tv_sec));
  }
  return next;
}

}  // namespace tabscore::inline TABSCORE_ABI::detail
