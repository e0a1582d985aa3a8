// SPDX-License-Identifier: MIT
#include "replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "input.hpp"
#include "log_reader.hpp"
#include "output.hpp"
#include "stop.hpp"
#include "student.hpp"

namespace {

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

  bool agrees() const noexcept { return different_ == 0 && unreadable_ == 0; }

  void report(const log_reader& log) const {
    std::string text;
    const auto print = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
      text += fmt::format(format, std::forward<Args>(args)...);
    };
    print("{} records replayed: {} with the logged bits, {} different\n", records_, records_ - different_, different_);
    for (const auto& [name, count] : log.models) print("logged by model {}: {}\n", name, count);
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
    if (log.torn != 0) print("the last line, {}, is torn: it was not replayed\n", log.torn);
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
  log_reader log;
  while (lines.next(block, [] {})) {
    log.read(block);
    for (auto& line : log.unreadable) compared.unreadable(line.line, std::move(line.why));
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
  compared.report(log);
  return compared.agrees() ? exit_code::done : exit_code::differs;
}
