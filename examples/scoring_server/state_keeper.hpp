// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "../standard_streams.hpp"
#include "served_model.hpp"

/// Adds the state of an earlier run, if there was one; the sentence why not when the file is there and does not fit.
inline std::optional<std::string> load_state(ts::drift_monitor& monitor, const std::string& path) {
  const auto target = ts::detail::find_write_target(path);
  if (!target || !target->is_plain) return path + ": the state file must be a regular file that can be reached";
  if (!target->exists) return std::nullopt;
  const auto state = ts::load_monitor_state(path);
  if (!state) return state.error().message;
  if (const auto other = ts::restore(monitor, *state)) return fmt::format("{}: {}", path, other->message);
  return std::nullopt;
}

/// Writes the state of the current model's monitor to a file at an interval, from a thread of its own, until it is
/// destroyed.
template <class Service>
class state_keeper {
 public:
  /// `mode`: of a file that is not there yet.
  state_keeper(live_model<Service>& live, std::string path, ::mode_t mode, std::chrono::seconds interval)
      : models_(live), path_(std::move(path)), mode_(mode), thread_([this, interval](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!wake_.wait_for(lock, stop, interval, [] { return false; }) && !stop.stop_requested()) write();
        }) {}

  /// Writes now; false when that failed, which is said on the standard error output.
  bool save() {
    const std::lock_guard lock(mutex_);
    return write();
  }

 private:
  bool write() {
    const auto model = models_.pin();
    if (!model->has_histograms()) return true;  // it has taken the place of one that had them
    const auto failed = ts::save_monitor_state(ts::state_of(model->observed), path_, mode_);
    if (failed) say("{}: {}\n", Service::program, failed->message);
    return !failed;
  }

  typename live_model<Service>::reader models_;  // used under the lock
  std::string path_;
  ::mode_t mode_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // the last member: it is stopped first
};
