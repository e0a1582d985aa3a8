// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

/// What a preflight is told; the origin stands in a line of its own.
inline constexpr std::string_view preflight_headers =
    "access-control-allow-methods: GET, HEAD, POST\r\n"
    "access-control-allow-headers: accept, authorization, content-type, traceparent, tracestate, x-request-id, "
    "x-requested-with\r\n"
    "access-control-max-age: 600\r\n";

/// The name in a Host header: without its port, in lower case, without the dot of a full name.
inline std::string host_name(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool port =
      colon != std::string_view::npos && host.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  std::string name(port ? host.substr(0, colon) : host);
  if (name.ends_with('.')) name.pop_back();
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

/// Who is answered. A server that listens on loopback and answers for any name can be read by any web page, whose own
/// name its owner lets point to 127.0.0.1 (DNS rebinding).
class access {
 public:
  access() = default;
  access(std::vector<std::string> hosts, std::vector<std::string> origins)
      : hosts_(std::move(hosts)), origins_(std::move(origins)) {
    for (std::string& name : hosts_) name = name == any ? name : host_name(name);
  }

  /// A request of HTTP/1.0 may name no host; no browser sends that.
  bool answers_for(std::string_view host) const {
    if (host.empty() || contains(hosts_, any)) return true;
    return contains(hosts_, host) || contains(hosts_, host_name(host));
  }
  /// The origin to allow, as it was configured; empty: none.
  std::string_view allowed_origin(std::string_view origin) const {
    if (origin.empty()) return {};
    if (contains(origins_, any)) return any;
    const auto found = std::find(origins_.begin(), origins_.end(), origin);
    return found == origins_.end() ? std::string_view{} : std::string_view(*found);
  }
  /// Whether answers differ by the origin.
  bool varies() const { return !origins_.empty() && !contains(origins_, any); }

 private:
  static constexpr std::string_view any = "*";
  static bool contains(const std::vector<std::string>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  }

  std::vector<std::string> hosts_, origins_;
};

/// The names of loopback for a server that listens on it, else any.
inline std::vector<std::string> default_hosts(bool loopback, std::string_view address) {
  if (!loopback) return {"*"};
  return {"localhost", "127.0.0.1", "[::1]", std::string(address)};
}

}  // namespace http
