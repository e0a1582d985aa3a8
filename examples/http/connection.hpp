// SPDX-License-Identifier: MIT
#pragma once

#include <utility>  // Boost 1.74's awaitable.hpp uses std::exchange without including it

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/status.hpp>
#include <chrono>
#include <cstring>
#include <exception>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access.hpp"
#include "byte_buffer.hpp"
#include "http_server.hpp"
#include "request_parser.hpp"

namespace http {

namespace asio = boost::asio;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::string_view_literals;

class connection;

// With the event loop's own type: with Asio's default each step of an operation finds it at run time.
using executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<tcp, executor>;
template <class T>
using task = asio::awaitable<T, executor>;
inline constexpr asio::use_awaitable_t<executor> use_task;

/// Counts something while it exists.
class counted {
 public:
  explicit counted(std::size_t& count, std::size_t number = 1) : count_(count), number_(number) { count_ += number_; }
  ~counted() { count_ -= number_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

 private:
  std::size_t& count_;
  const std::size_t number_;
};

/// One thread: its event loop, its handler, its connections, its share of the limits. Only that thread touches it, but
/// for `load` and `draining`.
struct worker {
  worker(const settings& s, handler h)
      : config(s),
        handle(std::move(h)),
        most_connections(std::max<std::size_t>(s.max_connections / std::max(s.threads, 1U), 1)),
        most_requests(std::max<std::size_t>(s.max_requests / std::max(s.threads, 1U), 1)),
        most_bytes(std::max(s.max_bytes_in_flight / std::max(s.threads, 1U), s.max_body_bytes + s.max_header_bytes)) {}

  task<void> keep_time();
  task<void> attend(tcp_socket socket);
  void drain();

  byte_buffer take_buffer() {
    if (spare.empty()) return {};
    byte_buffer buffer = std::move(spare.back());
    spare.pop_back();
    spare_bytes -= buffer.capacity();
    buffer.resize(0);
    return buffer;
  }
  void give_back(byte_buffer buffer) {
    if (buffer.capacity() == 0 || spare_bytes + buffer.capacity() > keep_size) return;
    spare_bytes += buffer.capacity();
    spare.push_back(std::move(buffer));
  }

  /// Answers without taking memory.
  void refuse(tcp_socket& socket, std::string_view first_lines) {
    ids.begin({}, {});
    const std::array<asio::const_buffer, 6> texts{
        asio::buffer(first_lines),         asio::buffer("x-request-id: "sv),
        asio::buffer(ids.request_id()),    asio::buffer("\r\ntraceresponse: "sv),
        asio::buffer(ids.traceresponse()), asio::buffer("\r\n\r\n"sv)};
    error_code ec;
    socket.write_some(texts, ec);
  }

  static constexpr std::size_t keep_size = std::size_t{8} << 20;  // of spare buffers, and of slack
  static constexpr milliseconds grace{200};                       // for the next request of a connection at the end

  const settings& config;
  access policy;  // made of the settings once the address is known
  handler handle;
  asio::io_context context{1};
  asio::steady_timer ticker{context};
  byte_buffer head;                    // room for the first lines of an answer
  tabscore::serving::request_ids ids;  // of answers that are not the handler's
  std::array<char, 29> date{};         // as they tell it
  std::list<connection> connections;
  std::size_t in_flight = 0;  // requests that have come whole and whose answers have not been begun
  std::size_t bytes = 0;      // of requests and answers that have not wholly come or gone
  std::vector<byte_buffer> spare;
  std::size_t spare_bytes = 0;           // the room that those have
  std::size_t slack = 0;                 // of the buffers of those that wait
  clock::time_point now = clock::now();  // of the last tick: deadlines need no better
  clock::time_point cut_at = clock::time_point::max();
  std::atomic<bool> draining = false;
  std::atomic<std::size_t> load = 0;
  const std::size_t most_connections, most_requests, most_bytes;
};

// g++ 12 miscompiles `if (co_await f())` and temporaries with destructors as arguments of coroutines: here an awaited
// value goes into a variable first, and coroutines take references and plain values.
class connection {
 public:
  connection(worker& owner, tcp_socket socket) : worker_(owner), socket_(std::move(socket)) {}

  task<void> run() {
    error_code ec;
    socket_.non_blocking(true, ec);
    socket_.set_option(tcp::no_delay(true), ec);
    try {
      for (bool more = true; more;) more = co_await exchange();
    } catch (const std::exception&) {  // out of memory, most likely: this connection ends, the server does not
      if (!answering_) {
        worker_.refuse(socket_, "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n");
      }
    }
    let_go();
    worker_.give_back(std::move(input_));
    worker_.give_back(std::move(body_));
  }

