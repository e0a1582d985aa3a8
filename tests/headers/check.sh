#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compiles each header of include/ alone, twice included, with the strict warnings, without exceptions and RTTI; checks
# that the umbrella has them all and that they can be included in another order. By default one compiler takes the headers
# alone, clang++ if it is installed, as all use the same standard library, and each takes the rest.
# Usage: check.sh [compiler ...], each of which takes everything.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
compilers=("$@")
alone=("$@")
[ ${#compilers[@]} -gt 0 ] || for c in g++ clang++; do command -v "$c" >/dev/null && compilers+=("$c") && alone=("$c"); done
flags=(-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror
       -fno-exceptions -fno-rtti -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}")
check() { # compiler header
  printf '#include <%s>\n#include <%s>\n' "$2" "$2" | "$1" "${@:3}" -x c++ - 2>&1 | head -20 | sed "s|^|$1 $2: |"
}
export -f check
cd "$root/include" || exit 2
headers=$(find tabscore -name '*.hpp' | sort)
failed=$(for c in "${alone[@]}"; do for h in $headers; do echo "$c $h"; done; done |
  xargs -P "$(nproc)" -L 1 bash -c 'check "$0" "$1" '"$(printf '%q ' "${flags[@]}")")
[ -f tabscore/tabscore.hpp ] && for h in $headers; do
  grep -q "\"${h#tabscore/}\"" tabscore/tabscore.hpp || case $h in
    tabscore/tabscore.hpp | */detail/* | tabscore/serving/*) ;;  # a service is included by itself
    *) failed="$failed"$'\n'"tabscore.hpp does not include $h" ;;
  esac
done
# Models before JSON, unlike the umbrella, so that no header leans on what the umbrella happens to include before it.
reordered=$(for h in tabscore/{core,schema,expr,features,models,monitor,pipeline,json,log,serving}/*.hpp; do
  printf '#include <%s>\n' "$h"; done | "${compilers[0]}" "${flags[@]}" -x c++ - 2>&1 | grep error | head)
[ -z "$reordered" ] || failed="$failed"$'\nheaders in another order: '"$reordered"
# What tabscore::compiled leaves to its library is only declared.
[ "${alone[*]}" = "${compilers[*]}" ] || failed="$failed$(check "${compilers[0]}" tabscore/tabscore.hpp "${flags[@]}")"
declared=$(for c in "${compilers[@]}"; do check "$c" tabscore/tabscore.hpp "${flags[@]}" -DTABSCORE_COMPILED; done)
[ -z "$declared" ] || failed="$failed"$'\nwith TABSCORE_COMPILED: '"$declared"
if [ -n "$failed" ]; then
  printf '%s\n' "$failed"
  exit 1
fi
echo "$(echo "$headers" | wc -l) headers compile alone with ${alone[*]}"
