// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <tabscore/json/json_value.hpp>
#include <utility>
#include <vector>

#include "input.hpp"
#include "student.hpp"

/// What was predicted for a record.
struct verdict {
  double probability = 0;
  bool label = false;
};

struct logged {
  std::uint64_t line;
  verdict then;
};

/// A line of a log that holds no prediction, or not all of it.
struct unreadable_line {
  std::uint64_t line;
  std::string why;
};

/// Blocks of a log: the records in them as NDJSON, and what was logged of each.
class log_reader {
 public:
  ts::text_buffer records;                      // of the last block, with ts::block_padding behind them
  std::vector<logged> then;                     // of each of them
  std::vector<unreadable_line> unreadable;      // of the last block
  std::uint64_t torn = 0;                       // the last line, where it was cut; 0: none was
  std::map<std::string, std::uint64_t> models;  // lines that name them

  void read(const input_block& from) {
    records.clear();
    then.clear();
    unreadable.clear();
    std::string_view block = from.bytes.view();
    if (from.is_too_long) {
      unreadable.push_back({++line_, "longer than --max-record-bytes"});
      block = {};
    }
    while (!block.empty()) {
      const std::size_t feed = block.find('\n');
      const std::string_view line = block.substr(0, feed);
      block.remove_prefix(feed + 1);
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (std::string why = read_line(line); why.empty())
        continue;
      else if (has_other_line_ends(line))
        unreadable.push_back({line_, "lines end with carriage returns alone: write line feeds"});
      else if (from.is_torn && block.empty())
        torn = line_;
      else
        unreadable.push_back({line_, std::move(why)});
    }
    records.space(ts::block_padding);
  }

 private:
  /// Several lines in one: a carriage return with more than blanks behind it.
  static bool has_other_line_ends(std::string_view line) {
    const std::size_t end = line.find('\r');
    return end != std::string_view::npos && line.find_first_not_of(" \t\r", end) != std::string_view::npos;
  }
  std::string read_line(std::string_view line) {
    if (std::string fault = ts::json_fault(line); !fault.empty()) return fault;
    ts::json_value probability, label, features, model;
    const std::size_t begin = line.find_first_not_of(" \t\r");
    const ts::json_value all(line.data() + begin, line.data() + line.size());
    if (all.kind() != ts::json_kind::object) return "not an object";
    all.for_each_member([&](std::string_view key, ts::json_value value) {  // of a name that is there twice, the last
      if (key == probability_name) probability = value;
      if (key == label_name) label = value;
      if (key == "features") features = value;
      if (key == "model") model = value;
    });
    const auto is = [](ts::json_value v, auto... kinds) { return v && ((v.kind() == kinds) || ...); };
    verdict v;
    if (!is(probability, ts::json_kind::integer, ts::json_kind::real) ||
        !read_number(probability.raw(), v.probability)) {
      return fmt::format("no probability \"{}\"", probability_name);
    }
    if (!is(label, ts::json_kind::integer)) return fmt::format("no integer \"{}\"", label_name);
    if (!is(features, ts::json_kind::object)) return "no \"features\"";
    v.label = label.raw() != "0";
    if (std::string spare; is(model, ts::json_kind::text))
      ++models[std::string(ts::unescaped(model.raw_text(), spare))];
    records.append(features.raw());
    records.append("\n");
    then.push_back({line_, v});
    return {};
  }
  static bool read_number(std::string_view text, double& to) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), to);
    return failed == std::errc{} && end == text.data() + text.size() && std::isfinite(to);
  }

  std::uint64_t line_ = 0;
};
