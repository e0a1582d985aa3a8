// The server: @name@_server MODEL PORT
#include <httplib.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tabscore/serving/endpoint.hpp>

#include "@name@.hpp"

namespace {

httplib::Server server;

template <class Endpoint>
void answer(Endpoint& api, const httplib::Request& in, httplib::Response& out) {
  ts::serving::request request{.method = in.method, .body = in.body};
  request.set_target(in.target);
  const std::string content_type = in.get_header_value("Content-Type"), accept = in.get_header_value("Accept"),
                    coding = in.get_header_value("Content-Encoding");
  request.content_type = content_type, request.accept = accept, request.content_encoding = coding;

  const auto response = api.handle(request);
  out.status = static_cast<int>(response.status);
  out.body = response.body;
  response.for_each_header(
      [&](std::string_view name, std::string_view value) { out.set_header(std::string(name), std::string(value)); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: @name@_server MODEL PORT\n"), 2;
  ts::serving::endpoint<@name@> api({.model = argv[1]});
  if (const auto failed = api.start()) return std::fprintf(stderr, "%s\n", failed->message.c_str()), 1;

  const auto any = [&](const httplib::Request& in, httplib::Response& out) { answer(api, in, out); };
  server.Get(".*", any).Post(".*", any).Put(".*", any).Patch(".*", any).Delete(".*", any).Options(".*", any);
  server.set_tcp_nodelay(true);
  server.set_payload_max_length(std::size_t{64} << 20);
  std::signal(SIGTERM, [](int) { server.stop(); });
  std::signal(SIGINT, [](int) { server.stop(); });
  if (!server.bind_to_port("127.0.0.1", std::atoi(argv[2]))) {
    return std::fprintf(stderr, "@name@_server: cannot listen on port %s\n", argv[2]), 1;
  }
  std::printf("listening on http://127.0.0.1:%s\n", argv[2]);
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
