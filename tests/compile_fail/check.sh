#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Wrong uses must fail to compile, each with the sentence that the file promises. Usage: check.sh [compiler ...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
compilers=("$@")
[ ${#compilers[@]} -gt 0 ] || for c in g++ clang++; do command -v "$c" >/dev/null && compilers+=("$c"); done
flags=(-std=c++20 -fsyntax-only -I"$here/../../include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}")
bad=0
for c in "${compilers[@]}"; do
  "$c" "${flags[@]}" -DCASE=0 "$here/cases.cpp" || { echo "$c: the file does not compile without a case"; bad=1; }
  while read -r number message; do
    out=$("$c" "${flags[@]}" -DCASE="$number" "$here/cases.cpp" 2>&1) && { echo "$c: case $number compiles"; bad=1; }
    grep -qF "$message" <<<"$out" || { echo "$c: case $number lacks '$message'"; bad=1; }
  done < <(sed -nE 's|^#e?l?if CASE == ([0-9]+)  // (.*)|\1 \2|p' "$here/cases.cpp")
done
exit $bad
