// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "../core/detail/sha256.hpp"
#include "../core/read_number.hpp"
#include "../core/text_buffer.hpp"

// The chain of a prediction log (docs/how-to/audit.md). A line with inputs ends with "salt", and the last line of a
// batch with "batch", the batch's number, and "chain", its digest: the HMAC-SHA256 under the log's key of the digest
// before, the number, and the SHA-256 of the lines. Of a line's object "features" or "override" only the HMAC-SHA256 of
// its salt and text enters, so that it can be replaced by that code: {"erased": "..."}. The first batch of a file also
// names the digest before it, "follows".
namespace tabscore::inline TABSCORE_ABI {

/// The secret of a chained log.
using chain_key = std::array<unsigned char, 32>;
/// An HMAC-SHA256.
using chain_digest = std::array<unsigned char, 32>;

/// A batch of a chain. Number 0, with a digest of zeros, stands before the first one.
struct chain_head {
  std::uint64_t batch = 0;  ///< counts from 1 in each log
  chain_digest digest{};    ///< the HMAC-SHA256 that ends the batch
};

/// A line of a chained log, in views of its text without the line feed.
struct chained_line {
  /// The members of the last line of a batch.
  struct batch_end {
    std::uint64_t batch = 0;              ///< the batch's number
    std::optional<chain_digest> follows;  ///< the digest before; only of a file's first batch
    chain_digest digest{};                ///< the batch's digest
  };

  std::string_view before;  ///< up to the object that can be erased; of a line without one, all up to the batch's end
  std::string_view object;  ///< "features" or "override"; empty: the line has neither
  std::string_view behind;  ///< from the object to the salt, or to the batch's end
  std::string_view salt;    ///< 32 hexadecimal digits; empty: erased, or a line without
  std::optional<chain_digest> erased;  ///< the replacement of an erased object
  std::optional<batch_end> end;        ///< of the last line of a batch
};

/// The parts of a line; nothing where it is not like the lines of a chained log.
std::optional<chained_line> read_chained_line(std::string_view text);

namespace detail {
/// The parts of a line before its salt, without the brace; false where its object does not end.
bool find_object(std::string_view text, chained_line& to);
}  // namespace detail

/// Hashes and writes the batches of a chain. Not for concurrent use.
class log_chain {
 public:
  /// Room for the end of a batch.
  static constexpr std::size_t end_space = 256;

  /// The key of the log.
  explicit log_chain(const chain_key& key) : code_(key) {}

  /// The digest of a line's object, erased or not.
  chain_digest object_digest(const chained_line& line) const;
  /// Takes a line into the digest of its batch.
  void add(detail::sha256_stream& batch, const chained_line& line) const;
  /// The batch after `before` with lines of this digest.
  chain_head next(const chain_head& before, const chain_digest& lines) const;

  /// Appends complete lines with salts, but for the end of the last one, and takes them into the digest of their batch.
  /// `salt(i)` gives half i (0 or 1) of a salt, an unpredictable number.
  template <class Salt>
  void append_lines(text_buffer& out, std::string_view lines, detail::sha256_stream& batch, Salt&& salt) const {
    while (!lines.empty()) {
      const std::size_t feed = lines.find('\n');
      TABSCORE_ASSERT(feed != std::string_view::npos && feed > 1, "whole lines");
      const std::string_view text = lines.substr(0, feed - 1);  // without the brace
      out.append(text);
      chained_line line;
      [[maybe_unused]] const bool whole = detail::find_object(text, line);
      TABSCORE_ASSERT(whole, "a line of JSON");
      if (!line.object.empty()) {
        out.append(R"(, "salt": ")");
        append_digits(out, salt(0));
        append_digits(out, salt(1));
        out.append("\"");
        line.salt = out.view().substr(out.size() - 33, 32);
      }
      add(batch, line);
      lines.remove_prefix(feed + 1);
      if (!lines.empty()) out.append("}\n");
    }
  }
  /// Appends the end of a batch's last line. `before`: the batch before it, where the file begins.
  static void append_end(text_buffer& out, const chain_head& batch, const chain_head* before);

 private:
  static void append_digits(text_buffer& out, std::uint64_t number) {
    char* to = out.space(16);
    for (unsigned shift = 64; shift > 0; shift -= 4) *to++ = "0123456789abcdef"[number >> (shift - 4) & 15U];
    out.keep_to(to);
  }

  detail::hmac_sha256 code_;
};

/// A line with the object that can be erased replaced by its code; the chain holds as before. Nothing where the line is
/// not one of a chained log, or has no such object.
std::optional<std::string> erased_line(const log_chain& chain, std::string_view text);

/// Checks a log's lines, in their order and file by file. Not for concurrent use.
class chain_checker {
 public:
  /// `after`: the batch before the first line, where it is known.
  explicit chain_checker(const chain_key& key, std::optional<chain_head> after = {}) : chain_(key), head_(after) {}

  /// Takes a line without its line feed. Why the chain is broken there, or nothing. After a break it goes on with what
  /// the log says.
  std::optional<std::string> add(std::string_view text);
  /// At the end of each file: why it is not the end of a batch.
  std::optional<std::string> end_file();

