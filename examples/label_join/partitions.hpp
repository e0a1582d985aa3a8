// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <tabscore/files/descriptor.hpp>
#include <utility>
#include <vector>

/// Records of a few 64-bit words, the first of which is a hash, apart by its first bits. They wait in memory up to a
/// bound and in an unnamed temporary file beyond it.
class partitions {
 public:
  static constexpr std::size_t count = 128;

  partitions(std::size_t memory_bytes, std::string folder) : most_(memory_bytes / 8), folder_(std::move(folder)) {}

  /// False: the temporary file cannot be written, see failure().
  bool add(std::span<const std::uint64_t> record) {
    auto& part = part_[record[0] >> 57U];
    part.waiting.insert(part.waiting.end(), record.begin(), record.end());
    words_ += record.size();
    return words_ <= most_ || spill();
  }

  /// All records of a partition, in the order in which they came.
  bool load(std::size_t at, std::vector<std::uint64_t>& to) {
    const partition& part = part_[at];
    to.clear();
    for (const auto& [offset, words] : part.spilled) {
      const std::size_t begin = to.size();
      to.resize(begin + words);
      auto* bytes = reinterpret_cast<char*>(to.data() + begin);
      for (std::size_t done = 0; done < words * 8;) {
        const ssize_t n = ::pread(file_.get(), bytes + done, words * 8 - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail("cannot be read");
        done += static_cast<std::size_t>(n);
      }
    }
    to.insert(to.end(), part.waiting.begin(), part.waiting.end());
    return true;
  }

  const std::string& failure() const noexcept { return failure_; }

 private:
  struct partition {
    std::vector<std::uint64_t> waiting;
    std::vector<std::pair<std::uint64_t, std::size_t>> spilled;  // offsets in bytes, words
  };

  bool fail(const char* what) {
    failure_ = "the temporary file in " + folder_ + " " + what + tabscore::files::because_of_errno();
    return false;
  }
  bool spill() {
    if (!file_ && !create()) return fail("cannot be made");
    for (partition& part : part_) {
      if (part.waiting.empty()) continue;
      const std::string_view bytes(reinterpret_cast<const char*>(part.waiting.data()), part.waiting.size() * 8);
      if (!tabscore::files::write_all(file_.get(), bytes)) return fail("cannot be written");
      part.spilled.emplace_back(size_, part.waiting.size());
      size_ += bytes.size();
      part.waiting = {};
    }
    words_ = 0;
    return true;
  }
  bool create() {
    std::string name = folder_ + "/tabscore-labels.XXXXXX";
    file_ = tabscore::files::unique_fd(::mkostemp(name.data(), O_CLOEXEC));
    return file_ && ::unlink(name.c_str()) == 0;
  }

  std::array<partition, count> part_;
  std::size_t words_ = 0, most_;
  std::string folder_, failure_;
  tabscore::files::unique_fd file_;
  std::uint64_t size_ = 0;
};
