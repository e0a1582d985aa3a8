// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "../core/config.hpp"
#include "access.hpp"
#include "endpoint.hpp"
#include "request.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

namespace detail {

/// The header values of a request of cpp-httplib, and the request that refers to them.
struct httplib_request {
  explicit httplib_request(const auto& in)
      : content_type(in.get_header_value("Content-Type")),
        content_encoding(joined(in, "Content-Encoding")),
        accept(joined(in, "Accept")),
        request_id(single(in, "X-Request-Id")),
        traceparent(single(in, "traceparent")),
        asked{.method = in.method,
              .content_type = content_type,
              .content_encoding = content_encoding,
              .accept = accept,
              .request_id = request_id,
              .traceparent = traceparent,
              .body = in.body} {
    asked.set_target(in.target);
  }
  httplib_request(const httplib_request&) = delete;
  httplib_request& operator=(const httplib_request&) = delete;

  static std::string joined(const auto& in, const char* name) {
    std::string all = in.get_header_value(name);
    for (std::size_t i = 1; i < in.get_header_value_count(name); ++i) {
      all.append(",").append(in.get_header_value(name, i));
    }
    return all;
  }
  static std::string single(const auto& in, const char* name) {
    return in.get_header_value_count(name) == 1 ? in.get_header_value(name) : std::string();
  }

  std::string content_type, content_encoding, accept, request_id, traceparent;
  request asked;
};

void write_httplib(const response& from, auto& out) {
  if (from.status != 200) out.status = static_cast<int>(from.status);  // else the library's: 206 of a part of the body
  out.body = from.body;
  from.for_each_header(
      [&](std::string_view name, std::string_view value) { out.set_header(std::string(name), std::string(value)); });
}

}  // namespace detail

/// Lets an httplib::Server of cpp-httplib answer every route of an endpoint, which must outlive it, but those that the
/// server got before; what the server refuses itself is answered in the endpoint's words. Other hosts than these get
/// 421 (access.hpp says why). Bodies may have up to 64 MiB unless the server is told otherwise afterwards. The program
/// includes <httplib.h>.
///
///     httplib::Server server;
///     ts::serving::mount(server, api, ts::serving::default_hosts(true, "127.0.0.1"));
///     server.listen("127.0.0.1", 8000);
template <class Server, servable Service>
void mount(Server& server, endpoint<Service>& api, access_list hosts = {"*"}) {
  server.set_pre_routing_handler([&api, hosts = std::move(hosts)](const auto& in, auto& out) {
    if (answers_for(hosts, in.get_header_value("Host"))) return Server::HandlerResponse::Unhandled;
    const detail::httplib_request from(in);
    detail::write_httplib(api.refuse(from.asked, 421), out);
    return Server::HandlerResponse::Handled;
  });
  const typename Server::Handler answer = [&api](const auto& in, auto& out) {
    const detail::httplib_request from(in);
    detail::write_httplib(api.handle(from.asked), out);
  };
  server.Get(".*", answer).Post(".*", answer).Put(".*", answer).Patch(".*", answer).Delete(".*", answer);
  server.Options(".*", answer);
  const typename Server::Handler refuse = [&api](const auto& in, auto& out) {
    if (!out.body.empty()) return;  // the endpoint's
    const detail::httplib_request from(in);
    detail::write_httplib(api.refuse(from.asked, static_cast<unsigned>(out.status)), out);
  };
  server.set_error_handler(refuse);
  server.set_payload_max_length(std::size_t{64} << 20);
  server.set_tcp_nodelay(true);
}

}  // namespace tabscore::inline TABSCORE_ABI::serving
