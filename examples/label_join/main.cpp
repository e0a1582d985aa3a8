// SPDX-License-Identifier: MIT
// Joins prediction logs with labels that came later, and reports what the predictions were worth:
// tabscore-labels --id order --labels labels.ndjson predictions.jsonl > performance.json
#include <fmt/format.h>
#include <simdjson.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tabscore/files/replaced_file.hpp>
#include <utility>
#include <vector>

#include "../command_line.hpp"
#include "../file_mode.hpp"
#include "../file_names.hpp"
#include "../standard_streams.hpp"
#include "join.hpp"
#include "label_table.hpp"
#include "line_reader.hpp"
#include "partitions.hpp"
#include "prediction_log.hpp"

namespace {

/// Says of lines that cannot be read why, the first ones one by one.
class complaints {
 public:
  void add(const std::string& file, std::uint64_t line, std::string_view why) {
    if (++count_ <= 20) say("tabscore-labels: {}, line {}: {}\n", file, line, why);
  }
  void end() const {
    if (count_ > 20) say("tabscore-labels: and {} lines more that cannot be read\n", count_ - 20);
  }

 private:
  std::uint64_t count_ = 0;
};

bool is_csv(const std::string& path) { return path.ends_with(".csv") || path.ends_with(".CSV"); }

/// Reads the labels of a file; why it cannot be read, or nothing.
class label_files {
 public:
  label_files(ts::label_reader reader, char separator, const ts::siphash_key& key, partitions& to, join_counts& counts,
              complaints& wrong)
      : reader_(std::move(reader)), separator_(separator), key_(key), to_(to), counts_(counts), wrong_(wrong) {}

  std::optional<std::string> read(const std::string& path) {
    if (is_csv(path)) {
      auto failed = read_label_table(
          path, separator_,
          [&](std::uint64_t line, std::string_view id, std::string_view label, std::string_view time) {
            const char* const why = reader_.read(id, label, time, label_);
            return why == nullptr ? take() : refuse(path, line, why);
          },
          [&](std::uint64_t line, std::string_view why) { return refuse(path, line, why); });
      return failed || to_.failure().empty() ? failed : to_.failure();
    }
    line_reader lines;
    if (auto failed = lines.open(path)) return failed;
    std::string_view line;
    while (lines.next(line)) {
      const char* const why = read_object(line);
      if (why != nullptr ? !refuse(lines.name(), lines.line(), why) : !take()) return to_.failure();
    }
    if (!lines.failure().empty()) return lines.failure();
    return std::nullopt;
  }

 private:
  bool refuse(const std::string& file, std::uint64_t line, std::string_view why) {
    ++counts_.labels;
    ++counts_.unreadable_labels;
    wrong_.add(file, line, why);
    return true;
  }
  /// False: the label has no room, see failure().
  bool take() {
    ++counts_.labels;
    record_.assign({ts::siphash(label_.id, key_), static_cast<std::uint64_t>(label_.time.value_or(join::no_time))});
    for (const double x : label_.numbers) record_.push_back(std::bit_cast<std::uint64_t>(x));
    return to_.add(record_);
  }

