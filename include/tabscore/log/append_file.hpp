// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/text_buffer.hpp"
#include "chain.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// When appended bytes are forced to the disk. Until then a power loss may take them; the death of the process may not.
enum class durability : std::uint8_t {
  none,      ///< when the system decides
  interval,  ///< a while after they were written at the latest, given that tick() is called that often; by append()
             ///< when that has not been called for twice as long
  always     ///< before append() returns
};

/// The settings of an append-only file.
struct append_settings {
  durability sync = durability::interval;         ///< see durability
  std::chrono::milliseconds sync_interval{1000};  ///< of durability::interval
  std::uint64_t rotate_bytes = 0;                 ///< a file that would exceed it is set aside first; 0: never
  std::chrono::seconds rotate_age{0};             ///< a file of this age is set aside; 0: never
  std::size_t keep_files = 0;                     ///< number of files set aside that are kept, the newest; 0: all
  std::uint64_t keep_bytes = 0;                   ///< and of these as many as have no more bytes together; 0: all
  std::chrono::seconds keep_age{0};               ///< and of these the ones set aside within this time; 0: all
  ::mode_t mode = 0600;              ///< of a new file; one that takes another's place takes its mode and owner
  std::optional<chain_key> chain{};  ///< batches are chained under it (append_parts); not of pipes and devices
};

/// A part of the lines of a batch.
struct batch_part {
  text_buffer* lines;                    ///< whole lines; of a chained log as log_chain::append_lines makes them
  std::uint64_t left = 0;                ///< bytes of the parts that follow, roughly; 0: it is the last one
  std::optional<chain_digest> digest{};  ///< with the last part of a chained log: of all lines
};

/// The repairs that open() made at the end of a file.
struct append_repair {
  std::uint64_t cut_bytes = 0;  ///< the front part of an append that its process did not live to finish, cut off
  bool sealed = false;          ///< the last line had no end (a power loss); it was given one
  bool unchained = false;       ///< its last lines were not chained (or lost their end); the file was set aside
  bool chain_begun = false;     ///< neither it nor the last file set aside has a batch to go on from
};

/// An append-only file of lines. The bytes of one append() are in it as a whole or not at all,
/// on a full disk and after SIGKILL: the next open() cuts off a part that a killed process left.
/// One process at a time has it open (it locks a small file beside it, `<path>.intent`); another
/// waits a few seconds, then fails. An append is one write(), or one for each part. The kernel
/// copies page by page and checks for SIGKILL between pages: a write within one page of the file
/// is copied whole or not at all, and a write across pages is recorded in the small file first. A file that is set
/// aside becomes `<path>.<UTC time>`; an append is not divided. A symbolic link is followed.
/// Pipes and devices are only written to, without a long wait for their readers (see
/// detail::pipe_writer). For Linux. Thread-safe; while sync() and tick() wait for the disk,
/// append() is not blocked. After fork() only one of the two processes may use it: they share its lock.
class append_file {
 public:
  /// Opens the file to append to, or makes it with its folders.
  static result<std::unique_ptr<append_file>> open(const std::string& path, const append_settings& settings);

  append_file(const append_file&) = delete;
  append_file& operator=(const append_file&) = delete;
  ~append_file();

  /// Appends all of it by one write, or nothing: false.
  [[nodiscard]] bool append(std::string_view bytes) noexcept;
  /// Appends a batch in parts, all of them or nothing; `next` makes the parts after the first one, while other threads
  /// wait. Of a chained log the batch's end is added to the last part.
  [[nodiscard]] bool append_parts(const batch_part& first, const std::function<batch_part()>& next) noexcept;
  /// Forces everything that was appended to the disk; false on failure.
  [[nodiscard]] bool sync() noexcept;
  /// Periodic work: call it a few times per sync_interval. Forces to the disk and sets aside the file when due, and
  /// allocates space on the disk in advance.
  void tick() noexcept;
  /// Sets the file aside and begins another; a file that another program renamed is left to it. False on failure, when
  /// the old file stays in use.
  [[nodiscard]] bool rotate() noexcept;

  /// The repairs of open().
  append_repair repaired() const noexcept;
  /// Number of failed syncs: lines written before may not survive a power loss.
  std::uint64_t sync_failures() const noexcept;

 private:
  class impl;
  explicit append_file(std::unique_ptr<impl> opened) noexcept;
  std::unique_ptr<impl> impl_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/append_file.hpp"
#endif
