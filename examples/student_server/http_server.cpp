// SPDX-License-Identifier: MIT
#include "http_server.hpp"

#include <utility>  // Boost 1.74's awaitable.hpp uses std::exchange without including it

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::size_t padding = 64;                       // SIMDJSON_PADDING
constexpr std::size_t read_size = std::size_t{64} << 10;  // what one read asks for at least
constexpr std::size_t keep_size = std::size_t{1} << 20;   // larger buffers go back to the system after use

std::string_view view(boost::string_view text) { return {text.data(), text.size()}; }

/// Bytes that grow without being zeroed or, when large, copied; padding behind them stays readable.
class byte_buffer {
 public:
  char* data() { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  void resize(std::size_t size) { size_ = size; }  // within the capacity
  std::string_view text() const { return {data_.get(), size_}; }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto* grown = static_cast<char*>(std::realloc(data_.get(), capacity + padding));
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(grown);
    capacity_ = capacity;
  }
  void append(std::string_view bytes) {
    if (size_ + bytes.size() > capacity_) reserve(std::max(size_ + bytes.size(), 2 * capacity_));
    if (!bytes.empty()) std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void drop_front(std::size_t count) {
    size_ -= count;
    if (size_ != 0) std::memmove(data_.get(), data_.get() + count, size_);
  }

 private:
  struct release {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, release> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Beast's parser, keeping the few headers that matter as views of the bytes that it was given.
class request_parser final : public beast::basic_parser<true> {
 public:
  request_parser(const settings& config, byte_buffer& input, byte_buffer& chunks) : input_(input), chunks_(chunks) {
    header_limit(static_cast<std::uint32_t>(config.max_header_bytes));
    body_limit(config.max_body_bytes);
  }

  request head;  // all but the body
  bool expects_continue = false;
  bool http11 = true;

 private:
  void on_request_impl(beast::verb verb, boost::string_view method, boost::string_view target, int version,
                       error_code& ec) override {
    if (verb == beast::verb::unknown) ec = beast::error::bad_method;
    http11 = version == 11;
    head.method = view(method);
    head.path = view(target);
    if (head.path.starts_with("http://")) {  // absolute form, as sent to proxies
      head.path.remove_prefix(std::min(head.path.find('/', 7), head.path.size()));
    }
    if (const auto mark = head.path.find('?'); mark != std::string_view::npos) {
      head.query = head.path.substr(mark + 1);
      head.path = head.path.substr(0, mark);
    }
  }
  void on_field_impl(beast::field name, boost::string_view, boost::string_view value, error_code& ec) override {
    if (is_header_done()) return;  // a trailer
    switch (name) {
      case beast::field::host:
        ++hosts_, keep(head.host, value, ec);
        break;
      case beast::field::content_type:
        if (++content_types_ == 1) keep(head.content_type, value, ec);
        break;
      case beast::field::accept:
        if (head.accept.data() == nullptr) {
          keep(head.accept, value, ec);
        } else {
          joined_accept_ = std::string(head.accept).append(",").append(view(value));
          head.accept = joined_accept_;
        }
        break;
      case beast::field::expect:
        expects_continue = boost::beast::iequals(value, "100-continue");
        if (!expects_continue) ec = beast::error::bad_value;
        break;
      case beast::field::transfer_encoding:  // Beast lets other codings pass and would then see no body at all
        if (!http11 || !boost::beast::iequals(value, "chunked")) ec = beast::error::bad_transfer_encoding;
        break;
      default:
        break;
    }
  }
  void on_header_impl(error_code& ec) override {
    if (hosts_ > 1 || (http11 && hosts_ == 0)) ec = beast::error::bad_field;
  }
  void on_chunk_header_impl(std::uint64_t, boost::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::string_view bytes, error_code&) override {
    chunks_.append(view(bytes));
    return bytes.size();
  }
  // Bodies with a length are read straight into their buffer, not through the parser.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::string_view bytes, error_code&) override { return bytes.size(); }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, boost::string_view, int, error_code&) override {}

  void keep(std::string_view& to, boost::string_view value, error_code& ec) {
    // A value folded over lines (obsolete; RFC 9112 5.2 lets us refuse it) is in a buffer of Beast's that goes away.
    const std::less<> before;
    if (before(value.data(), input_.data()) || !before(value.data(), input_.data() + input_.size())) {
      ec = beast::error::bad_value;
    }
    to = view(value);
  }

  byte_buffer& input_;
  byte_buffer& chunks_;
  std::string joined_accept_;
  int hosts_ = 0;
  int content_types_ = 0;
};

class connection;

/// One thread: its event loop, its handler, its connections. Only its own thread touches it, but for `load`.
struct worker {
  worker(const settings& s, handler h) : config(s), handle(std::move(h)) {}

  asio::awaitable<void> keep_time();
  asio::awaitable<void> attend(tcp::socket socket);
  void drain();
  byte_buffer take_buffer();
  void give_back(byte_buffer buffer);

  const settings& config;
  handler handle;
  asio::io_context context{1};
  asio::steady_timer ticker{context};
  std::list<connection> connections;
  std::vector<byte_buffer> spare;
  fmt::memory_buffer head;               // of the response being written
  clock::time_point now = clock::now();  // of the last tick: deadlines need no better
  clock::time_point cut_at = clock::time_point::max();
  std::string date;
  bool draining = false;
  std::atomic<std::size_t> load = 0;
};

// g++ 12 miscompiles `if (co_await f())` and temporaries with destructors as arguments of coroutines: here an awaited
// value goes into a variable first, and coroutines take references and plain values.
class connection {
 public:
  connection(worker& owner, tcp::socket socket) : worker_(owner), socket_(std::move(socket)) {}

  asio::awaitable<void> run() {
    error_code ec;
    socket_.non_blocking(true, ec);
    socket_.set_option(tcp::no_delay(true), ec);
    try {
      for (bool more = true; more;) more = co_await exchange();
    } catch (const std::exception&) {
      // Out of memory, most likely: this connection ends, the server does not.
    }
    worker_.give_back(std::move(input_));
    worker_.give_back(std::move(body_));
  }

  /// Wakes the coroutine when its time is over.
  void tick() {
    if (worker_.now < deadline_) return;
    expired_ = true;
    wake();
  }
  void wake_if_idle() {
    if (idle_) wake();
  }
  void cut() {
    error_code ec;
    socket_.close(ec);
  }

 private:
  void wake() {
    error_code ec;
    socket_.cancel(ec);
  }
  void allow(unsigned limit_s) {
    deadline_ = worker_.now + seconds(limit_s) + std::chrono::milliseconds(500);  // now may be a tick old
    expired_ = false;
  }

  /// False when woken without anything having arrived.
  asio::awaitable<bool> wait(tcp::socket::wait_type what) {
    error_code ec;
    co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, ec));
    co_return !ec;
  }

  /// Appends what has arrived to input_ or body_, waiting for it if need be and allowed. False when nothing came
  /// because the peer hung up or the time is over.
  asio::awaitable<bool> receive(byte_buffer& to, std::size_t room, bool may_wait = true) {
    for (;;) {
      error_code ec;
      const std::size_t count = socket_.read_some(asio::buffer(to.data() + to.size(), room), ec);
      to.resize(to.size() + count);
      if (!ec) co_return true;
      if (ec != asio::error::would_block || !may_wait) co_return false;
      may_wait = co_await wait(tcp::socket::wait_read);
    }
  }
  asio::awaitable<bool> receive_input(bool may_wait = true) {
    return receive(input_, input_.capacity() - input_.size(), may_wait);
  }

  /// One request and its answer; true when another may follow on this connection.
  asio::awaitable<bool> exchange() {
    const settings& config = worker_.config;
    bool may_wait = true;
    if (input_.size() == 0) {  // idle connections own no buffers
      worker_.give_back(std::exchange(input_, {}));
      allow(config.idle_timeout_s);
      idle_ = true;
      may_wait = !worker_.draining;
      if (may_wait) may_wait = co_await wait(tcp::socket::wait_read);
      idle_ = false;
      input_ = worker_.take_buffer();
      input_.reserve(config.max_header_bytes + read_size);
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
      const bool received = co_await receive_input(may_wait);
      if (!received) {
        if (input_.size() == 0 || !expired_) co_return false;  // the peer hung up
        co_return co_await hang_up(408);
      }
      may_wait = true;
    }
    if (!ec && parsed > config.max_header_bytes) ec = beast::error::header_limit;
    if (ec) co_return co_await hang_up(status_of(ec));

    request asked = parser.head;
    std::size_t used = parsed;  // bytes of input_ that belong to this request
    const std::size_t length = static_cast<std::size_t>(parser.content_length().value_or(0));
    if (length <= input_.size() - parsed && !parser.chunked()) {
      asked.body = input_.text().substr(parsed, length);
      used += length;
    } else {
      allow(config.body_timeout_s);
      if (parser.expects_continue && parser.http11 && input_.size() == parsed) {
        const bool sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n", {});
        if (!sent) co_return false;
      }
      if (body_.capacity() == 0) body_ = worker_.take_buffer();
      bool complete = false;
      if (parser.chunked()) {
        complete = co_await receive_chunks(parser, parsed, ec);
      } else {
        complete = co_await receive_body(parsed, length);
      }
      if (ec) co_return co_await hang_up(status_of(ec));
      if (!complete && !expired_) co_return false;
      if (!complete) co_return co_await hang_up(408);
      asked.body = body_.text();
      used = parser.chunked() ? parsed : input_.size();
    }

    const bool more = parser.keep_alive() && !worker_.draining;
    const response reply = call(asked);
    const bool sent = co_await answer(reply, more, parser.http11, asked.method == "HEAD");
    if (!sent) co_return false;
    if (body_.capacity() != 0) worker_.give_back(std::exchange(body_, {}));
    input_.drop_front(used);
    co_return more;
  }

  /// A body of known length, straight into body_. Memory follows what has arrived, not what was declared.
  asio::awaitable<bool> receive_body(std::size_t parsed, std::size_t length) {
    body_.append(input_.text().substr(parsed));
    while (body_.size() < length) {
      if (body_.size() == body_.capacity()) body_.reserve(std::min(length, std::max(4 * read_size, 2 * body_.size())));
      const bool received = co_await receive(body_, std::min(length, body_.capacity()) - body_.size());
      if (!received) co_return false;
    }
    co_return true;
  }

  /// A chunked body through the parser into body_; the bytes behind the headers in input_ are its window.
  asio::awaitable<bool> receive_chunks(request_parser& parser, const std::size_t window, error_code& ec) {
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
      const bool received = co_await receive_input();
      if (!received) co_return false;
    }
  }

