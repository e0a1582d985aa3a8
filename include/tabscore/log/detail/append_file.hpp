// SPDX-License-Identifier: MIT
#pragma once

#if !defined(__linux__)
#error "tabscore: the prediction log is for Linux (fallocate, statx, SIGKILL between pages)"
#endif

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/out_of_memory.hpp"
#include "../../files/write_target.hpp"
#include "../../monitor/coarse_clock.hpp"
#include "../append_file.hpp"
#include "chain_end.hpp"
#include "files_aside.hpp"
#include "intent_file.hpp"
#include "pipe_writer.hpp"

namespace tabscore::inline TABSCORE_ABI {

class append_file::impl {
  using clock = std::chrono::system_clock;

 public:
  static result<std::unique_ptr<impl>> open(const std::string& path, const append_settings& settings) {
    std::unique_ptr<impl> file(new impl(path, settings));
    std::error_code failed;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, failed);
    const auto fail = [&](std::string what) { return error{errc::io, "'" + path + "': " + std::move(what)}; };
    for (int tries = 0; !file->open_current(); ++tries) {
      const bool unread = errno == ENXIO && file->is_fifo_;
      if (!unread) return fail("cannot be opened to append" + files::because_of_errno());
      if (tries == 20) return fail("is a pipe without a reader; start its reader first");
      ::usleep(100'000);
    }
    if (!file->current_->regular && settings.chain) return fail("is not a regular file: its lines cannot be chained");
    if (!file->current_->regular) return file;
    auto intents =
        detail::intent_file::open(file->target_ + ".intent", file->current_->status.st_uid, std::chrono::seconds(5));
    if (!intents) return fail("cannot be appended to: " + intents.error().message);
    file->intents_.emplace(std::move(*intents));
    if (!file->open_current()) {  // it may be another file
      return fail("cannot be opened to append" + files::because_of_errno());
    }
    if (!file->repair()) return fail("its end cannot be read or put right" + files::because_of_errno());
    bool foreign = false;
    if (settings.chain && !file->find_chain(foreign)) {
      if (!foreign) return fail("the end of its chain cannot be read" + files::because_of_errno());
      return fail(
          "the last batch of its chain was changed, or written under another key: give that key, or begin another log");
    }
    file->remove_old(file->target_);
    return file;
  }

  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    if (settings_.sync != durability::none) sync();
    if (intents_) announce_nothing();
    if (!intents_ && current_) pipe_.flush(current_->fd.get());
  }

  bool append(std::string_view bytes) noexcept {
    const std::lock_guard lock(mutex_);
    if (!intents_) return pipe_.write(current_->fd.get(), bytes);
    rotate_if_due(bytes.size());
    return append_locked(bytes);
  }

  bool append_batch(text_buffer& lines, const chain_digest& digest) noexcept {
    TABSCORE_ASSERT(chain_, "a file with append_settings::chain");
    const std::lock_guard lock(mutex_);
    if (!intents_) return false;  // the path is a link that leads to a pipe
    rotate_if_due(lines.size() + log_chain::end_space);
    const chain_head batch = chain_->next(head_, digest);
    const bool done = detail::unless_out_of_memory([&] {
      log_chain::append_end(lines, batch, size_ == 0 ? &head_ : nullptr);
      return append_locked(lines.view());
    });
    if (done) head_ = batch;
    return done;
  }

  bool sync() noexcept { return !intents_ || sync_now(*locked_current()); }

  void tick() noexcept {
    std::shared_ptr<const file> current;
    range room;
    bool due = false;
    std::string old_files_of;
    {
      const std::lock_guard lock(mutex_);
      if (!intents_) return pipe_.flush(current_->fd.get());
      find_size();
      rotate_if_due(0);
      current = current_;
      room = room_wanted();
      due = sync_is_due(1);
      if (due) mark_synced();
      if (settings_.keep_age.count() != 0 && coarse_clock::now() - aged_ >= std::chrono::minutes(1)) {
        aged_ = coarse_clock::now();
        detail::unless_out_of_memory([&] { return old_files_of = target_, true; });
      }
    }
    if (!old_files_of.empty()) detail::unless_out_of_memory([&] { return remove_old(old_files_of), true; });
    if (room.begin < room.end) take_room(current, room);
    if (due) sync_now(*current);
  }

  bool rotate() noexcept {
    const std::lock_guard lock(mutex_);
    return !intents_ || detail::unless_out_of_memory([&] { return rotate_locked(); });
  }

  append_repair repaired() const noexcept { return repaired_; }
  std::uint64_t sync_failures() const noexcept { return sync_failures_; }

 private:
  static constexpr std::uint64_t page = 4096;  // a page, or a part of one where they are larger

