// SPDX-License-Identifier: MIT
// CSV against a plain reading of its grammar, and its values against the JSON that they stand for.
#include <tabscore/formats/csv.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/padded_block.hpp"

namespace ts = tabscore;

namespace {

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
std::vector<plain_record> plain_records(const std::string& text, bool line_breaks = true) {
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

std::string json_text(const std::string& text) {
  ts::text_buffer out;
  ts::append_json_text(out, text);
  return std::string(out.view());
}

simdjson::padded_string_view padded(std::string_view body) {
  return simdjson::padded_string_view(body.data(), body.size(), body.size() + ts::block_padding);
}

/// The JSON that a cell stands for.
std::string json_of(ts::field_kind kind, bool required, const plain_cell& cell) {
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
    if (status != ts::decode_status::broken) return cell.text;
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

/// Reads a block of records (after its header) both ways.
void check(const std::string& text, const std::vector<std::string>& header, bool line_breaks = true) {
  ts::csv_format<mixed> format({',', line_breaks});
  std::string head;
  for (const auto& name : header) head += (head.empty() ? "" : ",") + name;
  REQUIRE(format.begin(head + "\n", true));
  const auto decoder = format.decoder();
  ts::block_records<mixed> got;
  const padded_block block(text);
  REQUIRE_FALSE(decoder->decode(block, true, got));

  ts::decoder<mixed> json;
  ts::batch<mixed> one;
  const auto records = plain_records(text, line_breaks);
  REQUIRE(got.size() == records.size());
  auto rejected = got.rejected.begin();
  std::size_t row = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::string message;
    padded_block body;
    if (!records[i].cells) {
      message = "quotes that do not enclose a cell";
    } else if (records[i].cells->size() != header.size()) {
      message = fmt::format("expected {} cells, found {}", header.size(), records[i].cells->size());
    } else {
      std::string members;
      bool utf8 = true;
      for (std::size_t f = 0; f < mixed::size; ++f) {
        const auto at = std::find(header.begin(), header.end(), mixed::names[f]);
        if (at == header.end()) continue;
        const plain_cell& cell = (*records[i].cells)[static_cast<std::size_t>(at - header.begin())];
        utf8 = utf8 && simdjson::validate_utf8(cell.text.data(), cell.text.size());
        members += (members.empty() ? "" : ",") + json_text(std::string(mixed::names[f])) + ":" +
                   json_of(mixed::kinds[f], mixed::required[f], cell);
      }
      body = padded_block("{" + members + "}");
      const auto status = json.record(padded(body), one);
      const auto& faults = json.faults();
      if (!utf8) {
        message = "not UTF-8";
      } else if (status != ts::decode_status::decoded) {
        message = ts::describe(faults.errors, mixed::names);
      } else if (!faults.not_finite.empty()) {
        message = ts::describe(faults.not_finite, mixed::names);
      }
    }
    CAPTURE(text, records[i].bytes, message);
    if (!message.empty()) {
      REQUIRE(rejected != got.rejected.end());
      REQUIRE(rejected->position == i);
      REQUIRE(rejected->message == message);
      REQUIRE(rejected->bytes == records[i].bytes);
      ++rejected;
      continue;
    }
    REQUIRE((rejected == got.rejected.end() || rejected->position != i));
    REQUIRE(got.source[row] == records[i].bytes);
    mixed::for_each([&]<std::size_t I>() { REQUIRE(same(got.good.view().get<I>()[row], one.view().get<I>()[0])); });
    ++row;
  }
  REQUIRE(row == got.good.rows());

  // Wherever it is cut, whole records are cut off, and the same ones.
  for (std::size_t size = 0; size <= text.size(); size += 1 + size / 7) {
    const padded_block prefix(text.substr(0, size));
    const std::size_t whole = format.whole(prefix, false);
    REQUIRE(whole <= size);
    const auto front = plain_records(text.substr(0, whole), line_breaks);
    const auto back = plain_records(text.substr(whole), line_breaks);
    REQUIRE(front.size() + back.size() == records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& part = i < front.size() ? front[i] : back[i - front.size()];
      REQUIRE(part.bytes == records[i].bytes);
      REQUIRE(part.cells.has_value() == records[i].cells.has_value());
    }
  }
}

}  // namespace

TEST_CASE("any bytes are read as the grammar of CSV says", "[property]") {
  std::mt19937 random(20261123);
  const std::string alphabet = "aaa111,,,,\"\"\"\n\n\r.";
  for (int trial = 0; trial < 4000; ++trial) {
    std::string text;
    const std::size_t size = random() % (trial % 10 == 0 ? 400 : 40);
    for (std::size_t i = 0; i < size; ++i) text += alphabet[random() % alphabet.size()];
    check(text + "\n", {"name", "whole", "number", "flag"}, trial % 3 != 0);
  }
}

TEST_CASE("a cell gives what the JSON gives that it stands for", "[property]") {
  std::mt19937 random(7);
  const std::vector<std::string> nasty{"",
                                       "0",
                                       "00",
                                       "-0",
                                       "-0.0",
                                       "1",
                                       "45",
                                       "45.9",
                                       "1e3",
                                       "1E-2",
                                       "1e400",
                                       "1_000",
                                       " 7 ",
                                       "+3",
                                       "-1",
                                       "12345678",
                                       "123456789",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "1.5",
                                       ".5",
                                       "5.",
                                       "0.1234567",
                                       "87.25",
                                       "123456.7890123",
                                       "NaN",
                                       "nan",
                                       "Infinity",
                                       "-Infinity",
                                       "inf",
                                       "null",
                                       "true",
                                       "false",
                                       "True",
                                       "yes",
                                       "no",
                                       "1.0",
                                       "x",
                                       "US",
                                       "\xC3\xA9t\xC3\xA9",
                                       "\xC3",
                                       "\xED\xA0\x80",
                                       "a,b",
                                       "a\"b",
                                       "\"",
                                       "a\nb",
                                       "\\",
                                       "\\u0041",
                                       "tab\there",
                                       std::string("nul\0", 4),
                                       "this text is longer than thirty-two characters",
                                       "this text is very much longer than forty characters are"};
  const std::vector<std::string> plain{"US", "12", "3.5", "7", "0.25", "true", "note"};
  std::vector<std::string> header;
  for (const auto name : mixed::names) header.emplace_back(name);
  header.emplace_back("other");
  for (int trial = 0; trial < 600; ++trial) {
    std::shuffle(header.begin(), header.end(), random);
    std::string text;
    const unsigned odd = trial % 4 == 0 ? 2 : 40;
    for (std::size_t rows = random() % 100; rows > 0; --rows) {
      for (std::size_t c = 0; c < header.size(); ++c) {
        const std::size_t f = mixed::index_of(header[c]);
        const std::string value = random() % odd == 0 || f == mixed::npos ? nasty[random() % nasty.size()] : plain[f];
        const bool must = value.find_first_of(",\"\n") != std::string::npos || value.ends_with('\r');
        if (c > 0) text += ',';
        if (must || random() % 5 == 0) {
          text += '"';
          for (const char byte : value) text += byte == '"' ? "\"\"" : std::string(1, byte);
          text += '"';
        } else {
          text += value;
        }
      }
      text += trial % 2 == 0 ? "\n" : "\r\n";
    }
    check(text, header);
  }
}
