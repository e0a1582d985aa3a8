// SPDX-License-Identifier: MIT
#include "replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "input.hpp"
#include "output.hpp"
#include "stop.hpp"
#include "student.hpp"

namespace {

/// What was predicted for a record.
struct verdict {
  double probability = 0;
  bool label = false;
};

struct logged {
  std::uint64_t line;
  verdict then;
};

/// What a log and a model agree and disagree on.
class comparison {
 public:
  explicit comparison(std::size_t list) : list_(list) {}

  void add(std::uint64_t line, const verdict& then, const verdict& now) {
    ++records_;
    ++labels_[then.label][now.label];
    auto& tenth =
        bands_[std::min<std::size_t>(9, static_cast<std::size_t>(std::clamp(then.probability, 0.0, 1.0) * 10))];
    ++tenth.records;
    tenth.then += then.probability;
    tenth.now += now.probability;
    tenth.changed += then.label != now.label;
    const bool same_bits =
        std::bit_cast<std::uint64_t>(then.probability) == std::bit_cast<std::uint64_t>(now.probability);
    if (same_bits && then.label == now.label) return;
    ++different_;
    const double distance = std::abs(now.probability - then.probability);
    total_distance_ += distance;
    if (!largest_ || distance > std::abs(largest_->now.probability - largest_->then.probability)) {
      largest_ = difference{line, then, now};
    }
    if (listed_.size() < list_) listed_.push_back({line, then, now});
  }
  void unreadable(std::uint64_t line, std::string why) {
    ++unreadable_;
    if (reasons_.size() < list_) reasons_.push_back(fmt::format("line {}: {}", line, why));
  }
  void torn(std::uint64_t line) { torn_ = line; }
  void of_model(std::string_view name) { ++models_[std::string(name)]; }

  bool agrees() const noexcept { return different_ == 0 && unreadable_ == 0; }

  void report() const {
    std::string text;
    const auto print = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
      text += fmt::format(format, std::forward<Args>(args)...);
    };
    print("{} records replayed: {} with the logged bits, {} different\n", records_, records_ - different_, different_);
    for (const auto& [name, count] : models_) print("logged by model {}: {}\n", name, count);
    if (different_ > 0) {
      print("largest difference of a probability {} (line {}: {} then, {} now), mean of those that differ {}\n",
            std::abs(largest_->now.probability - largest_->then.probability), largest_->line,
            largest_->then.probability, largest_->now.probability, total_distance_ / static_cast<double>(different_));
      print("labels: {} stay 0, {} stay 1, {} change from 0 to 1, {} from 1 to 0\n\n", labels_[0][0], labels_[1][1],
            labels_[0][1], labels_[1][0]);
      print("{:>13} {:>10} {:>12} {:>12} {:>14}\n", "logged", "records", "mean then", "mean now", "labels change");
      for (std::size_t i = 0; i < bands_.size(); ++i) {
        const auto& b = bands_[i];
        if (b.records == 0) continue;
        const auto n = static_cast<double>(b.records);
        print("  0.{} to {}.{} {:>10} {:>12.6f} {:>12.6f} {:>14}\n", i, i == 9 ? 1 : 0, (i + 1) % 10, b.records,
              b.then / n, b.now / n, b.changed);
      }
      print("\n{:>10} {:>22} {:>22} {:>6} {:>4}\n", "line", "then", "now", "label", "");
      for (const difference& d : listed_) {
        print("{:>10} {:>22} {:>22} {:>6} -> {}\n", d.line, d.then.probability, d.now.probability, int{d.then.label},
              int{d.now.label});
      }
      if (listed_.size() < different_) print("and {} more\n", different_ - listed_.size());
    }
    if (unreadable_ > 0) print("{} lines could not be replayed:\n", unreadable_);
    for (const auto& why : reasons_) print("  {}\n", why);
    if (torn_) print("the last line, {}, is torn: it was not replayed\n", *torn_);
    output standard({}, 0, false, {});
    standard.write(text);
    standard.commit();
  }

