// SPDX-License-Identifier: MIT
#include "output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "stop.hpp"

namespace {

std::string partial(const std::string& path) { return path + ".partial"; }

/// A new name survives a loss of power with its folder.
void sync_folder(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const int file = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  ::fsync(file);
  ::close(file);
}

}  // namespace

void output::fail(std::string_view what) const {
  stop(exit_code::input_output, fmt::format("{}: {}: {}", path_.empty() ? "the standard output" : path_, what,
                                            std::generic_category().message(errno)));
}

output::output(const std::string& path, std::uint64_t keep, bool resumable)
    : path_(path), file_(1), size_(keep), resumable_(resumable) {
  if (path_.empty()) return;
  for (;;) {
    file_ = ::open(partial(path_).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) fail("cannot be written");
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) stop(exit_code::input_output, path_ + ": another process writes it");
      fail("cannot be locked");
    }
    // Whoever had the lock may have given the file its name since we opened it.
    struct stat ours {};
    struct stat named {};
    if (::fstat(file_, &ours) == 0 && ::stat(partial(path_).c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
        ours.st_dev == named.st_dev) {
      if (static_cast<std::uint64_t>(ours.st_size) < keep) {
        stop(exit_code::input_output, partial(path_) + ": shorter than its checkpoint says");
      }
      break;
    }
    ::close(file_);
  }
  if (::ftruncate(file_, static_cast<off_t>(keep)) != 0 || ::lseek(file_, static_cast<off_t>(keep), SEEK_SET) < 0) {
    fail("cannot be written");
  }
}

void output::write(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int why = errno;
      discard();
      errno = why;
      fail("cannot be written");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void output::sync() {
  if (!path_.empty() && ::fsync(file_) != 0) fail("cannot be forced to the disk");
}

void output::commit() {
  if (path_.empty()) {
    // A file system may tell of a full disk only now.
    if (::close(file_) != 0 && errno != EINTR) fail("cannot be written");
    return;
  }
  if (std::rename(partial(path_).c_str(), path_.c_str()) != 0) fail("cannot get its name");
  sync_folder(path_);
  if (::close(file_) != 0 && errno != EINTR) fail("cannot be written");
}

void output::discard() noexcept {
  if (!path_.empty() && !resumable_) ::unlink(partial(path_).c_str());
}

void output::commit_left(const std::string& path) {
  if (path.empty() || ::access(partial(path).c_str(), F_OK) != 0) return;
  if (std::rename(partial(path).c_str(), path.c_str()) != 0) {
    stop(exit_code::input_output, path + ": cannot get its name");
  }
  sync_folder(path);
}
