#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# from_python.sh SOURCE BUILD FOLDER PYTHON: runs the shell blocks of docs/tutorials/train-and-serve.md that are marked "run"
# as they stand, in FOLDER, where models/ and examples/ are the repository's, build/release is BUILD (already built, so cmake
# does nothing) and python3 is one with scikit-learn.
set -euo pipefail
source=$1 build=$2 folder=$3 python=$4
page=docs/tutorials/train-and-serve.md
rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/build"
ln -s "$source/models" "$source/examples" "$folder/"
ln -s "$build" "$folder/build/release"
printf '#!/bin/sh\nexec %s -B "$@"\n' "$python" >"$folder/bin/python3"
printf '#!/bin/sh\nexit 0\n' >"$folder/bin/cmake"
chmod +x "$folder/bin/"*
export PATH="$folder/bin:$PATH"
has_xgboost=$("$python" -c 'import xgboost' 2>/dev/null && echo yes || echo no)
commands=$(awk '/^<!-- run: / { marked = 1; next } /^```sh$/ && marked { inside = 1; next } /^```/ { inside = 0 } { marked = 0 } inside' "$source/$page")
[ -n "$commands" ] || { echo "no commands in $page"; exit 1; }
[ "$has_xgboost" = yes ] || commands=${commands//xgboost/boosting}
cd "$folder"
bash -euo pipefail -xc "$commands" 2>&1 | tee printed.txt
# Each line that the page shows as printed is printed, but for its numbers.
awk '/^<!-- run: / { marked = 1; next } /^```text$/ && marked { inside = 1; next } /^```/ { inside = 0 } { marked = 0 } inside' "$source/$page" |
  sed -E 's/[0-9]+(\.[0-9]+)?(e-?[0-9]+)?/N/g' | while read -r line; do
    sed -E 's/[0-9]+(\.[0-9]+)?(e-?[0-9]+)?/N/g' printed.txt | grep -qxF -- "$line" || { echo "not printed: $line"; exit 1; }
  done
