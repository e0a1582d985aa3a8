#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh OUTPUT_FOLDER: the documentation as a static site with search, Doxygen's reference in api/. Dead links are
# errors. Makes a virtual environment in build/site-venv; with PYTHON it takes that one's mkdocs-material. Needs doxygen.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "$1"
TABSCORE_SITE=$(readlink -f "$1")
export TABSCORE_SITE
venv=build/site-venv
python=${PYTHON:-$venv/bin/python}
if ! "$python" -c 'import material' 2> /dev/null; then
  [ -z "${PYTHON:-}" ] || { echo "skipped: $PYTHON has no mkdocs-material"; exit 77; }
  python3 -m venv $venv
  $venv/bin/pip install --quiet --requirement docs/site/requirements.txt
fi
TABSCORE_REFERENCE=$(mktemp -d)
export TABSCORE_REFERENCE
trap 'rm -rf "$TABSCORE_REFERENCE"' EXIT
doxygen docs/Doxyfile
export TABSCORE_API=$TABSCORE_REFERENCE/html
NO_MKDOCS_2_WARNING=1 "$python" -m mkdocs build --strict --config-file docs/site/mkdocs.yml
echo "$TABSCORE_SITE/index.html"
