#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compiles every header after system headers and macros that other people's code leaves behind. What tabscore stands on
# (simdjson, Eigen, fmt, the standard library) comes before the macros: it may break on them by itself.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
compilers=("$@")
[ ${#compilers[@]} -gt 0 ] || for c in g++ clang++; do command -v "$c" >/dev/null && compilers+=("$c"); done
flags=(-fsyntax-only -I"$root/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}")
words="near far small huge interface hyper pascal cdecl ERROR NO_ERROR IN OUT OPTIONAL CONST VOID DELETE TEXT TRUE FALSE
       BYTE STRICT IGNORE THIS ABSOLUTE RELATIVE S_OK None Bool Status True False Success Always Above Below Complex
       Unsorted KeyPress FocusIn Expose Button1 GrayScale CursorShape DomainError OVERFLOW UNDERFLOW DOMAIN SING PLOSS
       TLOSS PI Yes No PASS FAIL emit slots signals foreach forever unix linux"
hostile() {
  grep -rhoE '^ *# *include <[^>]+>' "$root/include/tabscore" | sed 's/^ *# *include/#include/' | sort -u
  for header in resolv.h complex.h sys/sysmacros.h sys/param.h termios.h math.h; do echo "#include <$header>"; done
  printf '#undef min\n#define min(a, b) (((a) < (b)) ? (a) : (b))\n#undef max\n#define max(a, b) (((a) > (b)) ? (a) : (b))\n'
  for word in $words; do printf '#undef %s\n#define %s hostile macro\n' "$word" "$word"; done
  for word in major minor makedev; do printf '#undef %s\n#define %s(a) hostile macro\n' "$word" "$word"; done
  (cd "$root/include" && find tabscore -name '*.hpp' | sort | sed 's/.*/#include <&>/')
}
bad=0
standard="c++20"
for c in "${compilers[@]}"; do
  hostile | "$c" -std=$standard "${flags[@]}" -x c++ - 2>&1 | grep -E 'error' | head -20 | sed "s|^|$c $standard: |" | grep . && bad=1
  standard="gnu++20"  # its own macros, unix and linux: one compiler will do
done
printf '#include <resolv.h>\n#include <tabscore/tabscore.hpp>\n' | "${compilers[0]}" -std=c++20 -DTABSCORE_COMPILED "${flags[@]}" -x c++ - || bad=1
exit $bad
