// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/json_text.hpp"
#include "../json/convert.hpp"
#include "../json/decode.hpp"
#include "../json/encoding.hpp"
#include "../json/padded_text.hpp"
#include "csv_scan.hpp"
#include "error_text.hpp"
#include "format.hpp"
#include "lines.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// Which cell of a record holds each field.
template <schema_type Schema>
struct csv_header {
  static constexpr std::uint32_t no_cell = 0xFFFF'FFFF;
  std::array<std::uint32_t, Schema::size> cell{};
  std::uint32_t cells = 0;
};

/// A cell without the quotes around it, whose doubled quotes become single ones.
inline std::string undoubled(std::string_view cell) {
  std::string text;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    text += cell[i];
    if (cell[i] == '"') ++i;
  }
  return text;
}

/// Decodes CSV records into a batch: cell ends are found by a scan of many bytes at once, values are converted for 32
/// records at a time, field by field. A record with a value that is not in the plain form of its field is written as
/// JSON and decoded as JSON: a cell of a number or boolean is the JSON scalar that it spells, else a text, or null when
/// it is empty; a cell of a text is a text, or null when it is empty, unquoted and optional.
template <schema_type Schema, class Policy>
class csv_decoder final : public block_decoder<Schema> {
 public:
  csv_decoder(const csv_header<Schema>& header, const csv_dialect& dialect) : header_(header), dialect_(dialect) {}

