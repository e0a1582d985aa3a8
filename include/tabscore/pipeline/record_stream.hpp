// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "score_json.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// How records follow one another: one per line (NDJSON), or in one array, bare or as {"records": [...]}.
enum class stream_format { lines, array };

/// Scores a stream of JSON records of any length in flat memory: bytes are fed as they come, every chunk of whole
/// records is one batch for the rules, the model and the sinks, and its outcome is handed over before the next.
/// A chunk with anything wrong in it is not scored. Memory: a chunk, or the longest record if that is longer, and the
/// workspace for as many records. One thread; the pipeline and the workspace must outlive it.
///
///     record_stream stream(pipe, workspace, stream_format::lines);
///     const auto each = [&](std::uint64_t first, const outcome& o) { ...; return true; };  // false stops
///     while (read(bytes)) if (!stream.feed(bytes, each)) break;
///     stream.finish(each);
///
/// `first` is the number of the chunk's first record; field_error::row and broken_rule::row count from there. Of lines
/// that are no JSON the first is handed over, `first` being its number. In an array a syntax error ends the stream.
template <class Pipeline, schema_type Schema, class Policy>
class record_stream {
 public:
  record_stream(const Pipeline& pipe, workspace<Schema, Policy>& w, stream_format format,
                std::size_t chunk_bytes = std::size_t{256} << 10)
      : pipe_(pipe), w_(w), format_(format), chunk_bytes_(chunk_bytes) {
    prefix_.append("{\"");
    prefix_.append(w.decoder.records_member());
    prefix_.append("\":[");
    body_.append(prefix_.view());
    line_ = body_.size();
    state_ = format == stream_format::lines ? state::lines : state::head;
  }

  /// Records handed over so far.
  std::uint64_t records() const noexcept { return first_; }

  /// The next bytes. False once it has stopped: because each() said so, or because the stream cannot go on.
  template <class Each>
  bool feed(std::string_view bytes, Each&& each) {
    while (!bytes.empty() && state_ != state::stopped) {
      switch (state_) {
        case state::lines:
          feed_line(bytes, each);
          break;
        case state::head:
          feed_head(bytes, each);
          break;
        case state::list:
          feed_list(bytes, each);
          break;
        case state::tail:
          feed_tail(bytes, each);
          break;
        case state::stopped:
          break;
      }
    }
    return state_ != state::stopped;
  }

  /// The end of the stream: what is left is handed over.
  template <class Each>
  bool finish(Each&& each) {
    if (state_ == state::lines) end_line(each, true);
    if (state_ == state::head || state_ == state::list || closing_ != 0) {
      stop(each, syntax_error{"Unterminated list of records", position_, 1, position_ + 1, {}});
    }
    const bool whole = state_ != state::stopped;
    state_ = state::stopped;
    return whole;
  }

 private:
  enum class state { lines, head, list, tail, stopped };

  static constexpr bool blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  template <class Each>
  void stop(Each& each, const outcome& last) {
    if (state_ != state::stopped) static_cast<void>(each(first_, last));
    state_ = state::stopped;
    closing_ = 0;
  }

  // Lines. A raw line feed cannot stand within a JSON text, so each may become the comma between two records.

  template <class Each>
  void feed_line(std::string_view& bytes, Each& each) {
    const void* const feed = std::memchr(bytes.data(), '\n', bytes.size());
    if (feed == nullptr) {
      body_.append(bytes);
      bytes = {};
      return;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(feed) - bytes.data());
    body_.append(bytes.substr(0, length));
    bytes.remove_prefix(length + 1);
    end_line(each, false);
  }

  template <class Each>
  void end_line(Each& each, bool last) {
    const std::string_view line = body_.view().substr(line_);
    bool empty = true;
    for (const char c : line) empty = empty && blank(c);
    if (empty) {
      body_.keep_to(body_.view().data() + line_);
    } else {
      ++lines_;
      body_.append(",\n");  // the line feed stays, to find the line again
      line_ = body_.size();
    }
    if (lines_ > 0 && (last || body_.size() >= chunk_bytes_)) flush(each);
  }

  // An array. Strings and depth are followed just far enough to know where a record ends.

  template <class Each>
  void feed_head(std::string_view& bytes, Each& each) {
    while (!bytes.empty()) {
      const char c = bytes.front();
      bytes.remove_prefix(1);
      ++position_;
      if (blank(c)) continue;
      const std::string_view wanted = prefix_.view();
      if (head_ == 0 && c == '[') {
        state_ = state::list;
      } else if (head_ < wanted.size() && c == wanted[head_]) {
        if (++head_ < wanted.size()) continue;
        closing_ = 1;
        state_ = state::list;
      } else {
        stop(each, syntax_error{"Expecting a list of records", position_ - 1, 1, position_, {}});
      }
      return;
    }
  }

