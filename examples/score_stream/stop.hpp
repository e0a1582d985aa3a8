// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// How score_stream ends.
enum class exit_code : int {
  done = 0,          ///< everything was read and written; rejected records were skipped or answered with null as asked
  usage = 1,         ///< flags, model, or files that do not fit them
  bad_record = 2,    ///< a record is wrong and --on-error is fail
  input_output = 3,  ///< something could not be read or written
  differs = 4        ///< --replay: a probability or label is not the logged one, or a line could not be replayed
};

/// Ends the program at once, whatever other threads are about: one of them may wait for input that never comes.
[[noreturn]] inline void stop(exit_code code, std::string_view message) {
  fmt::print(stderr, "score_stream: {}\n", message);
  std::fflush(stderr);
  std::_Exit(static_cast<int>(code));
}
