// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/formats/csv.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "padded_block.hpp"

// CSV read as its grammar says, one byte after another, and cells as the JSON that they stand for.
namespace plain_csv {

namespace ts = tabscore;

using mixed = ts::schema<ts::text<"name", ts::min_length{1}, ts::max_length{40}>, ts::integer<"whole", ts::ge{0}>,
                         ts::real<"number", ts::ge{0}>, ts::optional<ts::integer<"maybe_whole">>,
                         ts::optional<ts::real<"maybe_number">>, ts::boolean<"flag">, ts::optional<ts::text<"note">>>;

/// The grammar, one byte after another: the records of a text, as cells with a mark of quoting; none where malformed.
struct plain_cell {
  std::string text;
  bool quoted = false;
};
struct plain_record {
  std::optional<std::vector<plain_cell>> cells;
  std::string bytes;
};
inline std::vector<plain_record> plain_records(const std::string& text, bool line_breaks = true) {
  std::vector<plain_record> records;
  for (std::size_t begin = 0; begin < text.size();) {
    std::vector<plain_cell> cells;
    std::size_t p = begin;
    bool formed = true;
    for (bool more = true; more && formed;) {
      plain_cell cell;
      const auto ends = [&](std::size_t at) {
        return at == text.size() || text[at] == ',' || text[at] == '\n' ||
               (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n');
      };
      if (p < text.size() && text[p] == '"') {
        cell.quoted = true;
        for (++p;; ++p) {
          if (p == text.size() || (text[p] == '\n' && !line_breaks)) {
            formed = false;
            break;
          }
          if (text[p] == '"') {
            if (p + 1 == text.size() || text[p + 1] != '"') break;
            ++p;
          }
          cell.text += text[p];
        }
        if (formed && !ends(++p)) formed = false;
      } else {
        for (; p < text.size() && text[p] != ',' && text[p] != '\n'; ++p) {
          if (text[p] == '"') formed = false;
          cell.text += text[p];
        }
        if (cell.text.ends_with('\r') && (p == text.size() || text[p] == '\n')) cell.text.pop_back();
      }
      if (!formed) break;
      if (p < text.size() && text[p] == '\r') ++p;
      cells.push_back(cell);
      more = p < text.size() && text[p] == ',';
      ++p;
    }
    if (!formed) p = std::min(text.find('\n', begin), text.size() - 1) + 1;
    std::string bytes = text.substr(begin, p - begin);
    if (bytes.ends_with('\n')) bytes.pop_back();
    if (bytes.ends_with('\r')) bytes.pop_back();
    begin = p;
    if (formed && bytes.empty()) continue;
    records.push_back({formed ? std::optional(cells) : std::nullopt, bytes});
  }
  return records;
}

inline std::string json_text(const std::string& text) {
  ts::text_buffer out;
  ts::append_json_text(out, text);
  return std::string(out.view());
}

inline simdjson::padded_string_view padded(std::string_view body) {
  return simdjson::padded_string_view(body.data(), body.size(), body.size() + ts::block_padding);
}

/// The JSON that a cell stands for.
inline std::string json_of(ts::field_kind kind, bool required, const plain_cell& cell) {
  if (kind == ts::field_kind::text)
    return cell.text.empty() && !cell.quoted && !required ? "null" : json_text(cell.text);
  if (cell.text.empty()) return "null";
  ts::decoder<ts::schema<ts::optional<ts::real<"x">>>> numbers;
  for (const std::string word : {"null", "true", "false"}) {
    if (cell.text == word) return word;
  }
  // A number where Python's json takes it for one.
  if (cell.text.find_first_not_of("0123456789+-.eENaInfity") == std::string::npos) {
    ts::batch<ts::schema<ts::optional<ts::real<"x">>>> to;
    const padded_block body("{\"x\":" + cell.text + "}");
    const auto status = numbers.record(padded(body), to);
    if (status != ts::decode_status::malformed) return cell.text;
  }
  return json_text(cell.text);
}

template <class Value>
bool same(const Value& a, const Value& b) {
  if constexpr (std::is_same_v<Value, double>) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
  } else if constexpr (std::is_same_v<Value, std::string_view>) {
    return a == b && (a.data() == nullptr) == (b.data() == nullptr);
  } else {
    return a == b;
  }
}

/// Reads a block of records (after its header) both ways; where they differ, or nothing.
inline std::string difference(const std::string& text, const std::vector<std::string>& header,
                              bool line_breaks = true) {
  ts::csv_format<mixed> format({',', line_breaks});
  std::string head;
  for (const auto& name : header) head += (head.empty() ? "" : ",") + name;
  if (!format.begin(head + "\n", true)) return "the header";
  const auto decoder = format.decoder();
  ts::block_records<mixed> got;
  const padded_block block(text);
  if (decoder->decode(block, true, got, {})) return "the stream";

  ts::decoder<mixed> json;
  ts::batch<mixed> one;
  const auto records = plain_records(text, line_breaks);
  if (got.size() != records.size()) return fmt::format("{} records, not {}", got.size(), records.size());
  auto rejected = got.rejected.begin();
  std::size_t row = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::string message;
    padded_block body;
    if (!records[i].cells) {
      message = "quotes that do not enclose a cell";
    } else if (records[i].cells->size() != header.size()) {
      message = fmt::format("expected {} cells, found {}", header.size(), records[i].cells->size());
      if (records[i].bytes.find('\r') != std::string::npos) {
        message += " (a carriage return that no line feed follows ends no record)";
      }
    } else {
      std::string members;
      bool utf8 = true, stray_return = false;
      for (std::size_t f = 0; f < mixed::size; ++f) {
        const auto at = std::find(header.begin(), header.end(), mixed::names[f]);
        if (at == header.end()) continue;
        const plain_cell& cell = (*records[i].cells)[static_cast<std::size_t>(at - header.begin())];
        utf8 = utf8 && simdjson::validate_utf8(cell.text.data(), cell.text.size());
        stray_return |= mixed::kinds[f] == ts::field_kind::text && !cell.quoted &&
                        (cell.text.starts_with('\r') || cell.text.ends_with('\r'));
        if (!utf8) continue;
        members += (members.empty() ? "" : ",") + json_text(std::string(mixed::names[f])) + ":" +
                   json_of(mixed::kinds[f], mixed::required[f], cell);
      }
      body = padded_block("{" + members + "}");
      const auto status = json.record(padded(body), one);
      const auto& faults = json.faults();
      if (stray_return) {
        message = "a text that begins or ends with a carriage return must be in quotes";
      } else if (!utf8) {
        message = "not UTF-8";
      } else if (status != ts::decode_status::decoded || !faults.not_finite.empty()) {
        message = ts::describe(faults.all(), mixed::names);
      }
    }
    const auto wrong = [&](std::string_view what) {
      return fmt::format("record {}: {}: {}", i, what, records[i].bytes);
    };
    if (!message.empty()) {
      if (rejected == got.rejected.end()) return wrong("not rejected");
      if (rejected->position != i) return wrong("its position");
      if (rejected->message != message) return wrong("its message");
      if (rejected->bytes != records[i].bytes) return wrong("its bytes");
      ++rejected;
      continue;
    }
    if (rejected != got.rejected.end() && rejected->position == i) return wrong("rejected: " + rejected->message);
    if (got.source[row] != records[i].bytes) return wrong("its source");
    bool equal = true;
    mixed::for_each(
        [&]<std::size_t I>() { equal = equal && same(got.good.view().get<I>()[row], one.view().get<I>()[0]); });
    if (!equal) return wrong("its values");
    ++row;
  }
  if (row != got.good.rows()) return "good records";

  // Wherever it is cut, whole records are cut off, and the same ones.
  for (std::size_t size = 0; size <= text.size(); size += 1 + size / 7) {
    const padded_block prefix(text.substr(0, size));
    const std::size_t whole = format.whole(prefix, false);
    if (whole > size) return "more is whole than there is";
    const auto front = plain_records(text.substr(0, whole), line_breaks);
    const auto back = plain_records(text.substr(whole), line_breaks);
    const auto cut = [&] { return fmt::format("cut at {}, whole are {}", size, whole); };
    if (front.size() + back.size() != records.size()) return cut();
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& part = i < front.size() ? front[i] : back[i - front.size()];
      if (part.bytes != records[i].bytes || part.cells.has_value() != records[i].cells.has_value()) return cut();
    }
  }
  return {};
}

}  // namespace plain_csv
