// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../../core/detail/out_of_memory.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// As long as it lives a broken pipe is an error of this thread's write(), whatever SIGPIPE would do.
class no_sigpipe {
 public:
  no_sigpipe() noexcept {
    ::sigset_t pending;
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::sigemptyset(&pending);
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;
  ~no_sigpipe() {
    const int error = errno;
    constexpr ::timespec at_once{};
    while (!was_pending_ && ::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  ::sigset_t pipe_, before_;
  bool was_pending_;
};

/// Writes to a pipe, socket or device that does not block. A reader that takes nothing for a quarter of a second has
/// stopped, and is not waited for until it reads again. The rest of a partial write goes first the next time, so that
/// no line is torn, also for the next reader: bytes stay in a pipe when its reader leaves.
class pipe_writer {
  using clock = std::chrono::steady_clock;

 public:
  /// False: the reader has stopped or gone; nothing was written, or a part, whose rest follows.
  bool write(int fd, std::string_view bytes) noexcept {
    const no_sigpipe quiet;
    if (!push_rest(fd, !stopped_)) return false;
    std::string_view left = bytes;
    if (push(fd, left, !stopped_)) return stopped_ = false, true;
    if (left.size() < bytes.size()) {
      const bool later =
          (errno == EAGAIN || errno == EPIPE) && unless_out_of_memory([&] { return rest_.assign(left), true; });
      if (!later) rest_ = "\n";  // an end for the line that was torn
    }
    stopped_ = true;
    return false;
  }
  /// Writes the rest of what came in part, if there is room.
  void flush(int fd) noexcept {
    if (rest_.empty()) return;
    const no_sigpipe quiet;
    push_rest(fd, false);
  }

 private:
  static constexpr std::chrono::milliseconds idle{250}, all{2000};

  bool push_rest(int fd, bool waits) noexcept {
    if (rest_.empty()) return true;
    std::string_view left = rest_;
    const bool done = push(fd, left, waits);
    rest_.erase(0, rest_.size() - left.size());
    stopped_ = !done;
    return done;
  }
  /// Takes what was written from the front of `bytes`.
  static bool push(int fd, std::string_view& bytes, bool waits) noexcept {
    const clock::time_point begin = waits ? clock::now() : clock::time_point{};
    clock::time_point progress = begin;
    while (!bytes.empty()) {
      const ssize_t n = write_some(fd, bytes);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
        if (waits) progress = clock::now();
      } else if (n < 0 && errno == EAGAIN) {
        if (!waits) return false;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>((std::min)(progress + idle, begin + all) - clock::now());
        if (left.count() <= 0) return errno = EAGAIN, false;
        ::pollfd room{fd, POLLOUT, 0};
        static_cast<void>(::poll(&room, 1, static_cast<int>(left.count())));
      } else if (n < 0 && errno != EINTR) {
        return false;
      }
    }
    return true;
  }
  static ssize_t write_some(int fd, std::string_view bytes) noexcept {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 && errno == ENOTSOCK ? ::write(fd, bytes.data(), bytes.size()) : n;
  }

  std::string rest_;
  bool stopped_ = false;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