  /// Wakes the coroutine when its time is over.
  void tick() {
    if (worker_.now < deadline_) return;
    expired_ = true;
    wake();
  }
  /// An idle client that sends a request within this time is answered once more: closing at once would cross it on its
  /// way.
  void shutdown_grace() {
    if (idle_) deadline_ = std::min(deadline_, worker_.now + worker::grace);
  }
  /// Ends it. Its descriptor stays until the handler, which may be about to write to it, has returned.
  void cut() {
    error_code ec;
    socket_.shutdown(tcp_socket::shutdown_both, ec);
    wake();
  }

 private:
  static constexpr std::size_t read_size = std::size_t{64} << 10;        // what one read asks for at least
  static constexpr std::size_t keep_in_place = std::size_t{256} << 10;   // of body, behind the headers in input_
  static constexpr std::size_t most_thrown_away = std::size_t{1} << 20;  // of what a client sends after its refusal

  void wake() {
    error_code ec;
    socket_.cancel(ec);
  }
  void allow(unsigned limit_s) {
    deadline_ = worker_.now + seconds(limit_s) + milliseconds(500);  // now may be a tick old
    expired_ = false;
  }
  void hold(std::size_t bytes) {
    held_ += bytes;
    worker_.bytes += bytes;
  }
  void let_go() { worker_.bytes -= std::exchange(held_, 0); }
  /// A request or its answer is gone: what is left is what has come behind it.
  void hold_the_rest() {
    let_go();
    hold(input_.size());
  }
  /// Tells the client at once that something has come. One that writes a request in pieces, without TCP_NODELAY, sends
  /// the next piece only then; the kernel would wait for 40 ms for an answer to tell it with.
  void acknowledge() {
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }

  /// False when woken without anything having arrived.
  task<bool> wait(tcp_socket::wait_type what) {
    error_code ec;
    if (worker_.slack + input_.slack() + body_.slack() > worker::keep_size) input_.trim(), body_.trim();
    const counted unused(worker_.slack, input_.slack() + body_.slack());
    co_await socket_.async_wait(what, asio::redirect_error(use_task, ec));
    co_return !ec;
  }

  /// Until a request begins, or the connection must be closed. (As wait(), without a coroutine of its own.)
  task<bool> wait_idle() {
    idle_ = true;
    error_code ec;
    co_await socket_.async_wait(tcp_socket::wait_read, asio::redirect_error(use_task, ec));
    idle_ = false;
    co_return !ec;
  }

