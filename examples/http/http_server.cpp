// SPDX-License-Identifier: MIT
#include "http_server.hpp"

#include <utility>  // Boost 1.74's awaitable.hpp uses std::exchange without including it

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <thread>
#include <vector>

#include "connection.hpp"

namespace http {
namespace {

using worker_list = std::vector<std::unique_ptr<worker>>;

/// As many descriptors as the system allows, and no more connections than leave some for files.
std::size_t connections_allowed(std::size_t wanted) {
  constexpr rlim_t others = 64;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return std::min<std::size_t>(wanted, files.rlim_cur - std::min(files.rlim_cur / 2, others));
}

worker& least_loaded(const worker_list& workers) {
  return **std::min_element(workers.begin(), workers.end(),
                            [](const auto& a, const auto& b) { return a->load < b->load; });
}

/// Hands over the connections that the kernel has let in; why it stopped.
error_code accept_all(tcp::acceptor& acceptor, const worker_list& workers) {
  for (error_code ec;;) {
    worker& w = least_loaded(workers);
    tcp_socket socket(w.context);
    acceptor.accept(socket, ec);
    if (ec && ec != asio::error::connection_aborted) return ec;
    if (ec) continue;
    try {
      asio::co_spawn(w.context, w.attend(std::move(socket)), asio::detached);
      ++w.load;
    } catch (const std::bad_alloc&) {  // this connection is lost, the next one may not be
    }
  }
}

/// Connections of one listening socket to threads, until it is closed. Only then may the threads end, because the last
/// one may still be on its way to them.
asio::awaitable<void> accept(tcp::acceptor& acceptor, const worker_list& workers) {
  while (acceptor.is_open()) {
    error_code ec;
    co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) ec = accept_all(acceptor, workers);
    if (ec && ec != asio::error::would_block && acceptor.is_open()) {  // no descriptors, say: others may free some
      asio::steady_timer pause(acceptor.get_executor(), milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
  }
  for (const auto& w : workers) asio::post(w->context, [&w] { w->drain(); });
}

/// Until the acceptor is closed: a wait that a signal has just ended is not cancelled.
asio::awaitable<void> attend_hangups(asio::signal_set& signals, const tcp::acceptor& acceptor, const settings& config) {
  while (acceptor.is_open()) {
    error_code ec;
    co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (!ec && config.hangup) config.hangup();
  }
}

/// The socket that another program opened for this one, as systemd hands it over; -1: there is none.
int inherited_socket() {
  const char* const count = std::getenv("LISTEN_FDS");
  const char* const process = std::getenv("LISTEN_PID");
  if (count == nullptr || std::atoi(count) < 1) return -1;
  if (process != nullptr && std::atoi(process) != getpid()) return -1;
  return 3;
}

tcp::acceptor listen(asio::io_context& context, const settings& config, int inherited) {
  if (inherited >= 0) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(inherited, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw boost::system::system_error(errno, boost::system::system_category(), "LISTEN_FDS");
    }
    return tcp::acceptor(context, address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), inherited);
  }
  const auto found = tcp::resolver(context).resolve(config.host, std::to_string(config.port), tcp::resolver::passive);
  return tcp::acceptor(context, *found.begin(), true);  // true: an address that was in use a moment ago is fine
}

/// Changes whether the thread takes signals.
void mask(int how, std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : numbers) sigaddset(&signals, s);
  pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void hold_signals() { mask(SIG_BLOCK, {SIGHUP, SIGINT, SIGTERM}); }

void serve(const settings& wanted, const std::function<handler()>& make_handler,
           const std::function<void(const std::string&)>& ready) {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, 128 << 10);  // a fresh buffer takes no memory before it is written to
#endif
  settings config = wanted;
  config.max_connections = connections_allowed(config.max_connections);
  config.threads = std::max(config.threads, 1U);
  worker_list workers;
  for (unsigned i = 0; i < config.threads; ++i) workers.push_back(std::make_unique<worker>(config, make_handler()));
  asio::io_context& first = workers.front()->context;
  const int inherited = inherited_socket();
  tcp::acceptor acceptor = listen(first, config, inherited);
  acceptor.non_blocking(true);
  const tcp::endpoint bound = acceptor.local_endpoint();
  if (config.hosts.empty()) config.hosts = default_hosts(bound.address().is_loopback(), config.host);
  for (const auto& w : workers) w->policy = access(config.hosts, config.origins);

  asio::signal_set hangups(first, SIGHUP);
  asio::signal_set signals(first, SIGINT, SIGTERM);
  asio::steady_timer delay(first);
  const auto stop = [&](error_code) {
    error_code ec;
    if (inherited < 0) accept_all(acceptor, workers);  // of an inherited socket the heir gets them
    acceptor.close(ec);
    hangups.cancel(ec);
  };
  signals.async_wait([&](error_code, int) {
    error_code ec;
    signals.clear(ec);  // a second signal ends the program at once
    if (config.leaving) config.leaving();
    delay.expires_after(seconds(config.drain_delay_s));
    delay.async_wait(stop);
  });
  mask(SIG_UNBLOCK, {SIGHUP, SIGINT, SIGTERM});
  asio::co_spawn(first, accept(acceptor, workers), asio::detached);
  asio::co_spawn(first, attend_hangups(hangups, acceptor, config), asio::detached);
  for (const auto& w : workers) asio::co_spawn(w->context, w->keep_time(), asio::detached);

  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i) threads.emplace_back([&w = *workers[i]] { w.context.run(); });
  std::string host = bound.address().to_string();
  if (bound.address().is_v6()) host = "[" + host + "]";
  ready(fmt::format("http://{}:{}", host, bound.port()));
  first.run();
  mask(SIG_BLOCK, {SIGHUP});  // which would end a program that still writes its files
}

}  // namespace http
