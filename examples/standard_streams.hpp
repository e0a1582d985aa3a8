// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
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
