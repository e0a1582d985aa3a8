#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the parity sets of every trainer version, in a virtual environment each, and says what changed.

    run.py [--only NAME...] [--environments DIR] [--score-rows PROGRAM] [--table PARITY_CHECK]

For each environment below it installs the packages from PyPI (once; DIR keeps them, build/trainers by default), runs the
script of its trainer there and compares the files with those in sets/NAME, which it replaces. --score-rows also runs the
exporters' tests in each environment (of XGBoost and LightGBM those of their own models). --table only writes
docs/reference/trainers.md from what parity_check says of the sets.
"""
import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SETS = os.path.join(HERE, "sets")

OLD = ["numpy==1.26.4", "scipy==1.17.1", "pandas==2.1.4"]
MIDDLE = ["numpy==2.2.6", "scipy==1.15.3", "pandas==2.3.3"]
NEW = ["numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1"]
NEWEST = ["numpy==2.5.5", "scipy==1.18.1", "pandas==3.1.1"]
ENVIRONMENTS = {  # name: Python, packages
    "cb-1.2.0": ("3.11", ["catboost==1.2", *OLD]),
    "cb-1.2.10": ("3.11", ["catboost==1.2.10", *NEW]),
    "lgb-3.3": ("3.11", ["lightgbm==3.3.5", "scikit-learn==1.5.2", *OLD]),
    "lgb-4.0": ("3.11", ["lightgbm==4.0.0", "scikit-learn==1.5.2", *OLD]),
    "lgb-4.6": ("3.11", ["lightgbm==4.6.0", "scikit-learn==1.9.1", *NEW]),
    "lgb-4.7": ("3.12", ["lightgbm==4.7.0", "scikit-learn==1.9.1", *NEWEST]),
    "sk-1.2": ("3.11", ["scikit-learn==1.2.2", *OLD]),
    "sk-1.3": ("3.11", ["scikit-learn==1.3.2", *OLD]),
    "sk-1.4": ("3.11", ["scikit-learn==1.4.2", "numpy==1.26.4", "scipy==1.17.1", "pandas==2.2.3"]),
    "sk-1.5": ("3.11", ["scikit-learn==1.5.2", "numpy==2.2.6", "scipy==1.17.1", "pandas==3.1.1"]),
    "sk-1.6": ("3.11", ["scikit-learn==1.6.1", "numpy==2.2.6", "scipy==1.17.1", "pandas==2.3.3"]),
    "sk-1.7": ("3.11", ["scikit-learn==1.7.2", *NEW]),
    "sk-1.8": ("3.11", ["scikit-learn==1.8.0", *NEW]),
    "sk-1.9": ("3.12", ["scikit-learn==1.9.1", *NEWEST]),
    "ebm-0.3": ("3.11", ["interpret-core==0.3.2", "joblib==1.3.2", "scikit-learn==1.2.2", "numpy==1.23.5", "scipy==1.10.1", "pandas==1.5.3"]),
    "ebm-0.4": ("3.11", ["interpret-core==0.4.4", "joblib==1.3.2", "scikit-learn==1.2.2", *OLD]),
    "ebm-0.5": ("3.11", ["interpret-core==0.5.1", "joblib==1.3.2", "scikit-learn==1.3.2", *OLD]),
    "ebm-0.6": ("3.11", ["interpret-core==0.6.16", "joblib==1.4.2", "scikit-learn==1.5.2", "numpy==1.26.4", "scipy==1.14.1", "pandas==2.2.3"]),
    "ebm-0.7": ("3.11", ["interpret-core==0.7.8", "joblib==1.6.0", "scikit-learn==1.9.1", *NEW]),
    "opt-0.19": ("3.11", ["optbinning==0.19.0", "scikit-learn==1.5.2", "numpy==1.26.4", "scipy==1.14.1", "pandas==2.2.3"]),
    "opt-1.0": ("3.11", ["optbinning==1.0.0", "scikit-learn==1.9.1", *NEW]),
    "sm-0.13": ("3.11", ["statsmodels==0.13.5", "scikit-learn==1.3.2", "numpy==1.26.4", "scipy==1.11.4", "pandas==2.1.4"]),
    "sm-0.14": ("3.11", ["statsmodels==0.14.4", "scikit-learn==1.5.2", "numpy==1.26.4", "scipy==1.14.1", "pandas==2.2.3"]),
    "sm-0.15": ("3.11", ["statsmodels==0.15.0", "scikit-learn==1.9.1", *NEW]),
    "xgb-1.7": ("3.11", ["xgboost==1.7.6", "scikit-learn==1.5.2", *OLD]),
    "xgb-2.0": ("3.11", ["xgboost==2.0.3", "scikit-learn==1.5.2", "numpy==1.26.4", "scipy==1.15.3", "pandas==2.2.3"]),
    "xgb-2.1": ("3.11", ["xgboost==2.1.4", "scikit-learn==1.7.2", *MIDDLE]),
    "xgb-3.0": ("3.11", ["xgboost==3.0.5", "scikit-learn==1.7.2", *MIDDLE]),
    "xgb-3.1": ("3.11", ["xgboost==3.1.3", "scikit-learn==1.7.2", *MIDDLE]),
    "xgb-3.2": ("3.11", ["xgboost==3.2.0", "scikit-learn==1.7.2", *MIDDLE]),
    "xgb-3.3": ("3.12", ["xgboost==3.3.0", "scikit-learn==1.9.1", *NEWEST]),
    "xgb-3.4": ("3.12", ["xgboost==3.4.1", "scikit-learn==1.9.1", *NEWEST]),
}
SCRIPTS = {"cb": "catboost_sets.py", "lgb": "lightgbm_sets.py", "sk": "sklearn_sets.py", "xgb": "xgboost_sets.py", "ebm": "additive_sets.py",
           "opt": "additive_sets.py", "sm": "statsmodels_sets.py"}
PIPELINE = "pipeline_"  # in front of the name of a set that is a fitted pipeline
TRAINERS = {"sk": "scikit-learn", "xgb": "XGBoost", "lgb": "LightGBM", "cb": "CatBoost", "ebm": "InterpretML", "opt": "OptBinning",
            "sm": "statsmodels"}


INTRO = """# Trainers and versions

