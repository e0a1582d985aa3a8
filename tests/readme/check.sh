#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh SOURCE FOLDER: compiles every C++ block of the documentation with the strict warnings (see blocks.py).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python3 -B "$here/blocks.py" "$1" "$2/blocks.cpp"
"${CXX:-g++}" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wno-unused-variable \
  -Wno-unused-but-set-variable -Wno-unused-function -Wno-return-type -Werror -I"$1/include" -isystem "${EIGEN_INCLUDE:-/usr/include/eigen3}" \
  "$2/blocks.cpp" 2>&1 | head -40
