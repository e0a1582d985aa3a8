// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <tabscore/serving/endpoint.hpp>
#include <thread>

#include "../http/http_server.hpp"
#include "../program_policy.hpp"
#include "../standard_streams.hpp"
#include "bundled_model.hpp"
#include "flags.hpp"

/// The service with a coercion policy that a flag chooses.
template <class Service>
struct served : Service {
  using coercion = program_policy;
};

template <class Session>
http::response print(Session& session, const http::request& asked) {
  const auto start = std::chrono::steady_clock::now();
  const http::response r = session.handle(asked);
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
  say("{} {} {} {:.0f} us {}\n", asked.method, ts::serving::detail::percent_encoded(asked.path, ""), r.status,
      time.count(), r.request_id);
  return r;
}

/// The program: serves until SIGTERM; its exit status. `Service`: see tabscore/serving/service.hpp; `model`, `policy`:
/// the files in models/ that are served unless others are given.
template <ts::serving::servable Service>
int serve(int argc, char** argv, const char* model, const char* policy = nullptr) {
  const auto fail = [](const std::string& message) {
    say("{}: {}\n", Service::program, message);
    return 1;
  };
  http::hold_signals();
  hold_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // nobody may read what is printed
  flags f;
  f.http.threads = std::max(std::thread::hardware_concurrency(), 1U);
  f.service.model = bundled_model(model);
  if (policy != nullptr) f.service.policy = bundled_model(policy);
  if constexpr (requires { Service::log_names_model; }) f.service.log_model_hash = Service::log_names_model;
  if (const auto status = parse(f, fmt::format("{}, over HTTP.", Service::summary), argc, argv)) return *status;
  if (const auto problem = complete(f)) return fail(*problem);

  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is a failed write, not the end
  f.service.notify = [](std::string_view event) { say("{}: {}\n", Service::program, event); };
  ts::serving::endpoint<served<Service>> api(f.service);
  if (const auto failed = api.start()) return fail(failed->message);
  if (const auto log = ts::files::find_write_target(f.service.prediction_log);
      log && log->is_plain && log->exists && (log->status.st_mode & S_IROTH) != 0) {
    say("{}: everybody can read the prediction log: chmod 600 {}\n", Service::program, f.service.prediction_log);
  }
  f.http.hangup = [&] {
    api.rotate_log();
    api.reload();
  };
  f.http.leaving = [&] { api.drain(); };

  try {
    http::serve(
        f.http,
        [&]() -> http::handler {
          const auto session = api.session();
          http::handler by;
          by.answer = [session](const http::request& asked) { return session->handle(asked); };
          if (f.verbose) by.answer = [session](const http::request& asked) { return print(*session, asked); };
          by.refuse = [session](const http::request& asked, unsigned status) {
            constexpr std::string_view other_host =
                "The server is not told to answer for the host that the request names (--allowed-hosts).";
            return session->refuse(asked, status, status == 421 ? other_host : std::string_view());
          };
          return by;
        },
        [](const std::string& address) {
          std::fputs(fmt::format("{}: listening on {}\n", Service::program, address).c_str(), stdout);
          std::fflush(stdout);
        });
  } catch (const std::exception& e) {
    return fail(e.what());
  }
  if (const auto failed = api.stop()) return fail(failed->message);
  return 0;
}
