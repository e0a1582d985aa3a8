#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# programs.sh [ROUNDS]: CPU seconds and memory of g++ -O2 for whole programs, as multiples of the headers of simdjson, Eigen
# and fmt alone, measured in turn; the least of 3 rounds. docs/reference/configuration.md has such a table. No test.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <simdjson.h>\n#include <Eigen/Core>\n#include <fmt/format.h>\n' >"$work/libraries.cpp"
compile() { # row, flags and file...
  /usr/bin/time -f "%U %S %M" -o "$work/cost" \
    g++ -std=c++20 -O2 -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" -c -o "$work/o.o" "${@:2}"
  echo "$1 $(cat "$work/cost")"
}
full=$root/tests/compile_time/full.cpp embed=$root/examples/embed/main.cpp
for _ in $(seq "${1:-3}"); do
  compile libraries "$work/libraries.cpp"
  compile full "$full"
  compile full,compiled -DTABSCORE_COMPILED "$full"
  compile embed "$embed"
  compile embed,compiled -DTABSCORE_COMPILED "$embed"
  for unit in tabscore.cpp tabscore_models.cpp tabscore_rest.cpp; do compile $unit "$root/include/tabscore/$unit"; done
done | awk '
  !($1 in s) { order[++n] = $1 }
  !($1 in s) || $2 + $3 < s[$1] { s[$1] = $2 + $3 }
  { kb[$1] = $4 }
  END { for (i = 1; i <= n; ++i) { k = order[i]
    printf "%-20s %6.2f s %6.2f x %6d MB %5.2f x\n", k, s[k], s[k] / s["libraries"], kb[k] / 1024, kb[k] / kb["libraries"] } }'