  response call(const request& asked) {
    try {
      return worker_.handle(asked);
    } catch (const std::exception&) {
      return {.status = 500, .content_type = "text/plain; charset=utf-8", .body = "Internal Server Error"};
    }
  }

  asio::awaitable<bool> answer(const response& r, bool more, bool http11 = true, bool head_only = false) {
    auto& head = worker_.head;
    head.clear();
    const auto out = fmt::appender(head);
    const auto reason = beast::obsolete_reason(static_cast<beast::status>(r.status));
    fmt::format_to(out, "HTTP/1.{} {} {}\r\ndate: {}\r\ncontent-length: {}\r\n", http11 ? 1 : 0, r.status, view(reason),
                   worker_.date, r.body.size());
    if (!r.content_type.empty()) fmt::format_to(out, "content-type: {}\r\n", r.content_type);
    if (!r.allow.empty()) fmt::format_to(out, "allow: {}\r\n", r.allow);
    if (!r.location.empty()) fmt::format_to(out, "location: {}\r\n", r.location);
    if (r.retry_after_s != 0) fmt::format_to(out, "retry-after: {}\r\n", r.retry_after_s);
    head.append(r.more_headers);
    if (!more) fmt::format_to(out, "connection: close\r\n");
    if (more && !http11) fmt::format_to(out, "connection: keep-alive\r\n");
    fmt::format_to(out, "\r\n");
    return send({head.data(), head.size()}, head_only ? std::string_view{} : r.body);
  }