  /// Appends what has arrived; false with an error when nothing has.
  bool take(byte_buffer& to, std::size_t room, error_code& ec) {
    const std::size_t count = socket_.read_some(asio::buffer(to.data() + to.size(), room), ec);
    to.resize(to.size() + count);
    hold(count);
    return !ec;
  }
  /// Appends what arrives, waiting for it. False when nothing came because the peer hung up or the time is over.
  task<bool> receive(byte_buffer& to, std::size_t room) {
    for (bool may_wait = true;;) {
      error_code ec;
      if (take(to, room, ec)) co_return true;
      if (ec != asio::error::would_block || !may_wait) co_return false;
      may_wait = co_await wait(tcp_socket::wait_read);
    }
  }
  /// Not all there is: what follows this request would have to move to the front after it.
  std::size_t input_room() const { return worker_.config.max_header_bytes + read_size - input_.size(); }
  /// One request and its answer; true when another may follow on this connection.
  task<bool> exchange() {
    const settings& config = worker_.config;
    bool may_wait = true;
    origin_ = request_id_ = traceparent_ = {};
    if (input_.size() == 0) {  // idle connections own no buffers
      worker_.give_back(std::exchange(input_, {}));
      allow(config.idle_timeout_s);
      may_wait = co_await wait_idle();
      input_ = worker_.take_buffer();
      input_.reserve(config.max_header_bytes + keep_in_place);
    }

    allow(config.header_timeout_s);
    body_.resize(0);
    request_parser parser(config, input_, body_);
    std::size_t parsed = 0;  // bytes of input_ that the parser has taken
    error_code ec;
    for (;;) {
      while (parsed == 0 && input_.text().starts_with("\r\n")) input_.drop_front(2);  // RFC 9112 2.2
      if (input_.size() > parsed) {
        parsed += parser.put(asio::buffer(input_.data() + parsed, input_.size() - parsed), ec);
        if (parser.is_header_done() || (ec && ec != beast::error::need_more)) break;
        if (input_.size() > config.max_header_bytes) {
          ec = beast::error::header_limit;
          break;
        }
      }
      bool received = take(input_, input_room(), ec);  // nearly always: a call less than receive()
      if (!received && ec == asio::error::would_block && may_wait) {
        if (input_.size() != 0) acknowledge();
        received = co_await receive(input_, input_room());
      }
      if (!received) {
        if (input_.size() == 0 || !expired_) co_return false;  // the peer hung up
        co_return co_await hang_up(408);
      }
      may_wait = true;
    }
    if (!ec && parsed > config.max_header_bytes) ec = beast::error::header_limit;
    origin_ = worker_.policy.allowed_origin(parser.origin);
    request_id_ = parser.head.request_id, traceparent_ = parser.head.traceparent;
    if (ec) co_return co_await hang_up(status_of(ec));
    if (!worker_.policy.answers_for(parser.host)) co_return co_await hang_up(421);

    request asked = parser.head;
    asked.padded = true;
    std::size_t used = parsed;  // bytes of input_ that belong to this request
    const std::size_t length = static_cast<std::size_t>(parser.content_length().value_or(0));
    const bool in_place = !parser.chunked() && length <= input_.capacity() - parsed;
    if (!in_place || length > input_.size() - parsed) {
      allow(config.body_timeout_s);
      if (input_.size() == parsed) acknowledge();
      if (parser.expects_continue && parser.http11 && input_.size() == parsed) {
        asked.expects_continue = true;
        const response early = call(asked);
        if (early.status != 100) co_return co_await hang_up(early, asked.method == "HEAD");
        asked.expects_continue = false;
        bool sent = send("HTTP/1.1 100 Continue\r\n\r\n", {});
        if (sent && !unsent_.empty()) sent = co_await send_rest();
        if (!sent) co_return false;
      }
      bool complete = false;
      if (in_place) {
        complete = co_await receive_until(input_, parsed + length, ec);
      } else {
        if (body_.capacity() == 0) body_ = worker_.take_buffer();
        if (parser.chunked()) {
          complete = co_await receive_chunks(parser, parsed, ec);
        } else {
          body_.append(input_.text().substr(parsed));
          input_.resize(parsed);
          complete = co_await receive_until(body_, length, ec);
        }
      }
      if (ec) co_return co_await hang_up(status_of(ec));
      if (!complete && !expired_) co_return false;
      if (!complete) co_return co_await hang_up(408);
    }
    if (in_place) {
      asked.body = input_.text().substr(parsed, length);
      used += length;
    } else {
      asked.body = body_.text();
      if (!parser.chunked()) used = input_.size();
    }

    bool more = parser.keep_alive() && !worker_.draining, sent = false;
    if (parser.asks_for_method && !origin_.empty() && asked.method == "OPTIONS") {
      sent = answer({.content_type = {}, .more_headers = preflight_headers}, more, parser.http11);
    } else if (worker_.in_flight < worker_.most_requests) {
      const counted in_flight(worker_.in_flight);
      // Those that have a whole request go first, so that all of them are known and the last ones can be refused.
      if (worker_.connections.size() > 1) co_await asio::post(worker_.context, use_task);
      more = more && !worker_.draining;
      sent = answer(call(asked), more, parser.http11, asked.method == "HEAD");
    } else {
      sent = answer(busy(), more, parser.http11, asked.method == "HEAD");
    }
    if (body_.capacity() != 0) worker_.give_back(std::exchange(body_, {}));
    input_.drop_front(used);
    hold_the_rest();
    if (sent && !unsent_.empty()) sent = co_await send_rest();
    if (!sent) co_return false;
    co_return more;
  }

  /// A body of known length, up to the buffer's `size`. Memory follows what has arrived, not what was declared.
  task<bool> receive_until(byte_buffer& to, std::size_t size, error_code& ec) {
    while (to.size() < size) {
      if (to.size() == to.capacity()) to.reserve(std::min(size, std::max(4 * read_size, 2 * to.size())));
      const bool received = co_await receive(to, std::min(size, to.capacity()) - to.size());
      if (!received) co_return false;
      if (is_full(ec)) co_return false;
    }
    co_return true;
  }

