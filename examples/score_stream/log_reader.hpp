// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tabscore/formats/error_text.hpp>
#include <tabscore/json/json_value.hpp>
#include <tabscore/outputs/predictions.hpp>
#include <utility>
#include <vector>

#include "input.hpp"

/// What was logged of a record, besides its numbers.
struct logged {
  std::uint64_t line;
  std::uint32_t label;      ///< or the class; 0 where the task has neither
  std::uint32_t decision;   ///< 0 where the service declares none
  std::size_t reasons = 0;  ///< how many codes stand in `codes`
  bool has_reasons = false;
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
  std::vector<double> values;                   // of each of them, a number a column
  std::vector<unreadable_line> unreadable;      // of the last block
  std::vector<std::string> codes;               // of reasons, of each of them in turn
  std::uint64_t torn = 0;                       // the last line, where it was cut; 0: none was
  std::uint64_t events = 0;                     // lines that are no predictions, as overrides
  std::uint64_t erased = 0;                     // lines whose record was erased
  std::map<std::string, std::uint64_t> models;  // lines that name them
  std::string other;                            // why the log is of another prediction; empty: it is of this one

  /// The log is of predictions of this layout, which must outlive the reader.
  explicit log_reader(const ts::prediction_layout& layout) : layout_(layout) {}

  /// The next block begins with this line.
  void go_to(std::uint64_t line) { line_ = line - 1; }

  void read(const input_block& from) {
    records.clear();
    then.clear();
    values.clear();
    codes.clear();
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
  using kind = ts::json_kind;

  /// Several lines in one: a carriage return with more than blanks behind it.
  static bool has_other_line_ends(std::string_view line) {
    const std::size_t end = line.find('\r');
    return end != std::string_view::npos && line.find_first_not_of(" \t\r", end) != std::string_view::npos;
  }

  std::string read_line(std::string_view line) {
    if (std::string fault = ts::json_fault(line); !fault.empty()) return fault;
    ts::json_value threshold, features, model, decision, reasons, event;
    members_.assign(layout_.names.size(), {});
    std::string others;
    const std::size_t begin = line.find_first_not_of(" \t\r");
    const ts::json_value all(line.data() + begin, line.data() + line.size());
    if (all.kind() != kind::object) return "not an object";
    all.for_each_member([&](std::string_view raw, ts::json_value value) {  // of a name that is duplicated, the last
      const std::string_view key = ts::unescaped(raw, spare_);
      const auto declared = std::find(layout_.names.begin(), layout_.names.end(), key);
      if (declared != layout_.names.end())
        members_[static_cast<std::size_t>(declared - layout_.names.begin())] = value;
      else if (key == "features")
        features = value;
      else if (key == "model")
        model = value;
      else if (key == "threshold")
        threshold = value;
      else if (key == "reasons")
        reasons = value;
      else if (key == "event")
        event = value;
      else if (!layout_.decisions.empty() && key == layout_.decisions.name)
        decision = value;
      else if (key != "timestamp_utc" && is_first_)
        others += fmt::format("{}\"{}\"", others.empty() ? "" : ", ", key);
    });
    if (event && is_none(members_)) return ++events, std::string();
    const std::size_t before = values.size(), codes_before = codes.size();
    logged read{line_, 0, 0};
    std::string why = read_members(read);
    if (std::exchange(is_first_, false)) find_other(!why.empty(), threshold, others);
    if (why.empty() && !is(features, kind::object)) why = "no \"features\"";
    const bool is_erased = why.empty() && features.raw().starts_with(R"({"erased": ")");
    if (why.empty() && !layout_.decisions.empty()) why = read_decision(decision, read);
    if (why.empty() && reasons) why = read_reasons(reasons, read);
    if (!why.empty() || is_erased) {
      values.resize(before);
      codes.resize(codes_before);
      erased += is_erased && why.empty();
      return why;
    }
    if (is(model, kind::text)) ++models[std::string(ts::unescaped(model.raw_text(), spare_))];
    records.append(features.raw());
    records.append("\n");
    then.push_back(read);
    return {};
  }

  /// The declared members, as the log writes them: empty, or why they cannot be read.
  std::string read_members(logged& to) {
    const auto& names = layout_.names;
    if (layout_.model.task == ts::task::multiclass) return read_classes(to);
    for (std::size_t k = 0; k < layout_.model.columns; ++k) {
      if (!read_number(members_[k])) return fmt::format("no number \"{}\"", names[k]);
    }
    if (names.size() == layout_.model.columns) return {};
    const ts::json_value label = members_.back();
    if (!is(label, kind::integer)) return fmt::format("no integer \"{}\"", names.back());
    to.label = label.raw() != "0" ? 1 : 0;
    return {};
  }

  std::string read_decision(ts::json_value decision, logged& to) {
    const auto& names = layout_.decisions.names;
    if (!is(decision, kind::text)) return fmt::format("no text \"{}\"", layout_.decisions.name);
    const std::string_view name = ts::unescaped(decision.raw_text(), spare_);
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) return fmt::format("the service has no decision \"{}\"", name);
    to.decision = static_cast<std::uint32_t>(at - names.begin());
    return {};
  }

