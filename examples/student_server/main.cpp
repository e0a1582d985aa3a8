// SPDX-License-Identifier: MIT
// STAND-IN: a placeholder handler so that the HTTP layer can be tested before the library is there. Never for main.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include "http_server.hpp"
#include "routes.hpp"

int main(int argc, char** argv) {
  http::settings config;
  CLI::App app("example server");
  app.add_option("--host", config.host);
  app.add_option("--port", config.port);
  app.add_option("--threads", config.threads);
  app.add_option("--max-body-bytes", config.max_body_bytes);
  app.add_option("--header-timeout", config.header_timeout_s);
  app.add_option("--body-timeout", config.body_timeout_s);
  app.add_option("--idle-timeout", config.idle_timeout_s);
  std::string log; app.add_option("--prediction-log", log);
  CLI11_PARSE(app, argc, argv);
  http::serve(
      config,
      [] {
        return [big = std::string(10'000'000, 'x')](const http::request& r) -> http::response {
          auto to = resolve(r);
          if (auto* no = std::get_if<http::response>(&to)) return std::move(*no);
          if (r.query == "big") return {.body = big};
          return {.body = R"({"fixed":1})"};
        };
      },
      [](const std::string& a) {
        fmt::print("{}\n", a);
        std::fflush(stdout);
      });
}
