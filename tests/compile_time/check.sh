#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compile time is part of speed for a header-only library. Prints the CPU time of g++ -fsyntax-only on each umbrella and
# fails when one costs more than its budget, a multiple of bare <simdjson.h>. While it is over the budget, both are measured
# up to ten times in turn and the least counts, so that a slow or busy machine changes nothing; otherwise ROUNDS (1) times.
# Usage: [ROUNDS=3] check.sh
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
cpu() { # header flags...: CPU milliseconds
  local source
  source=$(printf '#include <%s>\n' "$1")
  { TIMEFORMAT='%U %S'; time g++ -std=c++20 -fsyntax-only "${@:2}" -I"$root/include" -isystem "$eigen" -x c++ - <<<"$source" 1>&2; } 2>&1 |
    awk '{ printf "%d", ($1 + $2) * 1000 }'
}
least() { [ -n "$1" ] && [ "$1" -lt "$2" ] && echo "$1" || echo "$2"; }
bad=0
first=$(least "$(cpu simdjson.h)" "$(cpu simdjson.h)")
# header, budget in percent of <simdjson.h>, flags: a fifth and more above what was measured
while read -r header budget flags; do
  unit=$first ms=
  for round in $(seq 10); do
    [ "$round" -eq 1 ] || unit=$(least "$unit" "$(cpu simdjson.h)")
    ms=$(least "$ms" "$(cpu "$header" $flags)")
    percent=$((ms * 100 / unit))
    [ "$round" -ge "${ROUNDS:-1}" ] && [ "$percent" -le "$budget" ] && break
  done
  verdict=ok
  [ "$percent" -le "$budget" ] || { verdict="over its budget of $budget %"; bad=1; }
  printf '%-40s %6d ms, %6d ms for simdjson.h: %4d %%  %s %s\n' "$header" "$ms" "$unit" "$percent" "$verdict" "$flags"
done <<'TABLE'
tabscore/schema/schema.hpp 30
tabscore/schema/batch.hpp 60
tabscore/expr/rule.hpp 90
tabscore/pipeline/pipeline.hpp 150
tabscore/json/decode.hpp 190
tabscore/pipeline/score_json.hpp 250
tabscore/models/load_tabscore.hpp 530
tabscore/models/load_model.hpp 150 -DTABSCORE_COMPILED
tabscore/tabscore.hpp 1090
tabscore/tabscore.hpp 500 -DTABSCORE_COMPILED
tabscore/serving/endpoint.hpp 520 -DTABSCORE_COMPILED
TABLE
exit $bad
