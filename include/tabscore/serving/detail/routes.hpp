// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "../../core/config.hpp"
#include "../request.hpp"
#include "query.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The targets of requests.
enum class route_target {
  predict,
  batch_predict,
  health,
  compare,
  drift,
  history,
  labels,
  overrides,
  performance,
  report,
  state,
  metrics,
  model,
  dashboard,
  v2_server,
  v2_live,
  v2_ready,
  v2_model,
  v2_model_ready,
  v2_infer,
  openapi,
  docs,
  docs_file,
  redoc,
  problems,
  oauth2_redirect
};

struct route {
  std::string_view path;     // {name} stands for one segment
  std::string_view methods;  // as the allow header lists them
  route_target target;
  friend bool operator==(const route& r, std::string_view p) { return r.path == p; }
};

inline constexpr route routes[] = {
    {"/predict", "POST", route_target::predict},
    {"/batch_predict", "POST", route_target::batch_predict},
    {"/health", "GET", route_target::health},
    {"/monitoring/compare", "GET", route_target::compare},
    {"/monitoring/drift", "GET", route_target::drift},
    {"/monitoring/retraining_trigger", "GET", route_target::drift},
    {"/monitoring/report", "GET", route_target::report},
    {"/monitoring/state", "GET", route_target::state},
    {"/monitoring/history", "GET", route_target::history},
    {"/monitoring/performance", "GET", route_target::performance},
    {"/labels", "POST", route_target::labels},
    {"/overrides", "POST", route_target::overrides},
    {"/metrics", "GET, HEAD", route_target::metrics},
    {"/model", "GET, HEAD", route_target::model},
    {"/dashboard", "GET, HEAD", route_target::dashboard},
    {"/v2", "GET, HEAD", route_target::v2_server},
    {"/v2/health/live", "GET, HEAD", route_target::v2_live},
    {"/v2/health/ready", "GET, HEAD", route_target::v2_ready},
    {"/v2/models/{model}", "GET, HEAD", route_target::v2_model},
    {"/v2/models/{model}/ready", "GET, HEAD", route_target::v2_model_ready},
    {"/v2/models/{model}/infer", "POST", route_target::v2_infer},
    {"/v2/models/{model}/versions/{version}", "GET, HEAD", route_target::v2_model},
    {"/v2/models/{model}/versions/{version}/ready", "GET, HEAD", route_target::v2_model_ready},
    {"/v2/models/{model}/versions/{version}/infer", "POST", route_target::v2_infer},
    {"/openapi.json", "GET, HEAD", route_target::openapi},
    {"/docs", "GET, HEAD", route_target::docs},
    {"/redoc", "GET, HEAD", route_target::redoc},
    {"/problems", "GET, HEAD", route_target::problems},
    {"/docs/oauth2-redirect", "GET, HEAD", route_target::oauth2_redirect},
    {"/docs/{file}", "GET, HEAD", route_target::docs_file},
};

bool matches(std::string_view pattern, std::string_view path);

const route* find_route(std::string_view path);

/// `path` relative to `asked`, so that a proxy's prefix, host and scheme stay as they are. Both begin with a slash.
std::string relative_location(std::string_view asked, std::string_view path, std::string_view query);

/// The route of a request, or the response when there is no route.
struct routing {
  const route* found = nullptr;
  unsigned status = 200;       ///< 307 to the path without its trailing slashes, 404 or 405
  std::string_view text = {};  ///< the detail of the body
  std::string headers = {};    ///< whole lines
};

routing resolve(const request& asked);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    if (pattern[0] == '{') {
      const std::size_t segment = (std::min)(path.find('/'), path.size());
      if (segment == 0) return false;
      path.remove_prefix(segment);
      pattern.remove_prefix(pattern.find('}') + 1);
    } else {
      if (pattern[0] != path[0]) return false;
      path.remove_prefix(1);
      pattern.remove_prefix(1);
    }
  }
  return pattern.empty() && path.empty();
}

TABSCORE_INLINE const route* find_route(std::string_view path) {
  const auto* found = std::find(std::begin(routes), std::end(routes), path);  // as most are written
  if (found == std::end(routes)) {
    found = std::find_if(std::begin(routes), std::end(routes), [&](const route& r) { return matches(r.path, path); });
  }
  return found == std::end(routes) ? nullptr : found;
}

TABSCORE_INLINE std::string relative_location(std::string_view asked, std::string_view path, std::string_view query) {
  std::string location;
  for (auto slashes = std::count(asked.begin(), asked.end(), '/'); slashes > 1; --slashes) location.append("../");
  location.append(percent_encoded(path.substr(1), "%?#\"<>\\^`{|}"));
  if (!query.empty()) location.append("?").append(percent_encoded(query, "#\"<>"));
  return location;
}

TABSCORE_INLINE routing resolve(const request& asked) {
  const route* found = find_route(asked.path);
  if (found == nullptr && !asked.path.empty()) {
    std::string path = percent_decoded(asked.path);
    found = find_route(path);
    if (found == nullptr && path.ends_with('/')) {
      path.resize(path.find_last_not_of('/') + 1);
      if (find_route(path) != nullptr) {
        return {.status = 307, .headers = "location: " + relative_location(asked.path, path, asked.query) + "\r\n"};
      }
    }
  }
  if (found == nullptr) return {.status = 404, .text = "Not Found"};
  const bool head_too = found->methods.ends_with("HEAD");
  if (asked.method != found->methods.substr(0, found->methods.find(',')) && !(head_too && asked.method == "HEAD")) {
    return {.status = 405,
            .text = "Method Not Allowed",
            .headers = std::string("allow: ").append(found->methods).append("\r\n")};
  }
  return {.found = found};
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
