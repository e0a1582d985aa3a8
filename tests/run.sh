#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh: installs what is missing (Debian 12), builds everything and runs all tests; its status is that of ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash .ci/install_packages.sh cmake g++ clang ninja-build python3 libeigen3-dev libsimdjson-dev libfmt-dev \
  libboost-dev libcli11-dev libcpp-httplib-dev catch2 pkgconf doxygen python3-sklearn python3-pandas python3-xgboost \
  prometheus chromium nginx-light openssl parallel
cmake --preset release -DTABSCORE_EXAMPLES=ON -DTABSCORE_SERVER=ON -DTABSCORE_TESTS=ON
cmake --build --preset release -j "$(nproc)"
exec ctest --preset release
