// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <exception>
#include <optional>
#include <string>
#include <tabscore/core/text_buffer.hpp>
#include <tabscore/serving/access.hpp>

#include "request_parser.hpp"
#include "worker.hpp"

namespace http {

/// The requests of one client, one after the other.
// g++ 12 miscompiles `if (co_await f())` and temporaries with destructors as arguments of coroutines: here an awaited
// value goes into a variable first, and coroutines take references and plain values.
class connection {
 public:
  connection(worker& owner, tcp_socket socket) : worker_(owner), socket_(std::move(socket)) {
    error_code ec;
    socket_.non_blocking(true, ec);
    socket_.set_option(tcp::no_delay(true), ec);
    worker_.connections.insert(this);
  }
  ~connection() {
    worker_.connections.erase(this);
    worker_.bytes -= held_;
    --worker_.load;
  }

  task<void> run() {
    error_code ec;
    if (worker_.connections.size() > worker_.most_connections) {
      parse({}, ec);
      begin_answer(reply_to(503), false);
      co_return;
    }
    for (bool more = true; more;) {
      unsigned problem = co_await receive_header();
      if (problem == well && !take_body()) problem = co_await receive_body();
      if (problem == gone) co_return;

      more = problem == well && parser_->keep_alive() && !worker_.draining;
      const response reply = reply_to(problem);
      body_ = tabscore::text_buffer();  // before a large answer is copied
      bool sent = begin_answer(reply, more);
      header_ = std::string();
      if (sent && unsent_.size() != 0) sent = co_await send_rest();
      if (sent && problem != well) co_await linger();
      more = more && sent;
    }
  }

  /// Wakes the coroutine when its time is over.
  void tick() {
    if (worker_.now < std::min(deadline_, worker_.cut_at)) return;
    error_code ec;
    socket_.cancel(ec);
  }
  /// An idle client that sends a request within this time is answered once more: closing at once would cross it on its
  /// way.
  void shutdown_grace() {
    if (held_ == 0) deadline_ = std::min(deadline_, worker_.now + milliseconds(200));
  }

 private:
  static constexpr unsigned well = 0, gone = 1;  // how receiving ends; else the status of a refusal

  /// From the thread's input, where more requests may have come at once, up to the end of the header.
  task<unsigned> receive_header() {
    error_code ec;
    std::string_view text = recall();
    allow(text.empty() ? worker_.config.idle_timeout_s : worker_.config.header_timeout_s);
    while (text.empty() || !parse(text, ec)) {
      const bool is_idle = text.empty();
      input_ = std::string(text);  // an idle connection has no memory
      co_await wait(tcp_socket::wait_read, ec);
      text = recall();
      if (ec && is_idle) co_return gone;
      if (ec) {
        parse(text, ec);  // for what it says of the form of errors
        co_return 408;
      }
      if (is_idle) allow(worker_.config.header_timeout_s);
      const std::size_t room = worker_.config.max_header_bytes + read_size - text.size();
      const std::size_t count = socket_.read_some(asio::buffer(worker_.input.get() + text.size(), room), ec);
      if (ec && ec != asio::error::would_block) co_return gone;
      text = {worker_.input.get(), text.size() + count};
    }
    rest_ = text.substr(parsed_);
    if (ec) co_return status_of(ec);
    co_return serving::answers_for(worker_.config.hosts, parser_->host) ? well : 421;
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
    parsed_ = parser_->put(asio::buffer(text.data(), text.size()), ec);
    const bool is_part = ec == beast::error::need_more;
    if ((is_part ? text.size() : parsed_) <= worker_.config.max_header_bytes) return !is_part;
    if (is_part || !ec) ec = beast::error::header_limit;
    return true;
  }

  std::size_t body_length() const { return static_cast<std::size_t>(parser_->content_length().value_or(0)); }
  /// A body that has wholly come with its header, if it has.
  bool take_body() {
    if (parser_->chunked() || body_length() > rest_.size()) return false;
    parser_->asked.body = rest_.substr(0, body_length());
    input_ = rest_.substr(body_length());
    return true;
  }
  /// Another body.
  task<unsigned> receive_body() {
    error_code ec;
    header_.assign(rest_.data() - parsed_, parsed_);
    parse(header_, ec);  // again: other connections will use the thread's input
    allow(worker_.config.body_timeout_s);
    if (parser_->expects_continue && parser_->http11 && rest_.empty()) {
      const bool sent = send("HTTP/1.1 100 Continue\r\n\r\n", {});
      if (!sent || unsent_.size() != 0) co_return gone;
    }
    task<unsigned> rest = parser_->chunked() ? receive_chunks() : receive_bytes();
    const unsigned problem = co_await std::move(rest);
    parser_->asked.body = body_.view();
    co_return problem;
  }

