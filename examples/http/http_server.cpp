// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <fmt/chrono.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/lexical_cast.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace http {

task<void> worker::keep_time() {
  while (!draining || !connections.empty()) {
    now = clock::now();
    date = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
    for (connection* c : connections) c->tick();
    ticker.expires_after(milliseconds(draining ? 50 : 500));
    error_code woken;
    co_await ticker.async_wait(asio::redirect_error(use_task, woken));
  }
}

void worker::drain() {
  draining = true;
  now = clock::now();
  cut_at = now + seconds(config.shutdown_timeout_s);
  for (connection* c : connections) c->shutdown_grace();
  ticker.cancel();
}

namespace {

using worker_list = std::vector<std::unique_ptr<worker>>;

/// Lets the program have as many descriptors as it may, and no more connections than leave some for files.
std::size_t connections_allowed(std::size_t wanted) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return std::min<std::size_t>(wanted, files.rlim_cur - std::min<rlim_t>(files.rlim_cur / 2, 64));
}

/// Whether another program opened the socket for this one, as systemd hands it over.
bool is_inherited() {
  const char* const count = std::getenv("LISTEN_FDS");
  const char* const process = std::getenv("LISTEN_PID");
  return count != nullptr && std::atoi(count) > 0 && (process == nullptr || std::atoi(process) == getpid());
}

/// One that listens: a connection to a second one would wait for ever, and nothing comes out of a datagram socket.
void check_inherited() {
  if (const int count = std::atoi(std::getenv("LISTEN_FDS")); count != 1) {
    throw std::runtime_error(fmt::format("{} sockets were handed over (LISTEN_FDS), expected one", count));
  }
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
    throw std::runtime_error(
        "what was handed over (LISTEN_FDS) is no socket that listens: systemd needs ListenStream=");
  }
}

tcp::acceptor listen(asio::io_context& context, const settings& config) {
  if (is_inherited()) {
    check_inherited();
    return tcp::acceptor(context, tcp::v4(), 3);  // of any family: Asio does not look
  }
  try {
    const auto found = tcp::resolver(context).resolve(config.host, std::to_string(config.port), tcp::resolver::passive);
    return tcp::acceptor(context, *found.begin(), true);  // true: an address that was in use a moment ago is fine
  } catch (const std::exception& e) {
    throw std::runtime_error(fmt::format("cannot listen on {} port {}: {}", config.host, config.port, e.what()));
  }
}

/// The address of a Unix domain socket, "unix:/run/server.sock"; empty: it is of another family.
std::string unix_address(int socket) {
  sockaddr_un found{};
  socklen_t size = sizeof found;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&found), &size) != 0 || found.sun_family != AF_UNIX) return "";
  if (size > offsetof(sockaddr_un, sun_path) && found.sun_path[0] == '\0') found.sun_path[0] = '@';  // abstract
  return "unix:" + std::string(found.sun_path, strnlen(found.sun_path, sizeof found.sun_path));
}

/// The thread that has the fewest connections.
worker& least_loaded(const worker_list& workers) {
  return **std::ranges::min_element(workers, {}, [](const auto& each) { return each->load.load(); });
}

task<void> attend(worker& w, tcp_socket socket) {
  connection guest(w, std::move(socket));
  co_await guest.run();
}

void hand_over(worker& w, tcp_socket& socket) {
  try {
    asio::co_spawn(w.context, attend(w, std::move(socket)), asio::detached);
    ++w.load;
  } catch (const std::bad_alloc&) {  // this connection is lost, the next one may not be
  }
}

/// Gives each connection to a thread, until the acceptor is closed. Only then may the threads end, because the last
/// connection may still be on its way to them.
asio::awaitable<void> accept(tcp::acceptor& acceptor, const worker_list& workers) {
  while (acceptor.is_open()) {
    worker& w = least_loaded(workers);
    tcp_socket socket(w.context);
    error_code ec;
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) {
      hand_over(w, socket);
    } else if (acceptor.is_open()) {  // no descriptors, say: others may free some
      asio::steady_timer pause(acceptor.get_executor(), milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
  }
  for (const auto& w : workers) asio::post(w->context, [&w] { w->drain(); });
}

/// Those that the kernel has let in already, as many as its queue holds: to close would reset them.
void accept_rest(tcp::acceptor& acceptor, const worker_list& workers) {
  error_code ec;
  acceptor.non_blocking(true, ec);
  for (int left = tcp::acceptor::max_listen_connections; left > 0; --left) {
    worker& w = least_loaded(workers);
    tcp_socket socket(w.context);
    acceptor.accept(socket, ec);
    if (ec && ec != asio::error::connection_aborted) return;
    if (!ec) hand_over(w, socket);
  }
}

/// Calls `hangup` at each SIGHUP until SIGINT or SIGTERM, which close the acceptor.
asio::awaitable<void> attend_signals(asio::signal_set& signals, tcp::acceptor& acceptor, const worker_list& workers,
                                     const settings& config) {
  for (int number = SIGHUP; number == SIGHUP;) {
    number = co_await signals.async_wait(asio::use_awaitable);
    if (number == SIGHUP && config.hangup) config.hangup();
  }
  signals.remove(SIGINT);  // a second signal ends the program at once
  signals.remove(SIGTERM);
  if (config.leaving) config.leaving();
  asio::steady_timer delay(acceptor.get_executor(), seconds(config.drain_delay_s));
  co_await delay.async_wait(asio::use_awaitable);
  if (!is_inherited()) accept_rest(acceptor, workers);  // of an inherited socket the heir gets them
  acceptor.close();
}

/// Changes whether the thread takes signals.
void mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void hold_signals() { mask(SIG_BLOCK); }

void serve(const settings& wanted, const std::function<handler()>& make_handler,
           const std::function<void(const std::string&)>& ready) {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, 128 << 10);  // memory of large requests goes back to the system at once
#endif
  settings config = wanted;
  config.max_connections = connections_allowed(config.max_connections);
  config.threads = std::max(config.threads, 1U);
  worker_list workers;
  for (unsigned i = 0; i < config.threads; ++i) workers.push_back(std::make_unique<worker>(config, make_handler()));
  asio::io_context& first = workers.front()->context;
  tcp::acceptor acceptor = listen(first, config);
  const std::string local = unix_address(acceptor.native_handle());
  const tcp::endpoint bound = local.empty() ? acceptor.local_endpoint() : tcp::endpoint();
  if (config.hosts.empty()) config.hosts = serving::default_hosts(bound.address().is_loopback(), config.host);
  for (std::string& name : config.hosts) name = serving::host_name(name);

  asio::signal_set signals(first, SIGHUP, SIGINT, SIGTERM);
  mask(SIG_UNBLOCK);
  asio::co_spawn(first, accept(acceptor, workers), asio::detached);
  asio::co_spawn(first, attend_signals(signals, acceptor, workers, config), asio::detached);
  for (const auto& w : workers) asio::co_spawn(w->context, w->keep_time(), asio::detached);

  std::vector<std::jthread> threads;
  try {
    for (std::size_t i = 1; i < workers.size(); ++i) threads.emplace_back([&w = *workers[i]] { w.context.run(); });
  } catch (const std::system_error& e) {
    for (const auto& w : workers) w->context.stop();
    throw std::runtime_error(fmt::format("cannot start {} threads (--threads): {}", config.threads, e.what()));
  }
  ready(local.empty() ? "http://" + boost::lexical_cast<std::string>(bound) : local);
  first.run();
  hold_signals();  // SIGHUP would end a program that still writes its files
}

}  // namespace http