  std::string read_reasons(ts::json_value reasons, logged& to) {
    if (!is(reasons, kind::array)) return "\"reasons\" is not a list";
    to.has_reasons = true;
    for (auto code = reasons.first_element(); code; code = code.next_element()) {
      if (!is(code, kind::text)) return "\"reasons\" has a code that is not a text";
      codes.emplace_back(ts::unescaped(code.raw_text(), spare_));
      ++to.reasons;
    }
    return {};
  }

  std::string read_classes(logged& to) {
    const ts::model_outputs& model = layout_.model;
    const ts::json_value named = members_[0];
    const bool texts = model.classes_are == ts::class_kind::text;
    if (!named || is(named, kind::object, kind::array, kind::null) || is(named, kind::text) != texts) {
      return fmt::format("no class \"{}\"", layout_.names[0]);
    }
    const std::string_view name = texts ? ts::unescaped(named.raw_text(), spare_) : named.raw();
    const auto at = std::find(model.classes.begin(), model.classes.end(), name);
    if (at == model.classes.end()) return fmt::format("the model has no class \"{}\"", name);
    to.label = static_cast<std::uint32_t>(at - model.classes.begin());
    if (!is(members_[1], kind::object)) return fmt::format("no object \"{}\"", layout_.names[1]);
    std::string why;
    std::size_t k = 0;
    members_[1].for_each_member([&](std::string_view raw, ts::json_value value) {
      const std::string_view key = ts::unescaped(raw, spare_);
      if (!why.empty()) return;
      if (k == model.columns || key != model.classes[k]) {
        why = fmt::format("\"{}\" has \"{}\" where the model has {}", layout_.names[1], key,
                          k == model.columns ? "no more classes" : fmt::format("the class \"{}\"", model.classes[k]));
      } else if (!read_number(value)) {
        why = fmt::format("no number of the class \"{}\"", key);
      }
      ++k;
    });
    if (why.empty() && k < model.columns) why = fmt::format("no number of the class \"{}\"", model.classes[k]);
    return why;
  }

  /// Whether the first object of the log says that all of it is of another prediction.
  void find_other(bool unreadable_members, ts::json_value threshold, const std::string& others) {
    const ts::task task = layout_.model.task;
    const bool has_limit = task == ts::task::binary || task == ts::task::anomaly;
    std::string expected;
    for (const std::string_view name : layout_.names) {
      expected += fmt::format("{}\"{}\"", expected.empty() ? "" : ", ", name);
    }
    if (unreadable_members && is_none(members_)) {
      other = fmt::format("line {} of the log has no {}{}", line_, expected,
                          others.empty() ? std::string() : fmt::format(" but {}", others));
    } else if (threshold && !has_limit) {
      other = fmt::format("line {} of the log has a \"threshold\", which a prediction of the task {} has not", line_,
                          name(task));
    } else {
      return;
    }
    other += ": it is a log of another prediction; replay it with the program and a model of that";
  }

  static bool is_none(const std::vector<ts::json_value>& members) {
    return std::none_of(members.begin(), members.end(), [](const auto& m) { return bool(m); });
  }
  template <class... Kinds>
  static bool is(ts::json_value v, Kinds... kinds) {
    return v && ((v.kind() == kinds) || ...);
  }
  bool read_number(ts::json_value v) {
    if (!is(v, kind::integer, kind::real)) return false;
    return ts::parse_number(v.raw(), values.emplace_back()) && std::isfinite(values.back());
  }

  const ts::prediction_layout& layout_;
  std::vector<ts::json_value> members_;  // of a line, as they are declared
  std::string spare_;
  std::uint64_t line_ = 0;
  bool is_first_ = true;
};
