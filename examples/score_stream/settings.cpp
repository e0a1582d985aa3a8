// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <vector>

#include "../command_line.hpp"
#include "../file_mode.hpp"
#include "../file_names.hpp"
#include "../scoring_server/bundled_model.hpp"
#include "formats.hpp"
#include "stop.hpp"

namespace {

file_part parse_part(const std::string& text) {
  file_part p;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, p.index);
  if (index.ec == std::errc{} && index.ptr != end && *index.ptr == '/') {
    const auto count = std::from_chars(index.ptr + 1, end, p.count);
    if (count.ec == std::errc{} && count.ptr == end && p.index >= 1 && p.index <= p.count) return p;
  }
  throw CLI::ValidationError("--part", "expected I/N with 1 <= I <= N, as in 3/8");
}

std::string wrong_seconds(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (!text.empty() && end == text.c_str() + text.size() && seconds >= 0 && seconds <= 1e6) return {};
  return "'" + text + "' is not a number of seconds from 0 to 1000000";
}

void declare(CLI::App& app, settings& s) {
  app.add_option("inputs", s.inputs, "files with records, - for the standard input (the default)");
  app.add_option("-o,--output", s.output,
                 "file for the predictions, written as a whole or not at all (default: the standard output)");
  app.add_option("--from", s.from, std::string("format of the records: ") + format_names)->capture_default_str();
  app.add_option("--to", s.to,
                 "format of the predictions: " + std::string(format_names) + "; default: that of the records");
  app.add_flag("--keep", s.keep, "write each record's bytes before its prediction (same format only)");
  add_separator(app, s.separator, "separator of the cells of csv, read and written");
  app.add_flag("--single-line-cells", s.single_line_cells,
               "CSV cells contain no line breaks: every line feed ends a record, and a part does not read the bytes "
               "before it");
  app.add_flag("--strict", s.strict, "strict coercion: 45.9 or \"45\" in an integer field, or 1 for true, is an error");
  app.add_option("--model", s.model, "model file, or a file saved by XGBoost, LightGBM or CatBoost")
      ->capture_default_str();
  app.add_option("--policy", s.policy, "policy file of a service that declares decisions")->capture_default_str();
  add_number(app, "--threads", s.threads, "threads that score", 1U, 1024U);
  add_choice(app, "--on-error", s.on_wrong,
             {{"fail", on_error::fail}, {"skip", on_error::skip}, {"null", on_error::null}},
             "treatment of a record that cannot be scored");
  app.add_option("--rejects", s.rejects, "file that lists those records, as lines of JSON with line number and reason");
  app.add_option("--state-file", s.state_file, "file for the monitoring counts (tabscore-merge adds those of parts)");
  app.add_option_function<std::string>(
      "--part", [&s](const std::string& text) { s.part = parse_part(text); },
      "I/N: score part I of N of the input file; the concatenated outputs of the parts are that of the whole");
  app.add_flag("--resume", s.resume, "write checkpoints beside --output, and continue from that of an earlier run");
  app.add_option("--checkpoint-seconds", s.checkpoint_seconds, "seconds between checkpoints")
      ->check(CLI::Validator(wrong_seconds, ""))
      ->capture_default_str();
  add_number(app, "--block-bytes", s.block_bytes, "bytes read and scored at a time", std::size_t{1},
             std::size_t{1} << 30U);
  add_number(app, "--max-record-bytes", s.max_record_bytes,
             "a longer line is a wrong record; a longer record of a format without lines ends the run", std::size_t{1},
             std::size_t{1} << 30U);
  add_file_mode(
      app, [&s](::mode_t mode) { s.output_mode = s.private_mode = mode; },
      "rights of new files, in octal; default: 600, and --output as the umask says. A file that is replaced keeps its "
      "own");
  app.add_flag("--quiet", s.quiet, "print neither progress nor counts");
  app.add_option("--replay", s.replay, "score this prediction log again with --model and compare");
  add_number(app, "--list", s.replay_list, "number of differences that --replay lists", std::size_t{0},
             std::size_t{1} << 30U);
  app.add_option("--clickhouse-xml", s.clickhouse_xml,
                 "print the definition of this program as a function of ClickHouse, with this name");
  app.footer(
      "Exit status: 0 done; 1 wrong flags, model or files; 2 a record is wrong and --on-error is fail; 3 something "
      "cannot "
      "be read or written; 4 --replay found a difference.");
}

