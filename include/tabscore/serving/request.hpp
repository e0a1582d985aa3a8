// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string_view>

#include "../core/config.hpp"

namespace tabscore::inline TABSCORE_ABI::serving {

/// One complete HTTP request. The views must live until its response is sent, that of the body only until it is made.
struct request {
  std::string_view method = {};            ///< in capitals
  std::string_view path = {};              ///< as sent: percent-encoded, without the query
  std::string_view query = {};             ///< without the question mark
  std::string_view content_type = {};      ///< of the body; empty: not given
  std::string_view content_encoding = {};  ///< of the body, joined by commas; empty: not given
  std::string_view accept = {};            ///< all such headers, joined by commas
  std::string_view request_id = {};        ///< header x-request-id; empty: absent, or several
  std::string_view traceparent = {};       ///< header traceparent; empty: absent, or several
  std::string_view body = {};              ///< without padding
  bool expects_continue = false;  ///< the body was not received yet: the response is a refusal, or has status 100
  bool padded = false;            ///< 64 bytes after the body are readable; else it is copied

  /// Sets path and query from the target of a request line ("/batch_predict?explain=3").
  constexpr void set_target(std::string_view target) {
    const std::size_t mark = (std::min)(target.find('?'), target.size());
    path = target.substr(0, mark);
    query = target.substr((std::min)(mark + 1, target.size()));
  }
};

/// The response to a request. The views live until the next request of the same session.
struct response {
  unsigned status = 200;                               ///< of HTTP
  std::string_view content_type = "application/json";  ///< empty: no such header
  std::string_view body = {};                          ///< to HEAD only its length is sent
  std::string_view more_headers = {};                  ///< whole lines ("allow: GET\r\n"), printable ASCII only
  std::string_view request_id = {};                    ///< header x-request-id: the request's, or a random one
  std::string_view traceresponse = {};                 ///< header traceresponse: the trace and the span of this request

  /// Calls f(name, value) for each header but content-length and date.
  template <class F>
  void for_each_header(F&& f) const {
    if (!content_type.empty()) f(std::string_view("content-type"), content_type);
    f(std::string_view("x-content-type-options"), std::string_view("nosniff"));
    if (!request_id.empty()) f(std::string_view("x-request-id"), request_id);
    if (!traceresponse.empty()) f(std::string_view("traceresponse"), traceresponse);
    for (std::string_view rest = more_headers; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(": ");
      f(line.substr(0, colon), line.substr(colon + 2));
    }
  }
};

}  // namespace tabscore::inline TABSCORE_ABI::serving
