// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"

// Whom a server answers: hosts and origins. A server that listens on loopback and answers for any host can be read by
// any web page, whose owner lets its name point to 127.0.0.1 (DNS rebinding).
namespace tabscore::inline TABSCORE_ABI::serving {

/// Names of hosts or origins; "*" stands for any.
using access_list = std::vector<std::string>;

namespace detail {
inline bool is_listed(const access_list& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}
}  // namespace detail

/// The name in a Host header: without its port, in lower case, without the dot of a full name.
inline std::string host_name(std::string_view host) {
  const std::size_t colon = host.find_last_not_of("0123456789");
  if (colon != std::string_view::npos && host[colon] == ':') host = host.substr(0, colon);
  std::string name(host);
  if (name.ends_with('.')) name.pop_back();
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

/// The names of loopback for a server that listens on it, else any.
inline access_list default_hosts(bool loopback, std::string_view address) {
  if (!loopback) return {"*"};
  return {"localhost", "127.0.0.1", "[::1]", host_name(address)};
}

/// Whether a request with this Host header is answered, else 421. `hosts`: names as host_name() gives them. A request
/// of HTTP/1.0 may have no such header; no browser sends that.
inline bool answers_for(const access_list& hosts, std::string_view host) {
  return host.empty() || detail::is_listed(hosts, host) || detail::is_listed(hosts, "*") ||
         detail::is_listed(hosts, host_name(host));
}

/// The value of access-control-allow-origin in the answer to a page of this origin; empty: no such header.
inline std::string_view allowed_origin(const access_list& origins, std::string_view origin) {
  if (origin.empty()) return {};
  if (detail::is_listed(origins, "*")) return "*";
  return detail::is_listed(origins, origin) ? origin : std::string_view();
}

/// Whether answers differ by the origin: they need the header vary.
inline bool varies_by_origin(const access_list& origins) {
  return !origins.empty() && !detail::is_listed(origins, "*");
}

/// Headers of the answer to a preflight, besides access-control-allow-origin.
inline constexpr std::string_view preflight_headers =
    "access-control-allow-methods: GET, HEAD, POST\r\n"
    "access-control-allow-headers: accept, authorization, content-type, traceparent, tracestate, x-request-id, "
    "x-requested-with\r\n"
    "access-control-max-age: 600\r\n";

}  // namespace tabscore::inline TABSCORE_ABI::serving
