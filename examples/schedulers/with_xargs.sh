#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# with_xargs.sh JOBS PARTS INPUT FOLDER OUTPUT [FLAG...]: the same with xargs, which retries nothing: all parts are asked
# for again, up to three times, and those that are there cost nothing.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
jobs=$1 parts=$2 input=$3 folder=$4 output=$5
shift 5
mkdir -p "$folder"
for _ in 1 2 3; do
  if seq "$parts" | xargs -P "$jobs" -I '{}' "$here/score_part.sh" '{}' "$parts" "$input" "$folder" "$@"; then
    exec "$here/join_parts.sh" "$parts" "$folder" "$output"
  fi
done
echo "with_xargs.sh: not all parts could be scored" >&2
exit 1
