// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "../../core/result.hpp"

namespace tabscore::detail {

/// A file descriptor that is closed with its owner.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Where in the log the write that is under way begins and ends, kept in a small file beside it. A process that is
/// killed may leave the front part of a write behind (the kernel looks for SIGKILL between pages), and nothing in the
/// lines tells that front part from a whole batch: who opens the log next cuts off what is not the whole of it.
/// The file is locked as long as it is open: a log has one writer.
class intent_file {
 public:
  struct intent {
    std::uint64_t device = 0, inode = 0;  // of the log
    std::uint64_t begin = 0, end = 0;     // bytes of the log
  };

  static result<intent_file> open(const std::string& path, std::chrono::milliseconds patience) {
    const auto fail = [&](const std::string& what) { return error{errc::io, "'" + path + "': " + what}; };
    intent_file file;
    file.fd_ = unique_fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file.fd_) return fail("cannot be opened (" + std::generic_category().message(errno) + ")");
    // A writer that was just killed holds its lock until the kernel is done with it.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (::flock(file.fd_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      if (std::chrono::steady_clock::now() >= deadline) return fail("another process is writing this log");
      ::usleep(10'000);
    }
    return file;
  }

  /// One small write within a page, which SIGKILL cannot split.
  bool declare(const intent& next) const noexcept {
    return ::pwrite(fd_.get(), &next, sizeof next, 0) == static_cast<ssize_t>(sizeof next);
  }
  std::optional<intent> read() const noexcept {
    intent last;
    if (::pread(fd_.get(), &last, sizeof last, 0) != static_cast<ssize_t>(sizeof last)) return std::nullopt;
    return last;
  }

 private:
  unique_fd fd_;
};

}  // namespace tabscore::detail
