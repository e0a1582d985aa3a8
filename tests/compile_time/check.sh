#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compile time is part of speed for a header-only library. Prints the memory that g++ -fsyntax-only allocates (not its peak:
# all of it) for each umbrella and for a program of 300 fields, and fails when one takes more than its budget, a multiple of
# bare <simdjson.h>. Memory grows with the text parsed and the templates made, and it is the same in each run, on any
# machine under any load.
# programs.sh measures time. Usage: check.sh
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
megabytes() { # header flags...
  printf '#include <%s>\n' "$1" |
    g++ -std=c++20 -fsyntax-only -ftime-report "${@:2}" -I"$root/include" -I"$root/tests/compile_time" -isystem "$eigen" -x c++ - 2>&1 |
    awk '$1 == "TOTAL" { n = $NF + 0; print int($NF ~ /G$/ ? n * 1024 : $NF ~ /k$/ ? n / 1024 : n) }'
}
bad=0
unit=$(megabytes simdjson.h)
# header or program, budget in percent of <simdjson.h>, flags: 15 % more than measured with g++ 12
while read -r header budget flags; do
  # shellcheck disable=SC2086 # flags are words
  mb=$(megabytes "$header" $flags)
  percent=$((mb * 100 / unit)) verdict=ok
  [ "$percent" -le "$budget" ] || { verdict="over its budget of $budget %"; bad=1; }
  printf '%-40s %5d MB, %4d MB for simdjson.h: %4d %%  %s %s\n' "$header" "$mb" "$unit" "$percent" "$verdict" "$flags"
done <<'TABLE'
tabscore/schema/schema.hpp 24
tabscore/schema/batch.hpp 48
tabscore/expr/rule.hpp 43
tabscore/pipeline/pipeline.hpp 148
tabscore/json/decode.hpp 142
tabscore/pipeline/score_json.hpp 256
tabscore/models/load_tabscore.hpp 444
tabscore/models/load_model.hpp 80 -DTABSCORE_COMPILED
tabscore/tabscore.hpp 806
tabscore/tabscore.hpp 320 -DTABSCORE_COMPILED
wide.cpp 478 -DTABSCORE_COMPILED
tabscore/serving/endpoint.hpp 321 -DTABSCORE_COMPILED
TABLE
exit $bad
