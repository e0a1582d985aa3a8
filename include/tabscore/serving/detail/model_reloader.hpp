// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../settings.hpp"
#include "challengers.hpp"
#include "load_challengers.hpp"
#include "need_resources.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Reloads of the model file and its policy since the start.
struct reload_status {
  std::uint64_t loaded = 0;   // files that replaced the model or the policy
  std::uint64_t refused = 0;  // files that were not accepted
  std::time_t last = 0;       // of either
  std::string error;          // of the last file; empty: it was loaded
};

/// A thread that loads the model file, its policy and its challengers again, on request or when one has changed, and
/// replaces the served model. A file that is refused changes the status only.
template <class Service>
class model_reloader {
 public:
  model_reloader(live_model<Service>& live, const settings& config, jsonl_log log, challenger_outputs& challenger_to)
      : live_(live),
        config_(config),
        log_(std::move(log)),
        challenger_to_(challenger_to),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// Requests a reload. Any thread.
  void reload() {
    const std::lock_guard lock(mutex_);
    asked_ = true;
    wake_.notify_one();
  }
  reload_status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  // What changes when a file is written to or replaced.
  using file_stamp = std::tuple<dev_t, ino_t, off_t, time_t, long>;
  using stamp = std::vector<file_stamp>;
  static file_stamp look(const std::string& path) {
    struct stat s {};
    if (stat(path.c_str(), &s) != 0) return {};
    return {s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
  }
  stamp look() const {
    stamp all{look(config_.model), look(config_.policy)};
    for (const challenger_file& c : config_.challengers) all.push_back(look(c.model));
    return all;
  }

  void run(const std::stop_token& stop) {
    // Requests go first: this thread takes no core from one that wakes, and of a busy one a seventieth. With SCHED_IDLE
    // a busy machine would hardly load a model, and nobody without privileges could change that.
    setpriority(PRIO_PROCESS, 0, 19);
    const sched_param none{};
    sched_setscheduler(0, SCHED_BATCH, &none);
    stamp seen = known_;
    while (!stop.stop_requested()) {
      bool asked = false;
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, std::chrono::milliseconds(250), [this] { return asked_; });
        asked = std::exchange(asked_, false);
      }
      live_.collect();
      stamp now = look();
      const bool written = now == std::exchange(seen, now);  // unchanged since the last look: complete
      if (!asked && !(config_.watch_model && written && now != known_)) continue;
      known_ = std::move(now);
      if (const auto failed = need_resources([this] { return load(), std::optional<error>(); }))
        refuse(failed->message);
    }
  }

  /// Why the file must not be opened: reading a pipe would block this thread, an endless device take all memory.
  static std::optional<std::string> unreadable_file(const std::string& path) {
    struct stat s {};
    if (stat(path.c_str(), &s) != 0) return std::nullopt;  // reading it says why
    if (!S_ISREG(s.st_mode)) return path + ": expected a regular file";
    if (static_cast<std::uint64_t>(s.st_size) > max_model_file_bytes) {
      return fmt::format("{}: expected at most {} bytes", path, max_model_file_bytes);
    }
    return std::nullopt;
  }

  static bool same_challengers(const served_model<Service>& current, const served_files& bytes) {
    for (std::size_t i = 0; i < bytes.challengers.size(); ++i) {
      if (current.rivals->model(i).identity.sha256 != tabscore::detail::sha256(bytes.challengers[i])) return false;
    }
    return true;
  }

  void load() {
    if (const auto why = unreadable_file(config_.model)) return refuse(*why);
    for (const challenger_file& c : config_.challengers) {
      if (const auto why = unreadable_file(c.model)) return refuse(*why);
    }
    const auto bytes = read_served_files(config_);
    if (!bytes) return refuse(bytes.error().message);
    const std::string policy = config_.policy.empty() ? std::string() : tabscore::detail::sha256(bytes->policy);
    const typename live_model<Service>::reader reader(live_);
    std::unique_ptr<served_model<Service>> model;
    {
      const auto current = reader.pin();
      const bool same_model = current && current->identity.sha256 == tabscore::detail::sha256(bytes->model);
      if (same_model && current->identity.policy.sha256 == policy && same_challengers(*current, *bytes)) {
        return accept_served();
      }
      auto loaded = load_served_model<Service>(config_, *bytes, current.get());
      if (!loaded) return refuse(loaded.error().message);
      model = *std::move(loaded);
      if (const auto failed = load_challengers(*model, config_, *bytes, current.get(), challenger_to_)) {
        return refuse(failed->message);
      }
    }
    log_all_to(*model, log_, config_);
    std::string version = model->identity.version;
    if (!policy.empty()) {
      version.append(" with the policy ").append(model->identity.policy.name).append(" ");
      version.append(model->identity.policy.version);
    }
    const std::string event = fmt::format("serves {} from now on", version);
    {
      const std::lock_guard lock(mutex_);  // readers of the model see this status, too
      live_.publish(std::move(model));
      ++status_.loaded;
      status_.last = std::time(nullptr);
      status_.error.clear();
    }
    notify(config_, event);
  }
  /// The files are those that are served: what was wrong with others is over.
  void accept_served() {
    const std::lock_guard lock(mutex_);
    status_.error.clear();
  }
  void refuse(const std::string& problem) {
    notify(config_, "the model stays: " + problem);
    const std::lock_guard lock(mutex_);
    ++status_.refused;
    status_.last = std::time(nullptr);
    status_.error = problem;
  }

  live_model<Service>& live_;
  const settings& config_;
  const jsonl_log log_;
  challenger_outputs& challenger_to_;
  stamp known_ = look();
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool asked_ = false;
  reload_status status_;
  std::jthread thread_;  // the last member: it is stopped first
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
