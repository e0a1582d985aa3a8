#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang-tidy over all headers and the examples: tidy.sh [FILE.cpp ...]. Takes minutes, so it is no part of ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tidy=${CLANG_TIDY:-$(command -v clang-tidy-14 || command -v clang-tidy)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <tabscore/%s>\n' tabscore.hpp serving/endpoint.hpp capi/c_api.hpp > "$work/headers.cpp"
files=("$@")
# Not the servers' transport and what is on top of it: Boost's coroutines are g++'s alone on Debian 12.
[ ${#files[@]} -gt 0 ] || files=("$work/headers.cpp" examples/*/main.cpp)
bad=0
for file in "${files[@]}"; do
  grep -q 'scoring_server/serve.hpp\|boost/' "$file" && continue
  echo "$file"
  "$tidy" --quiet --config-file=.clang-tidy "$file" -- -std=c++20 -I"$PWD/include" -I"$PWD/examples" \
    -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" 2> "$work/log" || { cat "$work/log"; bad=1; }
done
exit $bad
