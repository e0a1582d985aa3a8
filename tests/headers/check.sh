#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compiles each public header of include/ alone, twice included, with the strict warnings, without exceptions and RTTI; checks
# that the umbrella has them all and that they can be included in another order. By default one compiler takes the headers
# alone, clang++ if it is installed, as all use the same standard library, and each takes the rest.
# Usage: check.sh [compiler ...], each of which takes everything.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
compilers=("$@")
alone=("$@")
[ ${#compilers[@]} -gt 0 ] || for c in g++ clang++; do command -v "$c" >/dev/null && compilers+=("$c") && alone=("$c"); done
flags=(-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror
       -fno-exceptions -fno-rtti -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() { # compiler header flags...
  printf '#include <%s>\n#include <%s>\n' "$2" "$2" | "$1" -fsyntax-only "${@:3}" -x c++ - 2>&1 | head -20 |
    sed "s|^|$1 $2: |"
}
export -f check
cd "$root/include" || exit 2
headers=$(find tabscore -name '*.hpp' | sort)

# A header and the libraries beneath that it includes, itself or through our own ones: these are parsed once for all
# headers with the same ones, which get nothing else from it.
beneath=$( (printf '%s:\n' $headers; grep -HE '^#include ["<]' $headers) | awk -F: '
  function folded(path, parts, n, i, out, top) {
    n = split(path, parts, "/")
    for (i = 1; i <= n; ++i) if (parts[i] == "..") --top; else if (parts[i] != ".") out[++top] = parts[i]
    path = out[1]
    for (i = 2; i <= top; ++i) path = path "/" out[i]
    return path
  }
  function visit(h, seen, i) {
    if (h in seen) return
    seen[h] = 1
    for (i = 1; i <= count[h]; ++i) {
      if (uses[h, i] ~ /^</) libraries[uses[h, i]] = 1
      else visit(uses[h, i], seen)
    }
  }
  {
    if (!($1 in count)) { order[++all] = $1; count[$1] = 0 }
    target = $2
    sub(/^#include /, "", target)
    if (target ~ /^"/) {
      gsub(/"/, "", target)
      folder = $1
      sub(/[^\/]*$/, "", folder)
      uses[$1, ++count[$1]] = folded(folder target)
    } else if (target ~ /^<(simdjson|Eigen|fmt)/) {
      sub(/>.*/, ">", target)
      uses[$1, ++count[$1]] = target
    }
  }
  END {
    for (k = 1; k <= all; ++k) {
      split("", libraries); split("", seen)
      visit(order[k], seen)
      list = ""
      for (l in libraries) list = list " " l
      print order[k] list
    }
  }')
failed=$(for c in "${alone[@]}"; do
  while read -r h libraries; do
    case $h in */detail/*) continue ;; esac  # public headers include these
    sorted=$(tr ' ' '\n' <<<"$libraries" | sort | tr '\n' ' ')
    name=$work/$c$(tr -c 'a-zA-Z\n' '_' <<<"$sorted").hpp
    if [ -n "$libraries" ] && [ ! -e "$name" ]; then
      tr ' ' '\n' <<<"$sorted" | sed -n 's/^</#include </p' >"$name"
      case $c in *clang*) out=$name.pch ;; *) out=$name.gch ;; esac
      "$c" "${flags[@]}" -x c++-header "$name" -o "$out" >>"$work/bad" 2>&1
    fi
    echo "$c $h${libraries:+ -include $name}"
  done <<<"$beneath" | xargs -P "$(nproc)" -L 1 bash -c 'check "$0" "$@" '"$(printf '%q ' "${flags[@]}")"
done; head -20 "$work/bad" 2>/dev/null)
[ -f tabscore/tabscore.hpp ] && for h in $headers; do
  grep -q "\"${h#tabscore/}\"" tabscore/tabscore.hpp || case $h in
    tabscore/tabscore.hpp | */detail/* | tabscore/serving/* | tabscore/capi/* | tabscore/duckdb/*) ;;  # a service is included by itself
    *) failed="$failed"$'\n'"tabscore.hpp does not include $h" ;;
  esac
done
# Models before JSON, unlike the umbrella, so that no header leans on what the umbrella happens to include before it.
reordered=$(for h in tabscore/{core,schema,expr,features,models,monitor,pipeline,json,log,serving}/*.hpp; do
  printf '#include <%s>\n' "$h"; done | "${compilers[0]}" -fsyntax-only "${flags[@]}" -x c++ - 2>&1 | grep error | head)
[ -z "$reordered" ] || failed="$failed"$'\nheaders in another order: '"$reordered"
# What tabscore::compiled leaves to its library is only declared.
[ "${alone[*]}" = "${compilers[*]}" ] || failed="$failed$(check "${compilers[0]}" tabscore/tabscore.hpp "${flags[@]}")"
declared=$(for c in "${compilers[@]}"; do check "$c" tabscore/tabscore.hpp "${flags[@]}" -DTABSCORE_COMPILED; done)
[ -z "$declared" ] || failed="$failed"$'\nwith TABSCORE_COMPILED: '"$declared"
if [ -n "$failed" ]; then
  printf '%s\n' "$failed"
  exit 1
fi
echo "$(echo "$headers" | grep -vc /detail/) headers compile alone with ${alone[*]}"
