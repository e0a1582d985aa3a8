#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # common.sh has them
# local.sh SCORE_STREAM TABSCORE_MERGE: xargs, and GNU parallel where it is installed, with parts that are killed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rmdir "$work"
work=$(mktemp -d -t 'two words.XXXXXX')
trap 'rm -rf "$work"' EXIT

make_input 20000 "$work/in.csv"
"$program" --from csv --quiet --output "$work/whole" --state-file "$work/whole.state" "$work/in.csv"
run() {  # NAME
  flaky "$work/flaky" "$work/$1-killed"
  SCORE_STREAM=$work/flaky "$schedulers/with_$1.sh" 2 8 "$work/in.csv" "$work/$1" "$work/$1.out" --from csv 2> "$work/$1.err" ||
    { cat "$work/$1.err" >&2; exit 1; }
  [ "$(find "$work/$1-killed" -name 'killed-*' | wc -l)" -eq 2 ] || { echo "$1: no part was killed" >&2; exit 1; }
  expect_same "$1" "$work/$1.out" "$work/$1"
}
run xargs
if command -v parallel > /dev/null; then
  run parallel
else
  echo "parallel: skipped, it is not installed (apt install parallel)"
fi
# The output may be a link, and keeps its mode.
echo old > "$work/target" && chmod 600 "$work/target" && ln -s target "$work/linked"
"$schedulers/join_parts.sh" 8 "$work/xargs" "$work/linked"
cmp "$work/whole" "$work/target" && [ -L "$work/linked" ] && [ "$(stat -c %a "$work/target")" = 600 ]
mkfifo "$work/pipe"
cmp "$work/whole" "$work/pipe" & "$schedulers/join_parts.sh" 8 "$work/xargs" "$work/pipe" && wait $! && [ -p "$work/pipe" ]
# The folder is of one run: another number of parts, other flags, or an input that has changed would give a mixture.
refused() {  # PARTS INPUT FLAG...
  if "$schedulers/with_xargs.sh" 2 "$1" "$work/$2" "$work/xargs" "$work/mixed" "${@:3}" 2> "$work/err"; then exit 1; fi
  grep -q 'holds parts of another run' "$work/err" || { cat "$work/err" >&2; exit 1; }
}
refused 4 in.csv --from csv
refused 8 in.csv --from csv --strict
cp "$work/in.csv" "$work/was.csv"
echo 1,US,1,1,1,1,1 >> "$work/in.csv"
refused 8 in.csv --from csv
cp "$work/was.csv" "$work/in.csv"
if "$schedulers/join_parts.sh" 4 "$work/xargs" "$work/mixed" 2> /dev/null; then exit 1; fi
[ ! -e "$work/mixed" ] && [ ! -e "$work/mixed.state" ]
# A part that fails for good is an error, and nothing under the output's name.
printf 'nonsense\n' >> "$work/in.csv"
if "$schedulers/with_xargs.sh" 2 3 "$work/in.csv" "$work/bad" "$work/bad.out" --from csv 2> /dev/null; then exit 1; fi
[ ! -e "$work/bad.out" ] && [ ! -e "$work/bad.out.partial" ]
echo "a wrong record: no output"
