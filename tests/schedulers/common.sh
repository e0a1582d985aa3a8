# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced by the tests of examples/schedulers: flaky() makes a score_stream that is killed at its first run of every part
# whose number divides by three; its second argument says where it remembers that.
set -euo pipefail
program=$(readlink -f "$1")
export TABSCORE_MERGE
TABSCORE_MERGE=$(readlink -f "$2")
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
schedulers=$here/../../examples/schedulers
work=$(mktemp -d)

make_input() {  # RECORDS FILE
  awk -v n="$1" 'BEGIN {
    srand(4); print "days_on_platform,student_country,minutes_watched,courses_started,practice_exams_started,practice_exams_passed,minutes_spent_on_exams"
    split("US SG IN DE \"Korea,_Republic_of\"", country, " ")
    for (i = 0; i < n; ++i) {
      s = int(rand() * 9)
      printf "%d,%s,%.1f,%d,%d,%d,%.2f\n", rand() * 900, country[1 + int(rand() * 5)], rand() * 900, rand() * 9, s, rand() * (s + 1), rand() * 200
    }
  }' > "$2"
}

flaky() {  # FILE FOLDER
  mkdir -p "$2"
  cat > "$1" <<END
#!/usr/bin/env bash
part=\${2%/*}
if [ \$((part % 3)) -eq 0 ] && mkdir "$2/killed-\$part" 2>/dev/null; then
  "$program" --checkpoint-seconds 0 --block-bytes 300 "\$@" &
  sleep 0.03
  kill -9 \$!
  wait \$!
  exit 137
fi
exec "$program" "\$@"
END
  chmod +x "$1"
}

expect_same() {  # what, OUTPUT, FOLDER
  cmp "$work/whole" "$2"
  cmp "$work/whole.state" "$2.state"
  local left
  left=$(find "$3" -name '*.partial' -o -name '*.checkpoint' -o -name '*.new')
  [ -z "$left" ] || { echo "left over: $left" >&2; exit 1; }
  echo "$1: the bytes of one process"
}
