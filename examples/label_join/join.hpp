// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tabscore/core/json_text.hpp>
#include <tabscore/core/text_buffer.hpp>
#include <tabscore/monitor/expected_performance.hpp>
#include <tabscore/monitor/performance.hpp>
#include <tabscore/monitor/performance_json.hpp>
#include <tabscore/monitor/performance_report.hpp>
#include <utility>
#include <vector>

#include "partitions.hpp"
#include "prediction_log.hpp"

struct join_settings {
  std::int64_t window = 0;                     ///< in microseconds; 0: no windows
  std::optional<std::int64_t> max_delay = {};  ///< of a label, in microseconds
  bool exact = false;                          ///< keeps each score and label
  bool estimate = false;                       ///< what to expect of all predictions without labels, too
};

/// Each label is counted once, and so is each prediction.
struct join_counts {
  std::uint64_t labels = 0, joined = 0, late = 0, duplicate = 0, contradicting = 0, unknown = 0, unreadable_labels = 0;
  std::uint64_t predictions = 0, labelled = 0, too_old = 0, unlabelled = 0, repeated = 0, unreadable_predictions = 0;
};

/// Joins predictions and labels by the hashes of their ids, a partition at a time, and counts what they were worth.
class join {
 public:
  static constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();

  join(const prediction_log& log, join_settings settings) : log_(log), settings_(settings) {}

  join_counts counts;

  /// A label's record: the id's hash, the time or no_time, its numbers.
  bool add(partitions& predictions, partitions& labels, std::size_t at) {
    if (!predictions.load(at, predictions_) || !labels.load(at, labels_)) return false;
    const std::size_t words = log_.words(), label_words = label_size();
    sort(predictions_, words, prediction_keys_, true);
    sort(labels_, label_words, label_keys_, false);
    auto label = label_keys_.begin();
    for (auto p = prediction_keys_.begin(); p != prediction_keys_.end();) {
      for (; label != label_keys_.end() && label->first < p->first;) ++counts.unknown, label = past_label(label);
      auto end = p;
      while (end != prediction_keys_.end() && end->first == p->first) ++end;
      if (label == label_keys_.end() || label->first != p->first) {
        each_prediction(p, end, [&](std::span<const std::uint64_t> record) {
          ++counts.unlabelled;
          read(record);
        });
      } else {
        const std::span l(labels_.data() + label->second * label_words, label_words);
        bool joined = false;
        each_prediction(p, end, [&](std::span<const std::uint64_t> record) {
          read(record);
          joined |= take(record, l);
        });
        ++(joined ? counts.joined : counts.late);
        label = past_label(label);
      }
      p = end;
    }
    while (label != label_keys_.end()) ++counts.unknown, label = past_label(label);
    return true;
  }

  std::string report() {
    ts::text_buffer out;
    const auto put = [&](std::string_view text) { out.append(text); };
    put(
        fmt::format("{{\"labels\":{{\"read\":{},\"joined\":{},\"late\":{},\"duplicate\":{},\"contradicting\":{},"
                    "\"unknown\":{},\"unreadable\":{}}},\n",
                    counts.labels, counts.joined, counts.late, counts.duplicate, counts.contradicting, counts.unknown,
                    counts.unreadable_labels));
    put(
        fmt::format("\"predictions\":{{\"read\":{},\"labelled\":{},\"late\":{},\"unlabelled\":{},\"repeated\":{},"
                    "\"unreadable\":{}}},\n\"models\":[",
                    counts.predictions, counts.labelled, counts.too_old, counts.unlabelled, counts.repeated,
                    counts.unreadable_predictions));
    std::map<std::string, of_model*> models;
    for (std::uint32_t m = 0; m < models_.size(); ++m) models[log_.models().text(m)] = &models_[m];
    std::string_view before = "\n";
    for (auto& [name, model] : models) {
      put(std::exchange(before, ",\n"));
      put("{\"model\":");
      name.empty() ? put("null") : ts::append_json_text(out, name);
      put(",\n \"performance\":");
      write(out, model->all);
      list(out, ",\n \"windows\":[", model->windows, [&](std::int64_t window, tally& t) {
        put("{\"from\":");
        ts::append_json_text(out, time_text(window * settings_.window));
        put(",\"performance\":");
        write(out, t);
      });
      std::map<std::pair<std::size_t, std::string>, tally*> segments;
      for (auto& [key, t] : model->segments) {
        const bool other = key.second == prediction_log::other_value;
        segments[{key.first, other ? std::string() : log_.segment_values(key.first).text(key.second)}] = &t;
      }
      list(out, ",\n \"segments\":[", segments, [&](const auto& key, tally* t) {
        put("{\"field\":");
        ts::append_json_text(out, log_.settings().segments[key.first]);
        put(key.second.empty() ? ",\"other\":true" : ",\"value\":" + key.second);
        put(",\"performance\":");
        write(out, *t);
      });
      put("}");
    }
    put("]}\n");
    return std::string(out.view());
  }

 private:
  struct tally {
    explicit tally(const ts::model_outputs& model) : counts(model) {}
    ts::performance_counts counts;
    std::optional<ts::expected_counts> expected;  // if it is asked for
    ts::score_pairs pairs;
  };
  struct of_model {
    explicit of_model(const ts::model_outputs& model) : all(model) {}
    tally all;
    std::map<std::int64_t, tally> windows;
    std::map<std::pair<std::size_t, std::uint32_t>, tally> segments;
  };
  using keys = std::vector<std::pair<std::uint64_t, std::size_t>>;  // hash and place: those of a hash in order

