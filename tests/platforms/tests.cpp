// SPDX-License-Identifier: MIT
// What each row of run.sh builds and runs: every public header with its bodies, and tests of what depends most on the
// compiler and the libraries beneath: reading and writing numbers, exact sums, formulas, JSON, encoders, kernels of
// trees. One file, since a compiler spends most of its time on the headers.

// First, since Catch2 2 defines its own functions where it is included first.
#include "../support/main.cpp"

#include <tabscore/tabscore.hpp>

#include "../pipeline/score_json.cpp"
// Names of the above are not hidden by those below.
#include "../core/exact_sum.cpp"
#include "../core/json_text.cpp"
#include "../core/numbers.cpp"
#include "../core/sha256.cpp"
#include "../expr/rule.cpp"
#include "../features/encoder.cpp"
#include "../formats/csv.cpp"
#include "../json/decode.cpp"
#include "../json/write.cpp"
// The following use the library's namespace.
#include "../features/numeric_step.cpp"
#include "../models/load_forest.cpp"
#include "../models/student_gbm.cpp"

#ifdef TABSCORE_LIBRARIES_FROM_SOURCE  // those of the system were built with another standard library
#include <simdjson.cpp>
#if __has_include(<catch_amalgamated.cpp>)
#include <catch_amalgamated.cpp>
#endif
#endif
