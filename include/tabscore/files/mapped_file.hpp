// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "descriptor.hpp"
#include "lock_file.hpp"

namespace tabscore::inline TABSCORE_ABI::files {

/// A file of a fixed number of 64-bit words, mapped into memory: stored words are in the file also after SIGKILL (a
/// power loss may lose them). Locked: one process has it open. Writers synchronise themselves.
class mapped_file {
 public:
  mapped_file() = default;
  /// Leaves the other one empty.
  mapped_file(mapped_file&& other) noexcept : fd_(std::move(other.fd_)), words_(std::exchange(other.words_, {})) {}
  mapped_file& operator=(mapped_file&&) = delete;
  ~mapped_file() {
    if (!words_.empty()) ::munmap(words_.data(), words_.size_bytes());
  }

  /// Opens a file of this size, or creates one of zeros, whose first word the caller must set. The space on the disk is
  /// allocated at once. Waits this long for another process that has it open.
  static result<mapped_file> open(const std::string& path, std::size_t words, ::mode_t mode,
                                  std::chrono::milliseconds patience);

  /// A file is mapped.
  explicit operator bool() const noexcept { return !words_.empty(); }
  /// The file's contents; a stored word is in the file.
  std::span<std::uint64_t> words() const noexcept { return words_; }
  /// Forces everything to the disk.
  bool sync() const noexcept { return ::msync(words_.data(), words_.size_bytes(), MS_SYNC) == 0; }

 private:
  unique_fd fd_;
  std::span<std::uint64_t> words_;
};

}  // namespace tabscore::inline TABSCORE_ABI::files

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::files {

TABSCORE_INLINE result<mapped_file> mapped_file::open(const std::string& path, std::size_t words, ::mode_t mode,
                                                      std::chrono::milliseconds patience) {
  const auto fail = [&](const std::string& what) { return error{errc::io, path + ": " + what}; };
  mapped_file file;
  file.fd_ = unique_fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode));
  if (!file.fd_) return fail("cannot be opened" + because_of_errno());
  // A process that was just killed holds its lock until the kernel is done with it.
  if (!lock_within(file.fd_.get(), patience)) {
    return fail(errno == EWOULDBLOCK ? "another process has it open" : "cannot be locked" + because_of_errno());
  }
  struct ::stat found {};
  if (::fstat(file.fd_.get(), &found) != 0) return fail("cannot be read" + because_of_errno());
  if (!S_ISREG(found.st_mode)) return fail("expected a regular file");
  const auto bytes = static_cast<::off_t>(words * 8);
  std::uint64_t first = 0;  // of a file that its process did not live to make whole it is 0, too
  static_cast<void>(::pread(file.fd_.get(), &first, sizeof first, 0));
  const bool is_new = first == 0 && found.st_size <= bytes;
  if (!is_new && found.st_size != bytes) {
    return error{errc::mismatch, path + ": expected a file of " + std::to_string(bytes) + " bytes, found " +
                                     std::to_string(found.st_size)};
  }
  if (is_new) {
    // Memory without room on the disk would be a SIGBUS later.
    if (const int failed = ::posix_fallocate(file.fd_.get(), 0, bytes); failed != 0) {
      errno = failed;
      const std::string why = because_of_errno();
      static_cast<void>(::ftruncate(file.fd_.get(), 0) == 0 && ::unlink(path.c_str()) == 0);
      return fail("cannot take " + std::to_string(bytes) + " bytes" + why);
    }
  }
  void* const memory = ::mmap(nullptr, words * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd_.get(), 0);
  if (memory == MAP_FAILED) return fail("cannot be mapped" + because_of_errno());
  file.words_ = {static_cast<std::uint64_t*>(memory), words};
  return file;
}

}  // namespace tabscore::inline TABSCORE_ABI::files
#endif
