#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# release.sh X.Y.Z [--dry-run]: checks the tree, runs the quick tests, writes the single header and its SHA-256 into
# build/single_header, and tags vX.Y.Z with the changes of that version. A dry run neither tests nor tags.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { echo "release.sh: $*" >&2; exit 1; }
version=${1:-}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "usage: release.sh X.Y.Z [--dry-run]"
dry_run=${2:-}
[ -z "$dry_run" ] || [ "$dry_run" = --dry-run ] || fail "unknown option $dry_run"
tag=v$version

[ -z "$(git status --porcelain)" ] || fail "the tree has changes that are not committed"
git rev-parse --quiet --verify "refs/tags/$tag" > /dev/null && fail "the tag $tag is there already"

says() {  # FILE VERSION
  [ "$2" = "$version" ] || fail "$1 says ${2:-no version}, not $version"
}
says include/tabscore/version.hpp "$(sed -n 's/^#define TABSCORE_VERSION_[A-Z]* //p' include/tabscore/version.hpp | paste -sd.)"
says cmake/vcpkg/tabscore/vcpkg.json "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' cmake/vcpkg/tabscore/vcpkg.json)"
for file in models/pyproject.toml examples/python/pyproject.toml; do
  says $file "$(sed -n 's/^version = "\(.*\)"$/\1/p' $file)"
done
grep -q 'load(self, .*include/tabscore/version.hpp' conanfile.py || fail "conanfile.py does not read version.hpp"

heading="## ${version//./\\.} - [0-9]{4}-[0-9]{2}-[0-9]{2}"
grep -qE "^$heading$" CHANGELOG.md || fail "CHANGELOG.md has no heading \"## $version - YYYY-MM-DD\""
notes=$(awk -v start="## $version - " 'index($0, "## ") == 1 { on = index($0, start) == 1; next } on' CHANGELOG.md)
[ -n "${notes//[[:space:]]/}" ] || fail "CHANGELOG.md says nothing about $version"

if [ -z "$dry_run" ]; then
  cmake --preset release > /dev/null
  cmake --build --preset release
  ctest --preset quick
fi

out=build/single_header
mkdir -p $out
python3 -B cmake/single_header.py include $out/tabscore.hpp
(cd $out && sha256sum tabscore.hpp | tee tabscore.hpp.sha256)

if [ -n "$dry_run" ]; then
  echo "would tag $(git rev-parse --short HEAD) as $tag"
else
  printf 'tabscore %s\n\n%s\n' "$version" "$notes" | git tag --annotate --cleanup=whitespace --file=- "$tag"
  echo "tagged $tag; publish it: git push origin $tag, with $out/tabscore.hpp and its SHA-256"
fi
