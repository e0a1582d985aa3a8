// SPDX-License-Identifier: MIT
#pragma once

#if !defined(__linux__)
#error "tabscore: the prediction log is for Linux (fallocate, statx, SIGKILL between pages)"
#endif

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
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
#include "disk_room.hpp"
#include "files_aside.hpp"
#include "intent_file.hpp"
#include "opened_file.hpp"
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
      const bool unread = errno == ENXIO && file->target_.is_fifo();
      if (!unread) return fail("cannot be opened to append" + files::because_of_errno());
      if (tries == 20) return fail("is a pipe without a reader; start its reader first");
      ::usleep(100'000);
    }
    if (!file->current_->regular && settings.chain) return fail("is not a regular file: its lines cannot be chained");
    if (!file->current_->regular) return file;
    auto intents = detail::intent_file::open(file->target_.path + ".intent", file->current_->status.st_uid,
                                             std::chrono::seconds(5));
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
    file->remove_old(file->target_.path);
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
    return append_locked([&](std::string_view& part) { return part = bytes, true; });
  }

  bool append_parts(const batch_part& first, const std::function<batch_part()>& next) noexcept {
    const std::lock_guard lock(mutex_);
    if (!intents_) {  // the path of a chained log may be a link that leads to a pipe
      return !chain_ && detail::unless_out_of_memory([&] { return write_to_pipe(first, next); });
    }
    rotate_if_due(first.lines->size() + first.left + (chain_ ? log_chain::end_space : 0));
    chain_head batch;
    std::optional<batch_part> part;
    const bool done = append_locked([&](std::string_view& bytes) {
      part = part ? next() : first;
      TABSCORE_ASSERT(part->digest.has_value() == (chain_ && part->left == 0), "a chained batch ends in its digest");
      if (part->digest) {
        batch = chain_->next(head_, *part->digest);
        log_chain::append_end(*part->lines, batch, size_ == 0 ? &head_ : nullptr);
      }
      bytes = part->lines->view();
      return part->left == 0;
    });
    if (done && chain_) head_ = batch;
    return done;
  }

  bool sync() noexcept { return !intents_ || sync_now(*locked_current()); }

  void tick() noexcept {
    std::shared_ptr<const detail::opened_file> current;
    detail::disk_room::range room;
    bool due = false;
    std::string old_files_of;
    {
      const std::lock_guard lock(mutex_);
      if (!intents_) return pipe_.flush(current_->fd.get());
      if (!find_size()) detail::unless_out_of_memory([&] { return follow_removed(); });
      rotate_if_due(0);
      current = current_;
      room = room_.wanted(size_, settings_.rotate_bytes);
      due = sync_is_due(1);
      if (due) mark_synced();
      if (settings_.keep_age.count() != 0 && coarse_clock::now() - aged_ >= std::chrono::minutes(1)) {
        aged_ = coarse_clock::now();
        detail::unless_out_of_memory([&] { return old_files_of = target_.path, true; });
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

  impl(std::string path, const append_settings& settings) : path_(std::move(path)), settings_(settings) {}

  /// Opens what the path stands for, or makes it.
  bool open_current() {
    auto next = detail::open_to_append(path_, settings_.mode, current_.get(), target_);
    if (!next) return false;
    size_ = static_cast<std::uint64_t>(next->status.st_size);
    room_.reset(size_);
    current_ = std::move(next);
    return true;
  }

  /// Somebody else may have emptied the file: what was announced then says nothing of what follows. False: or removed
  /// it, so that nobody can read what is appended.
  bool find_size() noexcept {
    struct ::stat now {};
    if (::fstat(current_->fd.get(), &now) != 0) return true;
    const auto found = static_cast<std::uint64_t>(now.st_size);
    if (found < size_) {
      announce_nothing();
      room_.reset(found);
    }
    size_ = found;
    return now.st_nlink != 0;
  }

  void take_room(const std::shared_ptr<const detail::opened_file>& of, detail::disk_room::range room) noexcept {
    of->has_room = true;
    const auto end = detail::disk_room::take(of->fd.get(), room);
    const std::lock_guard lock(mutex_);
    if (end && of == current_) room_.keep(of->fd.get(), *end);
  }

  /// In one piece, of which the rest can follow later.
  bool write_to_pipe(const batch_part& first, const std::function<batch_part()>& next) {
    if (first.left == 0) return pipe_.write(current_->fd.get(), first.lines->view());
    text_buffer all;
    for (batch_part part = first;; part = next()) {
      all.append(part.lines->view());
      if (part.left == 0) return pipe_.write(current_->fd.get(), all.view());
    }
  }

  bool repair() noexcept {
    const int fd = current_->fd.get();
    const std::uint64_t size = size_;
    detail::disk_room::give_back(fd);  // of a process that was killed
    const auto last = intents_->read();
    const files::unique_fd reader(::open(target_.path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!reader) return false;
    if (last && last->is_cut_off(reader.get(), current_->status, size)) {
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
    auto here = detail::find_chain_end(target_.path, *settings_.chain, foreign);
    if (!here) return false;
    const bool is_unchained = here->end != size_;
    constexpr std::size_t most = 16;  // files; lines that are not chained may fill some
    const auto aside = here->head ? std::vector<detail::file_aside>() : detail::files_aside(target_.path);
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

  void announce_nothing() const noexcept { static_cast<void>(intents_->declare({})); }

  /// Says what comes next, so that it is cut off when the process dies before it is there: the whole batch or, up to
  /// its last part, a byte more than its parts so far. The true end of a batch is there or not, also after a power
  /// loss.
  bool announce(detail::intent_file::intent batch, bool is_last) const noexcept {
    batch.end += is_last ? 0 : 1;
    return intents_->declare(batch);
  }

  /// Takes back an append that came in part: at once or, failing that, before the next one.
  void take_back(detail::intent_file::intent failed) noexcept {
    ++failed.end;  // all of it may be there
    static_cast<void>(intents_->declare(failed));
    cut_to_ = size_;
    cut();
  }
  /// Cuts off what a failed append left.
  bool cut() noexcept {
    find_size();
    if (*cut_to_ < size_ && ::ftruncate(current_->fd.get(), static_cast<off_t>(*cut_to_)) != 0) return false;
    size_ = (std::min)(size_, *cut_to_);
    room_.reset(size_);
    cut_to_.reset();
    announce_nothing();
    return true;
  }

  /// next(bytes) gives the next part, and whether it is the last one.
  template <class Next>
  bool append_locked(Next&& next) noexcept {
    if (cut_to_ && !cut()) return false;
    auto batch = detail::intent_file::intent::of(current_->status, size_, {});
    bool whole = detail::unless_out_of_memory([&] {
      for (bool is_last = false; !is_last;) {
        std::string_view bytes;
        is_last = next(bytes);
        const bool is_first = batch.end == size_;
        if (is_first) batch = detail::intent_file::intent::of(current_->status, size_, bytes);
        if (!is_first) batch.end += bytes.size();
        const bool is_in_one_page = is_first && is_last && size_ % page + bytes.size() <= page;
        if (!is_in_one_page && !announce(batch, is_last)) return false;
        if (!files::write_all(current_->fd.get(), bytes)) return false;
      }
      return true;
    });
    if (whole && settings_.sync == durability::always) whole = sync_now(*current_);
    if (!whole) return take_back(batch), false;
    room_.count(batch.end - std::exchange(size_, batch.end));
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

  /// Begins another file, unless the path leads to this one still: some file systems count no names.
  bool follow_removed() {
    const auto target = files::find_write_target(path_);
    return target && !target->is(current_->status) && rotate_locked();
  }

  bool rotate_locked() {
    const auto target = files::find_write_target(path_);
    if (!target) return false;
    const bool ours = target->is(current_->status);
    if (ours && target->status.st_size == 0) return true;
    if (cut_to_ && !cut()) return false;
    std::optional<detail::intent_file> elsewhere;  // the path is a link that leads to another file
    if (target->is_plain && target->path != target_.path) {
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
    if (ours) remove_old(target_.path);
    if (settings_.sync != durability::none) sync_folder();
    return true;
  }

  void remove_old(const std::string& target) const {
    detail::remove_old_files(target, settings_.keep_files, settings_.keep_bytes, settings_.keep_age);
  }

  std::shared_ptr<const detail::opened_file> locked_current() noexcept {
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
  bool sync_now(const detail::opened_file& f) noexcept {
    if (::fdatasync(f.fd.get()) == 0) return true;
    ++sync_failures_;
    return false;
  }
  /// So that the file's name survives a power loss too.
  void sync_folder() {
    if (!files::sync_folder_of(target_.path)) ++sync_failures_;
  }

  std::string path_;
  append_settings settings_;
  files::write_target target_;  // what the path stands for, links followed
  detail::names_aside names_;
  detail::pipe_writer pipe_;                    // of what is not a regular file
  std::mutex mutex_;                            // of all below but the atomics
  std::optional<detail::intent_file> intents_;  // of a regular file; none: a pipe or a device
  std::shared_ptr<const detail::opened_file> current_;
  std::uint64_t size_ = 0;               // of the current file
  detail::disk_room room_;               // of the current file
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
TABSCORE_INLINE bool append_file::append_parts(const batch_part& first,
                                               const std::function<batch_part()>& next) noexcept {
  return impl_->append_parts(first, next);
}
TABSCORE_INLINE bool append_file::sync() noexcept { return impl_->sync(); }
TABSCORE_INLINE void append_file::tick() noexcept { impl_->tick(); }
TABSCORE_INLINE bool append_file::rotate() noexcept { return impl_->rotate(); }
TABSCORE_INLINE append_repair append_file::repaired() const noexcept { return impl_->repaired(); }
TABSCORE_INLINE std::uint64_t append_file::sync_failures() const noexcept { return impl_->sync_failures(); }

}  // namespace tabscore::inline TABSCORE_ABI
