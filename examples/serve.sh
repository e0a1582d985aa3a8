#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# serve.sh [FLAG...]: installs what is missing (Debian 12), builds the example server and runs it with the given flags.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

bash "$root/.ci/install_packages.sh" cmake g++ ninja-build libeigen3-dev libsimdjson-dev libfmt-dev libboost-dev \
  libcli11-dev
cmake -S "$root" --preset release -DTABSCORE_SERVER=ON -DTABSCORE_TESTS=OFF >&2
cmake --build "$root/build/release" --target student_server -j "$(nproc)" >&2
exec "$root/build/release/examples/student_server" "$@"
