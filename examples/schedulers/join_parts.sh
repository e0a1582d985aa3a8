#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# join_parts.sh PARTS FOLDER OUTPUT: puts the parts in a row, which gives the bytes of one process, and their monitoring
# states together (OUTPUT.state). Fails without a trace when a part is missing or PARTS is not that of the run.
# TABSCORE_MERGE is the program that adds up states (default: tabscore-merge).
set -euo pipefail
parts=$1 folder=$2 output=$3
[ "$(cut -d ' ' -f 1 "$folder/run")" = "$parts" ] || { echo "join_parts.sh: see $folder/run" >&2; exit 1; }
files=() states=()
for part in $(seq -f %06.0f "$parts"); do
  [ -e "$folder/part-$part" ] || { echo "join_parts.sh: $folder/part-$part is missing" >&2; exit 1; }
  files+=("$folder/part-$part") states+=("$folder/state-$part")
done
"${TABSCORE_MERGE:-tabscore-merge}" --output "$output.state" "${states[@]}"
if [ -e "$output" ] && [ ! -f "$output" ]; then  # a pipe or a device
  exec cat "${files[@]}" > "$output"
fi
target=$(readlink -m -- "$output")  # a link stays
trap 'rm -f "$target.partial"' EXIT
rm -f "$target.partial"
set -o noclobber  # another link of that name is not followed
cat "${files[@]}" > "$target.partial"
[ ! -e "$target" ] || chmod --reference="$target" "$target.partial"
sync "$target.partial"
mv "$target.partial" "$target"
