// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <tabscore/files/descriptor.hpp>
#include <tabscore/formats/lines.hpp>
#include <utility>
#include <vector>

/// The lines of a file, or of the standard input ("-"), that are not blank. Behind each are the bytes that simdjson
/// needs.
class line_reader {
 public:
  static constexpr std::size_t longest = std::size_t{64} << 20;

  /// What is wrong with the file, if it cannot be read.
  std::optional<std::string> open(const std::string& path) {
    name_ = path == "-" ? "the standard input" : path;
    if (path != "-") {
      file_ = tabscore::files::unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!file_) return name_ + ": cannot be opened" + tabscore::files::because_of_errno();
    }
    return std::nullopt;
  }

  const std::string& name() const noexcept { return name_; }
  std::uint64_t line() const noexcept { return line_; }
  /// The last line has no end.
  bool is_torn() const noexcept { return torn_; }
  const std::string& failure() const noexcept { return failure_; }  ///< why it ended early, if it did

  /// The next line, without its end; false at the end of the file.
  bool next(std::string_view& line) {
    for (;;) {
      const char* const from = buffer_.data() + begin_;
      const void* const feed = std::memchr(from, '\n', end_ - begin_);
      if (feed == nullptr && !ended_) {
        if (!fill()) return false;
        continue;
      }
      if (feed == nullptr && begin_ == end_) return false;
      torn_ = feed == nullptr;
      const auto size = torn_ ? end_ - begin_ : static_cast<std::size_t>(static_cast<const char*>(feed) - from);
      line = {from, size};
      begin_ += size + (torn_ ? 0 : 1);
      if (++line_ == 1) {
        if (const char* const why = tabscore::not_utf8_text(line)) return failure_ = name_ + ": " + why, false;
        line.remove_prefix(tabscore::byte_order_mark(line));
      }
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) return true;
    }
  }

 private:
  bool fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    if (end_ + simdjson::SIMDJSON_PADDING == buffer_.size()) {
      if (end_ >= longest) return failure_ = name_ + ": a line is longer than 64 MiB", false;
      buffer_.resize(2 * buffer_.size());
    }
    for (;;) {
      const ssize_t n =
          ::read(file_ ? file_.get() : 0, buffer_.data() + end_, buffer_.size() - simdjson::SIMDJSON_PADDING - end_);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failure_ = name_ + ": cannot be read" + tabscore::files::because_of_errno(), false;
      ended_ = n == 0;
      end_ += static_cast<std::size_t>(n);
      return true;
    }
  }

  tabscore::files::unique_fd file_;
  std::string name_, failure_;
  std::vector<char> buffer_ = std::vector<char>((std::size_t{1} << 20) + simdjson::SIMDJSON_PADDING);
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t line_ = 0;
  bool ended_ = false, torn_ = false;
};
