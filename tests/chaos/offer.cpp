// SPDX-License-Identifier: MIT
// Offers one request again and again and tells how soon it was answered:
//   offer PORT REQUEST_FILE CONNECTIONS RATE SECONDS [TIMES_FILE]
// RATE is requests a second in all, due at even distances whether or not earlier ones are answered; a request's time
// counts from when it was due, so that waiting for a free connection is part of it. 0: each connection sends as soon as
// it is answered. One thread, so that a core is left for the server. Prints JSON, an object per status; TIMES_FILE gets
// a line per answer: when it was due (seconds of the steady clock), its status and its time in ms.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

struct client {
  int socket = -1;
  bool busy = false;
  std::size_t sent = 0;
  std::string received;
  clock_type::time_point due;
};

int connect_to(std::uint16_t port) {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(s, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  fcntl(s, F_SETFL, O_NONBLOCK);
  return s;
}

/// The size of the answer that the bytes begin with, 0 while it is not whole.
std::size_t answer_size(std::string_view bytes) {
  const std::size_t head = bytes.find("\r\n\r\n");
  if (head == bytes.npos) return 0;
  constexpr std::string_view name = "\r\ncontent-length: ";
  const std::size_t at = bytes.substr(0, head).find(name);
  std::size_t length = 0;
  if (at != bytes.npos) std::from_chars(bytes.data() + at + name.size(), bytes.data() + head, length);
  return head + 4 + length <= bytes.size() ? head + 4 + length : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fprintf(stderr, "offer PORT REQUEST_FILE CONNECTIONS RATE SECONDS [TIMES_FILE]\n"), 2;
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  std::ifstream file(argv[2], std::ios::binary);
  const std::string request{std::istreambuf_iterator<char>(file), {}};
  std::vector<client> clients(static_cast<std::size_t>(std::atoi(argv[3])));
  const double rate = std::atof(argv[4]);
  const auto step = std::chrono::nanoseconds(rate > 0 ? static_cast<std::int64_t>(1e9 / rate) : 0);
  const auto begin = clock_type::now(), end = begin + std::chrono::milliseconds(std::atoi(argv[5]) * 1000);

  struct answer {
    std::chrono::duration<double> due;
    int status;
    double ms;
  };
  std::vector<answer> answers;
  std::size_t failed = 0, late = 0;
  std::vector<pollfd> polled(clients.size());
  const auto close_socket = [](client& c) { close(std::exchange(c.socket, -1)); };
  const auto fail = [&](client& c) {
    ++failed;
    c.busy = false;
    close_socket(c);
  };
  const auto send_more = [&](client& c) {
    while (c.sent < request.size()) {
      const ssize_t n = send(c.socket, request.data() + c.sent, request.size() - c.sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) return void(c.sent = request.size());  // closed: what was answered before may still be read
      c.sent += static_cast<std::size_t>(n);
    }
  };
  const auto receive_more = [&](client& c) {
    char bytes[1 << 16];
    const ssize_t n = recv(c.socket, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return c.busy ? fail(c) : close_socket(c);
    c.received.append(bytes, static_cast<std::size_t>(n));
    if (answer_size(c.received) == 0) return;
    const std::chrono::duration<double, std::milli> time = clock_type::now() - c.due;
    answers.push_back({c.due.time_since_epoch(), std::atoi(c.received.c_str() + 9), time.count()});
    c.busy = false;
    if (c.received.find("\r\nconnection: close\r\n") != std::string::npos) close_socket(c);
  };

  auto next = begin;
  std::size_t first_free = 0;
  for (auto now = begin; now < end; now = clock_type::now()) {
    for (std::size_t i = 0; i < clients.size() && (rate == 0 || next <= now); ++i) {
      client& c = clients[(first_free + i) % clients.size()];
      if (c.busy) continue;
      if (c.socket < 0) c.socket = connect_to(port);
      c.due = rate > 0 ? next : clock_type::now();
      late += rate > 0 && now - next > std::chrono::milliseconds(1);
      next += step;
      c.busy = true;
      c.sent = 0;
      c.received.clear();
      send_more(c);
    }
    ++first_free;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const client& c = clients[i];
      polled[i] = {c.socket, static_cast<short>(c.busy && c.sent < request.size() ? POLLIN | POLLOUT : POLLIN), 0};
    }
    const bool all_busy = std::ranges::all_of(clients, &client::busy);
    const auto rest = std::clamp<std::chrono::nanoseconds>(all_busy || rate == 0 ? end - now : next - clock_type::now(),
                                                           std::chrono::nanoseconds(0), std::chrono::milliseconds(100));
    const timespec timeout{0, static_cast<long>(rest.count())};
    if (ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) continue;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if ((polled[i].revents & POLLOUT) != 0) send_more(clients[i]);
      if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && clients[i].socket >= 0) receive_more(clients[i]);
    }
  }

  if (argc > 6) {
    std::ofstream times(argv[6]);
    times.precision(10);
    for (const answer& a : answers) times << a.due.count() << ' ' << a.status << ' ' << a.ms << '\n';
  }
  std::map<int, std::vector<double>> milliseconds;
  for (const answer& a : answers) milliseconds[a.status].push_back(a.ms);
  std::printf("{\"failed\": %zu, \"late\": %zu", failed, late);
  for (auto& [status, times] : milliseconds) {
    std::ranges::sort(times);
    const auto at = [&](double q) {
      return times[static_cast<std::size_t>(q * static_cast<double>(times.size() - 1))];
    };
    const auto within_1ms = static_cast<double>(std::ranges::upper_bound(times, 1.0) - times.begin());
    std::printf(
        ", \"%d\": {\"count\": %zu, \"within_1ms\": %.4f, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}",
        status, times.size(), within_1ms / static_cast<double>(times.size()), at(0.5), at(0.99), at(0.999), at(1));
  }
  std::printf("}\n");
  return failed > 0 ? 1 : 0;
}
