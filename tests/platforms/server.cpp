// SPDX-License-Identifier: MIT
// The example server as one file: Boost.Beast, Boost.Asio and CLI11 with each compiler of run.sh.
#include <tabscore/tabscore.hpp>

#include "../../examples/http/http_server.cpp"
#include "../../examples/scoring_server/flags.cpp"
#include "../../examples/student_server/main.cpp"
