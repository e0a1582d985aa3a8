#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install_packages.sh PACKAGE...: installs those of the given Debian packages that are missing (as root or with sudo),
# without starting the services that some of them bring.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
  echo "This is not a Debian system: make sure that the equivalents of these are installed: $*" >&2
  exit 0
fi
missing=()
for package in "$@"; do
  status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  "${as_root[@]}" chmod 755 "$policy"
fi
echo "Installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq </dev/null >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2
