// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::files {

/// A file descriptor that is closed with its owner.
class unique_fd {
 public:
  unique_fd() = default;
  /// Owns the descriptor; -1: empty.
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  /// Leaves the other one empty.
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  /// Closes its own first.
  unique_fd& operator=(unique_fd&& other) noexcept {
    unique_fd taken(std::move(other));
    std::swap(fd_, taken.fd_);
    return *this;
  }
  ~unique_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  /// The descriptor, still owned; -1: empty.
  int get() const noexcept { return fd_; }
  /// The caller becomes the owner.
  int release() noexcept { return std::exchange(fd_, -1); }
  /// It owns a descriptor.
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Writes all of it, waiting where a descriptor does not block; false: errno says why not.
inline bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    if (n >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    ::pollfd room{fd, POLLOUT, 0};
    static_cast<void>(::poll(&room, 1, -1));
  }
  return true;
}

/// " (No space left on device)", of errno.
inline std::string because_of_errno() { return " (" + std::generic_category().message(errno) + ")"; }

}  // namespace tabscore::inline TABSCORE_ABI::files
