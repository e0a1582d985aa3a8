// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/out_of_memory.hpp"
#include "drift_metrics.hpp"
#include "shared_state.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// A thread for work that no request triggers: syncing and rotating the log, sampling the history.
template <class Service>
class maintenance {
 public:
  explicit maintenance(shared_state<Service>& service)
      : service_(service), models_(service.live), thread_([this](const std::stop_token& stop) { run(stop); }) {}

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    for (unsigned quarter = 0; !stop.stop_requested(); ++quarter) {
      if (auto* log = service_.log.file()) log->tick();
      if (service_.challenger_to.log) service_.challenger_to.log->tick();
      if (quarter % (4 * monitoring_history::interval_s) == 0)
        tabscore::detail::unless_out_of_memory(
            [this] { return write_history(), true; });  // else that moment is left out
      woken_.wait_for(lock, stop, std::chrono::milliseconds(250), [] { return false; });
    }
  }

  void write_history() {
    const auto model = models_.pin();
    totals live = model ? model->monitor.read() : totals{};
    double drift = 0;
    if (model) drift = model->has_histograms() ? largest_drift(model->monitor) : model->drift().score;
    service_.history.add(
        {std::time(nullptr), live.samples, live.positives, service_.metrics.rejected(), drift, std::move(live.classes),
         std::move(live.outputs), std::move(live.decisions), model ? model->identity.sha256 : std::string()},
        model ? model->names->column_names() : std::vector<std::string>());
    if (!model || model->labels.empty() || service_.config.label_window == 0) return;
    labelled_model& labelled = *model->labels[0];
    service_.history.performance.look(std::time(nullptr), labelled.sha256, labelled.window.read().counts);
  }

  // Everything that allocates is made before the thread, which cannot report a failure.
  shared_state<Service>& service_;
  typename live_model<Service>::reader models_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::jthread thread_;  // the last member: it is stopped first
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
