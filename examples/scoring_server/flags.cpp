// SPDX-License-Identifier: MIT
#include "flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tabscore/monitor/label_window.hpp>
#include <tabscore/monitor/performance_alarm.hpp>
#include <vector>

#include "../command_line.hpp"
#include "../file_mode.hpp"
#include "../file_names.hpp"
#include "../program_policy.hpp"
#include "../read_key.hpp"
#include "bundled_model.hpp"

namespace {

/// What is wrong with a name of a host; empty: nothing.
std::string wrong_host(const std::string& text) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7F && c != '/' && c != '?' && c != '@'; };
  if (text == "*" || (!text.empty() && text[0] != '*' && std::all_of(text.begin(), text.end(), plain))) return {};
  return "'" + text + "' is not the name of a host: write example.org, 10.0.0.1 or [::1]";
}

/// What is wrong with an address to listen on; empty: nothing.
std::string wrong_address(const std::string& text) {
  const bool in_brackets = text.starts_with('[') && text.ends_with(']');
  const bool is_plain = !text.empty() && text.find_first_of("*,[]", in_brackets) >= text.size() - in_brackets;
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (is_plain && colons != 1 && (!in_brackets || colons > 1)) return wrong_host(text);
  return "'" + text + "' is not an address: write 0.0.0.0 (all), 10.0.0.1, ::1 or localhost, and the port as --port";
}

/// What is wrong with an origin as browsers write it; empty: nothing.
std::string wrong_origin(const std::string& text) {
  if (text == "*" || text == "null") return {};
  const auto all = [](std::string_view part, std::string_view also) {
    return std::all_of(part.begin(), part.end(), [also](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || also.find(c) != std::string_view::npos;
    });
  };
  const std::string problem =
      "'" + text + "' is not an origin: write it as browsers do, https://example.org or http://localhost:3000";
  const std::size_t separator = text.find("://");
  if (separator == std::string::npos) return problem;
  const std::string_view scheme = std::string_view(text).substr(0, separator);
  std::string_view host = std::string_view(text).substr(separator + 3);
  if (scheme.empty() || scheme[0] < 'a' || !all(scheme, "+-.")) return problem;
  const std::size_t colon = host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
  if (colon != std::string_view::npos) {
    const std::string_view digits = host.substr(colon + 1);
    unsigned port = 0;
    if (!ts::parse_number(digits, port) || digits[0] == '0' || port > 65535) return problem;
    if ((scheme == "http" && port == 80) || (scheme == "https" && port == 443)) {
      return "'" + text + "' is not an origin: browsers leave the usual port out, write " +
             text.substr(0, text.rfind(':'));
    }
    host = host.substr(0, colon);
  }
  const bool is_address = host.size() > 3 && host.starts_with('[') && host.ends_with(']');
  if (is_address ? all(host.substr(1, host.size() - 2), ":.") : !host.empty() && all(host, "-._")) return {};
  return problem;
}

/// What is wrong with the name of a log; empty: nothing.
std::string wrong_log(const std::string& text) {
  std::string lower = text;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (text == "off" || (lower != "off" && lower != "none" && text != "-" && !text.empty())) return {};
  return "'" + text + "' is not the name of a log: write off for none, /dev/stdout for the standard output, ./" +
         (text.empty() ? "log" : text) + " for a file of that name";
}

/// FIGURE=VALUE.
std::optional<ts::performance_reference> reference_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const std::string figure = text.substr(0, equals);
  double value = 0;
  if (ts::find_comparable(figure) == nullptr || !ts::parse_number(std::string_view(text).substr(equals + 1), value)) {
    return std::nullopt;
  }
  return ts::performance_reference{figure, value, "settings"};
}

/// What is wrong with it; empty: nothing.
std::string wrong_reference(const std::string& text) {
  if (reference_of(text)) return {};
  std::string known;
  for (const auto& f : ts::comparable_figures) known.append(known.empty() ? "" : ", ").append(f.name);
  return "'" + text + "' is not a figure and its reference, such as roc_auc=0.93; known are " + known;
}

