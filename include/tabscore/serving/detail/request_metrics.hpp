// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../compat/pydantic1.hpp"
#include "../../core/config.hpp"
#include "../../json/dialect.hpp"
#include "../../monitor/metrics.hpp"
#include "../../monitor/prometheus.hpp"
#include "../../pipeline/score_request.hpp"
#include "../service.hpp"
#include "negotiation.hpp"
#include "routes.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The statuses that are counted; the last one is for all others.
inline constexpr std::array<unsigned, 14> counted_statuses{200, 307, 400, 404, 405, 408, 413,
                                                           415, 421, 422, 431, 500, 503, 0};

inline std::size_t status_index(unsigned status) {
  std::size_t i = 0;
  while (counted_statuses[i] != status && counted_statuses[i] != 0) ++i;
  return i;
}

/// 1 us to 10 s.
inline constexpr std::array<std::uint64_t, 22> stage_bounds_ns = [] {
  std::array<std::uint64_t, 22> bounds{};
  std::uint64_t decade = 1'000;
  for (std::size_t i = 0; i < bounds.size(); i += 3, decade *= 10) {
    bounds[i] = decade;
    if (i + 1 < bounds.size()) bounds[i + 1] = decade * 5 / 2;
    if (i + 2 < bounds.size()) bounds[i + 2] = decade * 5;
  }
  return bounds;
}();

inline constexpr std::array<std::string_view, 3> stage_names{"decode", "score", "respond"};

/// Indices of the reasons for rejected records: faults of values, invalid bodies, a log that cannot be written, rules.
namespace rejection {
inline constexpr std::size_t faults = fault_count;
inline constexpr std::size_t syntax = faults, unreadable = faults + 1, not_logged = faults + 2, unlisted = faults + 3;
inline constexpr std::size_t first_rule = faults + 4;
}  // namespace rejection

/// The counts of one thread.
class thread_metrics {
 public:
  explicit thread_metrics(std::size_t rules) : reasons(rejection::first_rule + rules) {}

  using status_counts = std::array<metric_count, counted_statuses.size()>;

  void answered(const route* where, unsigned status) {
    const std::size_t i = where == nullptr ? std::size(routes) : static_cast<std::size_t>(where - std::begin(routes));
    requests[i][status_index(status)].add();
  }

  /// Observes how long each stage of a request takes, in one or more laps.
  class stopwatch {
   public:
    explicit stopwatch(thread_metrics& m) : metrics_(m) {}
    ~stopwatch() {
      for (std::size_t i = 0; i < spent_.size(); ++i) {
        if (spent_[i] != 0) metrics_.stages[i].observe(spent_[i]);
      }
    }
    stopwatch(const stopwatch&) = delete;
    stopwatch& operator=(const stopwatch&) = delete;

    /// The time since the last lap was of that stage.
    void lap(request_stage s) {
      const auto now = clock::now();
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
      spent_[static_cast<std::size_t>(s)] += static_cast<std::uint64_t>(ns);
      last_ = now;
    }

    /// The stage turned out to be for nothing, and is not counted.
    void discard(request_stage s) { spent_[static_cast<std::size_t>(s)] = 0; }
    bool has_scored() const { return spent_[static_cast<std::size_t>(request_stage::score)] != 0; }

   private:
    using clock = std::chrono::steady_clock;
    thread_metrics& metrics_;
    std::array<std::uint64_t, stage_names.size()> spent_{};
    clock::time_point last_ = clock::now();
  };

  void scored(std::size_t count) { records.add(count); }

  /// Each wrong record counts once for each thing that is wrong with it, each body that is none once; `unlisted` are
  /// errors beyond the limit, whose kinds are not known any more.
  void rejected(const outcome& outcome, std::size_t count, std::size_t unlisted);
  void rejected(const partial_predictions& some) {
    rejected(some.errors, some.unlisted);
    for (const broken_rule& broken : some.broken) reasons[rejection::first_rule + broken.rule].add();
  }
  void rejected(const validation_errors& errors, std::size_t unlisted);

  std::array<status_counts, std::size(routes) + 1> requests;  // the last: no such route
  metric_count records;
  std::vector<metric_count> reasons;
  std::array<metric_histogram<stage_bounds_ns.size()>, stage_names.size()> stages{
      metric_histogram(stage_bounds_ns), metric_histogram(stage_bounds_ns), metric_histogram(stage_bounds_ns)};
};

/// The counts of all threads. No concurrent call causes a data race.
class request_metrics {
 public:
  /// `rules`: their messages.
  request_metrics(std::vector<std::string_view> rules, error_style errors)
      : rules_(std::move(rules)), pydantic_(speaks_pydantic(errors)) {}

