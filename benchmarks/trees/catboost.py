#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures CatBoost's own evaluator and tabscore in one interleaved run: catboost.py [COMPILER].

Needs the packages catboost and numpy; one thread. CatBoost predicts a Pool that is made beforehand, so that its time is
that of `predict` alone; of one row most of that is the way from Python to C++, which is told apart by a model of one tree.
"""
import ctypes
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BATCHES = (1, 8, 64, 256, 1024, 4096)


def library(folder, compiler):
    path = os.path.join(folder, "scorer.so")
    subprocess.run([compiler, "-std=c++20", "-O3", "-DNDEBUG", "-shared", "-fPIC", "-I", os.path.join(ROOT, "include"),
                    os.path.join(HERE, "catboost_scorer.cpp"), "-o", path, "-lfmt", "-lsimdjson"], check=True)
    made = ctypes.CDLL(path)
    made.load_model.restype = ctypes.c_void_p
    made.score_rows.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    return made


def main():
    sys.path = [p for p in sys.path if os.path.abspath(p or ".") != HERE]  # this file is no package
    try:
        import catboost as cb
        import numpy as np
    except ImportError as e:
        print(f"without CatBoost: {e}; pip install catboost")
        return 0
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        ours = library(folder, sys.argv[1] if len(sys.argv) > 1 else "c++")
        x = draw.normal(size=(20000, 20)).astype(np.float32)
        y = x[:, 0] + x[:, 1] * x[:, 2] + draw.normal(size=len(x)) > 0
        for name, settings in (("1x6", {"iterations": 1}), ("100x6", {"iterations": 100}), ("500x6", {"iterations": 500}),
                               ("500x8", {"iterations": 500, "depth": 8}),
                               ("500x6 depthwise", {"iterations": 500, "grow_policy": "Depthwise"})):
            path = os.path.join(folder, "model.cbm")
            model = cb.CatBoostClassifier(verbose=0, allow_writing_files=False, random_seed=1, **settings).fit(x, y)
            model.save_model(path)
            begin = time.process_time()
            loaded = ours.load_model(path.encode())
            print(f"{name}: {os.path.getsize(path)} bytes, loaded in {1e3 * (time.process_time() - begin):.1f} ms")
            for batch in BATCHES:
                rows = np.ascontiguousarray(draw.normal(size=(batch, 20)).astype(np.float32))
                pool, out = cb.Pool(rows), np.empty(batch)
                theirs, mine = [], []
                for _ in range(max(20, 60000 // max(batch, 64))):
                    begin = time.perf_counter()
                    raw = model.predict(pool, prediction_type="RawFormulaVal", thread_count=1)
                    middle = time.perf_counter()
                    ours.score_rows(loaded, rows.ctypes.data, batch, out.ctypes.data)
                    theirs.append(middle - begin)
                    mine.append(time.perf_counter() - middle)
                assert (np.asarray(raw) == out).all(), "other numbers"
                a, b = (1e9 * min(t) / batch for t in (theirs, mine))
                print(f"  batch {batch:>5}  CatBoost {a:>10.1f} ns a row  tabscore {b:>8.1f}  ratio {a / b:>6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