  // A file system that looks for a place when bytes are forced to the disk makes appends wait meanwhile. So a file that
  // grows fast gets its place in advance, behind its end: in each tick() for the next two to four of them.
  static constexpr std::uint64_t least_growth = std::uint64_t{1} << 20;  // from tick to tick, for that to be worth it
  static constexpr std::uint64_t most_room = std::uint64_t{256} << 20;
  static constexpr std::uint64_t no_room = (std::numeric_limits<std::uint64_t>::max)();
  struct range {
    std::uint64_t begin = 0, end = 0;
  };

  struct file {
    file() = default;
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    ~file() {
      if (has_room) give_room_back(fd.get());
    }

    files::unique_fd fd;
    struct ::stat status {};
    bool regular = false;
    clock::time_point born;
    mutable std::atomic<bool> has_room = false;
  };

  impl(std::string path, const append_settings& settings) : path_(std::move(path)), settings_(settings) {}

  /// Opens what the path stands for, or makes it.
  bool open_current() {
    auto next = std::make_shared<file>();
    for (int attempt = 0; !next->fd; ++attempt) {
      const auto target = files::find_write_target(path_);
      if (!target) return false;
      target_ = target->path;
      is_fifo_ = target->is_fifo();
      if (target->exists) {
        next->fd = files::open_directly(*target, O_APPEND | O_NONBLOCK | (target->is_plain ? O_NOFOLLOW : 0));
        if (!next->fd && errno != ENOENT) return false;
      } else {
        constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        next->fd = files::unique_fd(::open(target_.c_str(), flags, 0600));
        if (!next->fd && errno != EEXIST) return false;
        struct ::stat old {};
        if (next->fd && current_ && ::fstat(current_->fd.get(), &old) == 0) {
          files::take_after(next->fd.get(), old);
        } else if (next->fd) {
          static_cast<void>(::fchmod(next->fd.get(), settings_.mode));
        }
      }
      if (!next->fd && attempt == 100) return false;
      next->regular = target->is_plain;
    }
    if (::fstat(next->fd.get(), &next->status) != 0) return false;
    next->regular = next->regular && S_ISREG(next->status.st_mode);
    next->born = clock::now();
    struct statx times {};
    if (next->status.st_size > 0 && ::statx(next->fd.get(), "", AT_EMPTY_PATH, STATX_BTIME, &times) == 0 &&
        (times.stx_mask & STATX_BTIME) != 0) {
      next->born = clock::from_time_t(static_cast<std::time_t>(times.stx_btime.tv_sec));
    }
    size_ = room_end_ = static_cast<std::uint64_t>(next->status.st_size);
    current_ = std::move(next);
    return true;
  }

  /// Somebody else may have emptied the file: what was announced then says nothing of what follows.
  void find_size() noexcept {
    struct ::stat now {};
    if (::fstat(current_->fd.get(), &now) != 0) return;
    const auto found = static_cast<std::uint64_t>(now.st_size);
    if (found < size_) {
      announce_nothing();
      room_end_ = found;
    }
    size_ = found;
  }

  /// What to take room for, given how fast the file has grown since the last time; empty: nothing.
  range room_wanted() noexcept {
    const std::uint64_t grown = std::exchange(new_bytes_, 0);
    if (grown < least_growth || room_end_ >= size_ + 2 * grown) return {};
    std::uint64_t end = size_ + (std::min)(4 * grown, most_room);
    if (settings_.rotate_bytes != 0) end = (std::min)(end, settings_.rotate_bytes);
    return {(std::max)(room_end_, size_), end};
  }
  void take_room(const std::shared_ptr<const file>& of, range room) noexcept {
    of->has_room = true;
    const bool taken = ::fallocate(of->fd.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(room.begin),
                                   static_cast<off_t>(room.end - room.begin)) == 0;
    const bool never = !taken && errno != EINTR;  // the disk is full, or the file system cannot
    const std::lock_guard lock(mutex_);
    if (of != current_) return;
    if (taken) room_end_ = room.end;
    if (never) room_end_ = no_room;
    if (never) give_room_back(of->fd.get());
  }
  /// Frees what lies behind the end. Only its one writer may do that.
  static void give_room_back(int fd) noexcept {
    constexpr off_t block = 512;  // the unit of st_blocks
    struct ::stat now {};
    if (::fstat(fd, &now) != 0 || now.st_blocks <= (now.st_size + static_cast<off_t>(page)) / block) return;
    static_cast<void>(::ftruncate(fd, now.st_size));
  }

