// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/out_of_memory.hpp"
#include "../../core/json_text.hpp"
#include "../../core/siphash.hpp"
#include "../../core/text_buffer.hpp"
#include "../../core/write_number.hpp"
#include "../../json/record_json.hpp"
#include "../../log/append_file.hpp"
#include "../../log/jsonl_lines.hpp"
#include "../../monitor/comparison.hpp"
#include "../../monitor/comparison_json.hpp"
#include "../../monitor/paired_labels.hpp"
#include "../../monitor/prometheus.hpp"
#include "../settings.hpp"
#include "../swappable.hpp"
#include "arms.hpp"
#include "challenger_lines.hpp"
#include "challenger_queue.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// What the challengers of all models write to.
struct challenger_outputs {
  challenger_totals totals;
  std::unique_ptr<append_file> log;
};

/// The challengers of a served model: each batch that the model has scored is scored again by them, on a thread of low
/// priority, and compared. It lives with the model, so that a comparison is of two files.
template <class Service>
class challengers {
  using record = typename Service::record;
  using model_type = served_model<Service>;

  /// What readers see.
  struct comparison {
    comparison_counts counts;
    std::optional<paired_labels::contents> labels;
  };

  struct challenger {
    challenger(std::unique_ptr<model_type> loaded, const prediction_layout& champion, const settings& config)
        : model(std::move(loaded)),
          pipe(*model->pipe, service_sinks<Service>{unwatched, no_labels, no_feed, no_log}),
          counts(champion, config.compare_by),
          published(std::make_unique<const comparison>(comparison{counts, std::nullopt})) {}

    const std::unique_ptr<model_type> model;  // its own pipeline answers the records of its arm
    drift_monitor unwatched{drift_reference()};
    label_window no_labels;
    challenger_feed<record> no_feed;
    jsonl_log no_log;
    const pipeline_of<Service> pipe;  // the same without sinks
    score_buffers buffers;
    std::atomic<std::uint64_t> failed = 0;  // records
    comparison_counts counts;               // the thread's
    std::optional<paired_labels> labels;
    mutable swappable<comparison> published;
  };

