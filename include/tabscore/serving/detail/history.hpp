// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/append_json.hpp"
#include "../../core/json_text.hpp"
#include "../../core/text_buffer.hpp"
#include "../../outputs/task.hpp"
#include "performance_history.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using tabscore::detail::append_json;
using tabscore::detail::quoted;

/// The dashboard's time series: running counts and sums, and the drift score, sampled every few seconds and kept for an
/// hour. No concurrent call causes a data race.
class monitoring_history {
 public:
  static constexpr unsigned interval_s = 5;
  static constexpr std::size_t most_classes = 8;  // that are told; the largest
  struct moment {
    std::int64_t unix_s = 0;
    std::uint64_t records = 0, positives = 0, rejected = 0;  // since the start
    double drift = 0;                                        // a stability index, or |z| without histograms
    std::vector<std::uint64_t> classes = {};                 // records by predicted class
    std::vector<double> sums = {};                           // of predicted numbers
    std::vector<std::uint64_t> decisions = {};               // records by decision
    std::string model = {};                                  // that the counts are of
  };

  /// `decisions`: the names of those that the service declares.
  explicit monitoring_history(task predicted, std::span<const std::string_view> decisions = {});

  /// Names of classes or predicted numbers, as JSON; those of another model start the history over.
  void add(moment now, const std::vector<std::string>& names);

  performance_history performance;

  /// {"interval_s":5,"time":[...],"records":[...],...}: one entry per moment in each list; performance where labels
  /// came.
  void append_to(text_buffer& out) const;

 private:
  static std::vector<std::size_t> all(std::size_t n) {
    std::vector<std::size_t> places(n);
    std::iota(places.begin(), places.end(), std::size_t{0});
    return places;
  }
  std::vector<std::size_t> largest_classes() const;
  void append_models(text_buffer& out) const;
  // Before the first record a monitor has neither counts nor sums.
  template <class T>
  static T at(const std::vector<T>& numbers, std::size_t k) {
    return k < numbers.size() ? numbers[k] : T{};
  }
  template <class T>
  void append_lists(text_buffer& out, std::string_view before, const std::vector<std::string>& names,
                    const std::vector<std::size_t>& places, std::vector<T> moment::*numbers) const {
    out.append(before);
    for (std::size_t i = 0; i < places.size(); ++i) {
      append_list(out, (i == 0 ? "" : ",") + names[places[i]] + ":",
                  [&](const moment& m) { return at(m.*numbers, places[i]); });
    }
    out.append("}");
  }

  template <class F>
  void append_list(text_buffer& out, std::string_view name, F&& value) const {
    out.append(name);
    std::string_view before = "[";
    for (const moment& m : moments_) {
      append_json(out, std::exchange(before, ","), value(m));
    }
    out.append(moments_.empty() ? "[]" : "]");
  }

  mutable std::mutex mutex_;
  std::deque<moment> moments_;
  std::vector<std::string> names_;
  std::vector<std::string> decisions_;
  task task_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE monitoring_history::monitoring_history(task predicted, std::span<const std::string_view> decisions)
    : task_(predicted) {
  for (const std::string_view name : decisions) decisions_.push_back(json_text(name));
}

TABSCORE_INLINE void monitoring_history::add(moment now, const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  if (names_ != names) {
    names_ = names;
    moments_.clear();
  }
  moments_.push_back(std::move(now));
  if (moments_.size() > 3600 / interval_s) moments_.pop_front();
}

TABSCORE_INLINE void monitoring_history::append_to(text_buffer& out) const {
  const std::lock_guard lock(mutex_);
  append_json(out, R"({"interval_s":)", interval_s);
  append_list(out, R"(,"time":)", [](const moment& m) { return m.unix_s; });
  append_list(out, R"(,"records":)", [](const moment& m) { return m.records; });
  if (has_threshold(task_)) {
    append_list(out, R"(,"positives":)", [](const moment& m) { return m.positives; });
  }
  if (task_ == task::multiclass) {
    append_lists(out, R"(,"classes":{)", names_, largest_classes(), &moment::classes);
  } else if (task_ != task::binary) {
    append_lists(out, R"(,"sums":{)", names_, all(names_.size()), &moment::sums);
  }
  if (!decisions_.empty()) {
    append_lists(out, R"(,"decisions":{)", decisions_, all(decisions_.size()), &moment::decisions);
  }
  append_list(out, R"(,"rejected":)", [](const moment& m) { return m.rejected; });
  append_list(out, R"(,"drift":)", [](const moment& m) { return m.drift; });
  append_models(out);
  performance.append_member(out);
  out.append("}");
}

/// Where the counts of each model begin.
TABSCORE_INLINE void monitoring_history::append_models(text_buffer& out) const {
  std::string_view before = R"(,"models":[{"time":)", model;
  for (const moment& m : moments_) {
    if (m.model == model) continue;
    model = m.model;
    append_json(out, std::exchange(before, R"(,{"time":)"), m.unix_s, R"(,"model":)", quoted{model}, "}");
  }
  if (!model.empty()) out.append("]");
}

TABSCORE_INLINE std::vector<std::size_t> monitoring_history::largest_classes() const {
  std::vector<std::size_t> places = all(names_.size());
  if (places.size() <= most_classes) return places;
  const auto count = [&](std::size_t k) { return at(moments_.back().classes, k); };
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return count(a) > count(b); });
  places.resize(most_classes);
  return places;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