  std::optional<error> decode(std::string_view block, bool keep_source, block_records<Schema>& to,
                              const decode_progress<Schema>& /*progress*/) override {
    to.clear();
    if (block.size() > UINT32_MAX) return error{errc::unsupported, "CSV: a block has less than 4 GiB"};
    to.lines = count_lines(block);
    to_ = &to;
    block_ = block;
    keep_source_ = keep_source;
    quoted_ = !block.empty() && std::memchr(block.data(), '"', block.size()) != nullptr;
    for (std::size_t from = 0; from < block.size();) {
      ends_.clear();
      ends_.push_back(static_cast<std::uint32_t>(from) - 1);
      looked_at_ = 1;
      const csv_stop stop = scan_csv(block, from, dialect_, [&](std::size_t at, std::uint64_t bits) {
        add_ends(static_cast<std::uint32_t>(at), bits);
        if (ends_.size() > chunk) find_records();
      });
      from = find_records();
      convert();
      if (stop.is_clean) break;
      const std::size_t size = malformed_size(block, from);
      to.reject(without_line_end(block.substr(from, size)), false, "quotes that do not enclose a cell");
      from += size;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t chunk = 8192;  // cell ends that are kept: few enough for the first-level cache

  static std::string_view without_line_end(std::string_view record) noexcept {
    if (record.ends_with('\n')) record.remove_suffix(1);
    if (record.ends_with('\r')) record.remove_suffix(1);
    return record;
  }

  void add_ends(std::uint32_t at, std::uint64_t bits) {
    const std::size_t size = ends_.size();
    ends_.resize(size + static_cast<std::size_t>(std::popcount(bits)));
    for (std::uint32_t* to = ends_.data() + size; bits != 0; bits &= bits - 1) {
      *to++ = at + static_cast<std::uint32_t>(std::countr_zero(bits));
    }
  }

  /// Finds the records whose cells all ended; returns where the first other one begins. ends_[0] is the end of the
  /// record before.
  std::size_t find_records() {
    std::size_t first = 1;
    for (std::size_t i = looked_at_; i < ends_.size(); ++i) {
      if (block_[ends_[i]] != '\n') continue;
      found_record(first, i + 1 - first);
      first = i + 1;
    }
    ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(first - 1));
    looked_at_ = ends_.size();
    return ends_[0] + std::uint32_t{1};
  }

  void found_record(std::size_t first, std::size_t cells) {
    const std::uint32_t begin = ends_[first - 1] + 1;
    const std::uint32_t end = ends_[first + cells - 1];
    const std::uint32_t cr = end > begin && block_[end - 1] == '\r';
    if (cells != header_.cells) {
      if (end - cr == begin) return;  // a blank line
      convert();
      to_->reject(block_.substr(begin, end - cr - begin), false,
                  fmt::format("expected {} cells, found {}{}", header_.cells, cells,
                              block_.substr(begin, end - cr - begin).find('\r') == std::string_view::npos
                                  ? ""
                                  : " (a carriage return that no line feed follows ends no record)"));
      return;
    }
    if (end - cr == begin) return;
    if (found_ == value_block::capacity) convert();
    record_[found_] = block_.substr(begin, end - cr - begin);
    Schema::for_each([&]<std::size_t At>() {
      const std::uint32_t cell = header_.cell[At];
      value_block& values = values_[At];
      if constexpr (!Schema::required[At]) {
        if (cell == header_.no_cell) return values.set(found_, nullptr, 0);
      }
      const std::uint32_t from = ends_[first + cell - 1] + 1;
      const char* p = block_.data() + from;
      std::uint32_t size = ends_[first + cell] - from - (cell + 1 == cells ? cr : 0);
      if (!Schema::required[At] && size == 0) p = nullptr;
      if (quoted_ && size != 0 && *p == '"') {
        ++p;
        size -= 2;
      }
      values.set(found_, p, size);
    });
    ++found_;
  }

  /// The records found so far, into the batch.
  void convert() {
    const std::size_t first = to_->good.rows();
    std::uint32_t doubtful = 0;
    for (std::size_t i = 0; i < found_; ++i) to_->good.add_row();
    Schema::for_each([&]<std::size_t At>() { doubtful |= convert_column<At>(to_->good.template data<At>() + first); });
    if (doubtful == 0) {
      if (keep_source_)
        to_->source.insert(to_->source.end(), record_.begin(), record_.begin() + static_cast<std::ptrdiff_t>(found_));
    } else {
      to_->good.truncate(first);
      for (std::size_t i = 0; i < found_; ++i) (doubtful >> i & 1U) != 0 ? read_as_json(i) : take(i);
    }
    found_ = 0;
  }

  /// A bit for each record whose value is not plainly what the field says.
  template <std::size_t At>
  std::uint32_t convert_column(auto* to) {
    using field = typename Schema::template field<At>;
    if constexpr (field::kind != field_kind::text) {
      if (convert_values<field>(values_[At], found_, to, block_.data() + block_.size(), to_->good)) return 0;
    }
    std::uint32_t doubtful = 0;
    for (std::size_t i = 0; i < found_; ++i) doubtful |= std::uint32_t{!value<At>(i, to[i])} << i;
    return doubtful;
  }

  template <std::size_t At>
  bool value(std::size_t i, typename Schema::template field<At>::stored_type& to) {
    using field = typename Schema::template field<At>;
    const extent cell{values_[At].begin[i], values_[At].begin[i] + values_[At].size[i]};
    if constexpr (field::kind != field_kind::text) {
      return convert_any<field>(cell, to, block_.data() + block_.size(), to_->good);
    } else {
      to = cell.view();
      if (!field::required && cell.begin == nullptr) return true;
      const text_block bytes(cell.begin);
      if (cell.size() < 32 && ((bytes.special | bytes.quotes) & ((std::uint32_t{1} << cell.size()) - 1)) == 0) {
        return valid_ascii<field>(cell.size());
      }
      return to.find('"') == std::string_view::npos && !has_stray_return(cell) && is_utf8(to) && field::valid(to);
    }
  }

  /// A carriage return at the end or the beginning that no quotes enclose: of a line that ends with two, as text modes
  /// make them, or of one behind a line feed.
  bool has_stray_return(extent cell) const noexcept {
    if (!cell.view().ends_with('\r') && !cell.view().starts_with('\r')) return false;
    return cell.begin == block_.data() || cell.begin[-1] != '"';
  }

  /// A record whose values are all plain.
  void take(std::size_t i) {
    const std::size_t row = to_->good.add_row();
    Schema::for_each([&]<std::size_t At>() { value<At>(i, to_->good.template data<At>()[row]); });
    if (keep_source_) to_->source.push_back(record_[i]);
  }

  void read_as_json(std::size_t i) {
    json_.clear();
    std::string_view before = "{";
    bool is_text = true, has_return = false;
    Schema::for_each([&]<std::size_t At>() {
      if (header_.cell[At] == header_.no_cell) return;
      json_.append(before);
      before = ",";
      append_json_text(json_, Schema::names[At]);
      json_.append(":");
      const extent cell{values_[At].begin[i], values_[At].begin[i] + values_[At].size[i]};
      is_text &= append_cell(Schema::kinds[At], cell);
      has_return |= Schema::kinds[At] == field_kind::text && has_stray_return(cell);
    });
    json_.append("}");
    json_.space(padded_text::padding);
    if (has_return) {
      return to_->reject(record_[i], false, "a text that begins or ends with a carriage return must be in quotes");
    }
    if (!is_text) return to_->reject(record_[i], true, describe(unreadable::encoding));
    const auto status = decoder_.record(padded_text(json_.view()), one_);
    const decode_faults& faults = decoder_.faults();
    if (status == decode_status::decoded && faults.not_finite.empty()) {
      to_->good.append(one_.view());
      if (keep_source_) to_->source.push_back(record_[i]);
    } else {
      to_->reject(record_[i], true, describe(faults.all(), Schema::names));
    }
  }

  /// The JSON value of a cell; false where it is not a text.
  bool append_cell(field_kind kind, extent cell) {
    const std::string_view text = cell.view();
    if (cell.begin == nullptr || (kind != field_kind::text && text.empty())) {
      json_.append("null");
      return true;
    }
    if (kind != field_kind::text) {
      bool is_scalar = number_end(cell.begin, cell.end) == cell.end;
      for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
        is_scalar = is_scalar || text == word;
      }
      if (is_scalar) {
        json_.append(text);
        return true;
      }
    }
    if (!is_utf8(text)) return false;
    append_json_text(json_, quoted_ ? undoubled(text) : text);
    return true;
  }

  const csv_header<Schema>& header_;
  const csv_dialect& dialect_;
  std::string_view block_;
  block_records<Schema>* to_ = nullptr;
  bool keep_source_ = false;
  bool quoted_ = false;                           // there are quotes in the block
  std::vector<std::uint32_t> ends_;               // of cells that are not yet in values_
  std::size_t looked_at_ = 1;                     // how many of them are known to end no record
  std::array<value_block, Schema::size> values_;  // by field, without quotes around them
  std::array<std::string_view, value_block::capacity> record_;
  std::size_t found_ = 0;  // records whose values are there
  text_buffer json_;
  tabscore::decoder<Schema, Policy> decoder_;
  batch<Schema> one_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail
