// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/out_of_memory.hpp"
#include "../monitor/sharded.hpp"
#include "../monitor/sink.hpp"
#include "append_file.hpp"
#include "chain.hpp"
#include "jsonl_lines.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// The treatment of a batch whose lines cannot be written (the disk is full, say).
enum class log_failure : std::uint8_t {
  drop_and_count,  ///< it is predicted, and its records are counted as dropped
  refuse           ///< it is rejected: there is no answer without a line
};

/// Settings of a prediction log.
struct jsonl_settings {
  append_settings file{};                                ///< durability and the file's mode
  log_failure on_failure = log_failure::drop_and_count;  ///< the treatment of batches that cannot be written
  std::string model{};                    ///< each line's "model", with the library's "version"; empty: no such members
  std::optional<siphash_key> hash_key{};  ///< of hashed fields; absent: a random key, hashes change with a restart
};

/// A sink that appends one JSON line per record (see jsonl_lines) to a file (see append_file): a batch by one write for
/// each half MiB, whole or not at all. A default-constructed log is off. Thread-safe.
class jsonl_log {
 public:
  jsonl_log() = default;

  /// Opens the file for appending, and repairs an incomplete last line.
  static result<jsonl_log> open(const std::string& path, const jsonl_settings& settings = {});

  /// The same file and counts for predictions of another model, which its lines name. Both may be used at once. `arm`:
  /// in an A/B test, the arm that its lines name before the model.
  jsonl_log for_model(std::string_view model, std::string_view arm = {}) const {
    jsonl_log log(*this);
    if (state_) log.lines_ = jsonl_lines(model, state_->key, arm);
    return log;
  }

  /// False: a log without a file, which records nothing.
  bool is_on() const noexcept { return state_ != nullptr; }
  /// Records whose lines are in the file, and dropped records, since it was opened.
  std::uint64_t written() const noexcept { return state_ ? state_->written.load() : 0; }
  /// Records that were not written.
  std::uint64_t dropped() const noexcept { return state_ ? state_->dropped.load() : 0; }
  /// Appends whole lines of JSON objects that are no predictions, all or none; false: they are not whole lines, {...}
  /// and a line feed each, or could not be written. From a chained log their member "override" can be erased
  /// (chain.hpp).
  [[nodiscard]] bool append_lines(std::string_view lines) noexcept;
  /// The logged text of a value of a hashed field, with quotes.
  std::string hash(std::string_view value) const;
  /// The file, to sync, to rotate and to tick; nullptr when the log is off.
  append_file* file() noexcept { return state_ ? state_->file.get() : nullptr; }

  /// Called before any record(): a log that refuses failed writes writes here.
  template <schema_type Schema>
  bool admit(const scored<Schema>& batch) noexcept {
    return !state_ || !state_->refuses || write(batch);
  }
  /// Appends one line per record. Thread-safe.
  template <schema_type Schema>
  void record(const scored<Schema>& batch) noexcept {
    if (state_ && !state_->refuses) write(batch);
  }

  /// A part of a batch, and the log of the model that has scored it.
  template <schema_type Schema>
  struct part {
    const jsonl_log* by;          ///< of for_model()
    const scored<Schema>* batch;  ///< not empty
  };
  /// Logs the parts of one batch, instead of admit() and record() of each: all lines or none. The logs are of one file.
  /// False: it refuses the batch.
  template <schema_type Schema>
  static bool write_together(std::span<const part<Schema>> parts) noexcept {
    const auto& log = parts.front().by;
    return !log->state_ || log->write(parts) || !log->state_->refuses;
  }

 private:
  struct state {
    state(const siphash_key& k, std::unique_ptr<append_file> f, bool r) : key(k), file(std::move(f)), refuses(r) {}

    const siphash_key key;
    const std::unique_ptr<append_file> file;
    const bool refuses;
    std::atomic<std::uint64_t> written = 0;
    std::atomic<std::uint64_t> dropped = 0;
    /// Buffers of a part of a batch.
    struct texts {
      text_buffer lines;    ///< as they are
      text_buffer chained;  ///< with their chain
    };
    sharded<texts, std::mutex> buffers;  // a warm log allocates nothing for a batch
    std::optional<log_chain> chain;
    std::array<siphash_key, 2> salt_keys{};
    std::atomic<std::uint64_t> salts = 0;
  };

  template <schema_type Schema>
  bool write(const scored<Schema>& batch) const noexcept {
    const part<Schema> whole{this, &batch};
    return write(std::span<const part<Schema>>(&whole, 1));
  }
  template <schema_type Schema>
  bool write(std::span<const part<Schema>> parts) const noexcept {
    constexpr std::size_t part_bytes = std::size_t{512} << 10;
    std::size_t rows = 0;
    for (const part<Schema>& p : parts) rows += p.batch->records.rows();
    const auto now = std::chrono::system_clock::now();
    std::size_t at = 0, row = 0, left = rows;
    const auto append = [&](text_buffer& text) {
      const std::size_t before = left;
      while (left != 0 && text.size() < part_bytes) {
        const part<Schema>& p = parts[at];
        const std::size_t first = row;
        row = p.by->lines_.append_part(text, *p.batch, now, first, part_bytes - text.size());
        left -= row - first;
        if (row == p.batch->records.rows()) ++at, row = 0;
      }
      return left == 0 ? 0 : text.size() / (before - left) * left;
    };
    const bool done = write_parts(std::ref(append));
    (done ? state_->written : state_->dropped) += rows;
    return done;
  }
  /// `append` appends the next part of the lines, and says how many bytes are left, roughly.
  bool write_parts(const std::function<std::size_t(text_buffer&)>& append) const noexcept;

  jsonl_lines lines_;
  std::shared_ptr<state> state_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if !defined(TABSCORE_COMPILED)
#include "detail/jsonl_log.hpp"
#endif