  bool repair() noexcept {
    const int fd = current_->fd.get();
    const std::uint64_t size = size_;
    give_room_back(fd);  // of a process that was killed
    const auto last = intents_->read();
    const files::unique_fd reader(::open(target_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!reader) return false;
    if (last && last->device == current_->status.st_dev && last->inode == current_->status.st_ino &&
        last->begin < size && size < last->end && begins(reader.get(), *last, size)) {
      if (::ftruncate(fd, static_cast<off_t>(last->begin)) != 0) return false;
      repaired_.cut_bytes = size - last->begin;
      size_ = last->begin;
    } else if (size > 0) {
      char end = 0;
      if (::pread(reader.get(), &end, 1, static_cast<off_t>(size - 1)) != 1) return false;
      repaired_.sealed = end != '\n';
      if (repaired_.sealed && !files::write_all(fd, "\n")) return false;
      size_ += repaired_.sealed;
    }
    if (settings_.sync != durability::none) sync_folder();
    return true;
  }

  /// Finds the batch that the next one follows, in the file or in those that were set aside last. Lines behind it are
  /// set aside, too. False with `foreign` set: it is not one of the key.
  bool find_chain(bool& foreign) {
    chain_.emplace(*settings_.chain);
    auto here = detail::find_chain_end(target_, *settings_.chain, foreign);
    if (!here) return false;
    const bool is_unchained = here->end != size_;
    constexpr std::size_t most = 16;  // files; lines that are not chained may fill some
    const auto aside = here->head ? std::vector<detail::file_aside>() : detail::files_aside(target_);
    for (std::size_t i = 0; i < (std::min)(aside.size(), most) && !here->head; ++i) {
      const auto last = detail::find_chain_end(aside[i].path, *settings_.chain, foreign);
      if (!last) return false;
      here->head = last->head;
    }
    repaired_.chain_begun = !here->head;
    head_ = here->head.value_or(chain_head{});
    if (!is_unchained) return true;
    repaired_.unchained = true;
    return rotate_locked();
  }

  /// Whether what was announced is what stands in the file of that size.
  static bool begins(int reader, const detail::intent_file::intent& last, std::uint64_t size) noexcept {
    std::array<char, sizeof last.head> found{};
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(found.size(), size - last.begin));
    return ::pread(reader, found.data(), wanted, static_cast<off_t>(last.begin)) == static_cast<ssize_t>(wanted) &&
           std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted), last.head.begin());
  }

  /// Says what comes next, so that it is cut off when the process dies before it is there.
  bool announce(std::string_view bytes) const noexcept {
    detail::intent_file::intent next{current_->status.st_dev, current_->status.st_ino, size_, size_ + bytes.size(), {}};
    std::copy_n(bytes.data(), (std::min)(bytes.size(), next.head.size()), next.head.data());
    return intents_->declare(next);
  }
  void announce_nothing() const noexcept { static_cast<void>(intents_->declare({})); }

  /// Takes back an append that came in part: at once or, failing that, before the next one.
  void take_back(std::string_view bytes) noexcept {
    static_cast<void>(announce(bytes));
    cut_to_ = size_;
    cut();
  }
  /// Cuts off what a failed append left.
  bool cut() noexcept {
    find_size();
    if (*cut_to_ < size_ && ::ftruncate(current_->fd.get(), static_cast<off_t>(*cut_to_)) != 0) return false;
    size_ = room_end_ = (std::min)(size_, *cut_to_);
    cut_to_.reset();
    announce_nothing();
    return true;
  }

  bool append_locked(std::string_view bytes) noexcept {
    if (cut_to_ && !cut()) return false;
    const bool crosses_pages = size_ % page + bytes.size() > page;
    if (crosses_pages && !announce(bytes)) return false;
    bool whole = files::write_all(current_->fd.get(), bytes);
    if (whole && settings_.sync == durability::always) whole = sync_now(*current_);
    if (!whole) return take_back(bytes), false;
    size_ += bytes.size();
    new_bytes_ += bytes.size();
    unsynced_ = true;
    if (sync_is_due(2)) {
      mark_synced();
      sync_now(*current_);
    }
    return true;
  }

  void rotate_if_due(std::size_t more) noexcept {
    if (settings_.rotate_bytes == 0 && settings_.rotate_age.count() == 0) return;
    if (size_ == 0) return;
    const bool too_large = settings_.rotate_bytes != 0 && size_ + more > settings_.rotate_bytes;
    const bool too_old = settings_.rotate_age.count() != 0 && clock::now() - current_->born >= settings_.rotate_age;
    if (too_large || too_old) detail::unless_out_of_memory([&] { return rotate_locked(); });
  }

  bool rotate_locked() {
    const auto target = files::find_write_target(path_);
    if (!target) return false;
    const bool ours = target->is(current_->status);
    if (ours && target->status.st_size == 0) return true;
    if (cut_to_ && !cut()) return false;
    std::optional<detail::intent_file> elsewhere;  // the path is a link that leads to another file
    if (target->is_plain && target->path != target_) {
      auto intents = detail::intent_file::open(target->path + ".intent", current_->status.st_uid, {});
      if (!intents) return false;
      elsewhere = std::move(*intents);
    }
    if (settings_.sync != durability::none) sync_now(*current_);
    const std::string aside = ours ? names_.next(target->path, clock::now()) : std::string();
    if (ours && ::rename(target->path.c_str(), aside.c_str()) != 0) return false;
    if (!detail::unless_out_of_memory([&] { return open_current(); })) {
      if (ours) static_cast<void>(::rename(aside.c_str(), target->path.c_str()));
      return false;
    }
    if (elsewhere) intents_ = std::move(elsewhere);
    if (!current_->regular) intents_.reset();
    unsynced_ = false;
    if (ours) remove_old(target_);
    if (settings_.sync != durability::none) sync_folder();
    return true;
  }

  /// Of the files set aside, those that are too many or too old.
  void remove_old(const std::string& target) const {
    if (settings_.keep_files == 0 && settings_.keep_bytes == 0 && settings_.keep_age.count() == 0) return;
    std::uint64_t bytes = 0;
    std::size_t kept = 0;
    const std::string oldest =
        settings_.keep_age.count() != 0 ? detail::aside_time(clock::now() - settings_.keep_age) : std::string();
    for (const detail::file_aside& old : detail::files_aside(target)) {  // the newest first
      bytes += old.bytes;
      const bool too_many = settings_.keep_files != 0 && kept == settings_.keep_files;
      if (too_many || old.time < oldest || (settings_.keep_bytes != 0 && bytes > settings_.keep_bytes)) {
        ::unlink(old.path.c_str());
      } else {
        ++kept;
      }
    }
  }

  std::shared_ptr<const file> locked_current() noexcept {
    const std::lock_guard lock(mutex_);
    mark_synced();
    return current_;
  }
  bool sync_is_due(int intervals) const noexcept {
    return unsynced_ && settings_.sync == durability::interval &&
           coarse_clock::now() - synced_ >= intervals * settings_.sync_interval;
  }
  void mark_synced() noexcept {
    unsynced_ = false;
    synced_ = coarse_clock::now();
  }
  bool sync_now(const file& f) noexcept {
    if (::fdatasync(f.fd.get()) == 0) return true;
    ++sync_failures_;
    return false;
  }
  /// So that the file's name survives a power loss too.
  void sync_folder() {
    if (!files::sync_folder_of(target_)) ++sync_failures_;
  }

  std::string path_;
  append_settings settings_;
  std::string target_;  // what the path stands for, links followed
  bool is_fifo_ = false;
  detail::names_aside names_;
  detail::pipe_writer pipe_;                    // of what is not a regular file
  std::mutex mutex_;                            // of all below but the atomics
  std::optional<detail::intent_file> intents_;  // of a regular file; none: a pipe or a device
  std::shared_ptr<const file> current_;
  std::uint64_t size_ = 0;               // of the current file
  std::uint64_t room_end_ = 0;           // where the place on the disk ends that was taken for it in advance
  std::uint64_t new_bytes_ = 0;          // appended since the last tick
  std::optional<std::uint64_t> cut_to_;  // where the rest of a failed append, which could not be cut off then, begins
  bool unsynced_ = false;
  coarse_clock::time_point synced_ = coarse_clock::now();
  append_repair repaired_;
  coarse_clock::time_point aged_ = coarse_clock::now();  // when files were last looked at for their age
  std::optional<log_chain> chain_;
  chain_head head_;  // of the chain
  std::atomic<std::uint64_t> sync_failures_ = 0;
};

