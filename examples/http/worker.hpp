// SPDX-License-Identifier: MIT
#pragma once

#include <utility>  // Boost 1.74's awaitable.hpp uses std::exchange without including it

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <string>

#include "http_server.hpp"

namespace http {

namespace asio = boost::asio;
namespace serving = tabscore::serving;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class connection;

// With the event loop's own type: with Asio's default each step of an operation finds it at run time.
using executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<tcp, executor>;
template <class T>
using task = asio::awaitable<T, executor>;
inline constexpr asio::use_awaitable_t<executor> use_task;

inline constexpr std::size_t padding = 64;                        // behind a body: SIMDJSON_PADDING
inline constexpr std::size_t read_size = std::size_t{256} << 10;  // what one read asks for

/// One thread: its event loop, its handler, its connections, its share of the limits. Other threads touch only
/// `context` and `load`.
struct worker {
  worker(const settings& s, handler h) : config(s), handle(std::move(h)) {}

  /// Sets the date and ends what takes too long, twice a second. Ends, and with it the thread, when draining is done.
  task<void> keep_time();
  /// No connection gets a further request, but for one in each idle client's grace.
  void drain();

  const settings& config;
  handler handle;
  asio::io_context context{1};
  asio::steady_timer ticker{context};
  /// What is read; a connection that waits for more keeps its part itself.
  std::unique_ptr<char[]> input = std::make_unique_for_overwrite<char[]>(config.max_header_bytes + read_size + padding);
  std::string head;  // of the answer at hand
  std::string date;  // as they tell it
  std::set<connection*> connections;
  std::size_t bytes = 0;                 // of requests and answers that have not wholly come or gone
  clock::time_point now = clock::now();  // of the last tick: deadlines need no better
  clock::time_point cut_at = clock::time_point::max();
  bool draining = false;
  std::atomic<std::size_t> load = 0;  // connections that it was given
  const std::size_t most_connections = std::max<std::size_t>(config.max_connections / config.threads, 1);
  const std::size_t most_bytes =
      std::max(config.max_bytes_in_flight / config.threads, config.max_body_bytes + config.max_header_bytes);
};

}  // namespace http
