// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/write_number.hpp"
#include "../outputs/prediction_columns.hpp"
#include "csv_decoder.hpp"
#include "csv_scan.hpp"
#include "format.hpp"
#include "lines.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Records as CSV by RFC 4180, or with another separator. The first line names the cells, in any order; names outside
/// the schema are ignored, optional fields may be absent. Blank lines are ignored.
template <schema_type Schema, class Policy = coerce::strict>
class csv_format final : public record_format<Schema> {
 public:
  /// The separator and what cells may contain.
  explicit csv_format(const csv_dialect& dialect = {}) : dialect_(dialect) {}

  result<std::size_t> begin(std::string_view bytes, bool last) override {
    if (const char* const why = not_utf8_text(bytes)) return error{errc::structure, why};
    const std::size_t mark = byte_order_mark(bytes);
    const bool has_feed = bytes.find('\n') != std::string_view::npos;
    const std::size_t size = (std::min)(bytes.find('\n', mark), bytes.size());
    std::string line(bytes.substr(mark, size - mark));
    if (line.ends_with('\r') && (has_feed || !last)) line.pop_back();
    if (line.find('\r') != std::string::npos) {
      return error{errc::structure,
                   "the header has a carriage return that no line feed follows: lines must end with a line feed"};
    }
    if (line.find('\0') != std::string::npos)
      return error{errc::structure, "the header has a zero byte, expected UTF-8"};
    if (!last && !has_feed) return this->needs_more;
    line += '\n';
    const auto wrong = read(line);
    if (!wrong.empty()) return error{errc::structure, wrong};
    return (std::min)(size + 1, bytes.size());
  }
  std::size_t whole(std::string_view bytes, bool last) const override {
    return last ? bytes.size() : detail::whole_csv_records(bytes, dialect_);
  }
  std::unique_ptr<block_decoder<Schema>> decoder() const override {
    return std::make_unique<detail::csv_decoder<Schema, Policy>>(header_, dialect_);
  }
  bool has_lines() const noexcept override { return true; }
  /// False where a quoted cell may contain line feeds.
  bool line_feeds_end_records() const noexcept override { return !dialect_.line_breaks_in_cells; }

 private:
  /// Reads the header, a line with its line feed; returns its error, if any.
  std::string read(std::string_view line) {
    std::string padded(line);
    padded.resize(line.size() + block_padding);
    std::vector<std::string> names;
    std::size_t from = 0;
    const auto stop = detail::scan_csv(
        std::string_view(padded).substr(0, line.size()), 0, dialect_, [&](std::size_t at, std::uint64_t ends) {
          for (; ends != 0; ends &= ends - 1) {
            const std::size_t end = at + static_cast<std::size_t>(std::countr_zero(ends));
            std::string_view name = line.substr(from, end - from);
            if (name.starts_with('"')) name = name.substr(1, name.size() - 2);
            names.push_back(detail::undoubled(name));
            from = end + 1;
          }
        });
    if (!stop.is_clean) return other_separator(line, "the header has quotes that do not enclose a name");
    header_.cells = static_cast<std::uint32_t>(names.size());
    for (std::size_t field = 0; field < Schema::size; ++field) {
      header_.cell[field] = header_.no_cell;
      for (std::size_t cell = 0; cell < names.size(); ++cell) {
        if (names[cell] != Schema::names[field]) continue;
        if (header_.cell[field] != header_.no_cell) return "the header has '" + names[cell] + "' twice";
        header_.cell[field] = static_cast<std::uint32_t>(cell);
      }
      if (Schema::required[field] && header_.cell[field] == header_.no_cell) {
        return other_separator(line, "the header has no '" + std::string(Schema::names[field]) + "'");
      }
    }
    return {};
  }
  /// What is wrong with a header: in one that is a single cell, the separator.
  std::string other_separator(std::string_view line, std::string wrong) const {
    if (line.find(dialect_.separator) != line.npos) return wrong;
    for (const char other : {',', ';', '\t', '|'}) {
      if (line.find(other) == line.npos) continue;
      const auto name = [](char c) { return c == '\t' ? std::string("a tab") : std::string{'\'', c, '\''}; };
      return "the header has one column and looks separated by " + name(other) + ": set the separator, which is " +
             name(dialect_.separator);
    }
    return wrong;
  }

  csv_dialect dialect_;
  detail::csv_header<Schema> header_;
};

/// One line per prediction: its columns (see text_columns), empty without a prediction. With the bytes of the record, a
/// CSV record of the same separator, the record's own cells come first.
class csv_writer final : public prediction_writer {
 public:
  /// The columns are those of the predictions.
  explicit csv_writer(prediction_columns columns, char separator = ',')
      : columns_(std::move(columns)), separator_(separator), no_prediction_(columns_.size() - 1, separator) {
    if (columns_.size() == 1) no_prediction_ = "\"\"";  // or the line would be blank, which readers ignore
    no_prediction_ += '\n';
  }

  void append_head(text_buffer& out, std::string_view header) override;

  /// Appends the rows of a block.
  void append(text_buffer& out, const answers& block) const override;

 private:
  void append_separator(text_buffer& out) const { out.append({&separator_, 1}); }
  /// A text, in quotes where it needs them.
  void append_cell(text_buffer& out, std::string_view text) const {
    const auto is_special = [&](char c) { return c == separator_ || c == '"' || c == '\n' || c == '\r'; };
    if (std::none_of(text.begin(), text.end(), is_special)) return out.append(text);
    out.append("\"");
    for (const char c : text) out.append(c == '"' ? std::string_view("\"\"") : std::string_view(&c, 1));
    out.append("\"");
  }

  prediction_columns columns_;
  char separator_;
  std::string no_prediction_;
  std::string no_cells_;  // a record of empty cells
};

}  // namespace tabscore::inline TABSCORE_ABI

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI {

TABSCORE_INLINE void csv_writer::append_head(text_buffer& out, std::string_view header) {
  header.remove_prefix(byte_order_mark(header));
  while (header.ends_with('\n') || header.ends_with('\r')) header.remove_suffix(1);
  if (!header.empty()) {
    out.append(header);
    append_separator(out);
    bool within = false;  // quotes
    for (const char c : header) {
      within ^= c == '"';
      if (c == separator_ && !within) no_cells_ += separator_;
    }
  }
  for (const prediction_column& c : columns_) {
    if (&c != &columns_.front()) append_separator(out);
    append_cell(out, c.name);
  }
  out.append("\n");
}

TABSCORE_INLINE void csv_writer::append(text_buffer& out, const answers& block) const {
  using kind = prediction_column::kind;
  for (std::size_t i = 0; i < block.scores.rows(); ++i) {
    if (!block.source.empty()) {
      out.append(block.source[i].data() == nullptr ? std::string_view(no_cells_) : block.source[i]);
      append_separator(out);
    }
    if (is_missing(block.scores, i)) {
      out.append(no_prediction_);
      continue;
    }
    for (const prediction_column& c : columns_) {
      if (c.is_text()) append_cell(out, c.text_of(block.scores, i));
      char* to = out.space(number_text_space + 1);
      if (c.of == kind::number) to = write_real(to, block.scores.value(i, c.number));
      if (c.of == kind::label) *to++ = static_cast<char>('0' + block.scores.label[i]);
      *to++ = separator_;
      out.keep_to(to);
    }
    out.keep_to(out.space(0) - 1);  // the last separator
    out.append("\n");
  }
}

}  // namespace tabscore::inline TABSCORE_ABI
#endif