/// The program as ClickHouse starts it: without its folder, with the flags that say what it predicts. Tabs stand for
/// blanks that are no separators.
std::string clickhouse_command(const CLI::App& app, std::string_view program) {
  std::string command(program.substr(program.rfind('/') + 1));
  const auto add = [&](std::string_view flag, std::string value) {
    std::replace(value.begin(), value.end(), ' ', '\t');
    command.append(" ").append(flag).append(value.empty() ? "" : " ").append(value);
  };
  add("--from native --to native --on-error null --threads 1 --quiet", "");
  for (const char* flag : {"--model", "--policy"}) {
    if (app[flag]->count() > 0) add(flag, app[flag]->as<std::string>());
  }
  if (app["--strict"]->count() > 0) add("--strict", "");
  return command;
}

void check(const settings& s) {
  const auto wrong = [](const std::string& what) { stop(exit_code::usage, what); };
  const bool is_csv = s.from == "csv" || s.from == "tsv";
  if (s.keep && !is_csv && s.from != "ndjson") wrong("--keep is for ndjson, csv and tsv");
  if (s.separator != ',' && s.from != "csv" && s.to != "csv") wrong("--separator is for csv");
  if (s.single_line_cells && !is_csv) wrong("--single-line-cells is for csv and tsv");
  if (!s.replay.empty() && (!s.inputs.empty() || !s.output.empty() || !s.rejects.empty() || !s.state_file.empty() ||
                            s.resume || s.part.count > 1)) {
    wrong(
        "--replay reads a log and prints what it finds: it goes with --model, --policy and --list, not with inputs or "
        "outputs");
  }
  if (!s.clickhouse_xml.empty()) {
    const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    if (!std::all_of(s.clickhouse_xml.begin(), s.clickhouse_xml.end(), is_word)) {
      wrong("--clickhouse-xml: a function's name has letters, digits and underscores");
    }
    if (s.clickhouse_command.find_first_of("\t\n\"'") != std::string::npos) {
      wrong("--clickhouse-xml: ClickHouse splits the command at blanks: name the program and its files without them");
    }
    if (!s.inputs.empty() || !s.output.empty() || !s.replay.empty() || !s.rejects.empty() || !s.state_file.empty()) {
      wrong("--clickhouse-xml goes with --model, --policy and --strict, not with inputs or outputs");
    }
  }
  if (s.keep && s.from != s.to) wrong("--keep needs --from and --to to be the same");
  if (s.resume && s.output.empty()) wrong("--resume needs --output");
  std::vector<named_file> files{{"--output", s.output, s.resume ? file_use::resumed : file_use::replaced},
                                {"--rejects", s.rejects, file_use::replaced},
                                {"--state-file", s.state_file, file_use::kept},
                                {"the model file", s.model, file_use::read},
                                {"the policy file", s.policy, file_use::read}};
  if (s.output.empty()) files.push_back({"the standard output", "/dev/stdout", file_use::replaced});
  if (s.inputs.empty() && s.replay.empty()) files.push_back({"an input", "/dev/stdin", file_use::read});
  if (!s.replay.empty()) files.push_back({"the log", s.replay, file_use::read});
  for (const std::string& input : s.inputs) {
    files.push_back({"an input", input == "-" ? "/dev/stdin" : input, file_use::read});
  }
  if (const std::string problem = wrong_names(files); !problem.empty()) wrong(problem);
}

}  // namespace

settings parse_settings(int argc, char** argv, std::string_view model, std::string_view policy) {
  settings s;
  s.threads = std::max(std::thread::hardware_concurrency(), 1U);
  s.model = bundled_model(model);
  if (!policy.empty()) s.policy = bundled_model(policy);
  const ::mode_t mask = ::umask(0);
  ::umask(mask);
  s.output_mode = 0666U & ~mask;
  CLI::App app("Scores records: a filter from the standard input or files to the standard output or a file.");
  declare(app, s);
  if (const auto status = parse_command_line(app, argc, argv)) {
    std::exit(static_cast<int>(*status == 2   ? exit_code::usage
                               : *status == 0 ? exit_code::done
                                              : exit_code::input_output));
  }
  for (const char* flag :
       {"--output", "--rejects", "--state-file", "--model", "--policy", "--replay", "--to", "--clickhouse-xml"}) {
    if (app[flag]->count() > 0 && app[flag]->as<std::string>().empty()) {
      stop(exit_code::usage, fmt::format("{} is empty", flag));
    }
  }
  for (const char* flag : {"--rejects", "--state-file"}) {
    if (app[flag]->count() > 0 && app[flag]->as<std::string>() == "-") {
      stop(exit_code::usage, fmt::format("{} is a file: write /dev/stderr, or ./- for a file of that name", flag));
    }
  }
  if (s.output == "-") s.output.clear();
  if (!s.clickhouse_xml.empty()) s.clickhouse_command = clickhouse_command(app, argv[0]);
  if (s.to.empty()) s.to = s.from;
  check(s);
  return s;
}
