// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "../../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Room on the disk behind the end of a file, taken in advance of appends. A file system that looks for a place when
/// bytes are forced to the disk makes appends wait meanwhile; so a file that grows fast gets its place in each tick()
/// for the next two to four of them.
class disk_room {
 public:
  struct range {
    std::uint64_t begin = 0, end = 0;
  };

  /// Another file, or one that was cut: it has no room behind its end.
  void reset(std::uint64_t size) noexcept { end_ = size; }
  void count(std::uint64_t appended) noexcept { grown_ += appended; }

  /// What to take for a file of that size, given how fast it has grown since the last time; empty: nothing. `most`:
  /// where the file ends at the latest; 0: anywhere.
  range wanted(std::uint64_t size, std::uint64_t most) noexcept {
    const std::uint64_t grown = std::exchange(grown_, 0);
    if (grown < least_growth || end_ >= size + 2 * grown) return {};
    std::uint64_t end = size + (std::min)(4 * grown, most_room);
    if (most != 0) end = (std::min)(end, most);
    return {(std::max)(end_, size), end};
  }

  /// Takes it, which may wait for the disk. Gives what to keep(); nothing: it was interrupted.
  static std::optional<std::uint64_t> take(int fd, range room) noexcept {
    const auto begin = static_cast<off_t>(room.begin), end = static_cast<off_t>(room.end);
    if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, begin, end - begin) == 0) return room.end;
    if (errno == EINTR) return std::nullopt;
    return none;  // the disk is full, or the file system cannot
  }
  void keep(int fd, std::uint64_t end) noexcept {
    end_ = end;
    if (end == none) give_back(fd);
  }

  /// Frees what lies behind the end of the file. Only its one writer may do that.
  static void give_back(int fd) noexcept {
    constexpr off_t unit = 512, last_block = 4096;  // of st_blocks; of the file, which may not be full
    struct ::stat now {};
    if (::fstat(fd, &now) != 0 || now.st_blocks <= (now.st_size + last_block) / unit) return;
    static_cast<void>(::ftruncate(fd, now.st_size));
  }

 private:
  static constexpr std::uint64_t least_growth = std::uint64_t{1} << 20;  // from tick to tick, for it to be worth it
  static constexpr std::uint64_t most_room = std::uint64_t{256} << 20;
  static constexpr std::uint64_t none = (std::numeric_limits<std::uint64_t>::max)();  // no more is wanted

  std::uint64_t end_ = 0;    // of the room
  std::uint64_t grown_ = 0;  // bytes since the last time
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
