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
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/status.hpp>
#include <chrono>
#include <exception>
#include <list>
#include <memory>
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

/// One thread: its event loop, its handler, its connections, its share of the limits. Only that thread touches it, but
/// for `load` and `draining`.
struct worker {
  worker(const settings& s, handler h)
      : config(s),
        handle(std::move(h)),
        input(std::make_unique_for_overwrite<char[]>(s.max_header_bytes + read_size + padding)),
        most_connections(std::max<std::size_t>(s.max_connections / std::max(s.threads, 1U), 1)),
        most_bytes(std::max(s.max_bytes_in_flight / std::max(s.threads, 1U), s.max_body_bytes + s.max_header_bytes)) {}

  task<void> keep_time();
  task<void> attend(tcp_socket socket);
  void drain();

  static constexpr std::size_t read_size = std::size_t{256} << 10;  // what one read asks for
  static constexpr milliseconds grace{200};                         // for the next request of a connection at the end

  const settings& config;
  access policy;  // made of the settings once the address is known
  handler handle;
  asio::io_context context{1};
  asio::steady_timer ticker{context};
  std::unique_ptr<char[]> input;  // what is read; a connection that waits for more keeps its part itself
  std::string head;               // of the answer at hand
  std::array<char, 29> date{};    // as they tell it
  std::list<connection> connections;
  std::size_t bytes = 0;                 // of requests and answers that have not wholly come or gone
  clock::time_point now = clock::now();  // of the last tick: deadlines need no better
  clock::time_point cut_at = clock::time_point::max();
  std::atomic<bool> draining = false;
  std::atomic<std::size_t> load = 0;
  const std::size_t most_connections, most_bytes;
};

