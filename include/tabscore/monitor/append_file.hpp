// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "../core/result.hpp"
#include "detail/intent_file.hpp"

namespace tabscore {

/// When appended bytes are forced to the disk. Until then a power loss may take them; the death of the process may not.
enum class durability : std::uint8_t {
  none,      ///< when the system sees fit
  interval,  ///< a while after they were written at the latest, given that tick() or append() is called that often
  always     ///< before append() returns
};

struct append_settings {
  durability sync = durability::interval;
  std::chrono::milliseconds sync_interval{1000};
  std::uint64_t rotate_bytes = 0;      ///< a file that would grow beyond is set aside first; 0: none is
  std::chrono::seconds rotate_age{0};  ///< a file of this age is set aside; 0: none is
};

/// What open() found wrong with the end of a file and put right.
struct append_repair {
  std::uint64_t cut_bytes = 0;  ///< the front part of an append that its process did not live to finish, cut off
  bool sealed = false;          ///< the last line had no end (a power loss); it was given one
};

/// A file of lines that only grows. What one append() brings is in it whole or not at all, whether the disk is full or
/// the process is killed: what a killed process began is cut off by the next open(). One process at a time has it open
/// (a small file beside it, `<path>.intent`, is locked meanwhile); the next one waits a few seconds, then fails.
/// A file that is set aside becomes `<path>.<UTC time>`; what is appended at once stays together. Pipes and devices are
/// written to and nothing else. POSIX only.
/// No concurrent call causes a data race; waiting for the disk in sync() and tick() blocks no append().
template <class Mutex>
class basic_append_file {
  using clock = std::chrono::system_clock;

 public:
  /// Opens the file to append to, or makes it with its folders.
  static result<std::unique_ptr<basic_append_file>> open(const std::string& path, const append_settings& settings) {
    std::unique_ptr<basic_append_file> file(new basic_append_file(path, settings));
    std::error_code failed;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, failed);
    const auto fail = [&](std::string what) { return error{errc::io, "'" + path + "': " + std::move(what)}; };
    const auto system_says = [] { return " (" + std::generic_category().message(errno) + ")"; };
    if (!file->open_current()) return fail("cannot be opened to append" + system_says());
    if (!file->current_->regular) return file;
    auto intents = detail::intent_file::open(path + ".intent", std::chrono::seconds(5));
    if (!intents) return fail("cannot be appended to: " + intents.error().message);
    file->intents_.emplace(std::move(*intents));
    if (!file->open_current()) return fail("cannot be opened to append" + system_says());  // it may be another by now
    if (!file->repair()) return fail("its end cannot be read or put right" + system_says());
    return file;
  }

  basic_append_file(const basic_append_file&) = delete;
  basic_append_file& operator=(const basic_append_file&) = delete;
  ~basic_append_file() {
    if (settings_.sync != durability::none) sync();
    if (intents_) intents_->declare({});
  }

  /// Appends all of it by one write, or nothing: false.
  bool append(std::string_view bytes) noexcept {
    const std::lock_guard lock(mutex_);
    if (intents_) rotate_if_due(bytes.size());
    const int fd = current_->fd.get();
    off_t begin = intents_ ? ::lseek(fd, 0, SEEK_END) : 0;
    if (intents_ && !prepare(begin, bytes.size())) return false;
    bool whole = write_all(fd, bytes);
    if (whole && intents_ && settings_.sync == durability::always) whole = sync_now(*current_);
    if (!whole) {
      if (intents_ && ::ftruncate(fd, begin) != 0) cut_to_ = begin;
      return false;
    }
    unsynced_ = intents_.has_value();
    if (sync_is_due()) {
      mark_synced();
      sync_now(*current_);
    }
    return true;
  }

  /// Forces everything that was appended to the disk; false when the disk says no.
  bool sync() noexcept { return !intents_ || sync_now(*locked_current()); }

  /// What time brings: call it a few times per sync_interval. Forces to the disk and sets aside what is due.
  void tick() noexcept {
    std::shared_ptr<const file> due;
    {
      const std::lock_guard lock(mutex_);
      if (!intents_) return;
      rotate_if_due(0);
      if (!sync_is_due()) return;
      mark_synced();
      due = current_;
    }
    sync_now(*due);
  }

  /// Sets the file aside and begins another; one that somebody else has renamed is left to him. False when that failed
  /// and the old file is still written to.
  bool rotate() noexcept {
    const std::lock_guard lock(mutex_);
    return !intents_ || rotate_locked();
  }

  append_repair repaired() const noexcept { return repaired_; }
  /// How often forcing to the disk has failed: what was written before may not survive a power loss.
  std::uint64_t sync_failures() const noexcept { return sync_failures_; }

 private:
  struct file {
    detail::unique_fd fd;
    struct ::stat status {};
    bool regular = false;
    clock::time_point born;
  };

  basic_append_file(std::string path, const append_settings& settings) : path_(std::move(path)), settings_(settings) {}