  template <class Each>
  void feed_list(std::string_view& bytes, Each& each) {
    const char* const begin = bytes.data();
    const char* const end = begin + bytes.size();
    for (const char* p = begin; p != end; ++p) {
      const char c = *p;
      if (in_text_) {
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else {
          in_text_ = c != '"';
        }
        continue;
      }
      switch (c) {
        case '"':
          in_text_ = true;
          break;
        case '{':
        case '[':
          ++depth_;
          break;
        case '}':
          depth_ -= depth_ > 0;
          break;
        case ']':
          if (depth_ > 0) {
            --depth_;
            break;
          }
          take(bytes, p);
          bytes.remove_prefix(1);
          ++position_;
          end_list(each);
          return;
        case ',':
          if (depth_ > 0 || body_.size() + static_cast<std::size_t>(p - begin) < chunk_bytes_) break;
          take(bytes, p);
          body_.append(",");
          bytes.remove_prefix(1);
          ++position_;
          after_comma_ = true;
          flush(each);
          return;
        default:
          break;
      }
    }
    take(bytes, end);
  }
  void take(std::string_view& bytes, const char* end) {
    const auto length = static_cast<std::size_t>(end - bytes.data());
    body_.append(bytes.substr(0, length));
    bytes.remove_prefix(length);
    position_ += length;
  }

  template <class Each>
  void end_list(Each& each) {
    state_ = state::tail;
    bool empty = true;
    for (const char c : body_.view().substr(prefix_.size())) empty = empty && blank(c);
    if (empty && after_comma_) {
      stop(each, syntax_error{"Expecting value", position_ - 1, 1, position_, {}});
    } else {
      body_.append(",");
      flush(each);  // an empty list is wrong as a whole body would be: too few records
    }
  }

  template <class Each>
  void feed_tail(std::string_view& bytes, Each& each) {
    while (!bytes.empty()) {
      const char c = bytes.front();
      bytes.remove_prefix(1);
      ++position_;
      if (blank(c)) continue;
      if (c == '}' && closing_ == 1) {
        closing_ = 0;
        continue;
      }
      stop(each, syntax_error{"Extra data", position_ - 1, 1, position_, {}});
      return;
    }
  }

  // The chunk in body_: the prefix, then records, the last one followed by a comma (and in lines by a line feed).
  template <class Each>
  void flush(Each& each) {
    const std::size_t separator = format_ == stream_format::lines ? 2 : 1;
    body_.keep_to(body_.view().data() + body_.size() - separator);
    body_.append("]}");
    outcome result = score_chunk();
    const bool lost = format_ == stream_format::array && !std::holds_alternative<predictions>(result) &&
                      !std::holds_alternative<validation_errors>(result) &&
                      !std::holds_alternative<broken_rule>(result);
    if (!each(first_, std::as_const(result)) || lost) state_ = state::stopped;
    first_ += format_ == stream_format::lines ? lines_ : w_.records.rows();
    lines_ = 0;
    body_.clear();
    body_.append(prefix_.view());
    line_ = body_.size();
  }

  outcome score_chunk() {
    auto wrong = read_json(padded(body_), w_);
    if (format_ == stream_format::lines) {
      const bool is_json =
          !wrong || !(std::holds_alternative<syntax_error>(*wrong) || std::holds_alternative<unreadable>(*wrong));
      if (!is_json || (!wrong && w_.records.rows() != lines_)) {
        if (auto line = first_bad_line()) return *std::move(line);
      }
    }
    if (wrong) return *std::move(wrong);
    return score_records(pipe_, w_);
  }

  // In lines that are no list of as many records: what is wrong with the first one to blame, read alone. first_ moves
  // to that line, and the lines before it are not scored either.
  std::optional<outcome> first_bad_line() {
    std::string_view rest = body_.view().substr(prefix_.size());
    rest.remove_suffix(2);
    for (std::uint64_t number = 0; !rest.empty(); ++number) {
      const std::size_t feed = rest.find('\n');
      bad_line_.clear();
      bad_line_.append(feed == std::string_view::npos ? rest : rest.substr(0, feed - 1));
      rest.remove_prefix(feed == std::string_view::npos ? rest.size() : feed + 1);
      auto wrong = read_json(padded(bad_line_), w_, body_shape::record);
      if (wrong && !std::holds_alternative<validation_errors>(*wrong)) {
        first_ += number;
        lines_ -= static_cast<std::size_t>(number);
        return wrong;
      }
    }
    return std::nullopt;
  }

  static simdjson::padded_string_view padded(text_buffer& text) {
    text.space(simdjson::SIMDJSON_PADDING);
    return simdjson::padded_string_view(text.view().data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
  }

  const Pipeline& pipe_;
  workspace<Schema, Policy>& w_;
  stream_format format_;
  std::size_t chunk_bytes_;
  state state_;
  text_buffer prefix_;
  text_buffer body_;          // prefix, then records, each followed by a comma
  text_buffer bad_line_;      // what a syntax error points into
  std::uint64_t first_ = 0;   // number of the chunk's first record
  std::size_t lines_ = 0;     // lines in the chunk
  std::size_t line_ = 0;      // where the unfinished line begins in body_
  std::size_t head_ = 0;      // bytes of the prefix that were seen
  std::size_t position_ = 0;  // bytes seen, of an array
  std::size_t depth_ = 0;
  int closing_ = 0;  // braces that must follow the list
  bool in_text_ = false, escaped_ = false, after_comma_ = false;
};

}  // namespace tabscore::inline TABSCORE_ABI
