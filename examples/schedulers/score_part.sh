#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# score_part.sh PART PARTS INPUT FOLDER [FLAG...]: scores one part of INPUT into FOLDER/part-PART and its monitoring state
# into FOLDER/state-PART. The part is there whole or not at all; one that is there is not scored again, and one that was
# begun goes on from its checkpoint, so that whoever runs this may run it as often as it takes. FOLDER is of one run
# (FOLDER/run says which): with parts of another, rows would be missing or there twice.
# SCORE_STREAM is the program (default: score_stream). INPUT and FOLDER must be seen by every machine that runs parts.
set -euo pipefail
part=$1 parts=$2 input=$3 folder=$4
shift 4
name=$(printf %06d "$part")
run="$parts parts of $input ($(stat -Lc '%s bytes of %Y' -- "$input")) $*"
new=$(mktemp "$folder/run.XXXXXX")
printf '%s\n' "$run" > "$new"
ln -T "$new" "$folder/run" 2> /dev/null || true  # another part was first
rm "$new"
[ "$(cat "$folder/run")" = "$run" ] ||
  { echo "score_part.sh: $folder holds parts of another run, see $folder/run: take an empty folder" >&2; exit 1; }
[ ! -e "$folder/part-$name" ] || exit 0
exec "${SCORE_STREAM:-score_stream}" --part "$part/$parts" --threads 1 --quiet --resume --state-file "$folder/state-$name" \
  --output "$folder/part-$name" "$@" "$input"
