// SPDX-License-Identifier: MIT
// Merges the monitoring states of replicas, as GET /monitoring/state or --state-file give them, into the bytes that one
// process would have: tabscore-merge a.json b.json > all.json
#include <fmt/format.h>
#include <tabscore/monitor/state_file.hpp>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace ts = tabscore;

int main(int argc, char** argv) {
  std::vector<std::string> files;
  std::string output;
  CLI::App app("Merges monitoring states of one model. The order of the files does not matter.");
  app.add_option("states", files, "state files")->required();
  app.add_option("-o,--output", output, "write here (the file is replaced whole), not to the standard output");
  CLI11_PARSE(app, argc, argv);

  const auto fail = [](const std::string& message) {
    fmt::print(stderr, "tabscore-merge: {}\n", message);
    return 1;
  };
  std::optional<ts::monitor_state> all;
  for (const std::string& file : files) {
    const auto state = ts::load_monitor_state(file);
    if (!state) return fail(state.error().message);
    if (!all) {
      all = *state;
    } else if (const auto other = ts::merge(*all, *state)) {
      return fail(fmt::format("{}: {}", file, other->message));
    }
  }
  if (!output.empty()) {
    if (const auto failed = ts::save_monitor_state(*all, output)) return fail(failed->message);
    return 0;
  }
  fmt::print("{}", ts::to_json(*all));
  return std::fflush(stdout) == 0 ? 0 : fail("the standard output cannot be written");
}
