#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures tabscore beside trainers whose evaluator Python calls, in one interleaved run of one thread:

    trainers.py catboost  [--json FILE] [--passes N] [--compiler C]    trees; run.py of benchmarks/trees calls this
    trainers.py interpret [--json FILE] [--passes N] [--compiler C]    explainable boosting machines

Needs numpy and the trainer's package, without which it says so and ends; interpret also needs pandas and scikit-learn.
Numbers must be the trainer's before anything is timed: raw values bit for bit, probabilities within 1e-12. CatBoost
predicts a Pool that is made beforehand. One row costs either side the way from Python as well; the model of one tree
shows how much that is. Figures are medians of CPU time over the passes."""
import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KERNELS = ("avx512", "avx2", "portable")


def library(folder, compiler):
    path = os.path.join(folder, "scorer.so")
    subprocess.run([compiler, "-std=c++20", "-O3", "-DNDEBUG", "-shared", "-fPIC", "-I", os.path.join(ROOT, "include"),
                    os.path.join(HERE, "scorer.cpp"), "-o", path, "-lfmt", "-lsimdjson"], check=True)
    return opened(path)


def opened(path):
    made = ctypes.CDLL(path)
    for load in (made.load_trees, made.load_model):
        load.restype = ctypes.c_void_p
    made.free_trees.argtypes = [ctypes.c_void_p]
    for score in (made.score_trees, made.score_model):
        score.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    return made


def measure(contenders, batch, passes):
    """Medians of CPU nanoseconds and of wall-clock ones a row by contender; a pass repeats each for a while."""
    found = {name: [] for name in contenders}
    repeats = {}
    for name, score in contenders.items():
        begin = time.perf_counter()
        score()
        repeats[name] = max(1, int(0.1 / max(time.perf_counter() - begin, 1e-6)))
    for _ in range(passes):
        for name, score in contenders.items():
            cpu, wall = time.process_time_ns(), time.perf_counter_ns()
            for _ in range(repeats[name]):
                score()
            scored = repeats[name] * batch
            found[name].append(((time.process_time_ns() - cpu) / scored, (time.perf_counter_ns() - wall) / scored))
    return {name: tuple(sorted(column)[passes // 2] for column in zip(*times)) for name, times in found.items()}


def note(out, model, batch, peer, measured):
    for name, (cpu, wall) in measured.items():
        out["results"].append({"model": model, "contender": name, "batch": batch, "ns_per_row": round(wall, 1),
                               "cpu_ns_per_row": round(cpu, 1)})
        print(f"{model:<18}{batch:>8}  {name:<20}{cpu:>12.1f} ns of CPU a row, {measured[peer][0] / cpu:>7.2f}", flush=True)


def load_cost(loader, path, scorer=""):
    """CPU milliseconds and resident bytes that a second load of the model takes, in a process of its own."""
    out = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {HERE!r}); import trainers; "
                          "trainers.load_twice(*sys.argv[1:])", loader, path, scorer], check=True, stdout=subprocess.PIPE)
    return json.loads(out.stdout)


def load_twice(loader, path, scorer):
    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if loader == "tabscore":
        ours = opened(scorer)
        load = lambda: ours.load_model(path.encode())
    else:
        sys.path = [p for p in sys.path if p != HERE]
        import catboost
        load = lambda: catboost.CatBoost().load_model(path)
    kept = [load()]
    before, begin = resident(), time.process_time()
    kept.append(load())
    print(json.dumps([1e3 * (time.process_time() - begin), resident() - before]))
    assert all(kept), "the model does not load"


def measure_catboost(cb, np, ours, folder, passes):
    peer = f"CatBoost {cb.__version__}"
    out = {"loads": [], "results": []}
    draw = np.random.default_rng(0)
    x = draw.normal(size=(20000, 28)).astype(np.float32)
    signal = x[:, 0] + x[:, 1] * x[:, 2] + draw.normal(size=len(x))
    five = np.digitize(signal, np.quantile(signal, [0.2, 0.4, 0.6, 0.8]))
    for name, label, settings in (
            ("1x6_catboost", signal > 0, {"iterations": 1}), ("100x6_catboost", signal > 0, {"iterations": 100}),
            ("1000x6_catboost", signal > 0, {"iterations": 1000}),
            ("500x8_catboost", signal > 0, {"iterations": 500, "depth": 8}),
            ("300x6_5classes_catboost", five, {"iterations": 300}),
            ("500x6_depthwise_catboost", signal > 0, {"iterations": 500, "grow_policy": "Depthwise"})):
        path = os.path.join(folder, name + ".cbm")
        model = cb.CatBoostClassifier(verbose=0, allow_writing_files=False, random_seed=1, **settings).fit(x, label)
        model.save_model(path)
        ms, size = load_cost("tabscore", path, ours._name)
        their_ms, their_size = load_cost("catboost", path)
        out["loads"].append({"model": name, "file_bytes": os.path.getsize(path), "simdjson_ms": 0, "load_ms": round(ms, 3),
                             "memory_bytes": size})
        print(f"{name}: {os.path.getsize(path):,} bytes; loads in {ms:.1f} ms and {size:,} bytes, CatBoost in "
              f"{their_ms:.1f} ms and {their_size:,} bytes", flush=True)
        outputs = 5 if label is five else 1
        trees = {f"tabscore {k}": ours.load_trees(path.encode(), k.encode()) for k in KERNELS}
        trees = {k: t for k, t in trees.items() if t}
        for batch in (1, 16, 256, 4096, 100000):
            rows = np.ascontiguousarray(draw.normal(size=(batch, x.shape[1])).astype(np.float32))
            pool, mine = cb.Pool(rows), np.empty(batch * outputs)
            contenders = {peer: lambda: model.predict(pool, prediction_type="RawFormulaVal", thread_count=1)}
            for k, t in trees.items():
                contenders[k] = lambda t=t: ours.score_trees(t, rows.ctypes.data, batch, mine.ctypes.data)
                contenders[k]()
                assert (np.asarray(contenders[peer]()).ravel() == mine).all(), "other numbers"
            note(out, name, batch, peer, measure(contenders, batch, passes))
        for t in trees.values():
            ours.free_trees(t)
    return out


def measure_interpret(interpret, np, ours, folder, passes):
    sys.path.insert(0, os.path.join(ROOT, "models"))
    import export_additive
    import export_sklearn
    import pandas as pd
    from interpret.glassbox import ExplainableBoostingClassifier

    peer = f"InterpretML {interpret.__version__}"
    out = {"loads": [], "results": []}
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
        ms, size = load_cost("tabscore", path, ours._name)
        print(f"{name}: {os.path.getsize(path):,} bytes; loads in {ms:.1f} ms and {size:,} bytes", flush=True)
        out["loads"].append({"model": name, "file_bytes": os.path.getsize(path), "load_ms": round(ms, 3), "memory_bytes": size})
        loaded = ours.load_model(path.encode())
        for batch in (1, 16, 256, 6000, 100000):
            rows = draw.normal(size=(batch, 20))
            columns, mine = np.ascontiguousarray(rows.T), np.empty(batch)
            contenders = {peer: lambda: model.predict_proba(rows),
                          "tabscore": lambda: ours.score_model(loaded, columns.ctypes.data, batch, mine.ctypes.data)}
            contenders["tabscore"]()
            worst = np.abs(contenders[peer]()[:, 1] - mine).max()
            assert worst < 1e-12, f"probabilities are up to {worst} apart"
            note(out, name, batch, peer, measure(contenders, batch, passes))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trainer", choices=("catboost", "interpret"))
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--compiler", default="c++")
    asked = parser.parse_args()
    try:
        import numpy as np
        package = __import__(asked.trainer)
    except ImportError as e:
        print(f"without {asked.trainer}: {e}")
        return 0
    measured = {"catboost": measure_catboost, "interpret": measure_interpret}[asked.trainer]
    with tempfile.TemporaryDirectory() as folder:
        out = measured(package, np, library(folder, asked.compiler), folder, asked.passes)
    if asked.json:
        with open(asked.json, "w") as f:
            json.dump(out, f)
    return 0


if __name__ == "__main__":
    sys.exit(main())
