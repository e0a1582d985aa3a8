// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tabscore/monitor/state.hpp>

#include "input.hpp"
#include "settings.hpp"

/// Records of a run so far.
struct counts {
  std::uint64_t read = 0;
  std::uint64_t scored = 0;
  std::uint64_t rejected = 0;
  std::uint64_t bytes = 0;  // of records
};

/// Everything that a run needs to go on from where another one was: kept in OUTPUT.checkpoint, which is replaced whole.
struct checkpoint {
  std::string run;  // what was asked for: a checkpoint of something else is not taken up
  bool complete = false;
  input_position input;
  std::uint64_t file_records = 0;  // of the input file
  std::uint64_t file_lines = 0;
  std::uint64_t output_bytes = 0;
  std::uint64_t reject_bytes = 0;
  counts done;
  std::optional<ts::monitor_state> state;
};

/// What must be the same for a run to be gone on with; `model` is the fingerprint of the model file.
std::string identity_of(const settings& s, const std::string& model);

/// Nothing where there is none. End the program where a file cannot be read or written, or is of another run.
std::optional<checkpoint> load_checkpoint(const settings& s, const std::string& run);
void save_checkpoint(const settings& s, const checkpoint& c);
void remove_checkpoint(const settings& s);