/// A file, a folder or a field. An empty text is an unset variable of a script rather than none.
void add_name(CLI::App& app, const std::string& flag, std::string& value, const std::string& help) {
  app.add_option(flag, value, help)
      ->check(CLI::Validator([](const std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""));
}

void declare(CLI::App& app, flags& f) {
  app.add_option("--host", f.http.host, "address to listen on")
      ->check(CLI::Validator(wrong_address, ""))
      ->capture_default_str();
  add_number(app, "--port", f.http.port, "port, 0 for any free one");
  add_number(app, "--threads", f.http.threads, "serving threads", 1U, 1024U);
  app.add_option("--allowed-hosts", f.http.hosts,
                 "accepted names in the Host header, others get 421; * accepts all. Default: the names of loopback "
                 "when listening on loopback, else all")
      ->delimiter(',')
      ->check(CLI::Validator(wrong_host, ""));
  app.add_option("--cors-origins", f.http.origins,
                 "origins (https://example.org) whose pages may read the answers; * allows all. Default: none")
      ->delimiter(',')
      ->check(CLI::Validator(wrong_origin, ""));
  app.add_option(
         "--model", f.service.model,
         "model file, or a file saved by XGBoost, LightGBM or CatBoost, or none to start without a model; SIGHUP loads "
         "it again")
      ->capture_default_str();
  app.add_option("--policy", f.service.policy,
                 "policy file of a service that declares decisions; SIGHUP loads it again")
      ->capture_default_str();
  app.add_flag("--watch", f.service.watch_model, "load model file and policy again when one changes");
  app.add_option("--prediction-log", f.service.prediction_log, "file that each prediction is appended to, or off")
      ->check(CLI::Validator(wrong_log, ""))
      ->capture_default_str();
  add_choice(
      app, "--log-sync", f.service.log.file.sync,
      {{"none", ts::durability::none}, {"interval", ts::durability::interval}, {"always", ts::durability::always}},
      "when the log is forced to the disk");
  add_number(app, "--log-sync-ms", f.log_sync_ms, "the interval of --log-sync interval");
  add_number(app, "--log-rotate-bytes", f.service.log.file.rotate_bytes,
             "set the log aside before it exceeds N bytes; 0: never");
  add_number(app, "--log-rotate-seconds", f.log_rotate_s,
             "set the log aside after N seconds; 0: never (SIGHUP always does)");
  add_number(app, "--log-keep-files", f.service.log.file.keep_files, "keep the newest N of the logs set aside; 0: all");
  add_number(app, "--log-keep-bytes", f.service.log.file.keep_bytes, "of these, keep at most N bytes; 0: all");
  add_number(app, "--log-keep-days", f.log_keep_days, "of these, keep those set aside in the last N days; 0: all", 0U,
             36500U);
  add_choice(app, "--log-on-failure", f.service.log.on_failure,
             {{"drop-and-count", ts::log_failure::drop_and_count}, {"refuse", ts::log_failure::refuse}},
             "treatment of predictions that cannot be logged; refuse: answer 503");
  add_name(app, "--log-hash-key-file", f.hash_key_file,
           "file of 16 secret bytes, the key of hashed fields in the log; without it a random key at each start");
  add_name(app, "--log-chain-key-file", f.chain_key_file,
           "file of 32 secret bytes, the key of the log's chain; without it batches are not chained");
  app.add_flag("--log-model,!--no-log-model", f.service.log_model_hash,
               "each line of the log names the model file's SHA-256 and the version");
  add_name(app, "--archive", f.service.archive, "folder that keeps each served model and policy under its SHA-256");
  app.add_flag("--log-request-ids", f.service.log_request_ids,
               "each line of the log has the request id and the trace id");
  add_file_mode(
      app, [&f](::mode_t mode) { f.service.state_mode = f.service.log.file.mode = mode; },
      "mode of a new log, state or archive file, in octal (default: 600); one that replaces another keeps its mode");
  add_name(app, "--state-file", f.service.state_file, "file that keeps the monitoring counts across restarts");
  add_number(app, "--state-interval", f.state_interval_s, "seconds between writes of the state file", 1U, 86400U);
  add_number(app, "--label-window", f.service.label_window,
             "predictions of a model that wait for labels at /labels; needs an id in the schema", std::size_t{0},
             ts::label_window::most);
  add_number(app, "--label-delay", f.label_delay_s, "seconds after which a label is late; 0: never", 0U);
  app.add_option("--challenger", f.challengers,
                 "model that scores the same records after the answer; repeat the flag for several. SIGHUP loads it "
                 "again")
      ->allow_extra_args(false);
  add_name(app, "--challenger-log", f.service.challenger_log,
           "file that the scores of all models are appended to, a line per record");
  add_number(app, "--challenger-queue", f.service.challenger_queue,
             "records that wait for challengers; further records are not scored by them", std::size_t{1});
  app.add_option("--compare-by", f.service.compare_by, "fields whose values are compared separately")->delimiter(',');
  app.add_option("--arm-weight", f.arm_weights,
                 "A/B test: share of the records that the challenger at the same position answers")
      ->allow_extra_args(false)
      ->check(CLI::Range(0.0, 1.0));
  add_name(app, "--ab-field", f.service.ab_field, "field that assigns records to models (default: the schema's id)");
  add_name(app, "--ab-salt", f.service.ab_salt, "salt of the assignment; another salt gives another assignment");
  add_name(app, "--label-folder", f.service.label_folder,
           "folder that keeps predictions and figures across restarts, a file per model");
  app.add_option_function<std::vector<std::string>>(
         "--performance-reference",
         [&f](const std::vector<std::string>& all) {
           f.service.performance_references.clear();
           for (const std::string& text : all) f.service.performance_references.push_back(*reference_of(text));
         },
         "FIGURE=VALUE, the reference of a figure, such as roc_auc=0.93 (default: the metrics of the model file)")
      ->delimiter(',')
      ->check(CLI::Validator(wrong_reference, ""));
  app.add_option("--performance-tolerance", f.service.performance_alarm.tolerance,
                 "share of its reference by which a figure may be worse without an alarm")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  app.add_flag("!--no-baseline", f.service.with_baseline, "ignore the model's drift baseline");
  using ts::serving::error_style;
  add_choice(app, "--errors", f.service.errors,
             {{"pydantic1", error_style::pydantic1},
              {"pydantic2", error_style::pydantic2},
              {"problem", error_style::problem},
              {"neutral", error_style::neutral}},
             "form of errors for clients that do not ask for problem details");
  app.add_flag_callback("--strict", program_policy::be_strict,
                        "strict coercion: 45.9 or \"45\" in an integer field, or 1 for true, is an error");
  app.add_option("--swagger-ui", f.service.swagger_ui,
                 "folder of Swagger UI for /docs (default: swagger-ui beside the program), or none");
  app.add_flag("--verbose", f.verbose, "one line per request on the standard error output");
  add_number(app, "--max-records", f.service.limits.max_records, "largest number of records in a request; more: 422",
             std::size_t{1}, std::size_t{ts::field_error::all_rows});
  add_number(app, "--max-errors", f.service.limits.max_errors,
             "largest number of errors in an answer; further errors are counted");
  add_number(app, "--max-error-bytes", f.service.max_error_bytes,
             "largest length of their text; further errors are counted");
  add_number(app, "--max-connections", f.http.max_connections, "largest number of connections; more: 503",
             std::size_t{1});
  add_number(app, "--max-bytes-in-flight", f.http.max_bytes_in_flight,
             "largest number of bytes of unfinished requests and answers; more: 503");
  add_number(app, "--max-body-bytes", f.http.max_body_bytes, "largest body; larger: 413");
  add_number(app, "--max-header-bytes", f.http.max_header_bytes, "largest header; larger: 431", std::size_t{256},
             std::size_t{1} << 24U);
  add_number(app, "--header-timeout", f.http.header_timeout_s, "seconds to send a request's header; longer: 408", 1U);
  add_number(app, "--body-timeout", f.http.body_timeout_s,
             "seconds to send a body (longer: 408) or to read an answer (longer: the connection is cut)", 1U);
  add_number(app, "--idle-timeout", f.http.idle_timeout_s, "seconds after which an idle connection is closed", 1U);
  add_number(app, "--drain-delay", f.http.drain_delay_s,
             "seconds between SIGTERM, when /health answers 503, and the end of accepting");
  add_number(app, "--shutdown-timeout", f.http.shutdown_timeout_s, "seconds for requests in flight after SIGTERM");
  app.footer(
      "Exit status: 0 ended by SIGTERM or SIGINT; 1 a file, the model or the address is wrong; 2 a flag is wrong.");
}

}  // namespace

