// SPDX-License-Identifier: MIT
// Serves predictions over HTTP: the flags, the model, and one handler a thread. See --help.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "bundled_model.hpp"
#include "handler.hpp"
#include "http_server.hpp"
#include "sha256.hpp"
#include "state_keeper.hpp"
#include "student.hpp"

namespace {

struct flags {
  http::settings http;
  std::string model;
  std::string prediction_log = "artifacts/prediction_log.jsonl";
  ts::jsonl_settings log{.names = {std::string(probability_name), std::string(label_name)}};
  bool log_model = false;
  std::string state_file;
  unsigned state_interval_s = 60;
  bool no_baseline = false;
  error_style errors = error_style::pydantic1;
  bool verbose = false;
};

void declare(CLI::App& app, flags& f) {
  app.add_option("--host", f.http.host, "address to listen on")->capture_default_str();
  app.add_option("--port", f.http.port, "port, 0 for any free one")->capture_default_str();
  app.add_option("--threads", f.http.threads, "threads that serve")->capture_default_str();
  app.add_option("--model", f.model, "model file, or none to start without")->capture_default_str();
  app.add_option("--prediction-log", f.prediction_log, "file that each prediction is appended to, or off")
      ->capture_default_str();
  app.add_option("--log-sync", f.log.file.sync, "when the log is forced to the disk: none, interval or always")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ts::durability>{
          {"none", ts::durability::none}, {"interval", ts::durability::interval}, {"always", ts::durability::always}}))
      ->default_str("interval");
  app.add_option_function<unsigned>(
         "--log-sync-ms", [&f](unsigned ms) { f.log.file.sync_interval = std::chrono::milliseconds(ms); },
         "the interval of --log-sync interval")
      ->default_str("1000");
  app.add_option("--log-rotate-bytes", f.log.file.rotate_bytes, "set the log aside before it is larger; 0: never")
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--log-rotate-seconds", [&f](unsigned s) { f.log.file.rotate_age = std::chrono::seconds(s); },
         "set the log aside when it is so old; 0: never (SIGHUP always does)")
      ->default_str("0");
  app.add_option("--log-keep-files", f.log.file.keep_files, "of the logs set aside keep so many, the newest; 0: all")
      ->capture_default_str();
  app.add_option("--log-keep-bytes", f.log.file.keep_bytes, "and of these no more bytes together; 0: all")
      ->capture_default_str();
  app.add_option("--log-on-failure", f.log.on_failure, "what cannot be logged: drop-and-count, or refuse (503)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ts::log_failure>{
          {"drop-and-count", ts::log_failure::drop_and_count}, {"refuse", ts::log_failure::refuse}}))
      ->default_str("drop-and-count");
  app.add_flag("--log-model", f.log_model, "each line of the log names the model file's SHA-256");
  app.add_option("--state-file", f.state_file, "keep what monitoring has counted in this file across restarts");
  app.add_option("--state-interval", f.state_interval_s, "seconds between two writes of the state file")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  app.add_option("--errors", f.errors,
                 "what errors look like to those who don't ask for problem details: pydantic1 or pydantic2")
      ->transform(CLI::CheckedTransformer(std::map<std::string, error_style>{{"pydantic1", error_style::pydantic1},
                                                                             {"pydantic2", error_style::pydantic2}}))
      ->default_str("pydantic1");
  app.add_flag("--no-baseline", f.no_baseline, "ignore the model's drift baseline");
  app.add_flag("--verbose", f.verbose, "one line per request on the standard error output");
  app.add_option("--max-body-bytes", f.http.max_body_bytes, "larger bodies are refused: 413")->capture_default_str();
  app.add_option("--max-header-bytes", f.http.max_header_bytes, "larger headers are refused: 431")
      ->check(CLI::Range(std::size_t{256}, std::size_t{1} << 24))
      ->capture_default_str();
  app.add_option("--header-timeout", f.http.header_timeout_s, "seconds to send a request's header: 408")
      ->capture_default_str();
  app.add_option("--body-timeout", f.http.body_timeout_s, "seconds to send a body, or to take an answer: 408 or cut")
      ->capture_default_str();
  app.add_option("--idle-timeout", f.http.idle_timeout_s, "seconds that a connection may be idle")
      ->capture_default_str();
  app.add_option("--shutdown-timeout", f.http.shutdown_timeout_s, "seconds that SIGTERM leaves to requests in flight")
      ->capture_default_str();
}

