// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "../core/config.hpp"
#include "descriptor.hpp"

namespace tabscore::inline TABSCORE_ABI::files {

/// The target of a name to write to: symbolic links are followed, also to a name that does not exist
/// yet.
struct write_target {
  std::string path;      ///< links resolved
  bool exists = false;   ///< there is something at the path
  bool is_plain = true;  ///< a regular file or nothing yet. Anything else, and whatever /dev/stdout names, is written
                         ///< to and neither replaced nor renamed
  int descriptor = -1;   ///< of this process, named by the path (/dev/stdout, /dev/fd/3)
  struct ::stat status {};  ///< of the target, if it exists

  /// It is a named pipe.
  bool is_fifo() const noexcept { return exists && S_ISFIFO(status.st_mode); }
  /// It is this very file.
  bool is(const struct ::stat& other) const noexcept {
    return exists && status.st_ino == other.st_ino && status.st_dev == other.st_dev;
  }
};

/// Where the file lies; "." where the path names no folder.
inline std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

/// Whether a link is followed, or replaced itself (generated names).
enum class links { follow, replace };

/// Nothing: errno says why.
std::optional<write_target> find_write_target(const std::string& name, links what = links::follow);

/// Whether two names lead to one file, so that writing one destroys the other. (Twice /dev/stdout shares
/// it.)
bool is_same_file(const std::string& a, const std::string& b);

/// Whether a file written under one name is read under another, wherever they lead.
bool is_read_again(const std::string& written, const std::string& read);

/// Opens a target that is not replaced. Waits this long for a pipe's reader; then errno is ENXIO.
unique_fd open_directly(const write_target& t, int flags, std::chrono::milliseconds patience = {});

/// Gives a new file the owner and mode of the file that it replaces; a group that cannot be set gets no
/// rights.
void take_after(int fd, const struct ::stat& old) noexcept;

/// So that names in the file's folder survive a power loss.
inline bool sync_folder_of(const std::string& path) {
  const unique_fd fd(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return !fd || ::fsync(fd.get()) == 0;
}

}  // namespace tabscore::inline TABSCORE_ABI::files

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::files {

TABSCORE_INLINE std::optional<write_target> find_write_target(const std::string& name, links what) {
  write_target t;
  t.path = name;
  if (name.empty()) return errno = ENOENT, std::nullopt;
  if (struct ::stat link{}; what == links::replace && ::lstat(name.c_str(), &link) == 0 && S_ISLNK(link.st_mode)) {
    return t;
  }
  t.exists = ::stat(name.c_str(), &t.status) == 0;
  if (!t.exists && errno != ENOENT) return std::nullopt;
  for (int links = 0;; ++links) {
    struct ::stat last {};
    if (::lstat(t.path.c_str(), &last) != 0 || !S_ISLNK(last.st_mode)) break;
    if (links == 40) return errno = ELOOP, std::nullopt;
    const std::string folder = folder_of(t.path);
    struct ::statfs system {};
    if (::statfs(folder.c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC) {
      t.is_plain = false;
      std::error_code failed;
      if (std::filesystem::equivalent(folder, "/proc/self/fd", failed)) {
        t.descriptor = std::atoi(std::filesystem::path(t.path).filename().c_str());
      }
      return t;
    }
    std::array<char, 4096> to{};
    const ssize_t size = ::readlink(t.path.c_str(), to.data(), to.size());
    if (size < 0) return std::nullopt;
    const std::filesystem::path next(std::string(to.data(), static_cast<std::size_t>(size)));
    t.path = next.is_absolute() ? next.string() : (std::filesystem::path(folder) / next).string();
  }
  t.is_plain = !t.exists || S_ISREG(t.status.st_mode);
  return t;
}

TABSCORE_INLINE bool is_same_file(const std::string& a, const std::string& b) {
  const auto one = find_write_target(a), other = find_write_target(b);
  if (!one || !other) return false;
  if (one->exists && other->exists) return (one->is_plain || other->is_plain) && one->is(other->status);
  if (!one->is_plain || !other->is_plain) return false;
  std::error_code failed;
  const auto plain = [&](const write_target& t) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(t.path, failed), failed);
  };
  return plain(*one) == plain(*other) && !failed;
}

TABSCORE_INLINE unique_fd open_directly(const write_target& t, int flags, std::chrono::milliseconds patience) {
  const bool shares = t.descriptor >= 0 && (S_ISREG(t.status.st_mode) || S_ISSOCK(t.status.st_mode));
  if (shares) return unique_fd(::fcntl(t.descriptor, F_DUPFD_CLOEXEC, 3));  // the offset is the descriptor's
  const int how = O_WRONLY | O_NOCTTY | O_CLOEXEC | flags;
  if (!t.is_fifo()) return unique_fd(::open(t.path.c_str(), how));
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    unique_fd fd(::open(t.path.c_str(), how | O_NONBLOCK));
    if (fd && (flags & O_NONBLOCK) == 0) ::fcntl(fd.get(), F_SETFL, 0);
    if (fd || errno != ENXIO || std::chrono::steady_clock::now() >= deadline) return fd;
    ::usleep(50'000);
  }
}

TABSCORE_INLINE void take_after(int fd, const struct ::stat& old) noexcept {
  struct ::stat now {};
  ::mode_t mode = old.st_mode & 0777U;
  if (::fstat(fd, &now) != 0) return;
  if ((now.st_uid != old.st_uid || now.st_gid != old.st_gid) && ::fchown(fd, old.st_uid, old.st_gid) != 0 &&
      ::fchown(fd, static_cast<::uid_t>(-1), old.st_gid) != 0) {
    mode &= ~070U;
  }
  static_cast<void>(::fchmod(fd, mode));
}

TABSCORE_INLINE bool is_read_again(const std::string& written, const std::string& read) {
  struct ::stat to {
  }, from{};
  return ::stat(written.c_str(), &to) == 0 && S_ISREG(to.st_mode) && ::stat(read.c_str(), &from) == 0 &&
         to.st_ino == from.st_ino && to.st_dev == from.st_dev;
}

}  // namespace tabscore::inline TABSCORE_ABI::files
#endif
