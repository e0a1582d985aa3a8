// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>
#include <tabscore/files/write_target.hpp>
#include <vector>

/// What a program does with a file. `read_first`: all of it is read before anything is written, so it may be replaced;
/// `kept`: replaced under a files::lock_file.
enum class file_use { read, read_first, appended, replaced, kept, resumed };

/// A file that the command line names. Empty: it does not.
struct named_file {
  std::string what;  ///< a flag, or of a file that is read: "an input"
  std::string path;
  file_use use = file_use::read;

  bool is_written() const noexcept { return use != file_use::read && use != file_use::read_first; }
};

/// The files that the library and score_stream make beside one that is written, and take for theirs.
inline std::vector<std::string> names_beside(const named_file& file) {
  const auto target = tabscore::files::find_write_target(file.path);
  if (!file.is_written() || !target || !target->is_plain) return {};
  if (file.use == file_use::appended) return {target->path + ".intent"};
  std::vector<std::string> names{target->path + ".partial"};
  if (file.use == file_use::kept) names.push_back(target->path + ".lock");
  if (file.use == file_use::resumed) {
    names.push_back(file.path + ".checkpoint");
    names.push_back(file.path + ".checkpoint.partial");
  }
  return names;
}

/// Where one file would be lost for another; empty: nowhere.
inline std::string wrong_names(const std::vector<named_file>& files) {
  using tabscore::files::is_read_again, tabscore::files::is_same_file;
  for (const named_file& file : files) {
    if (!file.is_written()) continue;
    const std::vector<std::string> beside = names_beside(file);
    bool is_before = true;
    for (const named_file& other : files) {
      if (&other == &file) {
        is_before = false;
        continue;
      }
      if (other.is_written() ? is_before : other.use == file_use::read) {
        if (is_same_file(file.path, other.path) || (!other.is_written() && is_read_again(file.path, other.path))) {
          return other.is_written() ? fmt::format("{} and {} are the same file", file.what, other.what)
                                    : fmt::format("{} is {}", file.what, other.what);
        }
      }
      for (const std::string& name : beside) {
        if (is_same_file(name, other.path)) {
          return fmt::format("{} needs {} for itself, which is {}", file.what, name, other.what);
        }
      }
    }
  }
  return {};
}
