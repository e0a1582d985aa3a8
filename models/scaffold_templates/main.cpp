// The server: @name@_server MODEL PORT
#include <httplib.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <tabscore/serving/endpoint.hpp>
#include <tabscore/serving/httplib.hpp>

#include "@name@.hpp"

static httplib::Server server;

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: @name@_server MODEL PORT\n"), 2;
  ts::serving::endpoint<@name@> api({.model = argv[1]});
  if (const auto failed = api.start()) return std::fprintf(stderr, "%s\n", failed->message.c_str()), 1;

  ts::serving::mount(server, api, ts::serving::default_hosts(true, "127.0.0.1"));
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { server.stop(); });
  if (!server.bind_to_port("127.0.0.1", std::atoi(argv[2]))) {
    return std::fprintf(stderr, "@name@_server: cannot listen on port %s\n", argv[2]), 1;
  }
  std::printf("listening on http://127.0.0.1:%s\n", argv[2]);
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
