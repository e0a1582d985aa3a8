// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../files/descriptor.hpp"
#include "../../files/lock_file.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Where in the log the write that is under way begins and ends, kept in a small file beside it. A process that is
/// killed may leave the front part of a write behind (the kernel looks for SIGKILL between pages), and nothing in the
/// lines tells that front part from a whole batch: who opens the log next cuts off what is not the whole of it.
/// The file is locked as long as it is open: a log has one writer. Links are not followed, and what belongs to somebody
/// else is not believed.
class intent_file {
 public:
  struct intent {
    std::uint64_t device = 0, inode = 0;  // of the log
    std::uint64_t begin = 0, end = 0;     // bytes of the log
    std::array<char, 64> head{};          // the first of them: somebody else may have emptied the log meanwhile

    /// Of these bytes, to the end of a log of that size.
    static intent of(const struct ::stat& log, std::uint64_t size, std::string_view bytes) noexcept {
      intent next{log.st_dev, log.st_ino, size, size + bytes.size(), {}};
      std::copy_n(bytes.data(), (std::min)(bytes.size(), next.head.size()), next.head.data());
      return next;
    }
    /// Whether the log of that size ends with the front part of this write.
    bool is_cut_off(int reader, const struct ::stat& log, std::uint64_t size) const noexcept {
      if (device != log.st_dev || inode != log.st_ino || begin >= size || size >= end) return false;
      std::array<char, sizeof head> found{};
      const auto wanted = static_cast<std::size_t>((std::min<std::uint64_t>)(found.size(), size - begin));
      return ::pread(reader, found.data(), wanted, static_cast<off_t>(begin)) == static_cast<ssize_t>(wanted) &&
             std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted), head.begin());
    }
  };

  /// `owner`: of the log, whose owner this file has, or else the process's.
  static result<intent_file> open(const std::string& path, ::uid_t owner, std::chrono::milliseconds patience) {
    auto fd = files::open_locked(path, owner, patience, "another process is writing this log");
    if (!fd) return fd.error();
    intent_file file;
    file.fd_ = *std::move(fd);
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
  files::unique_fd fd_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
