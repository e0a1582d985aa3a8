#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# score_part.sh PART PARTS INPUT FOLDER [FLAG...]: scores one part of INPUT into FOLDER/part-PART and its monitoring state
# into FOLDER/state-PART. The part is there whole or not at all; one that is there is not scored again, and one that was
# begun goes on from its checkpoint, so that whoever runs this may run it as often as it takes.
# SCORE_STREAM is the program (default: score_stream). INPUT and FOLDER must be seen by every machine that runs parts.
set -euo pipefail
part=$1 parts=$2 input=$3 folder=$4
shift 4
name=$(printf %06d "$part")
[ ! -e "$folder/part-$name" ] || exit 0
exec "${SCORE_STREAM:-score_stream}" --part "$part/$parts" --threads 1 --quiet --resume --state-file "$folder/state-$name" \
  --output "$folder/part-$name" "$@" "$input"
