#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh FLAG...: a build without CMake. Wants CXX, and PKG_CONFIG_PATH where the prefix is not a usual one.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# -isystem: Eigen's own headers do not pass warnings as strict as ours.
read -ra flags <<<"$(pkg-config --cflags --libs tabscore | sed 's/-I/-isystem /g')"
${CXX:-g++} -std=c++20 "$@" "$here/../first_prediction.cpp" "$here/../elsewhere.cpp" "${flags[@]}" -o first_prediction
