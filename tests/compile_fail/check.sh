#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Wrong uses must fail to compile, each with the sentence that the file promises. Usage: check.sh [compiler ...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
compilers=("$@")
[ ${#compilers[@]} -gt 0 ] || for c in g++ clang++; do command -v "$c" >/dev/null && compilers+=("$c"); done
flags=(-std=c++20 -fsyntax-only -I"$here/../../include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^#include/p' "$here/cases.cpp" >"$work/includes.hpp"
try() { # compiler, precompiled headers, number, message
  out=$("$1" "${@:5}" -include "$2" -DCASE="$3" 2>&1) && echo "$1: case $3 compiles"
  grep -qF "$4" <<<"$out" || echo "$1: case $3 lacks '$4'"
}
export -f try
for c in "${compilers[@]}"; do
  # The headers are parsed once: a case takes a tenth of the time.
  mkdir "$work/$c"
  case $c in *clang*) headers=$work/$c/includes.hpp.pch ;; *) headers=$work/$c/includes.hpp.gch ;; esac
  cp "$work/includes.hpp" "$work/$c/"
  "$c" "${flags[@]/-fsyntax-only/-O0}" -x c++-header "$work/$c/includes.hpp" -o "$headers" || exit 1
  "$c" "${flags[@]}" -include "$work/$c/includes.hpp" -DCASE=0 "$here/cases.cpp" ||
    echo "$c: the file does not compile without a case" >>"$work/bad"
  sed -nE 's|^#e?l?if CASE == ([0-9]+)  // (.*)|\1\n\2|p' "$here/cases.cpp" |
    xargs -d '\n' -n 2 -P "$(nproc)" bash -c 'try "$1" "$2" "${@: -2}" "${@:3:$#-4}"' - \
      "$c" "$work/$c/includes.hpp" "${flags[@]}" "$here/cases.cpp" >>"$work/bad"
done
cat "$work/bad"
[ ! -s "$work/bad" ]