int fail(const std::string& message) {
  fmt::print(stderr, "student_server: {}\n", message);
  return 1;
}

/// The model and the log, as the flags ask; what is wrong with them, or nothing.
std::optional<std::string> load(flags& f, student_service& service) {
  if (f.model != "none") {
    auto bytes = ts::read_model_bytes(f.model);
    if (!bytes) return bytes.error().message;
    auto file = ts::parse_model_file(*bytes, f.model);
    if (!file) return file.error().message;
    auto model = ts::make_scorer(*file);
    if (!model) return model.error().message;
    auto reference = ts::make_drift_reference(*file);
    service.observed.emplace(reference && !f.no_baseline ? std::move(*reference) : ts::drift_reference());
    auto pipe = student_pipeline::make(student_columns::rules, student_columns::features, std::move(*model),
                                       student_sinks{*service.observed, service.log});
    if (!pipe) return pipe.error().message;
    service.pipe.emplace(std::move(*pipe));
    service.model = identify(*file, sha256(*bytes));
    if (!f.no_baseline) service.baseline = std::move(file->baseline);
  }
  if (f.prediction_log != "off") {
    if (f.log_model) f.log.model = service.model.sha256;
    auto log = ts::jsonl_log::open(f.prediction_log, f.log);
    if (!log) return log.error().message;
    service.log = std::move(*log);
  }
  return std::nullopt;
}

/// What has to be done though no request comes.
void keep_up(const std::stop_token& stop, student_service& service) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  for (unsigned quarter = 0; !stop.stop_requested(); ++quarter) {
    if (auto* log = service.log.file()) log->tick();
    if (quarter % (4 * monitoring_history::interval_s) == 0) {
      const ts::totals live = service.live();
      service.history.add({std::time(nullptr), live.samples, live.positives, service.metrics.rejected(),
                           service.has_histograms() ? largest_drift(*service.observed) : service.drift().score});
    }
    woken.wait_for(lock, stop, std::chrono::milliseconds(250), [] { return false; });
  }
}

http::handler print_each(http::handler answer) {
  return [answer = std::move(answer)](const http::request& asked) {
    const auto start = std::chrono::steady_clock::now();
    http::response r = answer(asked);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    fmt::print(stderr, "{} {} {} {:.0f} us\n", asked.method, asked.path, r.status, time.count());
    return r;
  };
}

}  // namespace

int main(int argc, char** argv) {
  flags f;
  f.http.threads = std::max(std::thread::hardware_concurrency(), 1U);
  f.model = bundled_model();
  CLI::App app("Predicts which students will buy, over HTTP.");
  declare(app, f);
  CLI11_PARSE(app, argc, argv);

  std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow is a failed write, not the end
  student_service service;
  service.errors = f.errors;
  if (const auto problem = load(f, service)) return fail(*problem);
  f.http.refused = [&](unsigned status) { service.metrics.refused(status); };
  f.http.hangup = [&] {
    if (auto* file = service.log.file()) file->rotate();
  };

  std::optional<state_keeper> keeper;
  if (!f.state_file.empty()) {
    if (!service.observed || service.observed->reference().empty()) {
      return fail("--state-file needs a model file with histograms");
    }
    if (const auto failed = load_state(*service.observed, f.state_file)) return fail(*failed);
    keeper.emplace(*service.observed, f.state_file, std::chrono::seconds(f.state_interval_s));
  }

  const std::jthread upkeep([&](const std::stop_token& stop) { keep_up(stop, service); });

  try {
    http::serve(
        f.http,
        [&]() -> http::handler {
          auto answer = std::make_shared<student_handler>(service);
          const http::handler handler = [answer](const http::request& asked) { return (*answer)(asked); };
          return f.verbose ? print_each(handler) : handler;
        },
        [](const std::string& address) {
          fmt::print("student_server: listening on {}\n", address);
          std::fflush(stdout);
        });
  } catch (const std::exception& e) {
    return fail(fmt::format("cannot listen on {} port {}: {}", f.http.host, f.http.port, e.what()));
  }
  if (keeper && !keeper->save()) return 1;
  return 0;
}
