#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds and runs tests.cpp (and, where the row says so, server.cpp) with the compilers and libraries of Debian's releases,
# in chroots that it makes, and writes the table of docs/platforms.md. Needs root and debootstrap.
# A row that was not run keeps its last result; one that never ran says "not run".
# Usage: tests/platforms/run.sh [row ...]   (default: all; "table" only writes the table)
# TABSCORE_PLATFORMS: folder of chroots and results (default /var/tmp/tabscore-platforms).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=${TABSCORE_PLATFORMS:-/var/tmp/tabscore-platforms}
mkdir -p "$folder/results" "$folder/logs"

# row | release | compiler | standard | server: build that, too; libc++: with it; fmt=S: fmt of release S
rows="
g++-16      | sid      | g++-16     | c++26 | server fmt=experimental
g++-15      | sid      | g++-15     | c++23 | server
clang-22    | sid      | clang++-22 | c++26 | server
libc++-19   | bookworm | clang++-19 | c++23 | libc++
clang-19    | sid      | clang++-19 | c++20 |
g++-14      | trixie   | g++-14     | c++23 | server
g++-13      | trixie   | g++-13     | c++20 |
clang-17    | trixie   | clang++-17 | c++20 | server
g++-12      | bookworm | g++-12     | c++20 | server
clang-14    | bookworm | clang++-14 | c++20 |
libc++-14   | bookworm | clang++-14 | c++20 | libc++
clang-16    | bookworm | clang++-16 | c++20 |
aarch64     | bookworm | aarch64-linux-gnu-g++ | c++20 |
"
# clang 22 takes the __COUNTER__ of Catch2's macros for an extension; older ones do not know the warning.
strict=(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -Wno-unknown-warning-option -Wno-c2y-extensions)

field() { awk -F'|' -v row="$1" -v n="$2" '{ gsub(/ /, "", $1) } $1 == row { gsub(/^ +| +$/, "", $n); print $n }' <<<"$rows"; }

row_names() { awk -F'|' 'NF > 1 { gsub(/ /, "", $1); print $1 }' <<<"$rows"; }

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

apt() { inside apt-get -qq -y -o APT::Install-Recommends=0 -o Acquire::Check-Valid-Until=false "$@"; }

make_chroot() { # release architecture
  root=$folder/$1
  [ "$2" = amd64 ] || root+=-$2
  [ -e "$root/etc/tabscore" ] && return
  debootstrap --variant=minbase "$1" "$root" >"$root.log" || return
  mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")
  {
    echo "deb-src $mirror $1 main"
    [ "$1" != sid ] || echo "deb $mirror experimental main"
  } >>"$root/etc/apt/sources.list"
  [ "$2" = amd64 ] || inside dpkg --add-architecture "$2"
  apt update || return
  touch "$root/etc/tabscore"
}

# For libc++ fmt is used as headers; simdjson and Catch2 become part of tests.cpp, from Debian's sources.
fetch_sources() {
  if [ ! -e "$root/opt/catch2" ]; then
    apt install dpkg-dev || return
    inside sh -c 'cd /opt && apt-get -qq source simdjson catch2 >/dev/null && mv simdjson-*/ simdjson && mv catch2-*/ catch2' || return
  fi
  mkdir -p "$root/opt/one_catch2/catch2"
  [ ! -e "$root/opt/catch2/extras/catch_amalgamated.hpp" ] ||
    for header in catch_all catch_session; do
      echo '#include <catch_amalgamated.hpp>' >"$root/opt/one_catch2/catch2/$header.hpp"
    done
}

# An upstream version: that of an installed package, or of a file.
installed() { inside dpkg-query -Wf '${Version}' "$1" | upstream; }
upstream() { sed -E 's/^[0-9]*://; s/[-+~].*//; s/^(1\.[0-9]+)\.0\.[0-9]+$/\1/'; }

