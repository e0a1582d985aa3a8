// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "lock_file.hpp"
#include "write_target.hpp"

namespace tabscore::inline TABSCORE_ABI::files {

/// A file that is replaced as a whole: written as `<path>.partial`, forced to the disk, and renamed over the old file,
/// whose mode and owner it takes. Links are followed; a path that is not a regular file is written directly. A link
/// named `<path>.partial` is removed, not followed.
class replaced_file {
 public:
  /// `mode`: of a new file. `keep`: bytes kept of the part that an earlier process left.
  static result<replaced_file> open(const std::string& name, ::mode_t mode, std::uint64_t keep = 0,
                                    links of_name = links::follow);

  /// Written to directly: nothing of what follows is whole or not at all.
  bool is_direct() const noexcept { return !target_.is_plain; }
  /// The path of the file that is written.
  std::string partial() const { return target_.path + ".partial"; }

  // False: errno says why.
  /// Appends bytes; false: errno says why not.
  bool write(std::string_view bytes) noexcept { return write_all(fd_.get(), bytes); }
  /// The written bytes survive a power loss.
  bool sync() noexcept { return is_direct() || ::fsync(fd_.get()) == 0; }
  /// Gives the file its name, and closes it. sync() it first.
  bool commit();
  /// Removes the part.
  void discard() noexcept {
    if (fd_ && !is_direct()) ::unlink(partial().c_str());
  }

  /// commit() of a complete part that a process did not rename; nothing without such a part.
  static bool commit_left(const std::string& name);

 private:
  explicit replaced_file(write_target target) : target_(std::move(target)) {}

  static std::string no_lock() {
    return errno == EWOULDBLOCK ? "another process writes it" : "cannot be locked" + because_of_errno();
  }
  static bool is_ours(const struct ::stat& s) noexcept {
    return S_ISREG(s.st_mode) && s.st_uid == ::geteuid() && s.st_nlink == 1;
  }

  write_target target_;
  unique_fd fd_;
};

}  // namespace tabscore::inline TABSCORE_ABI::files

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::files {

TABSCORE_INLINE result<replaced_file> replaced_file::open(const std::string& name, ::mode_t mode, std::uint64_t keep,
                                                          links of_name) {
  const auto fail = [](const std::string& path, const std::string& what) {
    return error{errc::io, path + ": " + what};
  };
  auto target = find_write_target(name, of_name);
  if (!target) return fail(name, "cannot be written" + because_of_errno());
  replaced_file file(*std::move(target));
  const write_target& to = file.target_;
  if (!to.is_plain) {
    file.fd_ = open_directly(to, 0, std::chrono::seconds(5));
    if (!file.fd_ && errno == ENXIO && to.is_fifo()) {
      return fail(name, "is a pipe without a reader; start its reader first");
    }
    if (!file.fd_) return fail(name, "cannot be written" + because_of_errno());
    if (keep > 0) return fail(name, "is not a regular file and cannot be continued");
    return file;
  }
  if (to.exists && ::faccessat(AT_FDCWD, to.path.c_str(), W_OK, AT_EACCESS) != 0) {
    return fail(name, "cannot be written" + because_of_errno());
  }
  const std::string partial = file.partial();
  for (int attempt = 0; attempt < 100; ++attempt) {
    struct ::stat left {};
    unique_fd old;
    if (::lstat(partial.c_str(), &left) == 0) {
      if (is_ours(left)) {
        old = unique_fd(::open(partial.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!old) return fail(partial, "cannot be written" + because_of_errno());
        if (!lock_within(old.get(), {})) return fail(name, no_lock());
        if (!is_named(old.get(), partial)) continue;  // whoever had the lock has renamed it
      } else if (keep > 0) {
        return fail(partial, "is a link, no regular file, or another user's; it cannot be continued");
      }
    }
    if (keep > 0) {
      if (!old || ::fstat(old.get(), &left) != 0 || static_cast<std::uint64_t>(left.st_size) < keep) {
        return fail(partial, "is shorter than its checkpoint says");
      }
      if (::ftruncate(old.get(), static_cast<::off_t>(keep)) != 0 ||
          ::lseek(old.get(), static_cast<::off_t>(keep), SEEK_SET) < 0) {
        return fail(partial, "cannot be written" + because_of_errno());
      }
      file.fd_ = std::move(old);
      return file;
    }
    if (::unlink(partial.c_str()) != 0 && errno != ENOENT) {
      return fail(partial, "is in the way and cannot be removed" + because_of_errno());
    }
    file.fd_ = unique_fd(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.fd_ && errno == EEXIST) continue;
    if (!file.fd_) return fail(partial, "cannot be written" + because_of_errno());
    if (!lock_within(file.fd_.get(), {})) return fail(name, no_lock());
    if (!is_named(file.fd_.get(), partial)) continue;
    if (to.exists) {
      take_after(file.fd_.get(), to.status);
    } else {
      static_cast<void>(::fchmod(file.fd_.get(), mode));
    }
    return file;
  }
  return fail(name, "another process writes it");
}

TABSCORE_INLINE bool replaced_file::commit() {
  // Under the lock: nobody else's part may get the name.
  if (!is_direct() && std::rename(partial().c_str(), target_.path.c_str()) != 0) return false;
  if (!is_direct()) sync_folder_of(target_.path);
  return ::close(fd_.release()) == 0 || errno == EINTR;  // a file system may tell of a full disk only now
}

TABSCORE_INLINE bool replaced_file::commit_left(const std::string& name) {
  auto target = find_write_target(name);
  if (!target) return false;
  const replaced_file file(*std::move(target));
  struct ::stat left {};
  if (file.is_direct() || ::lstat(file.partial().c_str(), &left) != 0) return true;
  if (!is_ours(left)) return errno = EPERM, false;
  if (std::rename(file.partial().c_str(), file.target_.path.c_str()) != 0) return false;
  return sync_folder_of(file.target_.path);
}

}  // namespace tabscore::inline TABSCORE_ABI::files
#endif
