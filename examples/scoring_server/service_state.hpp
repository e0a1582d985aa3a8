// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "built_in_docs_page.hpp"
#include "dashboard_page.hpp"
#include "docs_files.hpp"
#include "errors.hpp"
#include "history.hpp"
#include "model_keeper.hpp"
#include "served_model.hpp"
#include "service.hpp"
#include "service_metrics.hpp"
#include "swagger_ui_page.hpp"
#include "web_page.hpp"

inline constexpr ts::decode_limits default_limits{.max_records = 1'000'000, .max_errors = 1'000};
inline constexpr std::size_t default_error_bytes = std::size_t{256} << 10;

/// What all threads share: counts, the sinks that lock, and what is set up before the first request. The model alone is
/// swapped: who reads it pins it.
template <class Service>
struct service_state {
  ts::jsonl_log log;
  live_model<Service> live;                     // empty: no model is loaded
  std::optional<model_keeper<Service>> keeper;  // of the model, if there is one
  std::atomic<bool> leaving = false;            // about to end: not ready for more
  ts::decode_limits limits = default_limits;
  std::size_t max_error_bytes = default_error_bytes;
  service_metrics metrics{rule_texts<Service>()};
  monitoring_history history;
  error_style errors = error_style::pydantic1;
  ts::prediction_names names{Service::probability, Service::label};
  web_page dashboard{dashboard_page, Service::title};
  web_page docs_page{built_in_docs_page, Service::title};
  web_page docs_page_below{built_in_docs_page, Service::title, "../"};  // for a path with one more segment
  web_page swagger_ui{swagger_ui_page, Service::title};
  web_page problems{problems_page()};
  docs_files docs;  // empty: /docs is the built-in page
  std::string openapi;
};
