// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../service.hpp"
#include "../settings.hpp"
#include "challengers.hpp"
#include "docs_files.hpp"
#include "history.hpp"
#include "model_reloader.hpp"
#include "negotiation.hpp"
#include "openapi.hpp"
#include "request_metrics.hpp"
#include "served_model.hpp"
#include "web_page.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

inline constexpr std::string_view dashboard_page =
#include "pages/dashboard.html.inc"
    ;
inline constexpr std::string_view built_in_docs_page =
#include "pages/built_in_docs.html.inc"
    ;
inline constexpr std::string_view swagger_ui_page =
#include "pages/swagger_ui.html.inc"
    ;

/// The state that all threads share. Only the model is replaced while requests are handled: a reader pins it.
template <class Service>
struct shared_state {
  explicit shared_state(settings s) : config(std::move(s)) {}

  const settings config;
  jsonl_log log;
  challenger_outputs challenger_to;
  live_model<Service> live;                         // empty: no model is loaded
  std::optional<model_reloader<Service>> reloader;  // of the model, if there is one
  std::atomic<bool> leaving = false;                // about to end: not ready for more
  request_metrics metrics{rule_texts<Service>(), config.errors};
  monitoring_history history{Service::prediction::task, decisions_of<typename Service::prediction>()};
  std::array<std::atomic<std::uint64_t>, 5> labels{};  // since the start, by label_outcome
  web_page dashboard{dashboard_page, Service::title};
  web_page docs_page{built_in_docs_page, Service::title};
  web_page docs_page_below{built_in_docs_page, Service::title, "../"};  // for a path with one more segment
  web_page swagger_ui{swagger_ui_page, Service::title};
  web_page problems{problems_page()};
  docs_files docs;  // empty: /docs is the built-in page
  const std::string openapi_without_model = openapi_document<Service>(config.errors);
};

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
