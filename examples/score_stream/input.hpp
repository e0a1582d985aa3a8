// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tabscore/core/text_buffer.hpp>
#include <tabscore/formats/format.hpp>
#include <tabscore/formats/lines.hpp>

#include "settings.hpp"

namespace ts = tabscore;

/// Whole records in a row, as they stand in a stream.
struct input_block {
  ts::text_buffer bytes;     // with ts::block_padding behind them
  std::size_t file = 0;      // which of the inputs
  bool is_torn = false;      // the last line feed was added: the input ended without one
  bool is_too_long = false;  // the beginning of a line that is longer than --max-record-bytes, and nothing else
};

/// Where the next record is that was not read yet.
struct input_position {
  std::size_t file = 0;
  std::uint64_t offset = 0;  // 0: from the beginning of the file, or of the part
};

/// The input files (or the standard input), one after another, in blocks of whole records. Ends the program where they
/// cannot be read. For one thread at a time.
class input {
 public:
  input(const settings& s, ts::record_framing& format);
  ~input();
  input(const input&) = delete;
  input& operator=(const input&) = delete;

  /// Before the first block: begins there.
  void start_at(const input_position& from) { next_ = from; }
  input_position position() const noexcept { return next_; }

  /// The next block; false when there are none. Calls drain() before a file is begun: it must return when no block is
  /// being decoded any more. Waits for the first byte only, then takes what there is.
  bool next(input_block& to, const std::function<void()>& drain);

  /// What stands before the records of the file that was begun first; begins it.
  std::string_view header();

  const std::string& name(std::size_t file) const { return names_[file]; }
  /// Bytes in all files, or in the part; nothing where that is not known.
  std::optional<std::uint64_t> total_bytes() const;
  /// Lines before the first record of the file that was begun last (of its part). Until that one's blocks are all done
  /// with, no other is begun.
  std::uint64_t lines_before();

 private:
  void open();
  void close() noexcept;
  bool fill(ts::text_buffer& to, std::size_t size, bool may_wait = true);
  void skip_to(std::uint64_t offset);
  void skip_line(input_block& to);
  std::uint64_t behind_feed(std::uint64_t at, std::uint64_t size) const;
  std::uint64_t part_begin(std::size_t index, std::uint64_t records, std::uint64_t size) const;
  [[noreturn]] void fail(std::string_view what) const;

  const settings& settings_;
  ts::record_framing& format_;
  std::vector<std::string> names_;
  input_position next_;
  std::string header_;                         // of the first file
  std::uint64_t first_ = 0;                    // where the first record of the file or part is
  std::optional<std::uint64_t> lines_before_;  // that record; counted when it is asked for
  std::uint64_t read_to_ = 0;                  // offset behind what was read
  std::uint64_t end_ = 0;                      // of the part
  int file_ = -1;
  bool is_file_ = false;  // not a pipe
  bool begun_ = false;
  ts::text_buffer rest_;  // read, but of the next block
};
