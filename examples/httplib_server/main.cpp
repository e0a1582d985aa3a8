// SPDX-License-Identifier: MIT
// The service of examples/student_server behind another HTTP library, cpp-httplib: every route, in one file.
//     httplib_server models/student_logistic.json 8000
#include <httplib.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tabscore/serving/endpoint.hpp>

#include "../student_server/student.hpp"

namespace {

httplib::Server server;

template <class Endpoint>
void answer(Endpoint& api, const httplib::Request& in, httplib::Response& out) {
  ts::serving::request request{.method = in.method, .body = in.body};
  request.set_target(in.target);
  const std::string content_type = in.get_header_value("Content-Type"), accept = in.get_header_value("Accept"),
                    coding = in.get_header_value("Content-Encoding");
  request.content_type = content_type, request.accept = accept, request.content_encoding = coding;
  const std::string id = in.get_header_value("X-Request-Id"), trace = in.get_header_value("traceparent");
  request.request_id = id, request.traceparent = trace;

  const auto response = api.handle(request);
  out.status = static_cast<int>(response.status);
  out.body = response.body;
  response.for_each_header(
      [&](std::string_view name, std::string_view value) { out.set_header(std::string(name), std::string(value)); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return fmt::print(stderr, "usage: httplib_server MODEL PORT\n"), 2;
  ts::serving::endpoint<student_purchases> api({.model = argv[1], .errors = ts::serving::error_style::pydantic1});
  if (const auto failed = api.start()) return fmt::print(stderr, "{}\n", failed->message), 1;

  const auto any = [&](const httplib::Request& in, httplib::Response& out) { answer(api, in, out); };
  server.Get(".*", any).Post(".*", any).Put(".*", any).Patch(".*", any).Delete(".*", any).Options(".*", any);
  server.set_tcp_nodelay(true);
  server.set_payload_max_length(std::size_t{64} << 20);
  std::signal(SIGTERM, [](int) { server.stop(); });
  int port = std::atoi(argv[2]);  // 0: any free one
  if (port == 0 ? (port = server.bind_to_any_port("127.0.0.1")) < 0 : !server.bind_to_port("127.0.0.1", port)) {
    return fmt::print(stderr, "httplib_server: cannot listen on port {}\n", argv[2]), 1;
  }
  fmt::print("listening on http://127.0.0.1:{}\n", port);
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
