// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../json/padded_text.hpp"
#include "score_json.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// How records follow one another: one per line (NDJSON), or in one array, bare or as {"records": [...]}.
enum class stream_format { lines, array };

/// Scores a stream of JSON records of any length in constant memory: each chunk of complete records is one batch for
/// the rules, the model and the sinks, and its outcome is passed on before the next chunk. A chunk with an error is not
/// scored, unless request_options::on_error is skip: then its outcome is partial_predictions. Memory: a chunk, or the
/// longest record if that is longer, and the workspace for as many records. One thread; the pipeline, the workspace and
/// what request_options::log_members points to must outlive it.
///
///     record_stream stream(pipe, workspace, stream_format::lines);
///     const auto each = [&](std::uint64_t first, const outcome& o) { ...; return true; };  // false stops
///     while (read(bytes)) if (!stream.feed(bytes, each)) break;
///     stream.finish(each);
///
/// `first` is the index of the chunk's first record; field_error::row, broken_rule::row and partial_predictions::rows
/// count from it. The first line that is not JSON has an outcome of its own, with its index as `first`; with skip each
/// of them does. In an array a syntax error ends the stream.
template <class Pipeline, schema_type Schema, class Policy>
class record_stream {
 public:
  /// The pipeline and the workspace must outlive it.
  record_stream(const Pipeline& pipe, workspace<Schema, Policy>& w, stream_format format,
                std::size_t chunk_bytes = std::size_t{256} << 10, const request_options& options = {})
      : pipe_(pipe), w_(w), format_(format), chunk_bytes_(chunk_bytes), options_(options) {
    options_.shape = body_shape::records;
    prefix_.append("{\"");
    prefix_.append(w.decoder.records_member());
    prefix_.append("\":[");
    body_.append(prefix_.view());
    line_ = body_.size();
    state_ = format == stream_format::lines ? state::lines : state::head;
  }

  /// Number of records passed on so far.
  std::uint64_t records() const noexcept { return first_; }

  /// Feeds the next bytes. False once the stream has stopped: each() returned false, or the stream cannot continue.
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

