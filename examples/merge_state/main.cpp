// SPDX-License-Identifier: MIT
// Merges the monitoring states of replicas, as GET /monitoring/state or --state-file give them, into the bytes that one
// process would have: tabscore-merge a.json b.json > all.json
#include <fmt/format.h>
#include <tabscore/files/lock_file.hpp>
#include <tabscore/monitor/state_file.hpp>

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../command_line.hpp"
#include "../file_mode.hpp"
#include "../file_names.hpp"
#include "../standard_streams.hpp"

namespace ts = tabscore;

int main(int argc, char** argv) {
  hold_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // an error of write(), so that no part of a file is left
  const auto fail = [](const std::string& message) {
    say("tabscore-merge: {}\n", message);
    return 1;
  };
  std::vector<std::string> files;
  std::string output;
  CLI::App app("Merges monitoring states of one model. The order of the files does not matter.");
  app.add_option("states", files, "state files, at least one");
  app.add_option("-o,--output", output, "output file, replaced as a whole (default, or -: the standard output)");
  ::mode_t mode = 0600;
  add_file_mode(
      app, [&mode](::mode_t m) { mode = m; }, "mode of a new file, in octal (default: 600)");
  app.footer("Exit status: 0 done; 1 a state cannot be read, merged or written; 2 a flag is wrong.");
  if (const auto status = parse_command_line(app, argc, argv)) return *status;

  if (files.empty()) return say("tabscore-merge: no state file is given; see --help\n"), 2;
  if (app["--output"]->count() > 0 && output.empty()) return say("tabscore-merge: --output is empty\n"), 2;
  if (output == "-") output.clear();
  std::vector<named_file> named{{"--output", output, file_use::kept}};
  for (const std::string& file : files) named.push_back({"one of the states", file, file_use::read_first});
  if (const std::string problem = wrong_names(named); !problem.empty()) return fail(problem);
  std::optional<ts::monitor_state> all;
  std::vector<std::pair<::dev_t, ::ino_t>> seen;
  for (const std::string& file : files) {
    struct ::stat found {};
    if (::stat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode)) {
      const std::pair id(found.st_dev, found.st_ino);
      if (std::find(seen.begin(), seen.end(), id) != seen.end()) return fail(file + ": is given twice");
      seen.push_back(id);
    }
    const auto state = ts::load_monitor_state(file);
    if (!state) return fail(state.error().message);
    if (!all) {
      all = *state;
    } else if (const auto other = ts::merge(*all, *state)) {
      return fail(fmt::format("{}: {}", file, other->message));
    }
  }
  if (!output.empty()) {
    const auto lock = ts::files::lock_file::open(output);  // a server may keep its state there
    if (!lock) return fail(lock.error().message);
    if (const auto failed = ts::save_monitor_state(*all, output, mode)) return fail(failed->message);
    return 0;
  }
  print_out("{}", ts::to_json(*all));
  return is_output_written("tabscore-merge") ? 0 : 1;
}
