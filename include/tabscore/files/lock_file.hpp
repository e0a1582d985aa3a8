// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "write_target.hpp"

namespace tabscore::inline TABSCORE_ABI::files {

/// Locks an open file, of which the kernel frees the lock when the last copy of the descriptor is closed, also by
/// SIGKILL. Waits this long for another that has it; false: errno says why not, EWOULDBLOCK of another.
inline bool lock_within(int fd, std::chrono::milliseconds patience) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR && (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline)) return false;
    ::usleep(10'000);
  }
  return true;
}

/// The name leads to the open file still.
inline bool is_named(int fd, const std::string& path) noexcept {
  struct ::stat ours {};
  struct ::stat named {};
  return ::fstat(fd, &ours) == 0 && ::lstat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
         ours.st_dev == named.st_dev;
}

/// Opens or makes a small file, and locks it. Links are not followed, and a file that belongs neither to this user nor
/// to `owner` is not believed. `taken`: the error where another has it.
result<unique_fd> open_locked(const std::string& path, ::uid_t owner, std::chrono::milliseconds patience,
                              const char* taken);

/// Keeps a file that is replaced as a whole to one owner: `<path>.lock` is locked as long as this lives, and removed
/// then. What a killed process leaves of it is in nobody's way.
class lock_file {
 public:
  /// Waits this long for another that has the file. A pipe or device is not locked.
  static result<lock_file> open(const std::string& path, std::chrono::milliseconds patience = {});

  /// Takes the lock over.
  lock_file(lock_file&&) = default;
  lock_file& operator=(lock_file&&) = delete;
  ~lock_file() {
    if (fd_ && is_named(fd_.get(), path_)) ::unlink(path_.c_str());  // under the lock
  }

 private:
  lock_file(std::string path, unique_fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  unique_fd fd_;
};

}  // namespace tabscore::inline TABSCORE_ABI::files

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::files {

TABSCORE_INLINE result<unique_fd> open_locked(const std::string& path, ::uid_t owner,
                                              std::chrono::milliseconds patience, const char* taken) {
  const auto fail = [&](const std::string& what) { return error{errc::io, "'" + path + "': " + what}; };
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd && errno == ELOOP) return fail("is a symbolic link; remove it");
    if (!fd) return fail("cannot be opened" + because_of_errno());
    struct ::stat found {};
    if (::fstat(fd.get(), &found) != 0) return fail("cannot be read" + because_of_errno());
    if (!S_ISREG(found.st_mode) || found.st_nlink > 1) return fail("is not a regular file of one name; remove it");
    if (found.st_uid != owner && found.st_uid != ::geteuid()) return fail("belongs to another user; remove it");
    static_cast<void>(::fchmod(fd.get(), 0600));  // who can open it can lock it
    const auto left = deadline - std::chrono::steady_clock::now();
    if (!lock_within(fd.get(), std::chrono::duration_cast<std::chrono::milliseconds>(left))) {
      return fail(errno == EWOULDBLOCK ? taken : "cannot be locked" + because_of_errno());
    }
    if (is_named(fd.get(), path)) return fd;  // or else whoever had the lock has removed it
  }
}

TABSCORE_INLINE result<lock_file> lock_file::open(const std::string& path, std::chrono::milliseconds patience) {
  const auto target = find_write_target(path);
  if (!target || !target->is_plain) return lock_file({}, {});
  std::string name = target->path + ".lock";
  auto fd = open_locked(name, target->exists ? target->status.st_uid : ::geteuid(), patience,
                        "another process keeps this file: name another one, or stop that process first");
  if (!fd) return error{errc::io, path + " cannot be written: " + fd.error().message};
  return lock_file(std::move(name), *std::move(fd));
}

}  // namespace tabscore::inline TABSCORE_ABI::files
#endif
