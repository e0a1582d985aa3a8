#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# coverage.sh [PERCENT]: the share of lines of include/ that the tests of the library run through, a table of the headers
# and each line that none of them reaches, in build/coverage. Exit status 1 when it is less than PERCENT (95). Every
# kernel that the CPU has is tested, so a CPU with AVX-512 sees all of them. Needs clang and its llvm-cov.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wanted=${1:-95}
build=build/coverage
llvm=$(dirname "$(readlink -f "$(command -v clang++)")")  # where llvm-cov is of the same version

folders=(core schema expr json features models columnar formats monitor pipeline service property allocations)
[ -e $build/build.ninja ] || cmake --preset coverage >/dev/null
mapfile -t replays < <(ninja -C $build -t targets all | sed -n 's/^\(replay_[a-z_]*\): phony$/\1/p')
ninja -C $build "${folders[@]/#/test_}" parity_check "${replays[@]}"

rm -rf $build/profiles
mkdir $build/profiles
names=$(IFS='|'; echo "${folders[*]}")
LLVM_PROFILE_FILE=$PWD/$build/profiles/%p.profraw ctest --test-dir $build -R "^($names|parity|fuzz_.*)\$" \
  --output-on-failure
"$llvm/llvm-profdata" merge -sparse $build/profiles/*.profraw -o $build/tests.profdata
rm -rf $build/profiles

programs=("$build/tests/parity_check")
for program in "${folders[@]/#/test_}" "${replays[@]/#/fuzz/}"; do
  programs+=(-object "$build/tests/$program")
done
"$llvm/llvm-cov" show -instr-profile $build/tests.profdata "${programs[@]}" "$PWD/include" \
  -show-instantiations=false | grep -E '^/|^ +[0-9]+\| +0\|' > $build/missed_lines.txt || true
"$llvm/llvm-cov" export -summary-only -instr-profile $build/tests.profdata "${programs[@]}" "$PWD/include" \
  > $build/coverage.json
python3 - $build/coverage.json "$PWD/include/" "$wanted" <<'END'
import json
import sys

path, folder, wanted = sys.argv[1:]
files = json.load(open(path, encoding="utf-8"))["data"][0]["files"]
files = {f["filename"].removeprefix(folder): f["summary"]["lines"] for f in files if f["filename"].startswith(folder)}
for name, lines in sorted(files.items(), key=lambda f: f[1]["count"] - f[1]["covered"]):
    print("%6.1f %%  %5d of %5d lines  %s" % (lines["percent"], lines["covered"], lines["count"], name))
covered, count = (sum(lines[key] for lines in files.values()) for key in ("covered", "count"))
print("%6.2f %%  %5d of %5d lines  all" % (100 * covered / count, covered, count))
sys.exit(100 * covered < float(wanted) * count)
END