  /// Ends the stream and scores the rest.
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
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) {
      body_.keep_to(body_.view().data() + line_);
    } else {
      ++lines_;
      all_begin_objects_ = all_begin_objects_ && line[start] == '{';
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
      const std::string_view wanted = prefix_.view();
      const bool in_name = head_ >= 2 && head_ + 3 <= wanted.size();  // or before the quote behind it
      if (blank(c) && !in_name) continue;
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
    const bool whole = lines_are_whole();
    if (!whole) body_.append("]}");
    const bool is_list = whole && score_chunk(each, body_, lines_);
    if (!is_list && options_.on_error == on_error::skip) {
      score_lines(each);
    } else if (!is_list) {
      hand_over_bad_line(each);
    }
    lines_ = 0;
    all_begin_objects_ = true;
    body_.clear();
    body_.append(prefix_.view());
    line_ = body_.size();
  }

  /// Whether no record reaches over a line's end, where the comma would be one of its own: then there are as many
  /// records as lines only if each line is one. What is behind such a comma begins with a key, or stands in an array.
  bool lines_are_whole() const {
    const std::string_view all = body_.view().substr(prefix_.size());
    if (lines_ == 0) return true;
    if (all_begin_objects_ && all.find('[') == std::string_view::npos) return true;
    bool whole = true;
    for_each_line(all, [&](std::string_view line) {
      whole = (line.find('[') == std::string_view::npos && line.find_first_not_of(" \t\r") == line.find('{')) ||
              is_balanced(line);
      return whole;
    });
    return whole;
  }
  /// Whether what a line opens it closes. Of texts without an end nothing follows: they are malformed.
  static bool is_balanced(std::string_view line) noexcept {
    bool in_text = false;
    std::size_t depth = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '"') {
        in_text = !in_text;
      } else if (in_text) {
        i += c == '\\';
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (depth-- == 0) return false;
      }
    }
    return depth == 0;
  }

  /// Decodes a chunk; of lines, these must be as many records.
  struct chunk_request {
    detail::json_request<Schema, Policy> json;
    std::size_t lines;
    bool is_list = true;

    bool read(const decode_progress<Schema>& progress, bool some) {
      bool decoded = json.read(progress, some);
      if (json.status == decode_status::invalid && !some) {
        decoded = json.read({}, true);  // errors number the records, so that they are counted as well
        is_list = lines == 0 || (decoded ? records() == lines : json.status == decode_status::invalid);
        json.status = decode_status::invalid;
        return false;
      }
      if (json.status != decode_status::invalid) is_list = lines == 0 || (decoded && records() == lines);
      return decoded && is_list;
    }
    std::size_t records() const { return json.w.records.rows() + json.w.decoder.faults().bad_rows.size(); }
    outcome failure() const { return is_list ? json.failure() : syntax_error{}; }
  };

  /// Closes a chunk, scores it and hands the outcome over; false for lines that are not a list of as many records.
  template <class Each>
  bool score_chunk(Each& each, text_buffer& chunk, std::size_t lines) {
    chunk.append("]}");
    const detail::decoded_request<Schema> from{w_.records, w_.buffers, w_.decoder.faults(),
                                               w_.decoder.limits().max_errors};
    chunk_request request{{padded(chunk), w_, body_shape::records}, lines};
    no_observer observer;
    const outcome result = detail::score_request(&pipe_, from, options_, observer, request);
    if (!request.is_list) return false;
    const auto* const some = std::get_if<partial_predictions>(&result);
    const bool lost = format_ == stream_format::array &&
                      (std::holds_alternative<syntax_error>(result) || std::holds_alternative<unreadable>(result));
    const std::size_t records = lines != 0 ? lines : some != nullptr ? some->records : request.records();
    if (!each(first_, result) || lost) state_ = state::stopped;
    first_ += records;
    return true;
  }

  /// Calls f(line) for each line of a chunk, until it is false.
  template <class F>
  static void for_each_line(std::string_view rest, F&& f) {
    for (bool more = true; more && !rest.empty();) {
      const std::size_t feed = rest.find('\n');
      const std::string_view line = feed == std::string_view::npos ? rest : rest.substr(0, feed - 1);
      rest.remove_prefix(feed == std::string_view::npos ? rest.size() : feed + 1);
      more = f(line);
    }
  }
  /// The lines of the chunk in body_, whose list is closed.
  std::string_view lines_of_body() const {
    return body_.view().substr(prefix_.size(), body_.size() - prefix_.size() - 2);
  }
  /// The error of a line that is not one JSON value.
  std::optional<outcome> fault_of(std::string_view line) {
    const auto as_list = [&] {
      line_text_.clear();
      line_text_.append(prefix_.view());
      line_text_.append(line);
      line_text_.append("]}");
      return padded(line_text_);
    };
    chunk_request request{{as_list(), w_, body_shape::records}, 1};
    request.read({}, true);
    if (request.is_list) return std::nullopt;
    line_text_.clear();
    line_text_.append(line);
    auto wrong = read_json(padded(line_text_), w_, body_shape::record);
    if (wrong && !std::holds_alternative<validation_errors>(*wrong)) return wrong;
    wrong = read_json(as_list(), w_);  // a byte order mark, say, which a body may have and a line not
    return wrong ? std::move(wrong) : outcome(syntax_error{});
  }

  /// Reports the first bad line; the lines before it are not scored either.
  template <class Each>
  void hand_over_bad_line(Each& each) {
    std::size_t before = 0;
    std::optional<outcome> wrong;
    for_each_line(lines_of_body(), [&](std::string_view line) {
      wrong = fault_of(line);
      before += !wrong;
      return !wrong;
    });
    first_ += before;
    if (wrong && !each(first_, std::as_const(*wrong))) state_ = state::stopped;
    first_ += lines_ - before;
  }

  /// The lines one by one: each that is not JSON is handed over, and those between them as chunks.
  template <class Each>
  void score_lines(Each& each) {
    std::size_t lines = 0;
    run_.clear();
    const auto flush_run = [&] {
      if (lines == 0) return state_ != state::stopped;
      run_.keep_to(run_.view().data() + run_.size() - 1);
      score_chunk(each, run_, std::exchange(lines, 0));
      run_.clear();
      return state_ != state::stopped;
    };
    for_each_line(lines_of_body(), [&](std::string_view line) {
      if (const auto wrong = fault_of(line)) {
        if (!flush_run()) return false;
        if (!each(first_++, *wrong)) state_ = state::stopped;
        return state_ != state::stopped;
      }
      if (lines++ == 0) run_.append(prefix_.view());
      run_.append(line);
      run_.append(",");
      return true;
    });
    if (state_ != state::stopped) flush_run();
  }

  static padded_text padded(text_buffer& text) {
    text.space(padded_text::padding);
    return padded_text(text.view());
  }

  const Pipeline& pipe_;
  workspace<Schema, Policy>& w_;
  stream_format format_;
  std::size_t chunk_bytes_;
  request_options options_;
  state state_;
  text_buffer prefix_;
  text_buffer body_;               // prefix, then records, each followed by a comma
  text_buffer line_text_;          // what a syntax error points into
  text_buffer run_;                // a chunk of the lines between two bad ones
  std::uint64_t first_ = 0;        // number of the chunk's first record
  std::size_t lines_ = 0;          // lines in the chunk
  bool all_begin_objects_ = true;  // of these
  std::size_t line_ = 0;           // where the unfinished line begins in body_
  std::size_t head_ = 0;           // bytes of the prefix that were seen
  std::size_t position_ = 0;       // bytes seen, of an array
  std::size_t depth_ = 0;
  int closing_ = 0;  // braces that must follow the list
  bool in_text_ = false, escaped_ = false, after_comma_ = false;
};

}  // namespace tabscore::inline TABSCORE_ABI