 private:
  struct difference {
    std::uint64_t line;
    verdict then, now;
  };
  struct band {  // a tenth of the logged probabilities
    std::uint64_t records = 0;
    double then = 0, now = 0;
    std::uint64_t changed = 0;
  };
  std::size_t list_;
  std::uint64_t records_ = 0, different_ = 0, unreadable_ = 0;
  std::array<std::array<std::uint64_t, 2>, 2> labels_{};  // then, now
  std::array<band, 10> bands_{};
  double total_distance_ = 0;
  std::optional<difference> largest_;
  std::vector<difference> listed_;
  std::vector<std::string> reasons_;
  std::optional<std::uint64_t> torn_;
  std::map<std::string, std::uint64_t> models_;
};

/// Blocks of a log: the records in them as NDJSON, and what was logged of each.
class log_reader {
 public:
  log_reader(comparison& to) : to_(to) {}

  ts::text_buffer records;
  std::vector<logged> then;

  void read(const input_block& from) {
    records.clear();
    then.clear();
    std::string_view block = from.bytes.view();
    if (from.is_too_long) {
      to_.unreadable(++line_, "longer than --max-record-bytes");
      block = {};
    }
    while (!block.empty()) {
      const std::size_t feed = block.find('\n');
      const std::string_view line = block.substr(0, feed);
      block.remove_prefix(feed + 1);
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (const auto why = read_line(line); why.empty())
        continue;
      else if (has_other_line_ends(line))
        to_.unreadable(line_, "lines end with carriage returns alone: write line feeds");
      else if (from.is_torn && block.empty())
        to_.torn(line_);
      else
        to_.unreadable(line_, why);
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
    if (std::string spare; is(model, ts::json_kind::text)) to_.of_model(ts::unescaped(model.raw_text(), spare));
    records.append(features.raw());
    records.append("\n");
    then.push_back({line_, v});
    return {};
  }
  static bool read_number(std::string_view text, double& to) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), to);
    return failed == std::errc{} && end == text.data() + text.size() && std::isfinite(to);
  }

  comparison& to_;
  std::uint64_t line_ = 0;
};

}  // namespace

exit_code replay(const settings& s, ts::any_scorer model) {
  auto pipe = ts::make_pipeline(student{}, student_columns::rules, student_columns::features, std::move(model));
  if (!pipe) stop(exit_code::usage, pipe.error().message);
  settings of_log = s;
  of_log.inputs = {s.replay};
  of_log.from = "ndjson";
  of_log.keep = false;
  of_log.part = {};
  of_log.policy = on_error::skip;  // a line that is too long is one that cannot be replayed
  ts::ndjson_format<student> format;
  const auto decoder = format.decoder();
  input lines(of_log, format);
  input_block block;
  ts::block_records<student> records;
  ts::score_buffers buffers;
  comparison compared(s.replay_list);
  log_reader log(compared);
  while (lines.next(block, [] {})) {
    log.read(block);
    if (const auto failed = decoder->decode(log.records.view(), false, records, {})) {
      stop(exit_code::input_output, failed->message);
    }
    auto rejected = records.rejected.begin();
    const auto whole = pipe->score(records.good, buffers);
    const auto* const scores = std::get_if<ts::predictions>(&whole);
    for (std::size_t i = 0, row = 0; i < log.then.size(); ++i) {
      const logged& l = log.then[i];
      if (rejected != records.rejected.end() && rejected->position == i) {
        compared.unreadable(l.line, (rejected++)->message);
        continue;
      }
      // One record alone has the bits that it has among others.
      const std::size_t at = row++;
      const auto alone = scores != nullptr ? whole : pipe->score(records.good.view().slice(at, 1), buffers);
      const auto* const p = std::get_if<ts::predictions>(&alone);
      if (p == nullptr) {
        compared.unreadable(l.line, "the rules or the model refuse the record");
        continue;
      }
      const std::size_t k = scores != nullptr ? at : 0;
      compared.add(l.line, l.then, {p->probability[k], p->label[k] != 0});
    }
  }
  compared.report();
  return compared.agrees() ? exit_code::done : exit_code::differs;
}
