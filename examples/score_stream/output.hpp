// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// A file that is there whole or not at all: written under the name FILE.partial, forced to the disk and renamed at the
/// end. Without a name it is the standard output, which has none of that. Ends the program where it cannot be written.
class output {
 public:
  /// Takes up FILE.partial after its first `keep` bytes, which must be there. Another process that writes it is an
  /// error. `resumable`: a failure leaves FILE.partial as it is.
  output(const std::string& path, std::uint64_t keep, bool resumable);

  void write(std::string_view bytes);
  /// Bytes in all, kept ones included.
  std::uint64_t size() const noexcept { return size_; }
  /// What was written survives a loss of power.
  void sync();
  /// Gives the file its name. sync() it first.
  void commit();
  /// Removes FILE.partial, unless it is resumable.
  void discard() noexcept;

  /// commit() of one that was left by a process that had come to its end: nothing if it is done already.
  static void commit_left(const std::string& path);

 private:
  [[noreturn]] void fail(std::string_view what) const;
  std::string path_;
  int file_;
  std::uint64_t size_ = 0;
  bool resumable_;
};