The differences between a trainer's numbers and tabscore's, by version of the trainer. Each *set* is a small model with test rows: rows
on its thresholds and one float beside them, rows with missing values, and categories.

| cell | meaning |
|---|---|
| two numbers | the largest difference of the margins, then of `predict`, in units in the last place (XGBoost: of float32, others: of double); `0 0`: the same bits |
| one number | the same of the predictions of a fitted pipeline, as the exporters write it. Linear models and `exp` may differ by 1e-12 of the number. A row that the trainer refuses must have no prediction. |
| empty | the version has no such model, or the set does not include it |

[tests/trainers](../../tests/trainers/run.py) trains the models, makes their numbers and writes this page. `ctest -R trainers` compares without a network.
"""

OTHERS = """
## Folders, Spark and R

| from | `load_model` reads | numbers | refused |
|---|---|---|---|
| MLflow 2.9 and 3.17 | folders of XGBoost 1.7 and 3.2 (JSON, UBJSON, 3.2's `model.xgb`) and of LightGBM 3.3 and 4.7 | the trainer's | folders with pickles (flavour sklearn, LightGBM's scikit-learn wrapper), XGBoost 1.7's binary `model.xgb` |
| `xgboost.spark` 3.2 on Spark 4.0 | files of `model.get_booster().save_model("model.json")` (also `.ubj`), and Spark's own folder (`model.save(path)`) | those of the booster's `predict`, bit for bit. Spark's `transform` of several classes has its own softmax, which differs by up to one unit of single precision | |
| SynapseML | the layout of `saveNativeModel`: a folder with `_SUCCESS` and one file `part-...` | not compared with SynapseML | |
| R's xgboost 1.7 and 2.x | files of `xgb.save(model, "model.ubj")` | those of `predict`, bit for bit | files of `save` and `saveRDS`, snapshots with `Config` and `Model` |
| R's lightgbm | files of `lgb.save(model, "model.txt")`, which are written as Python's `save_model` writes them | not compared with R | |

Messages of refused files and folders name the remedy.
"""


def find_python(version):
    pyenv = os.path.join(os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")), "versions")
    installed = sorted(os.listdir(pyenv)) if os.path.isdir(pyenv) else []
    candidates = [f"python{version}", *(os.path.join(pyenv, v, "bin", "python") for v in installed
                                        if v.startswith(version + "."))]
    for candidate in candidates:
        path = shutil.which(candidate)
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    sys.exit(f"run.py: no python{version} found; install it, or leave its environments out with --only")


def make_environment(name, folder):
    """The environment's python; made where it is not there yet."""
    version, packages = ENVIRONMENTS[name]
    place = os.path.join(folder, name)
    python = os.path.join(place, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([find_python(version), "-m", "venv", place], check=True)
    wanted = {p.split("==")[0]: p.split("==")[1] for p in packages}
    listed = subprocess.run([python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
                            check=True, capture_output=True, text=True).stdout
    have = dict(line.split("==") for line in listed.split())
    if any(have.get(package) != v for package, v in wanted.items()):
        # XGBoost asks for a library of GPUs of hundreds of megabytes, which nothing here uses.
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--prefer-binary"]
        subprocess.run([*pip, *(p for p in packages if not p.startswith("xgboost"))], check=True)
        for package in packages:
            if package.startswith("xgboost"):
                subprocess.run([*pip, "--no-deps", package], check=True)
    return python


def files_below(folder):
    return {os.path.relpath(os.path.join(at, f), folder) for at, _, files in os.walk(folder) for f in files}


def replace(name, made):
    """Puts what was made in the place of sets/NAME; says which files are new, gone or other."""
    kept = os.path.join(SETS, name)
    before, now = files_below(kept), files_below(made)
    changed = [f"+ {f}" for f in now - before] + [f"- {f}" for f in before - now]
    changed += [f"! {f}" for f in before & now
                if not filecmp.cmp(os.path.join(kept, f), os.path.join(made, f), shallow=False)]
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(made, kept)
    print(f"{name}: {len(now)} files, {len(changed)} changed")
    for line in sorted(changed, key=lambda c: c[2:]):
        print("  " + line)
    return bool(changed)


def test_exporters(python, score_rows, tests):
    environment = {**os.environ, "SCORE_ROWS": os.path.abspath(score_rows), "TABSCORE_SOURCE_DIR": ROOT}
    folder = os.path.join(ROOT, "tests", "exporter")
    good = True
    for test in tests or sorted(f for f in os.listdir(folder) if f.startswith("test_") and f.endswith(".py")):
        done = subprocess.run([python, "-B", os.path.join(folder, test)], env=environment, capture_output=True, text=True)
        print(f"  {test}: {'passed' if done.returncode == 0 else 'FAILED'}")
        if done.returncode != 0:
            print(done.stderr[-3000:])
            good = False
    return good


def write_table(parity_check):
    """docs/reference/trainers.md: for each trainer its sets by its versions, in units in the last place."""
    names = sorted(os.listdir(SETS), key=lambda n: (n.split("-")[0], [int(p) for p in n.split("-")[1].split(".")]))
    found = {}  # trainer: {set: {version: text}}
    good = True
    for name in names:
        trainer, version = name.split("-")
        lines = subprocess.run([parity_check, os.path.join(SETS, name)], capture_output=True, text=True).stdout
        for line in lines.splitlines():
            match = re.match(r"(\S+)/model\.(\w+)\s+(\d+) rows\s+raw\s+(\S+)\s+out\s+(\S+)\s+(ok|MISMATCH)", line)
            if not match:
                continue
            kind, file, _, raw, out, verdict = match.groups()
            good = good and verdict == "ok"
            text = f"{float(raw):g} {float(out):g}" if verdict == "ok" else "**no**"
            cells = found.setdefault(trainer, {}).setdefault(kind, {})
            if file in ("ubj", "cbm") and cells.get(version) == text:
                continue
            cells[version] = text if version not in cells else f"{cells[version]}, {text}"
    with open(os.path.join(ROOT, "docs", "reference", "trainers.md"), "w") as f:
        f.write(INTRO)
        for trainer in ("xgb", "lgb", "cb", "sk", "ebm", "opt", "sm"):
            versions = [n.split("-")[1] for n in names if n.split("-")[0] == trainer]
            pipelines = {k[len(PIPELINE):]: cells for k, cells in found.get(trainer, {}).items() if k.startswith(PIPELINE)}
            models = {k: cells for k, cells in found.get(trainer, {}).items() if not k.startswith(PIPELINE)}
            of_pipelines = f"Pipelines of {TRAINERS[trainer]}" if models else TRAINERS[trainer]
            for title, kinds in ((TRAINERS[trainer], models), (of_pipelines, pipelines)):
                if not kinds:
                    continue
                f.write(f"\n## {title}\n\n")
                f.write("| sets | " + " | ".join(versions) + " |\n|---|" + "---|" * len(versions) + "\n")
                rows = {}  # sets with the same cells share a row
                for kind in sorted(kinds):
                    shown = [kinds[kind].get(v, "") for v in versions]
                    shown = [s.split(" ")[-1] for s in shown] if kinds is pipelines else shown
                    rows.setdefault(" | ".join(shown), []).append(kind)
                for cells, alike in rows.items():
                    f.write(f"| {', '.join(alike)} | {cells} |\n")
        f.write(OTHERS)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(ENVIRONMENTS))
    parser.add_argument("--environments", default=os.path.join(ROOT, "build", "trainers"), metavar="DIR")
    parser.add_argument("--score-rows", metavar="PROGRAM", help="the built tests/exporter/score_rows")
    parser.add_argument("--table", metavar="PARITY_CHECK", help="the built tests/parity/parity_check")
    given = parser.parse_args()
    if given.table:
        return 0 if write_table(given.table) else 1
    good = True
    for name in given.only or ENVIRONMENTS:
        python = make_environment(name, given.environments)
        script = os.path.join(HERE, SCRIPTS[name.split("-")[0]])
        with tempfile.TemporaryDirectory() as made:
            subprocess.run([python, "-B", "-W", "ignore", script, made], check=True, stdout=subprocess.DEVNULL)
            replace(name, made)
        if given.score_rows:
            own = {"sk": [], "ebm": ["test_additive.py"], "opt": ["test_additive.py"], "sm": ["test_statsmodels.py"]}
            tests = own.get(name.split("-")[0], ["test_booster_tasks.py"])
            good = test_exporters(python, given.score_rows, tests) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