  /// The last checked batch; nothing before the first one.
  const std::optional<chain_head>& head() const noexcept { return head_; }
  /// The batch before the first line; nothing before the first check.
  const std::optional<chain_head>& begin() const noexcept { return begin_; }
  /// Batches verified so far.
  std::uint64_t batches() const noexcept { return batches_; }
  /// Lines verified so far.
  std::uint64_t lines() const noexcept { return lines_; }
  /// Lines whose object is erased.
  std::uint64_t erased() const noexcept { return erased_; }

 private:
  std::string break_of(const chained_line::batch_end& end) const;

  log_chain chain_;
  std::optional<chain_head> head_, begin_;
  detail::sha256_stream batch_;
  std::uint64_t batches_ = 0, lines_ = 0, erased_ = 0, open_lines_ = 0;
  bool told_ = false;  // why the batch at hand is broken
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

namespace detail {

inline std::optional<chain_digest> read_digest(std::string_view hex) {
  chain_digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    digest[i / 2] = static_cast<unsigned char>(digest[i / 2] << 4U | digit);
  }
  return digest;
}

inline bool is_hex(std::string_view digits) {
  return std::all_of(digits.begin(), digits.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Takes `, "name": "<hex>"` with that many digits from the end of a text; empty: it ends otherwise.
inline std::string_view take_hex_member(std::string_view& text, std::string_view head, std::size_t digits) {
  const std::size_t size = head.size() + digits + 1;
  if (text.size() < size || !text.ends_with('"') || text.substr(text.size() - size, head.size()) != head) return {};
  const std::string_view hex = text.substr(text.size() - digits - 1, digits);
  if (!is_hex(hex)) return {};
  text.remove_suffix(size);
  return hex;
}

/// The end of the batch, taken from the end of a line.
inline std::optional<chained_line::batch_end> take_batch_end(std::string_view& line) {
  std::string_view rest = line;
  chained_line::batch_end end;
  const auto digest = read_digest(take_hex_member(rest, R"(, "chain": ")", 64));
  if (!digest) return std::nullopt;
  end.digest = *digest;
  end.follows = read_digest(take_hex_member(rest, R"(, "follows": ")", 64));
  constexpr std::string_view head = R"(, "batch": )";
  const std::size_t at = rest.rfind(head);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view number = rest.substr(at + head.size());
  if (!parse_number(number, end.batch) || end.batch == 0 || number[0] == '0') return std::nullopt;
  line = rest.substr(0, at);
  return end;
}

/// The end of the text that begins with its quote; npos without an end.
inline std::size_t text_size(std::string_view text) {
  for (std::size_t at = text.find('"', 1); at != std::string_view::npos; at = text.find('"', at + 1)) {
    const std::size_t before = text.find_last_not_of('\\', at - 1);  // an even number of backslashes: they are its own
    if ((at - before) % 2 == 1) return at + 1;
  }
  return std::string_view::npos;
}

/// The end of the object that begins a text; npos without an end.
inline std::size_t object_size(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const std::size_t size = text_size(text.substr(i));
      if (size == std::string_view::npos) return size;
      i += size - 1;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

TABSCORE_INLINE bool find_object(std::string_view text, chained_line& to) {
  // Raw quotes begin and end texts only, so that what looks like a member's name is one.
  constexpr std::string_view features = R"(, "features": {)", override = R"(, "override": {)";
  std::size_t at = text.find(features);
  if (at == std::string_view::npos) at = text.find(override);
  to.before = text;
  if (at == std::string_view::npos) return true;
  to.before = text.substr(0, at + features.size() - 1);
  const std::size_t size = object_size(text.substr(to.before.size()));
  if (size == std::string_view::npos) return false;
  to.object = text.substr(to.before.size(), size);
  to.behind = text.substr(to.before.size() + size);
  return true;
}

}  // namespace detail

TABSCORE_INLINE std::optional<chained_line> read_chained_line(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  chained_line line;
  text.remove_suffix(1);
  line.end = detail::take_batch_end(text);
  line.salt = detail::take_hex_member(text, R"(, "salt": ")", 32);
  if (!detail::find_object(text, line)) return std::nullopt;
  if (line.salt.empty() == line.object.empty()) return line;
  constexpr std::string_view erased = R"({"erased": ")";
  if (line.object.starts_with(erased) && line.object.ends_with("\"}")) {
    line.erased = detail::read_digest(line.object.substr(erased.size(), line.object.size() - erased.size() - 2));
  }
  return line.erased ? std::optional(line) : std::nullopt;
}

TABSCORE_INLINE chain_digest log_chain::object_digest(const chained_line& line) const {
  if (line.erased) return *line.erased;
  detail::sha256_stream message = code_.begin();
  message.update("object");
  message.update(line.salt);
  message.update(line.object);
  return code_.end(message);
}

TABSCORE_INLINE void log_chain::add(detail::sha256_stream& batch, const chained_line& line) const {
  std::array<unsigned char, 16> sizes{};
  for (std::size_t i = 0; i < 8; ++i) {
    sizes[i] = static_cast<unsigned char>(line.before.size() >> 8 * i);
    sizes[i + 8] = static_cast<unsigned char>(line.object.empty() ? 0xFF : line.behind.size() >> 8 * i);
  }
  batch.update(sizes);
  batch.update(line.before);
  if (line.object.empty()) return;
  batch.update(object_digest(line));
  batch.update(line.behind);
}

TABSCORE_INLINE chain_head log_chain::next(const chain_head& before, const chain_digest& lines) const {
  chain_head batch{before.batch + 1, {}};
  std::array<unsigned char, 8> number{};
  for (std::size_t i = 0; i < number.size(); ++i) number[i] = static_cast<unsigned char>(batch.batch >> 8 * i);
  detail::sha256_stream message = code_.begin();
  message.update("batch");
  message.update(before.digest);
  message.update(number);
  message.update(lines);
  batch.digest = code_.end(message);
  return batch;
}

TABSCORE_INLINE void log_chain::append_end(text_buffer& out, const chain_head& batch, const chain_head* before) {
  out.append(R"(, "batch": )");
  char* const to = out.space(20);
  out.keep_to(std::to_chars(to, to + 20, batch.batch).ptr);
  const auto append = [&](std::string_view name, const chain_digest& digest) {
    out.append(name);
    for (const unsigned char byte : digest) {
      const char digits[] = {"0123456789abcdef"[byte >> 4U], "0123456789abcdef"[byte & 15U]};
      out.append({digits, 2});
    }
  };
  if (before != nullptr) append(R"(, "follows": ")", before->digest), out.append("\"");
  append(R"(, "chain": ")", batch.digest);
  out.append("\"}\n");
}

TABSCORE_INLINE std::optional<std::string> erased_line(const log_chain& chain, std::string_view text) {
  const auto line = read_chained_line(text);
  if (!line || line->object.empty()) return std::nullopt;
  if (line->erased) return std::string(text);
  std::string erased(line->before);
  erased.append(R"({"erased": ")").append(detail::hex_digits(chain.object_digest(*line))).append("\"}");
  erased.append(line->behind);
  const char* const salt_end = line->salt.data() + line->salt.size() + 1;
  return erased.append(salt_end, text.data() + text.size());
}

TABSCORE_INLINE std::optional<std::string> chain_checker::add(std::string_view text) {
  const auto line = read_chained_line(text);
  ++lines_;
  ++open_lines_;
  if (!line) {
    if (std::exchange(told_, true)) return std::nullopt;
    return "the line is not one of a chained log";
  }
  chain_.add(batch_, *line);
  erased_ += line->erased.has_value();
  if (!line->end) return std::nullopt;
  const chained_line::batch_end& end = *line->end;
  const chain_digest lines = batch_.finish();
  batch_ = {};
  open_lines_ = 0;
  ++batches_;
  const bool told = std::exchange(told_, false);
  if (!head_ && end.follows) head_ = chain_head{end.batch - 1, *end.follows};
  if (!head_ && end.batch == 1) head_ = chain_head{};
  if (!begin_) begin_ = head_;
  std::optional<std::string> wrong;
  if (!head_) {
    wrong = "the lines before batch " + std::to_string(end.batch) +
            " are missing: a file begins with a batch that names the one before";
  } else if (end.batch != head_->batch + 1 || (end.follows && *end.follows != head_->digest) ||
             chain_.next(*head_, lines).digest != end.digest) {
    wrong = break_of(end);
  }
  head_ = chain_head{end.batch, end.digest};
  if (told) return std::nullopt;
  return wrong;
}

TABSCORE_INLINE std::string chain_checker::break_of(const chained_line::batch_end& end) const {
  const std::uint64_t expected = head_->batch + 1;
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  if (end.batch == 1 && head_->batch != 0) return "a new chain begins, behind batch " + number(head_->batch);
  if (end.batch > expected + 1) return "batches " + number(expected) + " to " + number(end.batch - 1) + " are missing";
  if (end.batch > expected) return "batch " + number(expected) + " is missing";
  if (end.batch < expected) {
    return "batch " + number(end.batch) + " follows batch " + number(head_->batch) + ": batches are out of order";
  }
  if (end.follows && *end.follows != head_->digest) {
    return "batch " + number(end.batch) + " follows another batch " + number(head_->batch) + " than this log's";
  }
  return "batch " + number(end.batch) + " was changed: its lines are not those that were written" +
         (batches_ == 1 ? ", or the key is another one" : "");
}

TABSCORE_INLINE std::optional<std::string> chain_checker::end_file() {
  if (open_lines_ == 0) return std::nullopt;
  batch_ = {};
  told_ = false;
  const std::uint64_t open = std::exchange(open_lines_, 0);
  return std::to_string(open) + (open == 1 ? " line" : " lines") +
         " at the end of the file belong to no batch: the end of the batch is missing, or they were written without a "
         "chain";
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
