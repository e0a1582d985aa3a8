#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tutorials.py SOURCE FOLDER COMPILER EIGEN LIBRARY: runs README.md and the first two tutorials, compares the output they show.
LIBRARY is that of tabscore::compiled, so that the README's program compiles faster.

First prediction: the program is compiled and run. First service: train.py is run; the declaration that the page shows must be
in the header that the scaffold wrote. exporter_scaffold compiles such projects and compares their numbers."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

source, folder = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
compiler, eigen, library = sys.argv[3:6]


def blocks(page, language):
    text = (source / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def run(*command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def expect(condition, sentence):
    if not condition:
        sys.exit(sentence)


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
os.symlink(source, folder / "tabscore")

(folder / "first.cpp").write_text(blocks("docs/tutorials/first-prediction.md", "cpp")[0], encoding="utf-8")
run(compiler, "-std=c++20", "-O0", "-I", source / "include", "-isystem", eigen, "first.cpp", "-o", "first", "-lsimdjson", "-lfmt")
shown = blocks("docs/tutorials/first-prediction.md", "text")[0]
expect(run("./first") == shown, "first-prediction.md: the program prints something else")

train = next(b for b in blocks("docs/tutorials/first-service.md", "python") if "scaffold.scaffold(" in b)
(folder / "train.py").write_text(train, encoding="utf-8")
printed = run(sys.executable, "-B", "train.py")
checks = re.compile(r"^\w+: checks: \d+ rows reach \d+ of \d+ leaves and \d+ of \d+ sides of thresholds and categories \([\d.]+ s\)$", re.M)
expect(checks.search(printed) and checks.search(blocks("docs/tutorials/first-service.md", "text")[0]), f"first-service.md: train.py printed\n{printed}")
header = squeezed(re.sub(r"^\s*//.*$", "", (folder / "churn" / "churn.hpp").read_text(encoding="utf-8"), flags=re.M))
for part in re.split(r"^\s*$", blocks("docs/tutorials/first-service.md", "cpp")[0], flags=re.M):
    for line in filter(None, map(squeezed, part.splitlines())):
        expect(line in header or line == "};", f"first-service.md: churn.hpp has no line {line}")
(folder / "train.py").write_text(blocks("README.md", "python")[0], encoding="utf-8")
(folder / "predict.cpp").write_text(blocks("README.md", "cpp")[0], encoding="utf-8")
printed = re.sub(r" \([\d.]+ s\)$", "", run(sys.executable, "-B", "train.py"), flags=re.M)
run(compiler, "-std=c++20", "-O0", "-DTABSCORE_COMPILED", "-I", source / "include", "-isystem", eigen, "predict.cpp", library, "-o", "predict",
    "-lsimdjson", "-lfmt")
shown = re.sub(r" \([\d.]+ s\)$", "", blocks("README.md", "text")[0], flags=re.M)
expect(printed + run("./predict") == shown, f"README.md: the programs print something else than\n{shown}")
print("README, first prediction and first service are as shown")
