// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <tabscore/serving/request.hpp>
#include <tabscore/serving/request_ids.hpp>
#include <vector>

/// The HTTP side of the example, with Boost.Beast behind one .cpp file; it knows nothing of what is served.
namespace http {

using tabscore::serving::request;
using tabscore::serving::response;

/// Answers the requests of one thread, so it may own that thread's working memory. A response is valid until the next
/// call.
struct handler {
  std::function<response(const request&)> answer;                   ///< may throw: 500
  std::function<response(const request&, unsigned status)> refuse;  ///< the request may have come in part
};

struct settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;  ///< 0: any free one
  unsigned threads = 1;
  std::vector<std::string> hosts;    ///< names that it answers for, else 421; "*": any. Empty: see default_hosts()
  std::vector<std::string> origins;  ///< whose pages may read answers (CORS); "*": any
  std::size_t max_body_bytes = 64U << 20U;        ///< more: 413, before the body is read
  std::size_t max_header_bytes = 16U << 10U;      ///< request line and headers together; more: 431
  std::size_t max_connections = 10'000;           ///< one more gets 503
  std::size_t max_bytes_in_flight = 512U << 20U;  ///< requests and answers, at least a body a thread; more: 503
  unsigned header_timeout_s = 10;                 ///< from a request's first byte to the end of its headers: 408
  unsigned body_timeout_s = 30;                   ///< to receive a body, or to take an answer: 408 or cut
  unsigned idle_timeout_s = 75;                   ///< between the requests of a connection: closed
  unsigned drain_delay_s = 0;                     ///< from `leaving` to the end of accepting
  unsigned shutdown_timeout_s = 10;               ///< what is still in flight then is cut
  std::function<void()> hangup;                   ///< called at SIGHUP
  std::function<void()> leaving;                  ///< called at SIGINT and SIGTERM
};

/// Holds SIGHUP, SIGINT and SIGTERM back until serve(), which then attends to them: for the start of a program, before
/// it has other threads.
void hold_signals();

/// Serves until SIGINT or SIGTERM, answers what is in flight and returns. `make_handler` is called once per thread;
/// `ready` gets the address ("http://127.0.0.1:8000") once connections are accepted. A socket that was handed over as
/// systemd does (LISTEN_FDS) is used instead of host and port: it outlives the process, so that no connection is
/// refused while another takes over. Throws when the address cannot be listened on, or a thread not be started.
void serve(const settings& config, const std::function<handler()>& make_handler,
           const std::function<void(const std::string& address)>& ready);

}  // namespace http
