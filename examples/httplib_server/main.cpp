// SPDX-License-Identifier: MIT
// The service of examples/student_server behind another HTTP library, cpp-httplib: every route.
//     httplib_server models/student_logistic.json 8000
#include <fmt/format.h>

#include <httplib.h>

#include <csignal>
#include <cstdio>
#include <tabscore/serving/endpoint.hpp>
#include <tabscore/serving/httplib.hpp>

#include "../student_server/student.hpp"

static httplib::Server server;

int main(int argc, char** argv) {
  if (argc != 3) return fmt::print(stderr, "usage: httplib_server MODEL PORT\n"), 2;
  ts::serving::endpoint<student_purchases> api({.model = argv[1], .errors = ts::serving::error_style::pydantic1});
  if (const auto failed = api.start()) return fmt::print(stderr, "{}\n", failed->message), 1;

  ts::serving::mount(server, api, ts::serving::default_hosts(true, "127.0.0.1"));
  std::signal(SIGTERM, [](int) { server.stop(); });
  int port = std::atoi(argv[2]);  // 0: any free one
  if (port == 0 ? (port = server.bind_to_any_port("127.0.0.1")) < 0 : !server.bind_to_port("127.0.0.1", port)) {
    return fmt::print(stderr, "httplib_server: cannot listen on port {}\n", argv[2]), 1;
  }
  fmt::print("listening on http://127.0.0.1:{}\n", port);
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
