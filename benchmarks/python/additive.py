#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures tabscore beside InterpretML (explainable boosting machines) in one interleaved run of one thread:

    additive.py [--passes N] [--compiler C]

Needs interpret, pandas and scikit-learn. Probabilities must be within 1e-12 of the trainer's before anything is timed.
Figures are medians of CPU time over the passes; one row costs either side the way from Python as well."""
import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
from interpret import __version__
from interpret.glassbox import ExplainableBoostingClassifier

from timing import cpu_per_row

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def library(folder, compiler):
    path = os.path.join(folder, "scorer.so")
    subprocess.run([compiler, "-std=c++20", "-O3", "-DNDEBUG", "-shared", "-fPIC", "-I", os.path.join(ROOT, "include"),
                    os.path.join(HERE, "scorer.cpp"), "-o", path, "-lfmt", "-lsimdjson"], check=True)
    return opened(path)


def opened(path):
    made = ctypes.CDLL(path)
    made.load_model.restype = ctypes.c_void_p
    made.score_model.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    return made


def load_cost(path, scorer):
    """CPU milliseconds and resident bytes that a second load of the model takes."""
    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    kept = [scorer.load_model(path.encode())]
    before, begin = resident(), time.process_time()
    kept.append(scorer.load_model(path.encode()))
    assert all(kept), "the model does not load"
    return 1e3 * (time.process_time() - begin), resident() - before


def compare(ours, folder, passes):
    sys.path.insert(0, os.path.join(ROOT, "models"))
    import export_additive
    import export_sklearn

    peer = f"InterpretML {__version__}"
    draw = np.random.default_rng(0)
    names = [f"x{j}" for j in range(20)]
    x = pd.DataFrame(draw.normal(size=(6000, 20)), columns=names)
    label = (x["x0"] + x["x1"] * x["x2"] + draw.normal(size=len(x)) > 0).astype(int)
    for name, pairs in (("20_features_ebm", 0), ("20_features_10_pairs_ebm", 10)):
        path = os.path.join(folder, name + ".json")
        model = ExplainableBoostingClassifier(interactions=pairs, random_state=1, outer_bags=4, n_jobs=1).fit(x, label)
        document = export_additive.export(model, name=name, date="2026-01-01", checks=4, training_data={
            "file": "made_up.csv", "sha256": "0" * 64, "rows": len(x)})
        export_sklearn.write(document, path)
        ms, size = load_cost(path, ours)
        print(f"{name}: {os.path.getsize(path):,} bytes; loads in {ms:.1f} ms and {size:,} bytes", flush=True)
        loaded = ours.load_model(path.encode())
        for batch in (1, 16, 256, 6000, 100000):
            rows = draw.normal(size=(batch, 20))
            columns, mine = np.ascontiguousarray(rows.T), np.empty(batch)
            contenders = {peer: lambda: model.predict_proba(rows),
                          "tabscore": lambda: ours.score_model(loaded, columns.ctypes.data, batch, mine.ctypes.data)}
            contenders["tabscore"]()
            worst = np.abs(contenders[peer]()[:, 1] - mine).max()
            assert worst < 1e-12, f"probabilities are up to {worst} apart"
            measured = cpu_per_row(contenders, batch, passes)
            for contender, ns in measured.items():
                print(f"{name:<26}{batch:>8}  {contender:<20}{ns:>12.1f} ns of CPU a row, {measured[peer] / ns:>7.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--compiler", default="c++")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(library(folder, asked.compiler), folder, asked.passes)


if __name__ == "__main__":
    main()
