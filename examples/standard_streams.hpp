// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Call first in main(). Whoever started the program may have closed descriptors 0 to 2: the next file opened would be
/// the standard output, and get what is printed. They are taken by /dev/null, opened so that reading or printing fails.
inline void hold_standard_streams() noexcept {
  for (const int fd : {0, 1, 2}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      static_cast<void>(::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY));
    }
  }
}

/// Prints to the standard error output. That nobody can read it, or its disk is full, is no reason to fail.
template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  std::fputs(fmt::format(text, std::forward<Args>(args)...).c_str(), stderr);
}

/// Prints to the standard output; is_output_written() tells whether that could be. (fmt::print throws once a buffer is
/// full, and the disk too.)
template <class... Args>
void print_out(fmt::format_string<Args...> text, Args&&... args) {
  const std::string all = fmt::format(text, std::forward<Args>(args)...);
  static_cast<void>(std::fwrite(all.data(), 1, all.size(), stdout));
}

/// Call last. False, and says so: something printed to the standard output is lost (a full disk, say).
inline bool is_output_written(std::string_view program) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  say("{}: the standard output cannot be written ({})\n", program, std::generic_category().message(errno));
  return false;
}
