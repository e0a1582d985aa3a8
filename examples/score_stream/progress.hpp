// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "../standard_streams.hpp"
#include "checkpoint.hpp"

/// A line on the terminal that says how far it is: how much is done, at which rate, how long it still takes. Silent
/// where the standard error output is not a terminal.
class progress {
  using clock = std::chrono::steady_clock;

 public:
  /// `total`: bytes in all, if known; `before`: what an earlier run has done of it.
  progress(bool quiet, std::optional<std::uint64_t> total, const counts& before)
      : on_(!quiet && ::isatty(2) == 1), total_(total), before_(before) {}

  void show(const counts& done) {
    const auto now = clock::now();
    if (!on_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(200);
    const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 1e-3);
    std::string line =
        fmt::format("{} records, {:.2f} M/s", done.read, static_cast<double>(done.read - before_.read) / seconds / 1e6);
    if (total_ && *total_ > 0) {
      const double part = std::min(1.0, static_cast<double>(done.bytes) / static_cast<double>(*total_));
      const double rate = static_cast<double>(done.bytes - before_.bytes) / seconds;
      const double left = (static_cast<double>(*total_) - static_cast<double>(done.bytes)) / std::max(rate, 1.0);
      line = fmt::format("{:3.0f} %  {}, {} left", part * 100, line, time_text(std::max(left, 0.0)));
      // No longer than the terminal is wide: a line that wraps could not be written over.
      winsize terminal{};
      const std::size_t width = ::ioctl(2, TIOCGWINSZ, &terminal) == 0 && terminal.ws_col > 0 ? terminal.ws_col : 80;
      const std::size_t bar = std::min<std::size_t>(30, width - std::min(width, line.size() + 4));
      const auto full = static_cast<std::size_t>(part * static_cast<double>(bar));
      if (bar > 4) line = fmt::format("[{}{}] {}", std::string(full, '#'), std::string(bar - full, '.'), line);
    }
    say("\r{}\x1b[K", line);
    shown_ = true;
  }
  /// Takes the line away.
  void clear() {
    if (shown_) say("\r\x1b[K");
    shown_ = false;
  }

 private:
  static std::string time_text(double seconds) {
    const auto s = static_cast<std::uint64_t>(std::min(seconds, 3.6e6) + 0.5);
    return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                    : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  }

  bool on_;
  bool shown_ = false;
  std::optional<std::uint64_t> total_;
  counts before_;
  clock::time_point start_ = clock::now();
  clock::time_point next_ = start_ + std::chrono::milliseconds(500);
};