run_row() {
  local row=$1 release compiler standard options packages flags libraries=(-lsimdjson) emulator=() fmt boost=- passed
  release=$(field "$row" 2) compiler=$(field "$row" 3) standard=$(field "$row" 4) options=$(field "$row" 5)
  [ -n "$release" ] || { echo "there is no row $row" >&2; return 2; }
  local architecture=amd64 of='' name=$compiler log=$folder/logs/$row
  packages=("${compiler/clang++/clang}")
  [ "$row" != aarch64 ] || { architecture=arm64 of=:arm64 packages=(g++-aarch64-linux-gnu qemu-user-static) emulator=(qemu-aarch64-static -L /); }
  [[ $options != *libc++* ]] || packages+=("libc++-${compiler##*-}-dev" "libc++abi-${compiler##*-}-dev")
  make_chroot "$release" "$architecture" || { echo "$row: there is no chroot of $release" >&2; return 1; }
  apt install "${packages[@]}" libeigen3-dev "libsimdjson-dev$of" "libfmt-dev$of" "catch2$of" libcli11-dev libboost-dev >"$root.log" ||
    { echo "$row: Debian's packages cannot be had" >&2; return 1; }
  rm -rf "$root/src" && mkdir "$root/src"
  cp -r include tests examples models "$root/src/"

  flags=("-std=$standard" -O0 "${strict[@]}" -I/src/include -I/src/tests -isystem /usr/include/eigen3
         '-DTABSCORE_SOURCE_DIR="/src"' -pthread)
  [ "$row" != aarch64 ] || flags+=(-O3)  # nothing else tests optimised kernels there
  [[ $(installed "${packages[0]}") != 12.* ]] || flags+=(-Wno-restrict)  # as CMakeLists.txt
  fmt=$(installed "libfmt-dev$of")
  if [[ $options == *libc++* ]]; then
    fetch_sources || { echo "$row: Debian's sources cannot be had" >&2; return 1; }
    name+=", libc++"
    flags+=(-stdlib=libc++ -DFMT_HEADER_ONLY -DTABSCORE_LIBRARIES_FROM_SOURCE -isystem /opt/one_catch2
            -isystem /opt/catch2/extras -isystem /opt/simdjson/include -isystem /opt/simdjson/src)
    libraries=()
  elif [[ $options =~ fmt=([a-z]+) ]]; then
    inside sh -c "mkdir -p /opt/fmt && cd /opt/fmt && apt-get -qq -o APT::Sandbox::User=root download \
      libfmt-dev/${BASH_REMATCH[1]} && dpkg-deb -x libfmt-dev*.deb ." || return
    flags+=(-isystem /opt/fmt/usr/include -DFMT_HEADER_ONLY)
    fmt=$(inside sh -c "dpkg-deb -f /opt/fmt/libfmt-dev*.deb Version" | upstream)
  else
    libraries+=(-lfmt)
  fi
  # A compiler older than the release's own brings an older libstdc++ than the release's libraries were linked with.
  [[ $options == *libc++* || $row == aarch64 ]] || libraries+=(-l:libstdc++.so.6)
  [[ $options == *libc++* || ! -e $root/usr/include/catch2/catch_all.hpp ]] || libraries+=(-lCatch2)
  [[ $options != *server* ]] || boost="$(installed libboost-dev), $(installed libcli11-dev)"
  local versions
  versions="$(installed libeigen3-dev) | $(installed "libsimdjson-dev$of") | $fmt | $(installed "catch2$of") | $boost"

  compile() { inside nice "$compiler" "${flags[@]}" "$@" "${libraries[@]}"; }
  answers() {
    printf '#!/bin/sh\nexec chroot %q /tmp/server --model /src/models/student_logistic.json "$@"\n' "$root" >"$folder/student_server"
    chmod +x "$folder/student_server"
    python3 -B tests/server/backends.py "$folder/student_server" models/student_logistic.json --routes
  }
  local said
  if ! compile /src/tests/platforms/tests.cpp -o /tmp/tests >"$log" 2>&1; then
    said="does not compile"
  elif ! inside "${emulator[@]}" /tmp/tests >>"$log" 2>&1; then
    said="tests fail"
  else
    passed=$(grep -oE '[0-9]+ test cases' "$log" | tail -1)
    said="${passed/ test cases/ tests} pass"
    if [[ $options == *server* ]]; then
      if ! compile /src/tests/platforms/server.cpp -o /tmp/server >>"$log" 2>&1; then
        said+=", the server does not compile"
      elif ! answers >>"$log" 2>&1; then
        said+=", the server's answers differ"
      else
        said+=", server as recorded"
      fi
    fi
  fi
  echo "$row | $name $(installed "${packages[0]}") | $release | ${standard^^} | $versions | $said" | tee "$folder/results/$row"
  [[ $said != *fail* && $said != *"not compile"* && $said != *differ* ]] || { tail -n 20 "$log"; return 1; }
}

# Over the table that docs/platforms.md has: the results in the folder, else those of the page, in the order of the rows.
write_table() {
  local table=$folder/table row
  echo "| row | compiler | Debian | mode | Eigen | simdjson | fmt | Catch2 | Boost, CLI11 | result |" >"$table"
  echo "|---|---|---|---|---|---|---|---|---|---|" >>"$table"
  for row in $(row_names); do
    sed 's/.*/| & |/' "$folder/results/$row" 2>/dev/null || grep "^| $row |" docs/platforms.md ||
      echo "| $row | $(field "$row" 3) | $(field "$row" 2) | | | | | | | not run |"
  done >>"$table"
  awk -v table="$table" '/^\| row /{ while ((getline line < table) > 0) print line; skip = 1 }
                         !/^\|/ { skip = 0 } !skip' docs/platforms.md >"$folder/page"
  cp "$folder/page" docs/platforms.md
}

main() {
  local status=0 row all
  if [ "${1:-}" != table ]; then
    mapfile -t all < <(row_names)
    [ $# -eq 0 ] || all=("$@")
    for row in "${all[@]}"; do run_row "$row" || status=1; done
  fi
  write_table
  exit $status
}
main "$@"