  /// A chunked body through the parser into body_; the bytes behind the headers in input_ are its window.
  task<bool> receive_chunks(request_parser& parser, const std::size_t window, error_code& ec) {
    parser.eager(true);
    for (;;) {
      // The shortest end of a body is five bytes; with less Beast has nothing to decide (and asserts that).
      while (input_.size() - window >= 5) {
        const std::size_t taken = parser.put(asio::buffer(input_.data() + window, input_.size() - window), ec);
        std::memmove(input_.data() + window, input_.data() + window + taken, input_.size() - window - taken);
        input_.resize(input_.size() - taken);
        if (parser.is_done()) co_return true;
        if (ec == beast::error::need_more) break;
        if (ec) co_return false;
      }
      ec = {};
      if (input_.size() - window > worker_.config.max_header_bytes) {  // an endless extension or trailer
        ec = beast::error::header_limit;
        co_return false;
      }
      const bool received = co_await receive(input_, input_room());
      if (!received) co_return false;
      if (is_full(ec)) co_return false;
    }
  }

  bool is_full(error_code& ec) const {
    if (worker_.bytes > worker_.most_bytes) ec = asio::error::no_buffer_space;
    return static_cast<bool>(ec);
  }

  response busy() const {
    if (worker_.config.refused) worker_.config.refused(503);
    return {.status = 503, .body = R"({"detail":"The server is busy."})", .more_headers = "retry-after: 1\r\n"};
  }

  response call(const request& asked) {
    try {
      return worker_.handle(asked);
    } catch (const std::exception&) {
      return {.status = 500, .content_type = "text/plain; charset=utf-8", .body = "Internal Server Error"};
    }
  }

  /// Begins an answer, nearly always wholly: what the socket does not take yet is left in unsent_. False when the
  /// connection is lost.
  bool answer(const response& r, bool more, bool http11 = true, bool head_only = false) {
    if (r.request_id.empty()) worker_.ids.begin(request_id_, traceparent_);
    worker_.head.reserve(1024 + r.content_type.size() + r.more_headers.size() + origin_.size());
    char* const head = worker_.head.data();
    char* end = head;
    const auto put = [&](auto... pieces) { ((end = std::copy_n(pieces.data(), pieces.size(), end)), ...); };
    const auto number = [](const fmt::format_int& n) { return std::string_view(n.data(), n.size()); };
    put(http11 ? "HTTP/1.1 "sv : "HTTP/1.0 "sv, number(fmt::format_int(r.status)), " "sv);
    put(view(beast::obsolete_reason(static_cast<beast::status>(r.status))), "\r\ndate: "sv, worker_.date);
    put("\r\ncontent-length: "sv, number(fmt::format_int(r.body.size())), "\r\n"sv);
    if (!r.content_type.empty()) put("content-type: "sv, r.content_type, "\r\n"sv);
    put("x-content-type-options: nosniff\r\n"sv, r.more_headers);
    put("x-request-id: "sv, r.request_id.empty() ? worker_.ids.request_id() : r.request_id, "\r\n"sv);
    put("traceresponse: "sv, r.request_id.empty() ? worker_.ids.traceresponse() : r.traceresponse, "\r\n"sv);
    if (worker_.policy.varies()) put("vary: origin\r\n"sv);
    if (!origin_.empty()) {
      put("access-control-allow-origin: "sv, origin_, "\r\naccess-control-expose-headers: *\r\n"sv);
    }
    if (!more) put("connection: close\r\n"sv);
    if (more && !http11) put("connection: keep-alive\r\n"sv);
    put("\r\n"sv);
    return send({head, end}, head_only ? std::string_view{} : r.body);
  }

  /// Writes at once what the socket takes and copies the rest, so that both texts may be reused.
  bool send(std::string_view head, std::string_view body) {
    error_code ec;
    const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(body)};
    const std::size_t sent = socket_.write_some(both, ec);
    if (ec && ec != asio::error::would_block) return false;
    if (sent == head.size() + body.size()) return true;
    answering_ = true;
    unsent_.assign(head.substr(std::min(sent, head.size())));
    unsent_.append(body.substr(sent - std::min(sent, head.size())));
    return true;
  }
  task<bool> send_rest() {
    allow(worker_.config.body_timeout_s);
    hold(unsent_.size());
    const std::string rest = std::exchange(unsent_, {});
    for (std::size_t sent = 0; sent < rest.size();) {
      const bool writable = co_await wait(tcp_socket::wait_write);
      if (!writable) co_return false;
      error_code ec;
      const std::size_t count = socket_.write_some(asio::buffer(rest.data() + sent, rest.size() - sent), ec);
      if (ec && ec != asio::error::would_block) co_return false;
      sent += count;
    }
    answering_ = false;
    hold_the_rest();
    co_return true;
  }