TABSCORE_INLINE append_file::append_file(std::unique_ptr<impl> opened) noexcept : impl_(std::move(opened)) {}
TABSCORE_INLINE append_file::~append_file() = default;
TABSCORE_INLINE result<std::unique_ptr<append_file>> append_file::open(const std::string& path,
                                                                       const append_settings& settings) {
  auto opened = impl::open(path, settings);
  if (!opened) return opened.error();
  return std::unique_ptr<append_file>(new append_file(*std::move(opened)));
}
TABSCORE_INLINE bool append_file::append(std::string_view bytes) noexcept { return impl_->append(bytes); }
TABSCORE_INLINE bool append_file::append_batch(text_buffer& lines, const chain_digest& digest) noexcept {
  return impl_->append_batch(lines, digest);
}
TABSCORE_INLINE bool append_file::sync() noexcept { return impl_->sync(); }
TABSCORE_INLINE void append_file::tick() noexcept { impl_->tick(); }
TABSCORE_INLINE bool append_file::rotate() noexcept { return impl_->rotate(); }
TABSCORE_INLINE append_repair append_file::repaired() const noexcept { return impl_->repaired(); }
TABSCORE_INLINE std::uint64_t append_file::sync_failures() const noexcept { return impl_->sync_failures(); }

}  // namespace tabscore::inline TABSCORE_ABI
