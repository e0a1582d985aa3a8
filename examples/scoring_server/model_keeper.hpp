// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "../standard_streams.hpp"
#include "served_model.hpp"

/// What became of the model file since the start.
struct reload_status {
  std::uint64_t loaded = 0;   // models that took the place of another
  std::uint64_t refused = 0;  // files that did not
  std::time_t last = 0;       // of either
  std::string error;          // why the last file was refused; empty: it was not
};

/// Puts another model in the place of the one that is served, from a thread of its own: when asked to, or when the file
/// has changed. A file that is refused changes nothing but what is said of it.
template <class Service>
class model_keeper {
 public:
  model_keeper(live_model<Service>& live, model_source source, ts::jsonl_log log, bool watch)
      : live_(live),
        source_(std::move(source)),
        log_(std::move(log)),
        watch_(watch),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// Loads the file again soon. Any thread.
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
  using stamp = std::tuple<dev_t, ino_t, off_t, time_t, long>;
  stamp look() const {
    struct stat s {};
    if (stat(source_.path.c_str(), &s) != 0) return {};
    return {s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
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
      const stamp now = look();
      const bool written = now == std::exchange(seen, now);  // by somebody who has finished, it seems
      if (!asked && !(watch_ && written && now != known_)) continue;
      known_ = now;
      try {
        load();
      } catch (const std::exception& e) {
        say(fmt::format("{}: {}", source_.path, e.what()));
      }
    }
  }

  /// Why the file is not even opened: a pipe would hold this thread, and what has no end the memory.
  std::optional<std::string> unreadable_file() const {
    struct stat s {};
    if (stat(source_.path.c_str(), &s) != 0) return std::nullopt;  // reading it says why
    if (!S_ISREG(s.st_mode)) return source_.path + ": expected a regular file";
    if (static_cast<std::uint64_t>(s.st_size) > ts::max_model_file_bytes) {
      return fmt::format("{}: expected at most {} bytes", source_.path, ts::max_model_file_bytes);
    }
    return std::nullopt;
  }

  void load() {
    if (const auto why = unreadable_file()) return say(*why);
    const auto bytes = ts::read_model_bytes(source_.path);
    if (!bytes) return say(bytes.error().message);
    const typename live_model<Service>::reader reader(live_);
    {
      const auto current = reader.pin();
      if (current && current->identity.sha256 == sha256(*bytes)) return;
    }
    auto model = load_served_model<Service>(source_, *bytes);
    if (!model) return say(model.error().message);
    (*model)->log_to(log_, source_.log_names_it);
    const std::string version = (*model)->identity.version;
    const std::lock_guard lock(mutex_);  // who sees the model sees this status, too
    live_.publish(std::move(*model));
    ::say("{}: serves {} from now on\n", Service::program, version);
    ++status_.loaded;
    status_.last = std::time(nullptr);
    status_.error.clear();
  }
  void say(const std::string& problem) {
    ::say("{}: the model stays: {}\n", Service::program, problem);
    const std::lock_guard lock(mutex_);
    ++status_.refused;
    status_.last = std::time(nullptr);
    status_.error = problem;
  }

  live_model<Service>& live_;
  const model_source source_;
  const ts::jsonl_log log_;
  const bool watch_;
  stamp known_ = look();
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool asked_ = false;
  reload_status status_;
  std::jthread thread_;  // the last member: it is stopped first
};
