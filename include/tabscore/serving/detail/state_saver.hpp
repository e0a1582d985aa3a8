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

#include "../../core/config.hpp"
#include "../../core/detail/out_of_memory.hpp"
#include "../../files/write_target.hpp"
#include "../../monitor/state.hpp"
#include "../../monitor/state_file.hpp"
#include "served_model.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Adds the state of an earlier run, if there is a file; the error when that does not fit.
std::optional<error> load_state(drift_monitor& monitor, const std::string& path);

/// A thread that writes the state of the current model's monitor to a file at an interval, and soon after another model
/// took its place: a server that is killed does not start with the state of the old one.
template <class Service>
class state_saver {
 public:
  state_saver(live_model<Service>& live, const settings& config)
      : models_(live), config_(config), thread_([this](const std::stop_token& stop) {
          using clock = std::chrono::steady_clock;
          std::unique_lock lock(mutex_);
          const auto woken = [this, &stop, &lock] {
            return wake_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; }) || stop.stop_requested();
          };
          for (auto due = clock::now() + config_.state_interval; !woken();) {
            if (clock::now() < due && models_.pin()->identity.sha256 == written_) continue;
            due = clock::now() + config_.state_interval;
            if (const auto failed = write()) {
              lock.unlock();
              notify(config_, failed->message);
              lock.lock();
            }
          }
        }) {}

  /// Writes now.
  [[nodiscard]] std::optional<error> save() {
    const std::lock_guard lock(mutex_);
    return write();
  }

 private:
  std::optional<error> write() {
    std::optional<error> failed;
    if (!tabscore::detail::unless_out_of_memory([&] { return failed = write_counts(), true; })) {
      failed = error{errc::io, "the state was not saved: there is not enough memory"};
    }
    return failed;
  }
  std::optional<error> write_counts() {
    const auto model = models_.pin();
    written_ = model->identity.sha256;
    if (!model->has_histograms()) return std::nullopt;  // it has taken the place of one that had them
    return save_monitor_state(state_of(model->monitor), config_.state_file, config_.state_mode);
  }

  typename live_model<Service>::reader models_;  // used under the lock
  const settings& config_;
  std::mutex mutex_;
  std::string written_;  // which model's state, also if that failed
  std::condition_variable_any wake_;
  std::jthread thread_;  // the last member: it is stopped first
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE std::optional<error> load_state(drift_monitor& monitor, const std::string& path) {
  const auto target = tabscore::files::find_write_target(path);
  if (!target || !target->is_plain) {
    return error{errc::io, path + ": the state file must be a regular file that can be reached"};
  }
  if (!target->exists) return std::nullopt;
  const auto state = load_monitor_state(path);
  if (!state) return state.error();
  auto other = restore(monitor, *state);
  if (other) other->message = path + ": " + other->message;
  return other;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
