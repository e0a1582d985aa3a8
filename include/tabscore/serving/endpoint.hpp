// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/result.hpp"
#include "../files/lock_file.hpp"
#include "detail/load_challengers.hpp"
#include "detail/maintenance.hpp"
#include "detail/need_resources.hpp"
#include "detail/openapi.hpp"
#include "detail/session.hpp"
#include "detail/state_saver.hpp"
#include "request.hpp"
#include "service.hpp"
#include "settings.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

/// A prediction service without an HTTP library: requests in, responses out. It owns the model and replaces it, counts
/// drift and metrics, keeps the prediction log and the monitoring state, and serves its OpenAPI document and pages.
/// docs/reference/http-api.md lists the routes.
///
///     ts::serving::endpoint<loan_defaults> api({.model = "loan_default.json"});
///     if (const auto failed = api.start()) return complain(failed->message);
///     const auto response = api.handle(request);
///
/// Thread-safe: handle(), reload(), and all members without another note.
template <servable Service>
class endpoint {
  using full = completed<Service>;

 public:
  /// Scores for one thread.
  using session_type = detail::session<full>;

  /// A response with the session whose memory it is in.
  class held_response : public response {
   public:
    /// Moves the response, which keeps its memory.
    held_response(held_response&&) noexcept = default;
    held_response& operator=(held_response&&) = delete;
    ~held_response() {
      if (by_) owner_->give_back(std::move(by_));
    }

   private:
    friend endpoint;
    held_response(endpoint& owner, std::unique_ptr<session_type> by, const response& given)
        : response(given), owner_(&owner), by_(std::move(by)) {}
    endpoint* owner_;
    std::unique_ptr<session_type> by_;
  };

  /// Opens no file; start() does.
  explicit endpoint(settings wanted = {}) : state_(std::move(wanted)) {
    spare_.reserve((std::max)(1U, std::thread::hardware_concurrency()));
  }
  endpoint(const endpoint&) = delete;
  endpoint& operator=(const endpoint&) = delete;
  /// Saves the monitoring state, unless stop() has.
  ~endpoint() {
    if (const auto failed = stop()) detail::notify(config(), failed->message);
  }

  /// Loads the model, opens the prediction log, restores the state and starts the threads that reload the model, save
  /// the state and sync the log. Returns the error of the settings or a file, if any. Call it once, before the first
  /// request.
  [[nodiscard]] std::optional<error> start() {
    return detail::need_resources([this] { return begin(); });
  }

  /// Answers one request. The response holds the memory that its views point into; as much memory as the machine's
  /// threads need is kept for the next ones.
  held_response handle(const request& asked) {
    auto by = take_session();
    const response given = by->handle(asked);
    return held_response(*this, std::move(by), given);
  }

  /// The answer to a request that the HTTP layer refuses itself (a body that is too large, say), in the words of the
  /// settings' errors; the metrics count it. `why` is a sentence; empty: that of the status.
  held_response refuse(const request& asked, unsigned status, std::string_view why = {}) {
    auto by = take_session();
    const response given = by->refuse(asked, status, why);
    return held_response(*this, std::move(by), given);
  }

  /// Working memory for one thread of a server: session->handle(request) answers as handle() does, without looking for
  /// a session. Its response is valid until the next call. A session must not outlive the endpoint.
  std::shared_ptr<session_type> session() { return std::make_shared<session_type>(state_); }

  /// Requests a reload of the model file and the policy. A refused file changes nothing; /model and the metrics report
  /// it.
  void reload() {
    if (state_.reloader) state_.reloader->reload();
  }
  /// Sets the prediction log's file and that of the challengers aside and begins others. Where that fails, the old file
  /// stays in use, and settings::notify is told.
  void rotate_log() {
    rotate(state_.log.file(), "prediction log");
    rotate(state_.challenger_to.log.get(), "challenger log");
  }
  /// Makes /health answer "not ready". A signal handler may call it, no other member: those lock and allocate.
  void drain() noexcept { state_.leaving = true; }
  /// Saves the monitoring state, so that no record since the last interval is lost, and no more after that. Call it
  /// after the last request, from one thread, for its error; the destructor gives that to settings::notify.
  [[nodiscard]] std::optional<error> stop() {
    auto failed = saver_ ? saver_->save() : std::nullopt;
    saver_.reset();
    return failed;
  }

 private:
  const settings& config() const noexcept { return state_.config; }

  std::optional<error> begin() {
    if (auto failed = load()) return failed;
    if (!config().swagger_ui.empty()) {
      state_.docs = detail::docs_files(config().swagger_ui);
      if (state_.docs.empty()) return error{errc::io, "there is no Swagger UI in " + config().swagger_ui};
    }
    if (!config().state_file.empty()) {
      saver_.emplace(state_.live, config());
      if (auto failed = saver_->save()) {  // rather than an hour later
        saver_.reset();
        return failed;
      }
    }
    maintenance_.emplace(state_);
    return std::nullopt;
  }