  /// Counts for one more thread; the counts of a thread that has ended are reused.
  thread_metrics& add_thread() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      free_.reserve(threads_.size() + 1);  // a thread that ends allocates nothing
      return threads_.emplace_back(rules_.size());
    }
    thread_metrics& reused = *free_.back();
    free_.pop_back();
    return reused;
  }
  void remove_thread(thread_metrics& counts) {
    const std::lock_guard lock(mutex_);
    free_.push_back(&counts);
  }
  /// Counts a request that the HTTP layer refused. Any thread.
  void refused(unsigned status) { ++refused_[status_index(status)]; }

  std::uint64_t rejected() const;

  void append_to(prometheus_text& text) const;

 private:
  template <class F>
  std::uint64_t sum(F&& of) const {
    std::uint64_t total = 0;
    for (const thread_metrics& t : threads_) total += of(t);
    return total;
  }
  static std::string name(std::size_t status) {
    return counted_statuses[status] == 0 ? "other" : std::to_string(counted_statuses[status]);
  }
  std::string_view rejection_name(std::size_t r) const;
  std::string_view rule_text(std::size_t r) const {
    return r < rejection::first_rule ? std::string_view{} : rules_[r - rejection::first_rule];
  }

  std::vector<std::string_view> rules_;
  bool pydantic_;             // names of errors
  mutable std::mutex mutex_;  // of the lists, not of the counts
  std::deque<thread_metrics> threads_;
  std::vector<thread_metrics*> free_;
  std::array<std::atomic<std::uint64_t>, counted_statuses.size()> refused_{};
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE void thread_metrics::rejected(const outcome& outcome, std::size_t count, std::size_t unlisted) {
  if (const auto* errors = std::get_if<validation_errors>(&outcome)) {
    rejected(*errors, unlisted);
  } else if (const auto* broken = std::get_if<broken_rule>(&outcome)) {
    reasons[rejection::first_rule + broken->rule].add(count);
  } else if (std::holds_alternative<refused>(outcome)) {
    reasons[rejection::not_logged].add(count);
  } else {
    reasons[std::holds_alternative<syntax_error>(outcome) ? rejection::syntax : rejection::unreadable].add();
  }
}

TABSCORE_INLINE void thread_metrics::rejected(const validation_errors& errors, std::size_t unlisted) {
  std::uint32_t seen = 0;  // faults of the record at hand
  static_assert(fault_count <= 32);
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const field_error& e = errors[i];
    if (i > 0 && e.row != errors[i - 1].row) seen = 0;
    const auto kind = static_cast<std::size_t>(e.what);
    if ((seen >> kind & 1U) == 0) reasons[kind].add();
    seen |= 1U << kind;
  }
  reasons[rejection::unlisted].add(unlisted);
}

TABSCORE_INLINE std::uint64_t request_metrics::rejected() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t total = 0;
  for (const thread_metrics& t : threads_) {
    for (const metric_count& c : t.reasons) total += c.value();
  }
  return total;
}

TABSCORE_INLINE void request_metrics::append_to(prometheus_text& text) const {
  const std::lock_guard lock(mutex_);
  text.family("tabscore_requests_total", "counter", "Requests answered, by route and status.");
  for (std::size_t r = 0; r <= std::size(routes); ++r) {
    for (std::size_t s = 0; s < counted_statuses.size(); ++s) {
      const std::uint64_t n = sum([&](const thread_metrics& t) { return t.requests[r][s].value(); });
      if (n != 0) text.sample({{"route", r < std::size(routes) ? routes[r].path : "none"}, {"status", name(s)}}, n);
    }
  }
  text.family("tabscore_refused_requests_total", "counter",
              "Requests refused by the HTTP layer: malformed, too large, too slow or over a limit.");
  for (std::size_t s = 0; s < counted_statuses.size(); ++s) {
    if (refused_[s] != 0) text.sample({{"status", name(s)}}, refused_[s].load());
  }
  text.family("tabscore_records_total", "counter", "Records predicted.");
  text.sample({}, sum([](const thread_metrics& t) { return t.records.value(); }));
  text.family(
      "tabscore_rejected_records_total", "counter",
      "Rejected records by error. A batch that breaks a rule or cannot be logged counts all its records; a body "
      "that is not JSON or cannot be read counts one.");
  for (std::size_t r = 0; r < rejection::first_rule + rules_.size(); ++r) {
    const std::uint64_t n = sum([&](const thread_metrics& t) { return t.reasons[r].value(); });
    text.sample({{"error", rejection_name(r)}, {"rule", rule_text(r)}}, n);
  }
  text.family("tabscore_stage_seconds", "histogram",
              "Time of a request's stages: decode, score (with sinks), respond.");
  for (std::size_t s = 0; s < stage_names.size(); ++s) {
    histogram_counts<stage_bounds_ns.size()> counts;
    for (const thread_metrics& t : threads_) counts += t.stages[s].read();
    text.histogram({{"stage", stage_names[s]}}, stage_bounds_ns, counts, 1e9);
  }
}

TABSCORE_INLINE std::string_view request_metrics::rejection_name(std::size_t r) const {
  if (r < rejection::faults) {
    const auto what = static_cast<fault>(r);
    return pydantic_ ? dialect::pydantic1::words(what).type : dialect::neutral::words(what).code;
  }
  if (r == rejection::syntax) return pydantic_ ? dialect::pydantic1::syntax_type : dialect::neutral::malformed;
  if (r == rejection::unlisted) return "unlisted";
  return r == rejection::unreadable ? "unreadable" : r == rejection::not_logged ? "not_logged" : "rule";
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
