// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "../../core/config.hpp"

// Files that were set aside: <path>.20260131T120000Z, and -2, -3, ... where a second saw more than one.
namespace tabscore::inline TABSCORE_ABI::detail {

struct file_aside {
  std::string path;
  std::string time;          // its name's, to the second
  unsigned long number = 1;  // of those of that second
  std::uint64_t bytes = 0;
};

/// A time as it stands in the name of a file that is set aside then.
inline std::string aside_time(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc));
}

/// All that were set aside from `path`, the newest first.
inline std::vector<file_aside> files_aside(const std::string& path) {
  const std::filesystem::path log(path);
  const std::string begin = log.filename().string() + ".";
  std::vector<file_aside> found;
  std::error_code failed;
  std::filesystem::directory_iterator entry(log.has_parent_path() ? log.parent_path() : ".", failed);
  for (const std::filesystem::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    constexpr std::string_view pattern = "00000000T000000Z";
    if (name.size() < begin.size() + pattern.size() || !name.starts_with(begin)) continue;
    file_aside file{entry->path().string(), name.substr(begin.size(), pattern.size())};
    const auto fits = [](char c, char p) { return p == '0' ? c >= '0' && c <= '9' : c == p; };
    if (!std::equal(file.time.begin(), file.time.end(), pattern.begin(), fits)) continue;
    if (const std::string rest = name.substr(begin.size() + pattern.size()); !rest.empty()) {
      char* behind = nullptr;
      file.number = std::strtoul(rest.c_str() + 1, &behind, 10);
      if (rest[0] != '-' || *behind != '\0' || file.number < 2) continue;
    }
    std::error_code no_size;
    if (entry->symlink_status(no_size).type() != std::filesystem::file_type::regular) continue;
    const std::uintmax_t size = entry->file_size(no_size);
    file.bytes = no_size ? 0 : size;
    found.push_back(std::move(file));
  }
  std::sort(found.begin(), found.end(), [](const file_aside& a, const file_aside& b) {
    return std::tie(a.time, a.number) > std::tie(b.time, b.number);
  });
  return found;
}

/// Removes the oldest of the files set aside from `path` until number, bytes and age keep the limits; 0: no limit.
inline void remove_old_files(const std::string& path, std::size_t keep_files, std::uint64_t keep_bytes,
                             std::chrono::seconds keep_age) {
  if (keep_files == 0 && keep_bytes == 0 && keep_age.count() == 0) return;
  std::uint64_t bytes = 0;
  std::size_t kept = 0;
  const std::string oldest =
      keep_age.count() != 0 ? aside_time(std::chrono::system_clock::now() - keep_age) : std::string();
  for (const file_aside& old : files_aside(path)) {
    bytes += old.bytes;
    const bool too_many = keep_files != 0 && kept == keep_files;
    if (too_many || old.time < oldest || (keep_bytes != 0 && bytes > keep_bytes)) {
      ::unlink(old.path.c_str());
    } else {
      ++kept;
    }
  }
}

/// Gives names to files that are set aside, each one behind all before it, also when these are deleted, when a second
/// sees many, and when the clock goes back.
class names_aside {
 public:
  std::string next(const std::string& path, std::chrono::system_clock::time_point now) {
    const std::string time = aside_time(now);
    const auto take = [&](const std::string& t, unsigned long n) {
      if (std::tie(t, n) > std::tie(time_, number_)) time_ = t, number_ = n;
    };
    if (const auto others = files_aside(path); !others.empty()) take(others[0].time, others[0].number);
    ++number_;
    if (time > time_) time_ = time, number_ = 1;
    for (;; ++number_) {  // another's file, or a folder, may be in the way
      std::string name = path + "." + time_ + (number_ > 1 ? "-" + std::to_string(number_) : "");
      struct ::stat other {};
      if (::lstat(name.c_str(), &other) != 0) return name;
    }
  }

 private:
  std::string time_;  // of the last one
  unsigned long number_ = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