  /// Writes at once what the socket takes, so that both texts may be reused while the (copied) rest waits.
  asio::awaitable<bool> send(std::string_view head, std::string_view body) {
    error_code ec;
    const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(body)};
    std::size_t sent = socket_.write_some(both, ec);
    if (ec && ec != asio::error::would_block) co_return false;
    if (sent == head.size() + body.size()) co_return true;
    std::string rest(head.substr(std::min(sent, head.size())));
    rest.append(body.substr(sent - std::min(sent, head.size())));
    allow(worker_.config.body_timeout_s);
    for (sent = 0; sent < rest.size();) {
      const bool writable = co_await wait(tcp::socket::wait_write);
      if (!writable) co_return false;
      sent += socket_.write_some(asio::buffer(rest.data() + sent, rest.size() - sent), ec);
      if (ec && ec != asio::error::would_block) co_return false;
    }
    co_return true;
  }

  static unsigned status_of(error_code ec) {
    return ec == beast::error::body_limit ? 413 : ec == beast::error::header_limit ? 431 : 400;
  }

  /// Answers what cannot be served and closes. Reads a little of what still comes, because closing with unread bytes
  /// resets the connection and may take the answer away from its reader.
  asio::awaitable<bool> hang_up(unsigned status) {
    const settings& config = worker_.config;
    if (config.refused) config.refused(status);
    std::string body;
    if (status == 408) body = R"({"detail":"The request did not arrive in time."})";
    if (status == 413) body = fmt::format(R"({{"detail":"The body is larger than {} bytes."}})", config.max_body_bytes);
    if (status == 431)
      body = fmt::format(R"({{"detail":"The header is larger than {} bytes."}})", config.max_header_bytes);
    response refusal{.status = status, .body = body};
    if (status == 400) {
      refusal.content_type = "text/plain; charset=utf-8";
      refusal.body = "Invalid HTTP request received.";
    }
    bool open = co_await answer(refusal, false);
    error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    allow(1);
    for (std::size_t read = 0; open && read < keep_size; read += input_.size()) {
      input_.resize(0);
      open = co_await receive_input();
    }
    co_return false;
  }

  worker& worker_;
  tcp::socket socket_;
  byte_buffer input_;  // what was received and not yet answered; a request always starts at its front
  byte_buffer body_;   // of a request that did not arrive in one piece
  clock::time_point deadline_ = clock::time_point::max();
  bool idle_ = false;
  bool expired_ = false;
};