  static unsigned status_of(error_code ec) {
    if (ec == asio::error::no_buffer_space) return 503;
    return ec == beast::error::body_limit ? 413 : ec == beast::error::header_limit ? 431 : 400;
  }

  /// Answers what cannot be served and closes.
  task<bool> hang_up(unsigned status) {
    const settings& config = worker_.config;
    if (status != 503 && config.refused) config.refused(status);
    const std::string detail =
        status == 408   ? "The request did not arrive in time."
        : status == 421 ? "The server is not told to answer for the host that the request names (--allowed-hosts)."
        : status == 413 ? fmt::format("The body is larger than {} bytes.", config.max_body_bytes)
                        : fmt::format("The header is larger than {} bytes.", config.max_header_bytes);
    const std::string body = fmt::format(R"({{"detail":"{}"}})", detail);
    response refusal{.status = status, .body = body};
    if (status == 503) refusal = busy();
    if (status == 400) {
      refusal = {.status = 400, .content_type = "text/plain; charset=utf-8", .body = "Invalid HTTP request received."};
    }
    co_return co_await hang_up(refusal);
  }

  /// Takes a little of what still comes, because closing with unread bytes resets the connection and may take the
  /// answer away from its reader.
  task<bool> hang_up(const response& refusal, bool head_only = false) {
    bool open = answer(refusal, false, true, head_only);
    if (open && !unsent_.empty()) open = co_await send_rest();
    error_code ec;
    socket_.shutdown(tcp_socket::shutdown_send, ec);
    let_go();
    worker_.give_back(std::exchange(input_, {}));
    worker_.give_back(std::exchange(body_, {}));
    allow(1);
    for (std::size_t taken = 0; open && taken < most_thrown_away;) {
      const std::size_t count = socket_.receive(asio::mutable_buffer(nullptr, read_size), MSG_TRUNC, ec);
      taken += count;  // without being copied anywhere
      if (ec == asio::error::would_block) {
        open = co_await wait(tcp_socket::wait_read);
      } else {
        open = !ec;
      }
    }
    co_return false;
  }

  worker& worker_;
  tcp_socket socket_;
  byte_buffer input_;        // what was received and not yet answered; a request always starts at its front
  byte_buffer body_;         // of a request that is larger than input_, or comes in chunks
  std::string unsent_;       // of an answer
  std::string_view origin_;  // that may read the answer: the settings' own text
  std::string_view request_id_, traceparent_;  // that the request brings
  clock::time_point deadline_ = clock::time_point::max();
  std::size_t held_ = 0;  // its part of the worker's bytes
  bool idle_ = false;
  bool expired_ = false;
  bool answering_ = false;  // an answer is on its way in part
};

inline task<void> worker::attend(tcp_socket socket) {
  struct leaving {
    ~leaving() {
      --self.load;
      if (self.draining && self.connections.empty()) self.ticker.cancel();
    }
    worker& self;
  };
  const leaving at_the_end{*this};
  if (connections.size() >= most_connections) {
    if (config.refused) config.refused(503);
    error_code ec;
    socket.non_blocking(true, ec);
    refuse(socket, "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n");
    socket.shutdown(tcp_socket::shutdown_send, ec);
    co_return;
  }
  struct listed {
    ~listed() { from.erase(at); }
    std::list<connection>& from;
    std::list<connection>::iterator at;
  };
  const listed self{connections, connections.emplace(connections.end(), *this, std::move(socket))};
  co_await self.at->run();
}

/// Twice a second: the date, and whose time is over. Ends, and with it the thread, when draining is done.
inline task<void> worker::keep_time() {
  while (!draining || !connections.empty()) {
    try {
      now = clock::now();
      fmt::format_to_n(date.data(), date.size(), "{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
      for (connection& c : connections) now < cut_at ? c.tick() : c.cut();
      ticker.expires_after(draining ? milliseconds(50) : milliseconds(500));
      error_code woken;
      co_await ticker.async_wait(asio::redirect_error(use_task, woken));
    } catch (const std::bad_alloc&) {  // others may free some
    }
  }
}

inline void worker::drain() {
  draining = true;
  now = clock::now();
  cut_at = now + seconds(config.shutdown_timeout_s);
  for (connection& c : connections) c.shutdown_grace();
  ticker.cancel();
}

}  // namespace http