// g++ 12 miscompiles `if (co_await f())` and temporaries with destructors as arguments of coroutines: here an awaited
// value goes into a variable first, and coroutines take references and plain values.
class connection {
 public:
  connection(worker& owner, tcp_socket socket) : worker_(owner), socket_(std::move(socket)) {
    error_code ec;
    socket_.non_blocking(true, ec);
    socket_.set_option(tcp::no_delay(true), ec);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { worker_.bytes -= held_; }

  task<void> run() {
    for (bool more = true; more;) more = co_await exchange();
  }
  /// One connection too many.
  void turn_away() {
    answer(worker_.handle.refuse({}, 503, "The server has no room for another connection."), false);
    error_code ec;
    socket_.shutdown(tcp_socket::shutdown_send, ec);
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
  static constexpr std::size_t most_thrown_away = std::size_t{1} << 20;  // of what a client sends after its refusal
  static constexpr std::size_t large_body = std::size_t{1} << 20;

  void wake() {
    error_code ec;
    socket_.cancel(ec);
  }
  void allow(unsigned limit_s) {
    deadline_ = worker_.now + seconds(limit_s) + milliseconds(500);  // now may be a tick old
    expired_ = false;
  }
  /// Counts the bytes that it has.
  void hold() {
    const std::size_t bytes = input_.size() + head_.size() + body_.size() + unsent_.size();
    worker_.bytes += bytes - std::exchange(held_, bytes);
  }
  bool is_full() const { return worker_.bytes > worker_.most_bytes; }

  /// False when woken without anything having arrived.
  task<bool> wait(tcp_socket::wait_type what) {
    hold();
    if (what == tcp_socket::wait_read && held_ != 0) {
      // Tells a client that writes a request in pieces, without TCP_NODELAY, at once that something has come: it sends
      // the next piece only then, and the kernel would wait for 40 ms for an answer to tell it with.
      const int on = 1;
      ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    }
    error_code ec;
    co_await socket_.async_wait(what, asio::redirect_error(use_task, ec));
    co_return !ec;
  }
  /// The number of bytes that have arrived, waiting for them; 0: the peer hung up, the time is over, or is_full().
  task<std::size_t> receive(char* to, std::size_t room) {
    for (hold(); !is_full();) {
      error_code ec;
      const std::size_t count = socket_.read_some(asio::buffer(to, room), ec);
      if (ec != asio::error::would_block) co_return ec ? 0 : count;
      const bool woken = co_await wait(tcp_socket::wait_read);
      if (!woken) co_return 0;
    }
    co_return 0;
  }

  /// What is left of the connection's bytes, in the thread's input.
  std::string_view recall() {
    char* const to = worker_.input.get();
    std::copy_n(input_.data(), input_.size(), to);
    const std::string_view text(to, input_.size());
    input_.clear();
    return text;
  }
  /// Whether the header is complete or wrong.
  bool parse(std::string_view text, error_code& ec) {
    parser_.emplace(worker_.config, text, body_);
    ec = {};
    parsed_ = parser_->put(asio::buffer(text.data(), text.size()), ec);
    if (ec == beast::error::need_more) ec = {};
    const bool done = parser_->is_header_done();
    if (!ec && (done ? parsed_ : text.size()) > worker_.config.max_header_bytes) ec = beast::error::header_limit;
    return done || ec;
  }

  /// One request and its answer; true when another may follow on this connection.
  task<bool> exchange() {
    const settings& config = worker_.config;
    origin_ = {};
    error_code ec;
    std::string_view text = recall();  // more requests may have come at once
    allow(text.empty() ? config.idle_timeout_s : config.header_timeout_s);
    bool has_header = !text.empty() && parse(text, ec);
    for (idle_ = text.empty(); !has_header; idle_ = false) {
      const std::size_t room = config.max_header_bytes + worker::read_size - text.size();
      std::size_t count = 0;
      if (!idle_) count = socket_.read_some(asio::buffer(worker_.input.get() + text.size(), room), ec);
      if (idle_ || ec == asio::error::would_block) {
        input_ = std::string(text);  // an idle connection has no memory
        const bool woken = co_await wait(tcp_socket::wait_read);
        if (!woken && (input_.empty() || !expired_)) co_return false;
        if (!woken) co_return co_await hang_up(request(), 408);
        if (idle_) allow(config.header_timeout_s);
        text = recall();
        continue;
      }
      if (ec) co_return false;  // the peer hung up
      text = {worker_.input.get(), text.size() + count};
      std::size_t empty_lines = 0;
      while (text.substr(empty_lines).starts_with("\r\n")) empty_lines += 2;  // RFC 9112 2.2
      if (empty_lines != 0) input_ = text.substr(empty_lines), text = recall();
      has_header = !text.empty() && parse(text, ec);
    }
    origin_ = worker_.policy.allowed_origin(parser_->origin);
    if (ec) co_return co_await hang_up(parser_->head, status_of(ec));
    if (!worker_.policy.answers_for(parser_->host)) co_return co_await hang_up(parser_->head, 421);

    request asked = parser_->head;
    const std::size_t length = static_cast<std::size_t>(parser_->content_length().value_or(0));
    std::string_view rest = text.substr(parsed_);
    if (!parser_->chunked() && length <= rest.size()) {
      asked.body = rest.substr(0, length);
      input_ = rest.substr(length);
    } else {
      allow(config.body_timeout_s);
      if (parser_->expects_continue && parser_->http11 && rest.empty()) {
        asked.expects_continue = true;
        const response early = call(asked);
        if (early.status != 100) co_return co_await hang_up(early, asked.method == "HEAD");
        if (!send("HTTP/1.1 100 Continue\r\n\r\n", {}) || !unsent_.empty()) co_return false;
      }
      head_ = text.substr(0, parsed_);
      bool complete = false;
      if (parser_->chunked()) {
        input_ = rest;
        body_.reserve(1);  // an empty body is padded, too
        complete = co_await receive_chunks(ec);
      } else {
        body_.append(rest);
        complete = co_await receive_body(length);
      }
      if (!complete && !ec && !is_full() && !expired_) co_return false;  // the peer hung up
      const unsigned wrong = ec ? status_of(ec) : is_full() ? 503 : 408;
      parse(head_, ec);  // again: other connections have used the thread's input
      if (!complete) co_return co_await hang_up(parser_->head, wrong);
      asked = parser_->head;
      asked.body = body_.text();
    }
    asked.padded = true;

    bool more = parser_->keep_alive() && !worker_.draining, sent = false;
    if (parser_->asks_for_method && !origin_.empty() && asked.method == "OPTIONS") {
      sent = answer({.content_type = {}, .more_headers = preflight_headers}, more, parser_->http11);
    } else {
      sent = answer(call(asked), more, parser_->http11, asked.method == "HEAD");
    }
    forget_request();
    if (sent && !unsent_.empty()) sent = co_await send_rest();
    more = more && sent;
    co_return more;
  }

  /// A body of known length. Memory follows what has arrived, not what was declared.
  task<bool> receive_body(std::size_t length) {
    while (body_.size() < length) {
      if (body_.size() == body_.capacity()) {
        const bool is_large = body_.size() >= large_body;  // memory that is not written to costs nothing
        body_.reserve(is_large ? length : std::min(length, std::max(worker::read_size, 2 * body_.size())));
      }
      const std::size_t count = co_await receive(body_.end(), std::min(length, body_.capacity()) - body_.size());
      if (count == 0) co_return false;
      body_.resize(body_.size() + count);
    }
    co_return true;
  }

  /// A chunked body out of input_.
  task<bool> receive_chunks(error_code& ec) {
    parser_->eager(true);
    for (;;) {
      // The shortest end of a body is five bytes; with less Beast has nothing to decide (and asserts that).
      while (input_.size() >= 5) {
        input_.erase(0, parser_->put(asio::const_buffer(input_.data(), input_.size()), ec));
        if (parser_->is_done()) co_return true;
        if (ec == beast::error::need_more) break;
        if (ec) co_return false;
      }
      ec = {};
      if (input_.size() > worker_.config.max_header_bytes) {  // an endless extension or trailer
        ec = beast::error::header_limit;
        co_return false;
      }
      const std::size_t count = co_await receive(worker_.input.get(), worker::read_size);
      if (count == 0) co_return false;
      input_.append(worker_.input.get(), count);
    }
  }

  response call(const request& asked) {
    try {
      return worker_.handle.answer(asked);
    } catch (const std::exception&) {  // out of memory, most likely
      return worker_.handle.refuse(asked, 500, "Internal Server Error");
    }
  }

  /// Begins an answer, nearly always wholly: what the socket does not take yet is left in unsent_. False when the
  /// connection is lost.
  bool answer(const response& r, bool more, bool http11 = true, bool head_only = false) {
    std::string& head = worker_.head;
    head.clear();
    const auto put = [&](auto... pieces) { (head.append(pieces), ...); };
    const auto number = [](const fmt::format_int& n) { return std::string_view(n.data(), n.size()); };
    put(http11 ? "HTTP/1.1 "sv : "HTTP/1.0 "sv, number(fmt::format_int(r.status)), " "sv);
    put(view(beast::obsolete_reason(static_cast<beast::status>(r.status))), "\r\ndate: "sv,
        std::string_view(worker_.date.data(), worker_.date.size()));
    put("\r\ncontent-length: "sv, number(fmt::format_int(r.body.size())), "\r\n"sv);
    if (!r.content_type.empty()) put("content-type: "sv, r.content_type, "\r\n"sv);
    put("x-content-type-options: nosniff\r\n"sv, r.more_headers);
    if (!r.request_id.empty()) put("x-request-id: "sv, r.request_id, "\r\n"sv);
    if (!r.traceresponse.empty()) put("traceresponse: "sv, r.traceresponse, "\r\n"sv);
    if (worker_.policy.varies()) put("vary: origin\r\n"sv);
    if (!origin_.empty()) {
      put("access-control-allow-origin: "sv, origin_, "\r\naccess-control-expose-headers: *\r\n"sv);
    }
    if (!more) put("connection: close\r\n"sv);
    if (more && !http11) put("connection: keep-alive\r\n"sv);
    put("\r\n"sv);
    return send(head, head_only ? std::string_view{} : r.body);
  }

  /// Writes at once what the socket takes and copies the rest, so that both texts may be reused.
  bool send(std::string_view head, std::string_view body) {
    error_code ec;
    const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(body)};
    const std::size_t sent = socket_.write_some(both, ec);
    if (ec && ec != asio::error::would_block) return false;
    if (sent == head.size() + body.size()) return true;
    unsent_.assign(head.substr(std::min(sent, head.size())));
    unsent_.append(body.substr(sent - std::min(sent, head.size())));
    return true;
  }
  task<bool> send_rest() {
    allow(worker_.config.body_timeout_s);
    for (std::size_t sent = 0; sent < unsent_.size();) {
      const bool writable = co_await wait(tcp_socket::wait_write);
      if (!writable) co_return false;
      error_code ec;
      sent += socket_.write_some(asio::buffer(unsent_.data() + sent, unsent_.size() - sent), ec);
      if (ec && ec != asio::error::would_block) co_return false;
    }
    unsent_ = std::string();
    co_return true;
  }

  static unsigned status_of(error_code ec) {
    return ec == beast::error::body_limit ? 413 : ec == beast::error::header_limit ? 431 : 400;
  }

  /// Answers what cannot be served and closes.
  task<bool> hang_up(const request& asked, unsigned status) {
    const settings& config = worker_.config;
    const std::string why =
        status == 400   ? "Invalid HTTP request received."
        : status == 408 ? "The request did not arrive in time."
        : status == 413 ? fmt::format("The body is larger than {} bytes.", config.max_body_bytes)
        : status == 421 ? "The server is not told to answer for the host that the request names (--allowed-hosts)."
        : status == 431 ? fmt::format("The header is larger than {} bytes.", config.max_header_bytes)
                        : "The server is busy.";
    const response refusal = worker_.handle.refuse(asked, status, why);
    co_return co_await hang_up(refusal, asked.method == "HEAD");
  }

  /// Takes a little of what still comes, because closing with unread bytes resets the connection and may take the
  /// answer away from its reader.
  task<bool> hang_up(const response& refusal, bool head_only) {
    bool open = answer(refusal, false, true, head_only);
    forget_request();
    input_ = std::string();
    if (open && !unsent_.empty()) open = co_await send_rest();
    error_code ec;
    socket_.shutdown(tcp_socket::shutdown_send, ec);
    allow(1);
    for (std::size_t taken = 0; open && taken < most_thrown_away;) {
      const std::size_t count = socket_.receive(asio::mutable_buffer(nullptr, worker::read_size), MSG_TRUNC, ec);
      taken += count;  // without being copied anywhere
      if (ec == asio::error::would_block) {
        open = co_await wait(tcp_socket::wait_read);
      } else {
        open = !ec;
      }
    }
    co_return false;
  }

  void forget_request() {
    head_ = std::string();
    body_ = byte_buffer();
  }

  worker& worker_;
  tcp_socket socket_;
  std::optional<request_parser> parser_;
  std::size_t parsed_ = 0;   // bytes of the header
  std::string input_;        // what was received and is not parsed
  std::string head_;         // of a request whose body is waited for,
  byte_buffer body_;         // and that body
  std::string unsent_;       // of an answer
  std::string_view origin_;  // that may read the answer: the settings' own text
  clock::time_point deadline_ = clock::time_point::max();
  std::size_t held_ = 0;  // its part of the worker's bytes
  bool idle_ = false;
  bool expired_ = false;
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
    connection(*this, std::move(socket)).turn_away();
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
    now = clock::now();
    fmt::format_to_n(date.data(), date.size(), "{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
    for (connection& c : connections) now < cut_at ? c.tick() : c.cut();
    ticker.expires_after(draining ? milliseconds(50) : milliseconds(500));
    error_code woken;
    co_await ticker.async_wait(asio::redirect_error(use_task, woken));
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