  const char* read_object(std::string_view line) {
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser_.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document) !=
            simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      return "is not a JSON object";
    }
    const char* const why = reader_.read(object, label_);
    return why != nullptr || document.current_location().error() != simdjson::SUCCESS ? why
                                                                                      : "has more behind the object";
  }

  ts::label_reader reader_;
  char separator_;
  ts::siphash_key key_;
  partitions& to_;
  join_counts& counts_;
  complaints& wrong_;
  simdjson::ondemand::parser parser_;
  ts::label label_;
  std::vector<std::uint64_t> record_;
};

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);
  const auto fail = [](const std::string& message) {
    say("tabscore-labels: {}\n", message);
    return 1;
  };
  log_settings of_log;
  join_settings of_join;
  std::vector<std::string> logs, labels;
  std::string output, window = "none";
  const char* const folder = std::getenv("TMPDIR");
  std::string temporary = folder != nullptr && *folder != '\0' ? folder : "/tmp";
  std::uint64_t memory = 1024, delay = 0;
  ::mode_t mode = 0600;
  char separator = ',';
  CLI::App app("Joins prediction logs with labels by an id and reports the model's performance as JSON.");
  app.add_option("logs", logs, "prediction logs, '-' for the standard input");
  app.add_option(
         "--labels", labels,
         "files of labels: lines of {\"id\":...,\"label\":...,\"time\":...}, or a table with columns of these names "
         "(.csv)")
      ->allow_extra_args(false);
  add_separator(app, separator, "separator of the cells of these tables");
  app.add_option("--id", of_log.id, "the id: a member of the log's lines, or a feature")->required();
  add_choice(app, "--task", of_log.task,
             {{"binary", ts::task::binary},
              {"multiclass", ts::task::multiclass},
              {"regression", ts::task::regression},
              {"quantiles", ts::task::quantiles},
              {"score", ts::task::score},
              {"anomaly", ts::task::anomaly}},
             "what the models predict");
  app.add_option("--prediction", of_log.members, "names of a prediction's members (default: found in the first line)")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--levels", of_log.levels, "levels of quantiles, such as 0.1,0.5,0.9 (default: of names such as p10)")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--segment", of_log.segments, "feature whose values are reported separately")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--window", window, "time covered by a report: none, hour, day (UTC)")
      ->check(CLI::IsMember({"none", "hour", "day"}))
      ->capture_default_str();
  add_number(app, "--max-delay-hours", delay, "hours after which a label is late; 0: never", std::uint64_t{0},
             std::uint64_t{1'000'000});
  app.add_flag("--exact", of_join.exact,
               "keep each score, 16 bytes per pair and report: areas and KS are exact instead of bounds from cells");
  app.add_flag("--estimate", of_join.estimate,
               "add the expected performance of all predictions, estimated without labels");
  add_number(app, "--memory-mib", memory, "memory for predictions and labels; the rest goes to a temporary file",
             std::uint64_t{1}, std::uint64_t{1} << 20U);
  app.add_option("--temporary-folder", temporary, "folder of temporary files")->capture_default_str();
  app.add_option("-o,--output", output, "output file, replaced as a whole (default, or -: the standard output)");
  add_file_mode(
      app, [&mode](::mode_t m) { mode = m; }, "mode of a new file, in octal (default: 600)");
  app.footer(
      "Lines that cannot be read are counted in the report.\n"
      "Exit status: 0 done; 1 a file cannot be read or written, or holds no prediction; 2 a flag is wrong.");
  if (const auto status = parse_command_line(app, argc, argv)) return *status;

  // FILE.intent, which a pattern for a log and the files set aside may name too, is no log.
  std::erase_if(logs, [](const std::string& name) { return name.ends_with(".intent"); });
  if (logs.empty()) return say("tabscore-labels: no prediction log is given; see --help\n"), 2;
  for (const auto& [flag, value] : {std::pair{"--output", &output}, std::pair{"--id", &of_log.id}}) {
    if (app[flag]->count() > 0 && value->empty()) return say("tabscore-labels: {} is empty\n", flag), 2;
  }
  if (!of_log.levels.empty() && of_log.task != ts::task::quantiles) {
    return say("tabscore-labels: --levels is for --task quantiles\n"), 2;
  }
  if (labels.empty() && !of_join.estimate) return say("tabscore-labels: --labels or --estimate is required\n"), 2;
  std::vector<std::string> once = of_log.segments;
  std::sort(once.begin(), once.end());
  if (const auto twice = std::adjacent_find(once.begin(), once.end()); twice != once.end()) {
    return say("tabscore-labels: --segment {} is given twice\n", *twice), 2;
  }
  if (std::count(logs.begin(), logs.end(), "-") + std::count(labels.begin(), labels.end(), "-") > 1) {
    return say("tabscore-labels: the standard input is read once only\n"), 2;
  }
  if (output == "-") output.clear();
  std::vector<named_file> named{{"--output", output, file_use::replaced}};
  if (output.empty()) named = {{"the standard output", "/dev/stdout", file_use::replaced}};
  for (const std::string& file : logs) named.push_back({"one of the logs", file, file_use::read});
  for (const std::string& file : labels) named.push_back({"one of the labels", file, file_use::read});
  if (const std::string problem = wrong_names(named); !problem.empty()) return fail(problem);
  of_join.window = std::map<std::string, std::int64_t>{{"none", 0}, {"hour", 3600}, {"day", 86400}}[window] * 1'000'000;
  if (delay > 0) of_join.max_delay = static_cast<std::int64_t>(delay) * 3'600'000'000;

  std::random_device random;
  const auto word = [&] { return std::uint64_t{random()} << 32U | random(); };
  const ts::siphash_key key{word(), word()};
  const std::size_t bytes = (std::size_t{memory} << 20U) / 4;  // each of two, and as much to load and sort partitions
  partitions predictions(bytes, temporary), labelled(bytes, temporary);
  prediction_log log(of_log, key);
  join joined(log, of_join);
  complaints wrong;
  std::uint64_t others = 0;
  for (const std::string& path : logs) {
    line_reader lines;
    if (const auto failed = lines.open(path)) return fail(*failed);
    std::string_view line;
    while (lines.next(line)) {
      const char* const why = log.read(line);
      if (why != nullptr && prediction_log::is_other(line)) {
        ++others;
        continue;
      }
      ++joined.counts.predictions;
      if (why != nullptr) {
        ++joined.counts.unreadable_predictions;
        wrong.add(lines.name(), lines.line(), lines.is_torn() ? "is torn" : why);
      } else if (!predictions.add(log.record())) {
        return fail(predictions.failure());
      }
    }
    if (!lines.failure().empty()) return fail(lines.failure());
  }
  if (joined.counts.predictions == joined.counts.unreadable_predictions) {
    return fail("there is no prediction in the logs");
  }
  label_files reader(ts::label_reader(log.model()), separator, key, labelled, joined.counts, wrong);
  for (const std::string& path : labels) {
    if (const auto failed = reader.read(path)) return fail(*failed);
  }
  for (std::size_t at = 0; at < partitions::count; ++at) {
    if (!joined.add(predictions, labelled, at)) {
      return fail(predictions.failure().empty() ? labelled.failure() : predictions.failure());
    }
  }
  wrong.end();
  if (others > 0) say("tabscore-labels: {} lines are overrides or erased records, and were not read\n", others);
  const std::string text = joined.report();
  if (output.empty()) {
    print_out("{}", text);
    return is_output_written("tabscore-labels") ? 0 : 1;
  }
  auto file = ts::files::replaced_file::open(output, mode);
  if (!file) return fail(output + ": cannot be opened: " + file.error().message);
  if (file->write(text) && file->sync() && file->commit()) return 0;
  const std::string failure = output + ": cannot be written" + ts::files::because_of_errno();
  file->discard();
  return fail(failure);
}
