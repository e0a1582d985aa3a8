// SPDX-License-Identifier: MIT
// Scores records of students in files and pipes: score_stream < records.ndjson > predictions.ndjson; see --help.
#include <fmt/format.h>
#include <tabscore/tabscore.hpp>

#include <csignal>
#include <exception>
#include <string>
#include <utility>

#include "replay.hpp"
#include "run.hpp"
#include "settings.hpp"
#include "stop.hpp"
#include "student.hpp"

namespace {

exit_code score(const settings& s) {
  auto bytes = ts::read_model_bytes(s.model);
  if (!bytes) stop(exit_code::usage, bytes.error().message);
  auto file = ts::parse_model_file(*bytes, s.model);
  if (!file) stop(exit_code::usage, file.error().message);
  auto model = ts::make_scorer(*file);
  if (!model) stop(exit_code::usage, model.error().message);
  if (!s.replay.empty()) return replay(s, *std::move(model));
  const std::string identity = fmt::format("{:016x}", ts::siphash(*bytes, {}));
  const auto with = [&](auto sinks, ts::drift_monitor* monitor) {
    auto pipe = ts::make_pipeline(student{}, student_columns::rules, student_columns::features, *std::move(model),
                                  sinks, purchase{});
    if (!pipe) stop(exit_code::usage, pipe.error().message);
    run(s, *pipe, monitor, identity)();
  };
  if (s.state_file.empty()) return with(ts::sinks{}, nullptr), exit_code::done;
  auto reference = ts::make_drift_reference(*file);
  if (!reference) stop(exit_code::usage, "--state-file needs a model file with histograms");
  ts::drift_monitor monitor(*std::move(reference));
  with(ts::sinks{monitor}, &monitor);
  return exit_code::done;
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  sigpipe_ends = std::signal(SIGPIPE, SIG_IGN) != SIG_IGN;  // an error of write(), so that no part of a file is left
  std::signal(SIGXFSZ, SIG_IGN);
  const settings s = parse_settings(argc, argv);
  if (s.strict) program_policy::be_strict();
  try {
    return static_cast<int>(score(s));
  } catch (const std::exception& e) {
    stop(exit_code::input_output, e.what());
  }
}
