// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../core/text_buffer.hpp"
#include "../json/decode_progress.hpp"
#include "../outputs/predictions.hpp"
#include "../schema/batch.hpp"

// Formats of records in bytes (NDJSON, CSV, ...), for streams of any length: a stream is cut into blocks of whole
// records by one thread at a time, blocks are decoded by as many threads as there are, and predictions are written
// block by block. The result of a record never depends on the cuts between blocks.
namespace tabscore::inline TABSCORE_ABI {

/// Readable bytes after the end of a block, of any content.
inline constexpr std::size_t block_padding = 64;

/// A record of a block that cannot be scored, and why, in a sentence.
struct rejected_record {
  std::size_t position = 0;  ///< among the records of its block, counted from 0
  std::string_view bytes{};  ///< its own, in the block; empty where the format has nothing to show
  bool is_formed = false;    ///< only its values are wrong: bytes is a record of the format
  std::string message;       ///< the errors, for people
};

/// The records of a block: valid records as columns, the others with their errors. Texts point into the
/// block.
template <schema_type Schema>
struct block_records {
  batch<Schema> good;                     ///< the valid records
  std::vector<rejected_record> rejected;  ///< the others, in the order of the stream
  std::size_t lines = 0;                  ///< line feeds in the block, of a format with lines
  std::vector<std::string_view> source;   ///< each valid record's bytes in the block, when requested

  /// Records of both kinds.
  std::size_t size() const noexcept { return good.rows() + rejected.size(); }
  /// Empties it and keeps its memory.
  void clear() noexcept {
    good.clear();
    lines = 0;
    rejected.clear();
    source.clear();
  }
  /// Adds a record that is not scored.
  void reject(std::string_view bytes, bool is_formed, std::string message) {
    rejected.push_back({size(), bytes, is_formed, std::move(message)});
  }
};

/// Turns blocks into records, for one thread, with that thread's working memory.
template <schema_type Schema>
class block_decoder {
 public:
  virtual ~block_decoder() = default;
  /// Replaces the content of `to`. A block of a format with lines ends with a line feed. An error concerns the stream,
  /// not one record: the stream cannot continue. Formats whose blocks may exceed the caches report the valid records to
  /// progress while they decode. CSV refuses blocks of 4 GiB.
  virtual std::optional<error> decode(std::string_view block, bool keep_source, block_records<Schema>& to,
                                      const decode_progress<Schema>& progress) = 0;
};

/// How a format's streams are cut into blocks of whole records. begin() and whole() are for one thread at a time;
/// begin() not while anything is decoded.
class record_framing {
 public:
  /// The result of begin() while the bytes before the first record are incomplete.
  static constexpr std::size_t needs_more = static_cast<std::size_t>(-1);

  virtual ~record_framing() = default;
  /// The start of a stream; returns the size of the bytes before its first record (a header, for example), or
  /// needs_more. `last`: the stream has no more bytes. Decoders belong to the stream begun last.
  virtual result<std::size_t> begin(std::string_view bytes, bool last) = 0;
  /// How many of these bytes, from the beginning of a record, are whole records; 0: more are needed.
  virtual std::size_t whole(std::string_view bytes, bool last) const = 0;
  /// Records end with a line feed (the last one of a stream may lack it until it is put into a block), so that people
  /// can be told a line's number; and every line feed ends one.
  virtual bool has_lines() const noexcept { return false; }
  /// A block that ends after a line feed ends after a record.
  virtual bool line_feeds_end_records() const noexcept { return has_lines(); }
};

/// A format of records. begin() and whole(): one thread at a time; one decoder per thread.
template <schema_type Schema>
class record_format : public record_framing {
 public:
  /// A decoder for a thread; the format must outlive it.
  virtual std::unique_ptr<block_decoder<Schema>> decoder() const = 0;
};

/// The predictions of a block to write: an entry per record.
struct answers {
  predictions scores;                           ///< probability NaN: no prediction
  std::span<const rejected_record> rejected{};  ///< why, of those; position is an index into scores
  std::span<const std::string_view> source{};   ///< empty, or each record's bytes (empty where they are not a record)
};

/// A format that predictions are written in. Threads share it.
class prediction_writer {
 public:
  virtual ~prediction_writer() = default;
  /// The text before the first prediction, also queried where it is already written. `header` is the text before the
  /// first record when records are written too, and empty otherwise.
  virtual void append_head(text_buffer& out, std::string_view header) = 0;
  /// Appends the rows of a block.
  virtual void append(text_buffer& out, const answers& block) const = 0;
};

}  // namespace tabscore::inline TABSCORE_ABI
