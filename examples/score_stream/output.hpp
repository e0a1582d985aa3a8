// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tabscore/files/replaced_file.hpp>

/// A file that is there whole or not at all (see replaced_file), or the standard output, which has none of that. Ends
/// the program where it cannot be written.
class output {
 public:
  /// Takes up FILE.partial after its first `keep` bytes, which must be there. `resumable`: a failure leaves
  /// FILE.partial as it is, so FILE must be a regular one. `mode`: of a new file.
  output(const std::string& path, std::uint64_t keep, bool resumable, ::mode_t mode);

  void write(std::string_view bytes);
  /// Bytes in all, kept ones included.
  std::uint64_t size() const noexcept { return size_; }
  /// What was written survives a loss of power.
  void sync();
  /// Gives the file its name. sync() it first.
  void commit();
  /// Removes FILE.partial, unless it is resumable or has its name.
  void discard() noexcept;

  /// commit() of one that was left by a process that had come to its end: nothing if it is done already.
  static void commit_left(const std::string& path);

 private:
  [[noreturn]] void fail(std::string_view what);
  std::string path_;
  std::optional<tabscore::files::replaced_file> file_;  // none: the standard output
  std::uint64_t size_ = 0;
  bool resumable_;
};