byte_buffer worker::take_buffer() {
  if (spare.empty()) return {};
  byte_buffer buffer = std::move(spare.back());
  spare.pop_back();
  buffer.resize(0);
  return buffer;
}

void worker::give_back(byte_buffer buffer) {
  if (buffer.capacity() != 0 && buffer.capacity() <= keep_size && spare.size() < 64) spare.push_back(std::move(buffer));
}

/// Twice a second: the date, and whose time is over. Ends, and with it the thread, when draining is done.
asio::awaitable<void> worker::keep_time() {
  while (!draining || !connections.empty()) {
    now = clock::now();
    date = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
    for (connection& c : connections) now < cut_at ? c.tick() : c.cut();
    ticker.expires_after(std::chrono::milliseconds(500));
    error_code woken;
    co_await ticker.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

asio::awaitable<void> worker::attend(tcp::socket socket) {
  const auto self = connections.emplace(connections.end(), *this, std::move(socket));
  co_await self->run();
  connections.erase(self);
  --load;
  if (draining && connections.empty()) ticker.cancel();
}

void worker::drain() {
  draining = true;
  cut_at = clock::now() + seconds(config.shutdown_timeout_s);
  for (connection& c : connections) c.wake_if_idle();
  ticker.cancel();
}

using worker_list = std::vector<std::unique_ptr<worker>>;

worker& least_loaded(const worker_list& workers) {
  return **std::min_element(workers.begin(), workers.end(),
                            [](const auto& a, const auto& b) { return a->load < b->load; });
}

void start(worker& w, tcp::socket socket) {
  ++w.load;
  asio::co_spawn(w.context, w.attend(std::move(socket)), asio::detached);
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, const worker_list& workers) {
  for (;;) {
    worker& w = least_loaded(workers);
    tcp::socket socket(w.context);
    error_code ec;
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
    if (!acceptor.is_open()) co_return;
    if (!ec) {
      start(w, std::move(socket));
    } else if (ec != asio::error::connection_aborted) {  // out of file descriptors or memory: others may free some
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
  }
}

asio::awaitable<void> attend_hangups(asio::signal_set& signals, const settings& config) {
  for (;;) {
    error_code ec;
    co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;
    if (config.hangup) config.hangup();
  }
}

tcp::acceptor listen(asio::io_context& context, const settings& config) {
  const auto found = tcp::resolver(context).resolve(config.host, std::to_string(config.port), tcp::resolver::passive);
  return tcp::acceptor(context, *found.begin(), true);  // true: an address that was in use a moment ago is fine
}

}  // namespace

void serve(const settings& config, const std::function<handler()>& make_handler,
           const std::function<void(const std::string&)>& ready) {
  if (rlimit files{}; getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  worker_list workers;
  for (unsigned i = 0; i < std::max(config.threads, 1U); ++i) {
    workers.push_back(std::make_unique<worker>(config, make_handler()));
  }
  asio::io_context& first = workers.front()->context;
  tcp::acceptor acceptor = listen(first, config);

  asio::signal_set hangups(first, SIGHUP);
  asio::signal_set signals(first, SIGINT, SIGTERM);
  signals.async_wait([&](error_code, int) {
    error_code ec;
    acceptor.non_blocking(true, ec);
    while (!ec) {  // those that the kernel has already let in
      worker& w = least_loaded(workers);
      tcp::socket socket(w.context);
      acceptor.accept(socket, ec);
      if (!ec) start(w, std::move(socket));
    }
    acceptor.close(ec);
    hangups.cancel(ec);
    for (const auto& w : workers) asio::post(w->context, [&w] { w->drain(); });
    signals.clear(ec);  // a second signal ends the program at once
  });
  asio::co_spawn(first, accept(acceptor, workers), asio::detached);
  asio::co_spawn(first, attend_hangups(hangups, config), asio::detached);
  for (const auto& w : workers) asio::co_spawn(w->context, w->keep_time(), asio::detached);

  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i) threads.emplace_back([&w = *workers[i]] { w.context.run(); });
  const tcp::endpoint bound = acceptor.local_endpoint();
  std::string host = bound.address().to_string();
  if (bound.address().is_v6()) host = "[" + host + "]";
  ready(fmt::format("http://{}:{}", host, bound.port()));
  first.run();
}

}  // namespace http
