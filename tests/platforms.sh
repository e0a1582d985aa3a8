#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the unit tests as a program of another platform: for aarch64, by Debian's cross compiler and qemu's user
# emulation, the libraries from Debian's arm64 packages. Needs root for neither, but arm64 in apt's lists:
#   dpkg --add-architecture arm64 && apt-get update && apt-get install g++-aarch64-linux-gnu qemu-user-static
# Usage: tests/platforms.sh [folder of tests ...]   (default: core schema expr json features models pipeline)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folders=("$@")
[ ${#folders[@]} -gt 0 ] || folders=(core schema expr json features models pipeline)
for program in aarch64-linux-gnu-g++ qemu-aarch64-static; do
  command -v "$program" >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
build=$PWD/build/aarch64
root=$build/debian
if [ ! -d "$root/usr/include" ]; then
  mkdir -p "$root"
  (cd "$root" && apt-get download -q libsimdjson-dev:arm64 libsimdjson14:arm64 libfmt-dev:arm64 libfmt9:arm64) ||
    { echo "skipped: apt has no packages for arm64"; exit 77; }
  for package in "$root"/*.deb; do dpkg-deb -x "$package" "$root"; done
fi
library_path=$root/usr/lib/aarch64-linux-gnu
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DCMAKE_SYSTEM_NAME=Linux \
  -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_PREFIX_PATH="$root/usr" \
  -Dsimdjson_DIR="$library_path/cmake/simdjson" -Dfmt_DIR="$library_path/cmake/fmt" \
  "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64-static;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=$library_path" \
  -DTABSCORE_TESTS=ON -DTABSCORE_EXAMPLES=OFF -DTABSCORE_SERVER=OFF
cmake --build "$build" -j "$(nproc)" --target "${folders[@]/#/test_}"
for folder in "${folders[@]}"; do
  echo "== $folder"
  qemu-aarch64-static -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$library_path" "$build/tests/test_$folder"
done
