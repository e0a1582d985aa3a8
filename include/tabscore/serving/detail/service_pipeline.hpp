// SPDX-License-Identifier: MIT
#pragma once

#include "../../core/config.hpp"
#include "../../log/jsonl_log.hpp"
#include "../../monitor/drift_monitor.hpp"
#include "../../monitor/label_window.hpp"
#include "../../pipeline/service_model.hpp"
#include "challenger_queue.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// Called for every scored batch: what watches for drift, what waits for labels, challengers, and the prediction log.
template <class Service>
using service_sinks = sinks<drift_monitor, label_window, challenger_feed<typename Service::record>, jsonl_log>;

template <class Service>
using pipeline_of =
    typename service_model<Service>::template pipeline_type<drift_monitor, label_window,
                                                            challenger_feed<typename Service::record>, jsonl_log>;

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