  bool open_current() noexcept {
    auto next = std::make_shared<file>();
    next->fd = detail::unique_fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (!next->fd || ::fstat(next->fd.get(), &next->status) != 0) return false;
    next->regular = S_ISREG(next->status.st_mode);
    next->born = clock::now();
    struct statx times {};
    if (next->status.st_size > 0 && ::statx(next->fd.get(), "", AT_EMPTY_PATH, STATX_BTIME, &times) == 0 &&
        (times.stx_mask & STATX_BTIME) != 0) {
      next->born = clock::from_time_t(static_cast<std::time_t>(times.stx_btime.tv_sec));
    }
    current_ = std::move(next);
    return true;
  }

  bool repair() noexcept {
    const int fd = current_->fd.get();
    const auto size = static_cast<std::uint64_t>(current_->status.st_size);
    const auto last = intents_->read();
    if (last && last->device == current_->status.st_dev && last->inode == current_->status.st_ino &&
        last->begin < size && size < last->end) {
      if (::ftruncate(fd, static_cast<off_t>(last->begin)) != 0) return false;
      repaired_.cut_bytes = size - last->begin;
    } else if (size > 0) {
      const detail::unique_fd reader(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
      char end = 0;
      if (!reader || ::pread(reader.get(), &end, 1, static_cast<off_t>(size - 1)) != 1) return false;
      repaired_.sealed = end != '\n';
      if (repaired_.sealed && !write_all(fd, "\n")) return false;
    }
    if (settings_.sync != durability::none) sync_folder();
    return true;
  }

  /// Cuts off what an earlier failure left and says what comes next. False when either is impossible.
  bool prepare(off_t& begin, std::size_t bytes) noexcept {
    if (begin < 0) return false;
    if (cut_to_) {
      if (*cut_to_ < begin && ::ftruncate(current_->fd.get(), *cut_to_) != 0) return false;
      begin = std::min(begin, *cut_to_);
      cut_to_.reset();
    }
    const auto at = static_cast<std::uint64_t>(begin);
    return intents_->declare({current_->status.st_dev, current_->status.st_ino, at, at + bytes});
  }

  static bool write_all(int fd, std::string_view bytes) noexcept {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) return false;
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  void rotate_if_due(std::size_t more) noexcept {
    if (settings_.rotate_bytes == 0 && settings_.rotate_age.count() == 0) return;
    const off_t size = ::lseek(current_->fd.get(), 0, SEEK_END);
    if (size <= 0) return;
    const bool too_large =
        settings_.rotate_bytes != 0 && static_cast<std::uint64_t>(size) + more > settings_.rotate_bytes;
    const bool too_old = settings_.rotate_age.count() != 0 && clock::now() - current_->born >= settings_.rotate_age;
    if (too_large || too_old) rotate_locked();
  }

  bool rotate_locked() noexcept {
    struct ::stat named {};
    const bool ours = ::stat(path_.c_str(), &named) == 0 && named.st_ino == current_->status.st_ino &&
                      named.st_dev == current_->status.st_dev;
    if (ours && named.st_size == 0) return true;
    if (cut_to_ && ::ftruncate(current_->fd.get(), *cut_to_) != 0) return false;
    cut_to_.reset();
    if (settings_.sync != durability::none) sync_now(*current_);
    const std::string aside = ours ? name_aside() : std::string();
    if (ours && ::rename(path_.c_str(), aside.c_str()) != 0) return false;
    if (!open_current()) {
      if (ours) static_cast<void>(::rename(aside.c_str(), path_.c_str()));
      return false;
    }
    unsynced_ = false;
    if (settings_.sync != durability::none) sync_folder();
    return true;
  }

  std::string name_aside() const {
    const std::time_t now = clock::to_time_t(clock::now());
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char text[32];
    const std::size_t length = std::strftime(text, sizeof text, ".%Y%m%dT%H%M%SZ", &utc);
    const std::string name = path_ + std::string(text, length);
    std::string free = name;
    for (int n = 2; ::access(free.c_str(), F_OK) == 0; ++n) free = name + "-" + std::to_string(n);
    return free;
  }

  std::shared_ptr<const file> locked_current() noexcept {
    const std::lock_guard lock(mutex_);
    mark_synced();
    return current_;
  }
  bool sync_is_due() const noexcept {
    return unsynced_ && settings_.sync == durability::interval &&
           std::chrono::steady_clock::now() - synced_ >= settings_.sync_interval;
  }
  void mark_synced() noexcept {
    unsynced_ = false;
    synced_ = std::chrono::steady_clock::now();
  }
  bool sync_now(const file& f) noexcept {
    if (::fdatasync(f.fd.get()) == 0) return true;
    ++sync_failures_;
    return false;
  }
  /// So that the file's name survives a power loss too.
  void sync_folder() noexcept {
    const auto folder = std::filesystem::path(path_).parent_path();
    const detail::unique_fd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd && ::fsync(fd.get()) != 0) ++sync_failures_;
  }

  std::string path_;
  append_settings settings_;
  Mutex mutex_;                                 // of all below but the atomics
  std::optional<detail::intent_file> intents_;  // of a regular file; none: a pipe or a device
  std::shared_ptr<const file> current_;
  std::optional<off_t> cut_to_;  // where the rest of a failed append, which could not be cut off then, begins
  bool unsynced_ = false;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
  append_repair repaired_;
  std::atomic<std::uint64_t> sync_failures_ = 0;
};

}  // namespace tabscore
