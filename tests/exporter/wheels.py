#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The wheel of models/ in fresh environments of several Pythons and scikit-learns: its commands and the exporter's tests.

    wheels.py SCORE_ROWS [--only 3.9/1.2 ...] [--environments DIR] [--keep] [--table PAGE]

SCORE_ROWS is the program of the build (build/<preset>/tests/exporter/score_rows). Interpreters are looked for on PATH and
among pyenv's versions; packages come from PyPI. --table writes the results into the page's table; what was not run keeps
its last result.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
PYTHONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]
OLD = ["numpy<2", "pandas<3"]
SKLEARNS = {  # version: what its wheels were built for, beside it
    "1.2": OLD, "1.3": OLD, "1.4": OLD, "1.5": [], "1.6": [], "1.7": [], "1.8": [], "1.9": [],
}

FILES = ["Projects.test_files_are_not_written_over", "Projects.test_what_is_wrong_is_a_sentence"]


def interpreter(version):
    found = sorted(pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python3"))
    return str(found[-1]) if found else shutil.which(f"python{version}")


def run(command, **options):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        print(done.stdout[-3000:], flush=True)
    return done.returncode == 0


def build_wheel(folder):
    """Of a copy, since setuptools leaves files beside the sources."""
    shutil.copytree(SOURCE / "models", folder / "models")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, folder / "models"], check=True)
    return next(folder.glob("*.whl"))


def try_one(python, sklearn, wheel, score_rows, folder):
    """What the table says of a Python and a scikit-learn."""
    program = interpreter(python)
    if not program:
        return "no interpreter"
    environment = folder / f"wheel-{python}-{sklearn}"
    pip = [environment / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    if not (environment / "bin/tabscore-export").exists():
        shutil.rmtree(environment, ignore_errors=True)
        run([program, "-m", "venv", environment])
        if not run([*pip, f"scikit-learn=={sklearn}.*", *SKLEARNS[sklearn], wheel]):
            return "no wheels"
    run([*pip, "--force-reinstall", "--no-deps", wheel])  # the environment may be an old one
    variables = {**os.environ, "SCORE_ROWS": score_rows, "TABSCORE_SOURCE_DIR": str(SOURCE), "TABSCORE_EXPORTER_INSTALLED": "1",
                 "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    tests = [["bin/tabscore-export", "--help"], ["bin/tabscore-scaffold", "--help"],
             ["bin/python", "-B", HERE / "test_export_sklearn.py"],
             ["bin/python", "-B", HERE / "test_scaffold.py", "Formulas", *FILES]]
    with tempfile.TemporaryDirectory() as elsewhere:
        failed = [t for t in tests if not run([environment / t[0], *t[1:]], env=variables, cwd=elsewhere)]
    return "fails: " + next(pathlib.Path(part).name for part in failed[0] if part not in ("bin/python", "-B")) if failed else "passes"


def write_table(page, results):
    """Puts the results into the rows "| 3.9 | ... |" of the page, a column each of SKLEARNS."""
    lines = page.read_text().splitlines()
    for i, line in enumerate(lines):
        cells = [c.strip() for c in line.strip("|").split("|")]
        if cells[0] in PYTHONS and len(cells) == len(SKLEARNS) + 1:
            cells[1:] = [results.get((cells[0], s), cell) for s, cell in zip(SKLEARNS, cells[1:])]
            lines[i] = f"| {' | '.join(cells)} |"
    page.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("score_rows", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", default=[f"{p}/{s}" for p in PYTHONS for s in SKLEARNS])
    parser.add_argument("--environments", type=pathlib.Path, default=SOURCE / "build/wheels")
    parser.add_argument("--keep", action="store_true", help="keep the environments")
    parser.add_argument("--table", type=pathlib.Path)
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(pathlib.Path(folder))
        for name in arguments.only:
            python, sklearn = name.split("/")
            results[python, sklearn] = try_one(python, sklearn, wheel, str(arguments.score_rows.resolve()), arguments.environments)
            print(f"Python {python}, scikit-learn {sklearn}: {results[python, sklearn]}", flush=True)
            if not arguments.keep:
                shutil.rmtree(arguments.environments / f"wheel-{python}-{sklearn}", ignore_errors=True)
            if arguments.table:
                write_table(arguments.table, results)
    sys.exit(any(r.startswith("fails") for r in results.values()))


if __name__ == "__main__":
    main()