std::optional<int> parse(flags& f, const std::string& description, int argc, char** argv) {
  CLI::App app(description);
  declare(app, f);
  if (const auto status = parse_command_line(app, argc, argv)) return status;
  if (f.http.host.starts_with('[')) f.http.host = f.http.host.substr(1, f.http.host.size() - 2);
  f.service.log.file.sync_interval = std::chrono::milliseconds(f.log_sync_ms);
  f.service.log.file.rotate_age = std::chrono::seconds(f.log_rotate_s);
  f.service.log.file.keep_age = std::chrono::hours(24 * f.log_keep_days);
  f.service.state_interval = std::chrono::seconds(f.state_interval_s);
  f.service.label_delay = std::chrono::seconds(f.label_delay_s);
  return std::nullopt;
}

std::optional<std::string> complete(flags& f) {
  ts::serving::settings& s = f.service;
  if (s.model.empty()) return "--model: expected a file, or none";
  if (s.prediction_log.empty()) return "--prediction-log: expected a file, or off";
  if (s.model == "none") s.model.clear();
  if (s.prediction_log == "off") s.prediction_log.clear();
  if (s.swagger_ui == "none") {
    s.swagger_ui.clear();
  } else if (s.swagger_ui.empty()) {
    std::error_code failed;
    const auto beside = program_folder() / "swagger-ui";
    if (std::filesystem::exists(beside, failed)) s.swagger_ui = beside.string();
  }
  if (f.challengers.empty() && !(s.compare_by.empty() && s.ab_field.empty() && s.ab_salt.empty())) {
    return "--compare-by, --ab-field and --ab-salt need a --challenger";
  }
  if (f.arm_weights.empty() && !(s.ab_field.empty() && s.ab_salt.empty())) {
    return "--ab-field and --ab-salt need an --arm-weight";
  }
  if (!f.arm_weights.empty() && f.arm_weights.size() != f.challengers.size()) {
    return "--arm-weight: expected one for each --challenger";
  }
  for (std::size_t i = 0; i < f.challengers.size(); ++i) {
    s.challengers.push_back({f.challengers[i], f.arm_weights.empty() ? 0 : f.arm_weights[i]});
  }
  std::vector<named_file> files{{"--prediction-log", s.prediction_log, file_use::appended},
                                {"--challenger-log", s.challenger_log, file_use::appended},
                                {"--state-file", s.state_file, file_use::kept},
                                {"the model file", s.model, file_use::read},
                                {"the policy file", s.policy, file_use::read},
                                {"the key file", f.hash_key_file, file_use::read},
                                {"the key file", f.chain_key_file, file_use::read}};
  for (const std::string& name : f.challengers) files.push_back({"a challenger's file", name, file_use::read});
  std::string problem = wrong_names(files);
  if (!problem.empty()) return problem;
  if (s.prediction_log.empty()) {
    if (f.chain_key_file.empty() && f.hash_key_file.empty()) return std::nullopt;
    return (f.chain_key_file.empty() ? "--log-hash-key-file" : "--log-chain-key-file") +
           std::string(" needs a --prediction-log");
  }
  if (!f.hash_key_file.empty()) problem = read_key(f.hash_key_file, s.log.hash_key.emplace()).value_or("");
  if (problem.empty() && !f.chain_key_file.empty()) {
    problem = read_key(f.chain_key_file, s.log.file.chain.emplace()).value_or("");
  }
  return problem.empty() ? std::nullopt : std::optional(problem);
}
