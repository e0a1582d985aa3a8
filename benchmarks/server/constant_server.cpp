// SPDX-License-Identifier: MIT
// The example server's HTTP layer with a handler that does nothing: it answers each body with as many bytes as
// student_server would, whatever was asked. Usage: constant_server PORT THREADS
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http_server.hpp"

int main(int argc, char** argv) {
  http::settings settings;
  settings.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8000);
  settings.threads = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 1);
  // A record of 190 bytes is answered by about 80.
  const std::string answer(std::size_t{1} << 20, 'x');
  http::serve(
      settings,
      [&]() -> http::handler {
        http::handler by;
        by.answer = [&](const http::request& asked) -> http::response {
          return {.body = std::string_view(answer).substr(0, std::min(answer.size(), asked.body.size() * 80 / 190))};
        };
        by.refuse = [](const http::request&, unsigned status) -> http::response { return {.status = status}; };
        return by;
      },
      [](const std::string& address) {
        std::puts(address.c_str());
        std::fflush(stdout);
      });
}
