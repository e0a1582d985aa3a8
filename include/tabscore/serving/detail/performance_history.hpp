// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/append_json.hpp"
#include "../../core/text_buffer.hpp"
#include "../../monitor/performance.hpp"
#include "../../monitor/performance_report.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

using tabscore::detail::append_json;
using tabscore::detail::quoted;

/// What the served model was worth over time: each point is of the labels that came after the point before. No
/// concurrent call causes a data race.
class performance_history {
 public:
  static constexpr std::uint64_t enough_labels = 1000;  ///< for a point at once
  static constexpr std::int64_t longest_s = 60;         ///< that fewer labels wait for more
  static constexpr std::size_t most_points = 240;
  static constexpr std::size_t most_parts = 8;  ///< targets or quantiles that are told

  /// The current counts of a model; those of another model start the history over.
  void look(std::int64_t unix_s, const std::string& model, const performance_counts& now);

  /// ,"performance":{"model":"...","time":[...],"n":[...],"series":[{"figure":"accuracy","value":[...],"low":[...],"high":[...]},...]},
  /// with "of" in a series that is of one target or quantile. Nothing
  /// before the first point.
  void append_member(text_buffer& out) const;

 private:
  struct point {
    std::int64_t unix_s;
    std::uint64_t labels;
    std::vector<estimate> figures;  // of each series
  };
  struct series {
    std::string part;  // empty: of all
    std::string figure;
  };

  mutable std::mutex mutex_;
  std::string model_;
  std::optional<performance_counts> before_;  // at the last point, and when that was
  std::int64_t before_s_ = 0;
  std::vector<series> series_;
  std::deque<point> points_;
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE void performance_history::look(std::int64_t unix_s, const std::string& model,
                                               const performance_counts& now) {
  const std::lock_guard lock(mutex_);
  if (!before_ || model_ != model) {
    model_ = model;
    before_ = now;
    before_s_ = unix_s;
    points_.clear();
    return;
  }
  const std::uint64_t labels = now.pairs() - before_->pairs();
  if (labels == 0) before_s_ = unix_s;
  if (labels < enough_labels && unix_s - before_s_ < longest_s) return;
  if (labels == 0) return;

  const performance_report report = report_performance(now.since(*before_));
  std::vector<series> names;
  point next{unix_s, labels, {}};
  const auto add = [&](const std::string& part, const std::vector<figure>& figures) {
    for (const figure& f : figures) {
      names.push_back({part, std::string(f.name)});
      next.figures.push_back(f.value);
    }
  };
  add({}, report.figures);
  const bool told = report.task == task::regression || report.task == task::quantiles;
  for (std::size_t i = 0; told && i < (std::min)(report.parts.size(), most_parts); ++i) {
    add(report.parts[i].name, report.parts[i].figures);
  }
  series_ = std::move(names);
  points_.push_back(std::move(next));
  if (points_.size() > most_points) points_.pop_front();
  before_ = now;
  before_s_ = unix_s;
}

TABSCORE_INLINE void performance_history::append_member(text_buffer& out) const {
  const std::lock_guard lock(mutex_);
  if (points_.empty()) return;
  const auto list = [&](std::string_view name, const auto& value) {
    out.append(name);
    std::string_view before = "[";
    for (const point& p : points_) append_json(out, std::exchange(before, ","), value(p));
    out.append("]");
  };
  append_json(out, R"(,"performance":{"model":)", quoted{model_});
  list(R"(,"time":)", [](const point& p) { return p.unix_s; });
  list(R"(,"n":)", [](const point& p) { return p.labels; });
  std::string_view before = R"(,"series":[{)";
  for (std::size_t k = 0; k < series_.size(); ++k) {
    out.append(std::exchange(before, ",{"));
    if (!series_[k].part.empty()) append_json(out, R"("of":)", quoted{series_[k].part}, ",");
    append_json(out, R"("figure":)", quoted{series_[k].figure});
    list(R"(,"value":)", [k](const point& p) { return p.figures[k].value; });
    list(R"(,"low":)", [k](const point& p) { return p.figures[k].low; });
    list(R"(,"high":)", [k](const point& p) { return p.figures[k].high; });
    out.append("}");
  }
  out.append("]}");
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
