// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../file_names.hpp"
#include "../http/http_server.hpp"
#include "../standard_streams.hpp"
#include "bundled_model.hpp"
#include "flags.hpp"
#include "handler.hpp"
#include "openapi.hpp"
#include "state_keeper.hpp"
#include "upkeep.hpp"

template <ts::schema_type Schema>
constexpr bool has_hashed_fields() {
  bool found = false;
  Schema::for_each([&]<std::size_t I>() { found |= Schema::template field<I>::logged == ts::privacy::hashed; });
  return found;
}

/// The log, the model and what was counted of it, as the flags ask; what is wrong with them, or nothing.
template <class Service>
std::optional<std::string> load(const flags& f, service_state<Service>& service) {
  std::unique_ptr<served_model<Service>> model;
  if (f.model.path != "none") {
    const auto bytes = ts::read_model_bytes(f.model.path);
    if (!bytes) return bytes.error().message;
    auto loaded = load_served_model<Service>(f.model, *bytes);
    if (!loaded) return loaded.error().message;
    model = std::move(*loaded);
  }
  std::string problem =
      wrong_names({{"--prediction-log", f.prediction_log == "off" ? "" : f.prediction_log, file_use::appended},
                   {"--state-file", f.state_file, file_use::replaced},
                   {"the model file", f.model.path == "none" ? "" : f.model.path, file_use::read},
                   {"the key file", f.hash_key_file, file_use::read}});
  if (!problem.empty()) return problem;
  if (f.prediction_log != "off") {
    ts::jsonl_settings settings = f.log;
    if (!f.hash_key_file.empty()) {
      const auto bytes = ts::detail::read_file(f.hash_key_file, sizeof(ts::siphash_key) + 1);
      if (!bytes) return bytes.error().message;
      ts::siphash_key key{};
      if (bytes->size() != sizeof key) return f.hash_key_file + ": expected 16 bytes";
      std::memcpy(key.data(), bytes->data(), sizeof key);
      settings.hash_key = key;
    } else if (has_hashed_fields<typename Service::record>()) {
      say("{}: hashed fields are logged under a random key: equal values have other hashes after a restart (see "
          "--log-hash-key-file)\n",
          Service::program);
    }
    auto log = ts::jsonl_log::open(f.prediction_log, settings);
    if (!log) return log.error().message;
    service.log = std::move(*log);
    if (model) model->log_to(service.log, f.model.log_names_it);
  }
  if (!f.state_file.empty()) {
    if (!model || !model->has_histograms()) return "--state-file needs a model file with histograms";
    if (auto failed = load_state(model->observed, f.state_file)) return failed;
  }
  if (!model) return std::nullopt;
  service.live.publish(std::move(model));
  service.keeper.emplace(service.live, f.model, service.log, f.watch);
  return std::nullopt;
}

inline http::handler print_each(http::handler answer) {
  return [answer = std::move(answer)](const http::request& asked) {
    const auto start = std::chrono::steady_clock::now();
    http::response r = answer(asked);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    say("{} {} {} {:.0f} us\n", asked.method, asked.path, r.status, time.count());
    return r;
  };
}

/// The program: serves until SIGTERM; its exit status. `Service`: see service.hpp.
template <servable Service>
int serve(int argc, char** argv) {
  const auto fail = [](const std::string& message) {
    say("{}: {}\n", Service::program, message);
    return 1;
  };
  hold_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // nobody may read what is printed
  flags f;
  f.http.threads = std::max(std::thread::hardware_concurrency(), 1U);
  f.model.path = bundled_model(Service::model);
  f.log.names = {std::string(Service::probability), std::string(Service::label)};
  CLI::App app(fmt::format("{}, over HTTP.", Service::summary));
  declare(app, f);
  CLI11_PARSE(app, argc, argv);

  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is a failed write, not the end
  service_state<Service> service;
  service.limits = f.limits;
  service.max_error_bytes = f.max_error_bytes;
  service.errors = f.errors;
  if (f.swagger_ui != "none") {
    service.docs =
        docs_files(f.swagger_ui.empty() ? program_folder() / "swagger-ui" : std::filesystem::path(f.swagger_ui));
    if (service.docs.empty() && !f.swagger_ui.empty()) return fail("there is no Swagger UI in " + f.swagger_ui);
  }
  if (const auto problem = load(f, service)) return fail(*problem);
  {
    const typename live_model<Service>::reader models(service.live);
    const auto model = models.pin();
    service.openapi = openapi_document<Service>(f.errors, model ? model->identity.classes : std::vector<std::string>{});
  }
  if (const auto* log = service.log.file()) {
    const ts::append_repair found = log->repaired();
    if (found.cut_bytes != 0) {
      say("{}: {} bytes of an unfinished batch were cut off the prediction log\n", Service::program, found.cut_bytes);
    }
    if (found.sealed) say("{}: the prediction log's last line was given an end\n", Service::program);
  }
  if (const auto log = ts::detail::find_write_target(f.prediction_log);
      log && log->is_plain && log->exists && f.prediction_log != "off" && (log->status.st_mode & S_IROTH) != 0) {
    say("{}: everybody can read the prediction log: chmod 600 {}\n", Service::program, f.prediction_log);
  }
  f.http.refused = [&](unsigned status) { service.metrics.refused(status); };
  f.http.hangup = [&] {
    if (auto* file = service.log.file()) file->rotate();
    if (service.keeper) service.keeper->reload();
  };
  f.http.leaving = [&] { service.leaving = true; };

  std::optional<state_keeper<Service>> keeper;
  if (!f.state_file.empty()) {
    keeper.emplace(service.live, f.state_file, f.file_mode, std::chrono::seconds(f.state_interval_s));
    if (!keeper->save()) return 1;  // rather than an hour later
  }

  upkeep<Service> in_background(service);

  try {
    http::serve(
        f.http,
        [&]() -> http::handler {
          auto answer = std::make_shared<scoring_handler<Service>>(service);
          const http::handler handler = [answer](const http::request& asked) { return (*answer)(asked); };
          return f.verbose ? print_each(handler) : handler;
        },
        [&](const std::string& address) {
          in_background.start();
          std::fputs(fmt::format("{}: listening on {}\n", Service::program, address).c_str(), stdout);
          std::fflush(stdout);
        });
  } catch (const std::exception& e) {
    return fail(fmt::format("cannot listen on {} port {}: {}", f.http.host, f.http.port, e.what()));
  }
  if (keeper && !keeper->save()) return 1;
  return 0;
}