  /// Memory follows what has arrived, not what was declared.
  task<unsigned> receive_bytes() {
    const std::size_t length = body_length();
    body_.append(rest_);
    for (std::size_t count = 0; body_.size() < length;) {
      const std::size_t missing = length - body_.size();
      const bool is_large = body_.size() >= std::size_t{1} << 20;  // memory that is not written to costs nothing
      const std::size_t room = is_large ? missing : std::min(missing, std::max(read_size, body_.size()));
      char* const to = body_.space(room + padding);
      const unsigned problem = co_await receive(to, room, count);
      if (problem != well) co_return problem;
      body_.keep_to(to + count);
    }
    co_return well;
  }
  task<unsigned> receive_chunks() {
    error_code ec;
    input_ = rest_;
    parser_->eager(true);
    for (std::size_t count = 0;;) {
      // The shortest end of a body is five bytes; with less Beast has nothing to decide (and asserts that).
      if (input_.size() >= 5) input_.erase(0, parser_->put(asio::buffer(input_), ec));
      if (parser_->is_done()) break;
      if (ec && ec != beast::error::need_more) co_return status_of(ec);
      if (input_.size() > worker_.config.max_header_bytes) co_return 431;  // an endless extension or trailer
      const unsigned problem = co_await receive(worker_.input.get(), read_size, count);
      if (problem != well) co_return problem;
      input_.append(worker_.input.get(), count);
    }
    body_.space(padding);
    co_return well;
  }
  task<unsigned> receive(char* to, std::size_t room, std::size_t& count) {
    error_code ec;
    for (hold(); worker_.bytes <= worker_.most_bytes;) {
      count = socket_.read_some(asio::buffer(to, room), ec);
      if (ec != asio::error::would_block) co_return ec ? gone : well;
      co_await wait(tcp_socket::wait_read, ec);
      if (ec) co_return 408;
    }
    co_return 503;
  }

  /// Counts the bytes that it has.
  void hold() {
    const std::size_t bytes = input_.size() + header_.size() + body_.size() + unsent_.size();
    worker_.bytes += bytes - std::exchange(held_, bytes);
  }
  /// The time until tick() ends a wait.
  void allow(unsigned limit_s) {
    deadline_ = worker_.now + seconds(limit_s) + milliseconds(500);  // now may be a tick old
  }
  task<void> wait(tcp_socket::wait_type what, error_code& ec) {
    hold();
    return socket_.async_wait(what, asio::redirect_error(use_task, ec));
  }

  static unsigned status_of(error_code ec) {
    return ec == beast::error::body_limit ? 413 : ec == beast::error::header_limit ? 431 : 400;
  }

  response reply_to(unsigned problem) {
    const request& asked = parser_->asked;
    if (problem != well) return worker_.handle.refuse(asked, problem);
    if (parser_->asks_for_method && asked.method == "OPTIONS" && !origin().empty()) {
      return {.content_type = {}, .more_headers = serving::preflight_headers};
    }
    try {
      return worker_.handle.answer(asked);
    } catch (const std::exception&) {  // out of memory, most likely
      return worker_.handle.refuse(asked, 500);
    }
  }
  std::string_view origin() const { return serving::allowed_origin(worker_.config.origins, parser_->origin); }

  /// Sends what the socket takes at once, nearly always all; the rest is in unsent_. False when the connection is lost.
  bool begin_answer(const response& r, bool more) {
    std::string& head = worker_.head;
    head.clear();
    const auto put = [&](const auto&... pieces) { (head.append(pieces), ...); };
    put(parser_->http11 ? "HTTP/1.1 " : "HTTP/1.0 ", std::to_string(r.status), " ");
    put(view(beast::obsolete_reason(static_cast<beast::status>(r.status))), "\r\ndate: ", worker_.date);
    put("\r\ncontent-length: ", std::to_string(r.body.size()), "\r\n");
    r.for_each_header([&](auto name, auto value) { put(name, ": ", value, "\r\n"); });
    if (serving::varies_by_origin(worker_.config.origins)) put("vary: origin\r\n");
    if (const std::string_view allowed = origin(); !allowed.empty()) {
      put("access-control-allow-origin: ", allowed, "\r\naccess-control-expose-headers: *\r\n");
    }
    if (!more || !parser_->http11) put("connection: ", more ? "keep-alive\r\n" : "close\r\n");
    put("\r\n");
    return send(head, parser_->asked.method == "HEAD" ? std::string_view{} : r.body);
  }
  bool send(std::string_view head, std::string_view body) {
    error_code ec;
    const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(body)};
    const std::size_t sent = socket_.write_some(both, ec);
    if (ec && ec != asio::error::would_block) return false;
    if (sent == head.size() + body.size()) return true;
    unsent_.append(head.substr(std::min(sent, head.size())));
    unsent_.append(body.substr(sent - std::min(sent, head.size())));
    return true;
  }
  task<bool> send_rest() {
    error_code ec;
    allow(worker_.config.body_timeout_s);
    for (std::string_view rest = unsent_.view(); !rest.empty();) {
      co_await wait(tcp_socket::wait_write, ec);
      if (ec) co_return false;
      rest.remove_prefix(socket_.write_some(asio::buffer(rest), ec));
      if (ec && ec != asio::error::would_block) co_return false;
    }
    unsent_ = tabscore::text_buffer();
    co_return true;
  }

  /// Takes a little of what still comes, because closing with unread bytes resets the connection and may take the
  /// answer away from its reader.
  task<void> linger() {
    error_code ec;
    socket_.shutdown(tcp_socket::shutdown_send, ec);
    allow(1);
    for (std::size_t taken = 0; !ec && taken < std::size_t{1} << 20;) {
      co_await wait(tcp_socket::wait_read, ec);
      if (!ec) taken += socket_.read_some(asio::buffer(worker_.input.get(), read_size), ec);
    }
  }

  worker& worker_;
  tcp_socket socket_;
  std::optional<request_parser> parser_;
  std::size_t parsed_ = 0;        // bytes of the header
  std::string_view rest_;         // behind the header, in the thread's input
  std::string input_;             // what was received and is not parsed
  std::string header_;            // of a request whose body is waited for,
  tabscore::text_buffer body_;    // and that body
  tabscore::text_buffer unsent_;  // of an answer
  clock::time_point deadline_ = clock::time_point::max();
  std::size_t held_ = 0;  // its part of the worker's bytes
};

}  // namespace http
