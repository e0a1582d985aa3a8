// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <cstdio>
#include <functional>
#include <string_view>

#include "../standard_streams.hpp"

/// How score_stream ends.
enum class exit_code : int {
  done = 0,          ///< everything was read and written; rejected records were skipped or answered with null as asked
  usage = 1,         ///< flags, model, or files that do not fit them
  bad_record = 2,    ///< a record is wrong and --on-error is fail
  input_output = 3,  ///< something could not be read or written
  differs = 4        ///< --replay: a probability or label is not the logged one, or a line could not be replayed
};

/// What is left to do when the program ends early: set before there are threads.
inline std::function<void()> before_stop = [] {};

/// Ends the program at once, whatever other threads are about: one of them may wait for input that never comes.
[[noreturn]] inline void stop(exit_code code, std::string_view message) {
  before_stop();
  say("score_stream: {}\n", message);
  std::_Exit(static_cast<int>(code));
}

/// Whether SIGPIPE would have ended the program, had it not asked for an error instead.
inline bool sigpipe_ends = true;

/// Nobody reads the standard output any more: ends by SIGPIPE, without a word, as other filters do. Returns where
/// whoever started the program ignores that signal.
inline void end_as_a_filter_does() {
  if (!sigpipe_ends) return;
  before_stop();
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
}
