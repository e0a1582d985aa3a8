#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compile time is part of speed for a header-only library. Prints the CPU time of g++ -fsyntax-only on each umbrella and
# fails when one costs more than its budget, a multiple of bare <simdjson.h> in the same run, so that a slow or busy
# machine changes nothing. Best of three. Usage: check.sh
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
cpu() { # header flags...: best CPU milliseconds of three
  local source best=
  source=$(printf '#include <%s>\n' "$1")
  for _ in 1 2 3; do
    local t
    t=$( { TIMEFORMAT='%U %S'; time g++ -std=c++20 -fsyntax-only "${@:2}" -I"$root/include" -isystem "$eigen" -x c++ - <<<"$source" 1>&2; } 2>&1 |
      awk '{ printf "%d", ($1 + $2) * 1000 }')
    { [ -z "$best" ] || [ "$t" -lt "$best" ]; } && best=$t
  done
  echo "$best"
}
unit=$(cpu simdjson.h)
echo "<simdjson.h> alone: $unit ms"
bad=0
# header, budget in percent of <simdjson.h>, flags: a fifth and more above what was measured, so that noise does not fail it
while read -r header budget flags; do
  ms=$(cpu "$header" $flags)
  percent=$((ms * 100 / unit))
  verdict=ok
  [ "$percent" -le "$budget" ] || { verdict="over its budget of $budget %"; bad=1; }
  printf '%-40s %6d ms %5d %%  %s %s\n' "$header" "$ms" "$percent" "$verdict" "$flags"
done <<'TABLE'
tabscore/schema/schema.hpp 30
tabscore/schema/batch.hpp 60
tabscore/expr/rule.hpp 90
tabscore/pipeline/pipeline.hpp 110
tabscore/json/decode.hpp 190
tabscore/service/score_json.hpp 250
tabscore/models/load_tabscore.hpp 310
tabscore/models/load_model.hpp 190 -DTABSCORE_COMPILED
tabscore/tabscore.hpp 560
tabscore/tabscore.hpp 440 -DTABSCORE_COMPILED
TABLE
exit $bad
