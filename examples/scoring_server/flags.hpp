// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <tabscore/serving/settings.hpp>

#include "../command_line.hpp"
#include "../file_mode.hpp"
#include "../http/http_server.hpp"
#include "../program_policy.hpp"

namespace ts = tabscore;

/// What the command line says.
struct flags {
  http::settings http;
  ts::serving::settings service{.errors = ts::serving::error_style::pydantic1,
                                .prediction_log = "artifacts/prediction_log.jsonl"};
  std::string hash_key_file;
  bool verbose = false;
};

/// What is wrong with a name of a host; empty: nothing.
inline std::string wrong_host(const std::string& text) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7F && c != '/' && c != '?' && c != '@'; };
  if (text == "*" || (!text.empty() && text[0] != '*' && std::all_of(text.begin(), text.end(), plain))) return {};
  return "'" + text + "' is not the name of a host: write example.org, 10.0.0.1 or [::1]";
}

/// What is wrong with an origin as browsers write it; empty: nothing.
inline std::string wrong_origin(const std::string& text) {
  if (text == "*" || text == "null") return {};
  const std::size_t scheme = text.find("://");
  const std::string_view host =
      scheme == std::string::npos ? std::string_view{} : std::string_view(text).substr(scheme + 3);
  const auto plain = [](char c) { return c > ' ' && c < 0x7F && (c < 'A' || c > 'Z'); };
  if (!host.empty() && host.find_first_of("/?#@*") == std::string_view::npos &&
      std::all_of(text.begin(), text.end(), plain)) {
    return {};
  }
  return "'" + text + "' is not an origin: write it as browsers do, https://example.org or http://localhost:3000";
}

inline void declare(CLI::App& app, flags& f) {
  app.add_option("--host", f.http.host, "address to listen on")
      ->check(CLI::Validator(wrong_host, ""))
      ->capture_default_str();
  app.add_option("--port", f.http.port, "port, 0 for any free one")->capture_default_str();
  app.add_option("--threads", f.http.threads, "threads that serve")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  app.add_option("--allowed-hosts", f.http.hosts,
                 "names in the Host header that are answered, others get 421; * for any. Default: those of loopback "
                 "when listening on it, else any")
      ->delimiter(',')
      ->check(CLI::Validator(wrong_host, ""));
  app.add_option("--cors-origins", f.http.origins,
                 "origins (https://example.org) whose pages may read the answers; * for any. Default: none")
      ->delimiter(',')
      ->check(CLI::Validator(wrong_origin, ""));
  app.add_option("--model", f.service.model, "model file, or none to start without; SIGHUP loads it again")
      ->capture_default_str();
  app.add_flag("--watch", f.service.watch_model, "load the model file again whenever it changes");
  app.add_option("--prediction-log", f.service.prediction_log, "file that each prediction is appended to, or off")
      ->capture_default_str();
  add_choice(
      app, "--log-sync", f.service.log.file.sync,
      {{"none", ts::durability::none}, {"interval", ts::durability::interval}, {"always", ts::durability::always}},
      "when the log is forced to the disk");
  app.add_option_function<unsigned>(
         "--log-sync-ms", [&f](unsigned ms) { f.service.log.file.sync_interval = std::chrono::milliseconds(ms); },
         "the interval of --log-sync interval")
      ->default_str("1000");
  app.add_option("--log-rotate-bytes", f.service.log.file.rotate_bytes,
                 "set the log aside before it is larger; 0: never")
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--log-rotate-seconds", [&f](unsigned s) { f.service.log.file.rotate_age = std::chrono::seconds(s); },
         "set the log aside when it is so old; 0: never (SIGHUP always does)")
      ->default_str("0");
  app.add_option("--log-keep-files", f.service.log.file.keep_files,
                 "of the logs set aside keep so many, the newest; 0: all")
      ->capture_default_str();
  app.add_option("--log-keep-bytes", f.service.log.file.keep_bytes, "and of these no more bytes together; 0: all")
      ->capture_default_str();
  add_choice(app, "--log-on-failure", f.service.log.on_failure,
             {{"drop-and-count", ts::log_failure::drop_and_count}, {"refuse", ts::log_failure::refuse}},
             "what becomes of predictions that cannot be logged; refuse: 503");
  app.add_option("--log-hash-key-file", f.hash_key_file,
                 "file of 16 secret bytes that hashed fields are logged under; without it another key at each start");
  app.add_flag("--log-model", f.service.log_model_hash, "each line of the log names the model file's SHA-256");
  add_file_mode(
      app, [&f](::mode_t mode) { f.service.state_mode = f.service.log.file.mode = mode; },
      "rights of a new log and state file, in octal (default: 600); one that takes another's place has that one's");
  app.add_option("--state-file", f.service.state_file, "keep what monitoring has counted in this file across restarts");
  app.add_option_function<unsigned>(
         "--state-interval", [&f](unsigned s) { f.service.state_interval = std::chrono::seconds(s); },
         "seconds between two writes of the state file")
      ->check(CLI::Range(1U, 86400U))
      ->default_str("60");
  app.add_flag("!--no-baseline", f.service.with_baseline, "ignore the model's drift baseline");
  using ts::serving::error_style;
  add_choice(app, "--errors", f.service.errors,
             {{"pydantic1", error_style::pydantic1}, {"pydantic2", error_style::pydantic2}},
             "what errors look like to those who don't ask for problem details");
  app.add_flag_callback(
      "--strict", program_policy::be_strict,
      "take every value for what it looks like: no 45.9 or \"45\" in an integer field, no 1 for true");
  app.add_option("--swagger-ui", f.service.swagger_ui,
                 "folder of Swagger UI for /docs (default: swagger-ui beside the program), or none");
  app.add_flag("--verbose", f.verbose, "one line per request on the standard error output");
  app.add_option("--max-records", f.service.limits.max_records, "more records in a request are refused: 422")
      ->check(CLI::Range(1U, ts::field_error::all_rows))
      ->capture_default_str();
  app.add_option("--max-errors", f.service.limits.max_errors, "errors that an answer lists; the rest is counted")
      ->capture_default_str();
  app.add_option("--max-error-bytes", f.service.max_error_bytes, "length of their text; the rest is counted")
      ->capture_default_str();
  app.add_option("--max-connections", f.http.max_connections,
                 "one more gets 503")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-requests", f.http.max_requests, "more requests that have come and are not answered: 503")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-bytes-in-flight", f.http.max_bytes_in_flight,
                 "more bytes of unfinished requests and answers: 503")
      ->capture_default_str();
  app.add_option("--max-body-bytes", f.http.max_body_bytes, "larger bodies are refused: 413")->capture_default_str();
  app.add_option("--max-header-bytes", f.http.max_header_bytes, "larger headers are refused: 431")
      ->check(CLI::Range(std::size_t{256}, std::size_t{1} << 24))
      ->capture_default_str();
  app.add_option("--header-timeout", f.http.header_timeout_s, "seconds to send a request's header: 408")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--body-timeout", f.http.body_timeout_s, "seconds to send a body, or to take an answer: 408 or cut")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--idle-timeout", f.http.idle_timeout_s, "seconds that a connection may be idle")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--drain-delay", f.http.drain_delay_s,
                 "seconds from SIGTERM, when /health says not ready, to the end of accepting")
      ->capture_default_str();
  app.add_option("--shutdown-timeout", f.http.shutdown_timeout_s, "seconds that SIGTERM leaves to requests in flight")
      ->capture_default_str();
  check_numbers(app);
}