  std::optional<error> load() {
    if (config().label_window > label_window::most || config().label_delay.count() < 0 ||
        config().label_delay > std::chrono::hours(24 * 36500)) {
      return error{errc::structure,
                   "the settings label_window (up to 2^30) and label_delay (up to 100 years) are not in range"};
    }
    if (!config().label_folder.empty() && config().label_window == 0) {
      return error{errc::structure, "the setting label_folder needs the setting label_window"};
    }
    if (const performance_alarm_settings& a = config().performance_alarm; !(a.tolerance >= 0 && a.tolerance < 1)) {
      return error{errc::structure, "the setting performance_alarm.tolerance is not from 0 to below 1"};
    }
    for (const performance_reference& r : config().performance_references) {
      if (find_comparable(r.figure) == nullptr || !std::isfinite(r.value)) {
        return error{errc::structure, "the setting performance_references: \"" + r.figure +
                                          "\" is not a figure that may have a reference, or its value is not finite"};
      }
    }
    std::unique_ptr<detail::served_model<full>> model;
    if (!config().model.empty()) {
      const auto bytes = detail::read_served_files(config());
      if (!bytes) return bytes.error();
      auto loaded = detail::load_served_model<full>(config(), *bytes);
      if (!loaded) return loaded.error();
      model = std::move(*loaded);
      if (auto failed = open_challenger_log()) return failed;
      if (auto failed = detail::load_challengers<full>(*model, config(), *bytes, nullptr, state_.challenger_to)) {
        return failed;
      }
    } else if (!config().challengers.empty()) {
      return error{errc::mismatch, "challengers need a model file that is served"};
    }
    if (!config().prediction_log.empty()) {
      auto log = jsonl_log::open(config().prediction_log, config().log);
      if (!log) return log.error();
      state_.log = std::move(*log);
      if (has_hashed_fields() && !config().log.hash_key) {
        detail::notify(config(),
                       "hashed fields are logged under a random key: equal values have other hashes after a restart "
                       "(give the log a key)");
      }
      if (model) detail::log_all_to(*model, state_.log, config());
      tell_of_repairs(state_.log.file()->repaired());
    }
    if (!config().state_file.empty()) {
      if (!model || !model->has_histograms()) {
        return error{errc::mismatch, "a state file needs a model file with histograms"};
      }
      auto lock = files::lock_file::open(config().state_file, std::chrono::seconds(5));
      if (!lock) return lock.error();
      state_lock_.emplace(*std::move(lock));
      if (auto failed = detail::load_state(model->monitor, config().state_file)) return failed;
    }
    if (!model) return std::nullopt;
    state_.live.publish(std::move(model));
    state_.reloader.emplace(state_.live, config(), state_.log, state_.challenger_to);
    return std::nullopt;
  }
  std::optional<error> open_challenger_log() {
    if (config().challenger_log.empty()) return std::nullopt;
    if (config().challengers.empty()) return error{errc::mismatch, "a challenger log needs challengers"};
    append_settings file = config().log.file;
    file.chain.reset();  // its lines are no decisions
    auto log = append_file::open(config().challenger_log, file);
    if (!log) return error{log.error().code, "challenger log " + log.error().message};
    state_.challenger_to.log = *std::move(log);
    return std::nullopt;
  }
  static constexpr bool has_hashed_fields() {
    bool found = false;
    full::record::for_each(
        [&]<std::size_t At>() { found = found || full::record::template field<At>::logged == privacy::hashed; });
    return found;
  }
  void rotate(append_file* file, std::string_view log) const {
    if (file != nullptr && !file->rotate()) {
      detail::notify(config(), fmt::format("the {} cannot be rotated: its file stays in use", log));
    }
  }
  void tell_of_repairs(const append_repair& found) const {
    if (found.cut_bytes != 0) {
      detail::notify(config(),
                     fmt::format("{} bytes of an unfinished batch were cut off the prediction log", found.cut_bytes));
    }
    if (found.sealed) detail::notify(config(), "the prediction log's last line was given an end");
    if (found.unchained) {
      detail::notify(config(), "the prediction log's last lines are not chained: it was set aside");
    }
    if (found.chain_begun) detail::notify(config(), "the prediction log's chain begins");
  }

  std::unique_ptr<session_type> take_session() {
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        auto one = std::move(spare_.back());
        spare_.pop_back();
        return one;
      }
    }
    return std::make_unique<session_type>(state_);
  }
  void give_back(std::unique_ptr<session_type> one) {
    const std::lock_guard lock(mutex_);
    if (spare_.size() < spare_.capacity()) spare_.push_back(std::move(one));
  }

  detail::shared_state<full> state_;
  std::optional<files::lock_file> state_lock_;
  std::optional<detail::state_saver<full>> saver_;
  std::optional<detail::maintenance<full>> maintenance_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<session_type>> spare_;  // of handle(), up to its capacity
};

}  // namespace tabscore::inline TABSCORE_ABI::serving