  std::size_t label_size() const { return 2 + ts::performance_counts::label_numbers(log_.model()); }

  /// Records of a hash by their time, if that counts, and in the order in which they were read.
  static void sort(const std::vector<std::uint64_t>& records, std::size_t words, keys& to, bool by_time) {
    to.clear();
    for (std::size_t i = 0; i * words < records.size(); ++i) to.emplace_back(records[i * words], i);
    const auto time = [&](const auto& key) { return static_cast<std::int64_t>(records[key.second * words + 1]); };
    std::sort(to.begin(), to.end(), [&](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      if (by_time && time(a) != time(b)) return time(a) < time(b);
      return a.second < b.second;
    });
  }

  /// Behind all labels of an id, counting the further ones.
  keys::iterator past_label(keys::iterator first) {
    const std::size_t words = label_size();
    const auto* const numbers = labels_.data() + first->second * words + 2;
    auto next = first + 1;
    for (; next != label_keys_.end() && next->first == first->first; ++next) {
      const bool same = std::equal(numbers, numbers + (words - 2), labels_.data() + next->second * words + 2);
      ++(same ? counts.duplicate : counts.contradicting);
    }
    return next;
  }

  /// Calls use(record) with the first prediction of each model.
  template <class Use>
  void each_prediction(keys::iterator first, keys::iterator end, Use&& use) {
    const std::size_t words = log_.words();
    const auto model_of = [&](keys::iterator p) {
      return static_cast<std::uint32_t>(predictions_[p->second * words + 2]);
    };
    for (auto p = first; p != end; ++p) {
      if (std::any_of(first, p, [&](const auto& q) { return model_of(first + (&q - &*first)) == model_of(p); })) {
        ++counts.repeated;
      } else {
        use(std::span<const std::uint64_t>(predictions_.data() + p->second * words, words));
      }
    }
  }

  /// The numbers of a prediction, which count for what is expected.
  void read(std::span<const std::uint64_t> p) {
    values_.resize(log_.model().columns);
    std::transform(p.end() - static_cast<std::ptrdiff_t>(values_.size()), p.end(), values_.begin(),
                   [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    if (!settings_.estimate || !ts::expected_counts::has_figures(log_.model())) return;
    each_tally(p, [&](tally& t, std::uint32_t predicted) {
      if (!t.expected) t.expected.emplace(log_.model());
      t.expected->add(values_, predicted);
    });
  }

  bool take(std::span<const std::uint64_t> p, std::span<const std::uint64_t> label) {
    const auto time = static_cast<std::int64_t>(p[1]), labelled = static_cast<std::int64_t>(label[1]);
    if (settings_.max_delay && labelled != no_time && labelled - time > *settings_.max_delay) {
      ++counts.too_old;
      return false;
    }
    ++counts.labelled;
    numbers_.resize(label.size() - 2);
    std::transform(label.begin() + 2, label.end(), numbers_.begin(),
                   [](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    each_tally(p, [&](tally& t, std::uint32_t predicted) {
      if (t.counts.add(values_, predicted, numbers_)) return;  // never: what is wrong was refused when it was read
      if (settings_.exact && t.counts.is_ranked()) t.pairs.add(t.counts.ranked(values_[0]), numbers_[0] == 1);
    });
    return true;
  }
  /// Calls f(tally, predicted class) for each report that a prediction is part of.
  template <class F>
  void each_tally(std::span<const std::uint64_t> p, F&& f) {
    const auto time = static_cast<std::int64_t>(p[1]);
    const auto predicted = static_cast<std::uint32_t>(p[2] >> 32U), model = static_cast<std::uint32_t>(p[2]);
    while (models_.size() <= model) models_.emplace_back(log_.model());
    of_model& m = models_[model];
    f(m.all, predicted);
    if (settings_.window > 0) {
      const std::int64_t window = time / settings_.window - (time % settings_.window < 0 ? 1 : 0);
      f(m.windows.try_emplace(window, log_.model()).first->second, predicted);
    }
    for (std::size_t s = 0; s < log_.settings().segments.size(); ++s) {
      const auto value = static_cast<std::uint32_t>(p[3 + s / 2] >> (s % 2 * 32));
      f(m.segments.try_emplace({s, value}, log_.model()).first->second, predicted);
    }
  }

  void write(ts::text_buffer& out, tally& t) {
    ts::append_performance(out, ts::report_performance(t.counts, t.pairs.groups()));
    if (!t.expected) return;
    out.append(",\"estimated\":");
    const ts::calibration_settings settings;
    ts::append_expected(out, ts::report_expected(*t.expected), ts::check_calibration(t.counts, settings), settings);
  }
  template <class Map, class Write>
  void list(ts::text_buffer& out, std::string_view member, Map& all, Write&& each) {
    if (all.empty()) return;
    out.append(member);
    std::string_view before = "\n  ";
    for (auto& [key, value] : all) {
      out.append(std::exchange(before, ",\n  "));
      each(key, value);
      out.append("}");
    }
    out.append("]");
  }
  static std::string time_text(std::int64_t micros) {
    const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(micros)};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:00:00Z", int{date.year()}, unsigned{date.month()}, unsigned{date.day()},
                       std::chrono::floor<std::chrono::hours>(time - day).count());
  }

  const prediction_log& log_;
  join_settings settings_;
  std::vector<of_model> models_;
  std::vector<std::uint64_t> predictions_, labels_;
  keys prediction_keys_, label_keys_;
  std::vector<double> values_, numbers_;
};