 public:
  /// What is wrong with the settings or a model, or the challengers of the champion, at work.
  static result<std::unique_ptr<challengers>> make(model_type& champion, const settings& config,
                                                   std::vector<std::unique_ptr<model_type>> models,
                                                   challenger_outputs& to) {
    std::vector<std::size_t> segments;
    for (const std::string& name : config.compare_by) {
      const std::size_t at = record::index_of(name);
      if (at == record::npos || record::kinds[at] == field_kind::real) {
        return error{errc::mismatch,
                     "the setting compare_by: '" + name + "' is not a text, integer or boolean field of the schema"};
      }
      bool open = true;
      record::for_each([&]<std::size_t At>() {
        if (At == at) open = record::template field<At>::logged == privacy::open;
      });
      if (!open) return error{errc::mismatch, "the setting compare_by: values of '" + name + "' must not be shown"};
      if (std::find(segments.begin(), segments.end(), at) != segments.end()) {
        return error{errc::mismatch, "the setting compare_by: '" + name + "' is duplicated"};
      }
      segments.push_back(at);
    }
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (auto wrong = misfit(champion, *models[i], config.challengers[i])) return *std::move(wrong);
    }
    auto arms = arm_router<Service>::make(champion, config, models);
    if (!arms) return arms.error();
    return std::unique_ptr<challengers>(
        new challengers(champion, config, std::move(models), *std::move(arms), std::move(segments), to));
  }

  challengers(const challengers&) = delete;
  challengers& operator=(const challengers&) = delete;
  ~challengers() {
    thread_.request_stop();
    thread_.join();
    while (queue_.take([&](auto*, std::size_t) { ++to_.totals.shed; })) {
    }
  }

  /// The models that answer, where records are assigned to arms; nullptr: the champion answers all.
  const arm_router<Service>* arms() const noexcept { return arms_ ? arms_.get() : nullptr; }

  std::size_t size() const noexcept { return all_.size(); }
  model_type& model(std::size_t i) const noexcept { return *all_[i]->model; }

  /// Joins a label with the predictions of both models.
  void join(std::string_view id, std::optional<std::int64_t> time, std::span<const double> numbers) const {
    for (const auto& c : all_) {
      if (c->labels) c->labels->join(id, time, numbers);
    }
    ++joined_;
  }

  /// The body of /monitoring/compare.
  void append_to(text_buffer& out) const {
    out.append(R"({"champion":)");
    append_identity(out, champion_.identity);
    out.append("}");
    std::string_view before = R"(,"challengers":[)";
    for (const auto& c : all_) {
      const typename swappable<comparison>::reader reader(c->published);
      const auto found = reader.pin();
      out.append(std::exchange(before, ","));
      append_identity(out, c->model->identity);
      out.append(fmt::format(R"(,"since":"{:%Y-%m-%dT%H:%M:%SZ}","records":{{"compared":{},"shed":{},"failed":{}}},)",
                             fmt::gmtime(since_), found->counts.records(), queue_.shed_records(), c->failed.load()));
      append_comparison(out, found->counts);
      out.append(R"(,"performance":)");
      if (found->labels) {
        append_paired(out, *found->labels, c->labels->capacity());
      } else {
        out.append("null");
      }
      out.append("}");
    }
    out.append(R"(],"arms":)");
    if (arms_) {
      arms_->append_to(out);
    } else {
      out.append("null");
    }
    out.append("}");
  }

  void append_metrics(prometheus_text& text) const {
    text.family("tabscore_challenger_records_total", "counter", "Records compared with a challenger's predictions.");
    for (const auto& c : all_) {
      const typename swappable<comparison>::reader reader(c->published);
      text.sample({{"model", c->model->identity.sha256}}, reader.pin()->counts.records());
    }
    text.family("tabscore_challenger_changed_total", "counter",
                "Compared records with another label, class or decision.");
    for (const auto& c : all_) {
      const typename swappable<comparison>::reader reader(c->published);
      const auto found = reader.pin();
      for (const swap_table& t : found->counts.swaps()) {
        text.sample({{"model", c->model->identity.sha256}, {"of", t.of}}, t.all.changed);
      }
    }
    if (arms_) arms_->append_metrics(text);
  }

 private:
  challengers(model_type& champion, const settings& config, std::vector<std::unique_ptr<model_type>> models,
              std::unique_ptr<arm_router<Service>> arms, std::vector<std::size_t> segments, challenger_outputs& to)
      : champion_(champion),
        config_(config),
        to_(to),
        segments_(std::move(segments)),
        arms_(std::move(arms)),
        queue_(config.challenger_queue, to.totals) {
    std::random_device random;
    const auto word = [&] { return std::uint64_t{random()} << 32U | random(); };
    for (auto& model : models) {
      all_.push_back(std::make_unique<challenger>(std::move(model), champion.pipe->layout(), config));
      if constexpr (has_id<Service>) {
        if (config.label_window != 0) {
          const siphash_key key{word(), word()};
          all_.back()->labels.emplace(champion.pipe->layout().model, config.label_window, config.label_delay, key);
        }
      }
    }
    found_.resize(all_.size());
    champion.feed.queue = &queue_;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  static std::optional<error> misfit(const model_type& champion, const model_type& model, const challenger_file& file) {
    const model_outputs &given = model.pipe->layout().model, &expected = champion.pipe->layout().model;
    // Two classes may be without names, as a trainer's own file has them.
    const bool unnamed = given.classes.empty() || expected.classes.empty();
    if (given == expected || (unnamed && given.task == task::binary && expected.task == task::binary)) {
      return std::nullopt;
    }
    return error{errc::mismatch, file.model +
                                     ": a challenger predicts what the model does: expected the same classes, "
                                     "outputs and names"};
  }

  void run(const std::stop_token& stop) {
    // Requests go first, as with the reloader; what this thread does not come to is shed.
    setpriority(PRIO_PROCESS, 0, 19);
    const sched_param none{};
    sched_setscheduler(0, SCHED_BATCH, &none);
    // It looks for batches, so that no request has to wake it.
    constexpr std::chrono::milliseconds least{1}, most{20};
    auto pause = least;
    std::unique_lock lock(sleep_);
    while (!stop.stop_requested()) {
      bool some = false;
      while (!stop.stop_requested() && queue_.take([&](const waiting_batch<record>* waiting, std::size_t rows) {
        const bool whole =
            waiting != nullptr && tabscore::detail::unless_out_of_memory([&] { return score(*waiting); });
        ++(whole ? to_.totals.scored : to_.totals.failed);
        if (waiting == nullptr) {
          for (const auto& c : all_) c->failed += rows;
        }
      })) {
        some = true;
        publish();
      }
      publish();
      pause = some ? least : (std::min)(2 * pause, most);
      woken_.wait_for(lock, stop, pause, [] { return false; });
    }
  }

  /// False: a challenger has no prediction for one of the records.
  bool score(const waiting_batch<record>& waiting) {
    const predictions first = waiting.scores();
    const columns<record> records = waiting.records.view();
    bool whole = true;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      challenger& c = *all_[i];
      const score_outcome outcome = c.pipe.score(records, c.buffers);
      const auto* const second = std::get_if<predictions>(&outcome);
      found_[i].reset();
      if (second == nullptr) {
        whole = false;
        c.failed += records.rows();
        continue;
      }
      found_[i] = *second;
      compare(c, records, first, *second);
    }
    if (to_.log) write_log(waiting, first);
    return whole;
  }

  void compare(challenger& c, const columns<record>& records, const predictions& first, const predictions& second) {
    c.counts.add(first, second, [&](std::size_t f, std::size_t row) { return segment_of(records, segments_[f], row); });
    changed_ = true;
    if constexpr (has_id<Service>) {
      constexpr std::size_t block = 256;  // so that labels do not wait for a large batch
      for (std::size_t begin = 0; c.labels && begin < records.rows(); begin += block) {
        const std::size_t rows = (std::min)(block, records.rows() - begin);
        c.labels->record(records.slice(begin, rows), first.slice(begin, rows), second.slice(begin, rows));
      }
    }
  }

  /// Shows readers what has been counted, ten times a second at most: they never wait for this thread.
  void publish() {
    const auto now = std::chrono::steady_clock::now();
    const std::uint64_t joined = joined_;
    if ((!changed_ && joined == published_labels_) || now - published_at_ < std::chrono::milliseconds(100)) return;
    published_at_ = now;
    changed_ = false;
    published_labels_ = joined;
    for (const auto& c : all_) {
      tabscore::detail::unless_out_of_memory([&] {  // else it stays as it was
        auto next = std::make_unique<comparison>(comparison{c->counts, std::nullopt});
        if (c->labels) next->labels = c->labels->read();
        c->published.publish(std::move(next));
        return true;
      });
    }
  }

  void write_log(const waiting_batch<record>& waiting, const predictions& first) {
    std::vector<challenger_scores> by{{champion_.identity.sha256, &first}};
    for (std::size_t i = 0; i < all_.size(); ++i) {
      by.push_back({all_[i]->model->identity.sha256, found_[i] ? &*found_[i] : nullptr});
    }
    const bool done = to_.log->append(lines_.write(waiting, *champion_.names, by));
    (done ? to_.totals.logged : to_.totals.not_logged) += waiting.records.rows();
  }

  std::string_view segment_of(const columns<record>& records, std::size_t field, std::size_t row) {
    text_.clear();
    record::for_each([&]<std::size_t At>() {
      if (At == field) append_value<typename record::template field<At>>(text_, records.template get<At>()[row]);
    });
    return text_.view();
  }

  static void append_identity(text_buffer& out, const model_identity& identity) {
    out.append(R"({"model":)");
    append_json_text(out, identity.sha256);
    out.append(R"(,"version":)");
    append_json_text(out, identity.version);
  }

  model_type& champion_;
  const settings& config_;
  challenger_outputs& to_;
  const std::vector<std::size_t> segments_;  // fields
  const std::unique_ptr<arm_router<Service>> arms_;
  const std::time_t since_ = std::time(nullptr);
  std::vector<std::unique_ptr<challenger>> all_;
  challenger_queue<record> queue_;
  mutable std::atomic<std::uint64_t> joined_ = 0;  // labels
  bool changed_ = false;                           // since the last comparison was published
  std::uint64_t published_labels_ = 0;
  std::chrono::steady_clock::time_point published_at_{};
  std::vector<std::optional<predictions>> found_;  // of the batch at hand: of each challenger
  text_buffer text_;
  challenger_lines<Service> lines_;  // of the log
  std::mutex sleep_;
  std::condition_variable_any woken_;
  std::jthread thread_;
};

inline void append_metrics(prometheus_text& text, const challenger_outputs& to) {
  const challenger_totals& t = to.totals;
  text.family("tabscore_challenger_batches_total", "counter", "Scored batches by the challengers' outcome.");
  text.sample({{"outcome", "scored"}}, t.scored.load());
  text.sample({{"outcome", "shed"}}, t.shed.load());
  text.sample({{"outcome", "failed"}}, t.failed.load());
  if (!to.log) return;
  text.family("tabscore_challenger_log_records_total", "counter",
              "Records appended to the challenger log, and dropped.");
  text.sample({{"outcome", "written"}}, t.logged.load());
  text.sample({{"outcome", "dropped"}}, t.not_logged.load());
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
