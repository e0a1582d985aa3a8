#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# with_parallel.sh JOBS PARTS INPUT FOLDER OUTPUT [FLAG...]: GNU parallel runs JOBS parts at a time, each up to three
# times (--sshlogin spreads them over machines).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
jobs=$1 parts=$2 input=$3 folder=$4 output=$5
shift 5
mkdir -p "$folder"
seq "$parts" | parallel --quote --jobs "$jobs" --retries 3 "$here/score_part.sh" {} "$parts" "$input" "$folder" "$@"
"$here/join_parts.sh" "$parts" "$folder" "$output"
