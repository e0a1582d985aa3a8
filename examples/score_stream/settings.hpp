// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

enum class on_error { fail, skip, null };

/// I of N: the part of the input file that is scored.
struct file_part {
  std::size_t index = 1;
  std::size_t count = 1;
};

/// What the flags say; see settings.cpp.
struct settings {
  std::vector<std::string> inputs;  // none: the standard input
  std::string output;               // empty: the standard output
  std::string from = "ndjson";
  std::string to;  // empty: as from
  bool keep = false;
  char separator = ',';  // of csv
  bool single_line_cells = false;
  bool strict = false;
  std::string model;
  std::string policy;  // of a service that declares decisions; empty: none
  unsigned threads = 1;
  on_error on_wrong = on_error::fail;
  std::string rejects;
  ::mode_t output_mode = 0666;   // of new files: the output,
  ::mode_t private_mode = 0600;  // and those that hold records whatever the flags are
  std::string state_file;
  file_part part;
  bool resume = false;
  double checkpoint_seconds = 10;
  std::size_t block_bytes = std::size_t{256} << 10;
  std::size_t max_record_bytes = std::size_t{64} << 20;
  bool quiet = false;
  std::string replay;  // a prediction log; empty: score the inputs
  std::size_t replay_list = 20;
  std::string clickhouse_xml;      // name of a function of ClickHouse to define; empty: score the inputs
  std::string clickhouse_command;  // of its definition
};

/// Reads the command line; ends the program where it is wrong or asks for help. `model`: the bundled model that is the
/// default of --model; `policy`: that of --policy, empty: none.
settings parse_settings(int argc, char** argv, std::string_view model, std::string_view policy);
