// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../core/config.hpp"
#include "../core/text_buffer.hpp"
#include "../json/decode.hpp"
#include "../json/padded_text.hpp"
#include "../json/write.hpp"
#include "../outputs/prediction_columns.hpp"
#include "error_text.hpp"
#include "format.hpp"
#include "lines.hpp"

namespace tabscore::inline TABSCORE_ABI {

namespace detail {

/// Decodes lines of JSON into a batch: many at once by the fast path, else halves, down to a few lines.
template <schema_type Schema, class Policy>
class ndjson_decoder final : public block_decoder<Schema> {
 public:
  std::optional<error> decode(std::string_view block, bool keep_source, block_records<Schema>& to,
                              const decode_progress<Schema>& /*progress*/) override {
    to.clear();
    to.lines = count_lines(block);
    if (to.lines > 0) lines(block, to.lines, keep_source, to);
    return std::nullopt;
  }

 private:
  /// `count` lines, at least one, each with its line feed.
  void lines(std::string_view text, std::size_t count, bool keep_source, block_records<Schema>& to) {
    while (text.front() == '\n') {  // blank lines
      text.remove_prefix(1);
      if (--count == 0) return;
    }
    const std::size_t rows = to.good.rows();
    // As many records as line feeds, and one behind each record: every record is a line.
    if (fast_reader<Schema, Policy>(text, to.good, layout_).lines() && to.good.rows() - rows == count) {
      if (keep_source) for_each_line(text, [&](std::string_view each) { to.source.push_back(each); });
      return;
    }
    to.good.truncate(rows);
    if (count <= few) return for_each_line(text, [&](std::string_view each) { line(each, keep_source, to); });
    std::size_t half = text.rfind('\n', text.size() / 2);
    if (half == std::string_view::npos) half = text.find('\n');
    if (half + 1 == text.size()) half = text.rfind('\n', half - 1);
    const std::size_t first = count_lines(text.substr(0, half + 1));
    lines(text.substr(0, half + 1), first, keep_source, to);
    lines(text.substr(half + 1), count - first, keep_source, to);
  }

  /// Each ends with a line feed, which f does not get.
  template <class F>
  static void for_each_line(std::string_view text, F&& f) {
    while (!text.empty()) {
      const std::size_t feed = text.find('\n');
      f(text.substr(0, feed));
      text.remove_prefix(feed + 1);
    }
  }

  void line(std::string_view text, bool keep_source, block_records<Schema>& to) {
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
    switch (decoder_.record(padded_text(text), one_)) {
      case decode_status::decoded:
        if (!decoder_.faults().not_finite.empty()) return to.reject(text, true, faults());
        to.good.append(one_.view());
        if (keep_source) to.source.push_back(text);
        return;
      case decode_status::invalid:
        return to.reject(text, text.starts_with('{'), faults());
      case decode_status::malformed:
        return to.reject(text, false, describe(decoder_.syntax()));
      case decode_status::unreadable:
        return to.reject(text, false, describe(decoder_.why()));
    }
  }

  /// Of the last record.
  std::string faults() {
    message_.clear();
    describe(message_, decoder_.faults().all(), Schema::names);
    return std::string(message_.view());
  }

  static constexpr std::size_t few = 4;  // lines that are not worth another attempt

  record_layout<Schema> layout_;
  tabscore::decoder<Schema, Policy> decoder_;
  batch<Schema> one_;
  text_buffer message_;
};

}  // namespace detail

/// JSON objects, one per line; blank lines are ignored.
template <schema_type Schema, class Policy = coerce::strict>
class ndjson_format final : public record_format<Schema> {
 public:
  result<std::size_t> begin(std::string_view bytes, bool last) override {
    if (const char* const why = not_utf8_text(bytes)) return error{errc::structure, why};
    return bytes.size() < 3 && !last ? this->needs_more : byte_order_mark(bytes);
  }
  std::size_t whole(std::string_view bytes, bool last) const override {
    return last ? bytes.size() : detail::whole_lines(bytes);
  }
  std::unique_ptr<block_decoder<Schema>> decoder() const override {
    return std::make_unique<detail::ndjson_decoder<Schema, Policy>>();
  }
  bool has_lines() const noexcept override { return true; }
};

/// A prediction's members a line, as in an answer (see prediction_names), null where there is no prediction; with the
/// record's own members in front where its bytes (of an NDJSON record) are given.
class ndjson_writer final : public prediction_writer {
 public:
  /// The layout says which members a line has.
  explicit ndjson_writer(const prediction_layout& layout) : names_(layout) {}

  void append_head(text_buffer&, std::string_view) override {}
  /// Appends a line a record.
  void append(text_buffer& out, const answers& block) const override;

 private:
  /// A record without its last brace; nothing where it has no members.
  static std::string_view members(std::string_view record) noexcept {
    const std::size_t brace = record.rfind('}');
    const std::size_t last = brace == std::string_view::npos ? brace : record.find_last_not_of(" \t\r", brace - 1);
    return last == std::string_view::npos || record[last] == '{' ? std::string_view{} : record.substr(0, last + 1);
  }

  prediction_names names_;
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void ndjson_writer::append(text_buffer& out, const answers& block) const {
  for (std::size_t i = 0; i < block.scores.rows(); ++i) {
    const std::string_view source = block.source.empty() ? std::string_view{} : members(block.source[i]);
    out.append(source);
    const std::size_t at = out.size();
    if (is_missing(block.scores, i)) {
      out.append(names_.null_entry());
    } else {
      names_.append_one(out, block.scores, i);
    }
    if (!source.empty()) *(out.space(0) - out.size() + at) = ',';  // in the place of its brace
    out.append("\n");
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
