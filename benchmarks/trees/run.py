#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures tabscore's trees beside other libraries and rewrites what the documentation shows of it:
docs/performance-trees.md between its marks, docs/performance-trees.svg and results.json.

    benchmarks/trees/run.py                 everything: about 15 minutes of CPU, half of it training and compiling
    benchmarks/trees/run.py --only 100x6    one model (repeat the option for more); the others keep their figures
    benchmarks/trees/run.py --dry           rewrites nothing
    benchmarks/trees/run.py --nvforest      nvForest's CPU build, too (a package of 3 GB)
    benchmarks/trees/run.py --aarch64       instead of times: instructions on aarch64, under emulation (aarch64.py)

Needs Python 3.12 or later, g++ and the library's own dependencies (fmt, simdjson). The first run makes an environment of
the pinned packages of requirements.txt, the models and the compiled peers in build/peers; later runs keep them. Every
contender gives equal numbers before it is timed. Contenders take turns within a pass, on one thread of one process;
figures are medians over passes of that thread's CPU time."""
import argparse
import ctypes
import json
import math
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

import pages

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "peers"
PAGE = ROOT / "docs" / "performance-trees.md"
RESULTS = HERE / "results.json"
BATCHES = (1, 16, 256, 4096, 100_000)
KERNELS = ("avx512", "avx2", "portable")
SLOT = 0.02  # seconds of a measurement, at least
PASSES = 5
NVFOREST = "nvforest-cu12==26.10.0"


def step(*command):
    print("+", *command, flush=True)
    subprocess.run([str(c) for c in command], check=True)


def enter_environment(nvforest):
    """This script again in an environment of the peers."""
    python = WORK / "venv" / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text() + (NVFOREST if nvforest else "")
    stamp = WORK / "venv" / "installed.txt"
    if not stamp.exists() or not stamp.read_text().startswith(wanted):
        step(sys.executable, "-m", "venv", WORK / "venv")
        step(python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt", *([NVFOREST] if nvforest else []))
        stamp.write_text(wanted)
    one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TABSCORE_PEERS")}
    os.execve(python, [str(python), *sys.argv], {**os.environ, **one_thread})


def cpu_has(flag):
    return flag in pathlib.Path("/proc/cpuinfo").read_text()


def built(name, *flags):
    """A shared library of NAME.cpp, newer than its sources."""
    library = WORK / f"{name}{''.join(f for f in flags if f.startswith('-mavx'))}.so"
    sources = [HERE / f"{name}.cpp", HERE / "rapidscorer.hpp"]
    if name == "contenders":
        sources += [p for p in (ROOT / "include").rglob("*") if p.is_file()]
    if not library.exists() or library.stat().st_mtime < max(p.stat().st_mtime for p in sources):
        step(os.environ.get("CXX", "g++"), "-std=c++20", "-O3", "-DNDEBUG", "-shared", "-fPIC", "-I", ROOT / "include",
             HERE / f"{name}.cpp", "-o", library, *flags)
    return library


class Timed:
    """What the C++ part opened."""

    def __init__(self, native, handle, columns, threads=1, keep=None):
        if not handle:
            raise RuntimeError(native.last_failure().decode())
        self.native, self.handle, self.columns, self.threads, self.keep = native, handle, columns, threads, keep

    def run(self, all_rows, first, n, repeats):
        ns = self.native.run(self.handle, all_rows, first, n, repeats, self.threads > 1)
        if ns < 0:
            raise RuntimeError(self.native.last_failure().decode())
        return ns

    def values(self, np, all_rows, n):
        self.run(all_rows, 0, n, 1)
        out = np.empty(n * self.columns)
        self.native.results(self.handle, out.ctypes.data, out.size)
        return out.reshape(n, self.columns)


class Called:
    """A library without a C API: score(first, n) from Python. Its figures have the way from Python, some microseconds."""

    def __init__(self, score, seen=None):
        self.score = score
        self.seen = seen or (lambda margins: margins)  # what it makes of tabscore's numbers

    def run(self, all_rows, first, n, repeats):
        begin = time.thread_time_ns()
        for _ in range(repeats):
            first = 0 if first + n > all_rows else first
            self.score(first, n)
            first += n
        return time.thread_time_ns() - begin

    def values(self, np, all_rows, n):
        return np.asarray(self.score(0, n), dtype=float).reshape(n, -1)


def open_native():
    native = ctypes.CDLL(str(built("contenders", "-lfmt", "-lsimdjson")))
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, *arguments in (
            ("last_failure", ctypes.c_char_p), ("has_kernel", ctypes.c_bool, ctypes.c_char_p),
            ("make_data", pointer, size, size, pointer, pointer), ("add_texts", None, pointer, pointer, pointer),
            ("open_trees", pointer, pointer, ctypes.c_char_p, ctypes.c_char_p, size),
            ("open_texts", pointer, pointer, ctypes.c_char_p),
            ("open_xgboost", pointer, pointer, size, ctypes.c_char_p, pointer),
            ("open_lightgbm", pointer, pointer, size, ctypes.c_char_p, pointer),
            ("open_onnxruntime", pointer, pointer, size, ctypes.c_char_p, ctypes.c_char_p),
            ("open_gtil", pointer, pointer, size, ctypes.c_char_p, pointer, pointer, ctypes.c_bool),
            ("open_tl2cgen", pointer, pointer, size, ctypes.c_char_p, ctypes.c_bool),
            ("open_lleaves", pointer, pointer, size, pointer),
            ("open_rapidscorer", pointer, pointer, ctypes.c_char_p, ctypes.c_char_p),
            ("run", ctypes.c_double, pointer, size, size, size, size, ctypes.c_bool), ("results", None, pointer, pointer, size),
            ("close_contender", None, pointer), ("measure_load", ctypes.c_bool, ctypes.c_char_p, ctypes.c_int, pointer),
            ("measure_swaps", size, pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_double, pointer, pointer, size, pointer)):
        function = getattr(native, name)
        function.restype, function.argtypes = result, arguments
    return native


class Rows:
    """The rows to score: numbers, or codes of texts and the texts."""

    def __init__(self, native, np, models, texts):
        if texts:
            self.codes = models.codes(2, 20_000)[0]
            self.narrow = self.codes.astype(np.float32)
        else:
            self.narrow = models.numbers(2, models.ROWS)[0]
        self.wide = self.narrow.astype(np.float64)
        self.count, self.columns = self.narrow.shape
        self.data = native.make_data(self.count, self.columns, self.narrow.ctypes.data, self.wide.ctypes.data)
        if texts:
            words = [w.encode() for w in models.words()]
            self.words = (ctypes.c_char_p * len(words))(*words)
            native.add_texts(self.data, self.codes.ctypes.data, self.words)


def contenders_of(native, np, models, rows, path, nvforest):
    """(name, contender, how far its numbers may be off) of a model: tabscore first."""
    name, texts = os.path.basename(path), "texts" in path
    out = []
    for kernel in KERNELS:
        if native.has_kernel(kernel.encode()) and not (texts and name.endswith(".cbm")):
            trees = native.open_trees(rows.data, path.encode(), kernel.encode(), 1)
            out.append((f"tabscore {kernel}", Timed(native, trees, 1), 0))
    outputs = 10 if "10classes" in name else 2 if "forest" in name else 1
    for _, c, _ in out:
        c.columns = outputs
    if texts:
        out.append(("tabscore, from texts", Timed(native, native.open_texts(rows.data, path.encode()), 1), 0))
    else:
        trees = native.open_trees(rows.data, path.encode(), b"best", 2)
        out.append(("tabscore, 2 threads", Timed(native, trees, outputs, threads=2), 0))

    if name.endswith(".cbm"):
        import catboost as cb
        model = cb.CatBoost().load_model(path, format="cbm")
        table = np.array(models.words(), dtype=object)[rows.codes] if texts else rows.narrow
        pools = {}

        def score(first, n):
            if n not in pools:
                pools[n] = cb.Pool(table[:n], cat_features=list(range(models.TEXTS)) if texts else None)
            return model.predict(pools[n], prediction_type="RawFormulaVal", thread_count=1)
        out.append((f"CatBoost {cb.__version__}" if not texts else f"texts hashed before: CatBoost {cb.__version__}",
                    Called(score), 0))
        if texts:
            from_texts = lambda first, n: model.predict(table[first:first + n], prediction_type="RawFormulaVal", thread_count=1)
            out.append((f"CatBoost {cb.__version__}", Called(from_texts), 0))
        return out

    import treelite
    model = models.treelite(path)
    floats = model.input_type == "float32"
    library = lambda package, pattern: str(next(pathlib.Path(package.__file__).parent.rglob(pattern))).encode()
    if name.endswith(".txt"):
        import lightgbm as lgb
        booster = lgb.Booster(model_file=path)
        handle = native.open_lightgbm(rows.data, outputs, library(lgb, "lib_lightgbm.so"), booster._handle)
        out.append((f"LightGBM {lgb.__version__}", Timed(native, handle, outputs, keep=booster), 0))
        import lleaves
        compiled = lleaves.Model(model_file=path)
        cache = str(WORK / "models" / (name + ".lleaves"))
        compiled.compile(cache=cache, raw_score=True)
        entry = ctypes.cast(compiled._c_entry_func, ctypes.c_void_p).value
        out.append(("lleaves 1.3.0", Timed(native, native.open_lleaves(rows.data, outputs, entry), outputs, keep=compiled), 1e-9))
    elif "forest" in name:
        import joblib
        import sklearn
        forest = joblib.load(path.replace(".json", ".joblib"))
        out.append((f"scikit-learn {sklearn.__version__}",
                    Called(lambda first, n: forest.predict_proba(rows.narrow[first:first + n])), 0))
    else:
        import xgboost as xgb
        booster = xgb.Booster({"nthread": 1}, model_file=path)
        handle = native.open_xgboost(rows.data, outputs, library(xgb, "libxgboost.so"), booster.handle)
        out.append((f"XGBoost {xgb.__version__}", Timed(native, handle, outputs, keep=booster), 0))
    if not texts:
        import onnxruntime
        handle = native.open_onnxruntime(rows.data, outputs, library(onnxruntime, "libonnxruntime.so.*"),
                                         models.as_onnx(path).encode())
        out.append((f"ONNX Runtime {onnxruntime.__version__}", Timed(native, handle, outputs), 1e-4))
    config = treelite.gtil.gtil.GTILConfig(nthread=1, predict_type="raw")
    handle = native.open_gtil(rows.data, outputs, library(treelite, "libtreelite.so"), model.handle, config.handle, floats)
    out.append((f"Treelite {treelite.__version__} (GTIL)", Timed(native, handle, outputs, keep=(model, config)), 1e-4))
    if "forest" not in name:  # gcc takes very long for deep trees
        import tl2cgen
        handle = native.open_tl2cgen(rows.data, outputs, models.compile_tl2cgen(path).encode(), floats)
        out.append((f"TL2cgen {tl2cgen.__version__}", Timed(native, handle, outputs), 1e-4))
    if "forest" not in name and not texts:
        for isa, flags in (("AVX-512", ("-mavx512f", "-mavx512bw")), ("AVX2", ("-mavx2",))):
            if all(cpu_has(flag[2:]) for flag in flags):
                handle = native.open_rapidscorer(rows.data, str(built("rapidscorer", *flags)).encode(), path.encode())
                out.append((f"RapidScorer-style {isa}", Timed(native, handle, outputs), 0))
    if nvforest:
        import nvforest as nv
        fast = nv.load_from_treelite_model(model, device="cpu")
        if fast.is_classifier and outputs < 3:
            seen = None if "forest" in name else lambda margins: 1 / (1 + np.exp(-margins))
            out.append((f"nvForest {nv.__version__}", Called(lambda f, n: fast.predict_proba(rows.narrow[f:f + n]), seen), 1e-5))
    return out


def fill_slot(contender, all_rows, batch):
    """How many repeats fill a slot, and how many passes are enough; warms up."""
    repeats = 1
    ns = contender.run(all_rows, 0, batch, 1)
    while ns < 2e6:
        repeats *= 2
        ns = contender.run(all_rows, 0, batch, repeats)
    return max(1, math.ceil(repeats * SLOT * 1e9 / ns)), PASSES if ns < 3e8 else 1


def measure(np, model, contenders, rows, out):
    """Checks the numbers, then times each batch: contenders in turn, medians over passes."""
    check = min(4096, rows.count)
    ours = contenders[0][1].values(np, rows.count, check)
    for name, contender, bound in contenders[1:]:
        theirs = contender.values(np, rows.count, check)
        mine = contender.seen(ours) if isinstance(contender, Called) else ours
        # trainers of float32 sums give float32
        apart = min(np.abs(mine - theirs).max(), np.abs(mine.astype(np.float32) - theirs.astype(np.float32)).max())
        if theirs.shape != ours.shape or not apart <= bound:
            raise SystemExit(f"{model}, {name}: numbers are up to {apart} apart")
        print(f"{model}, {name}: at most {apart:.3g} apart", flush=True)
    turns = [(name, contender) for name, contender, _ in contenders]
    for batch in (b for b in BATCHES if b <= rows.count):
        plan = {name: fill_slot(contender, rows.count, batch) for name, contender in turns}
        figures = {name: [] for name in plan}
        for p in range(PASSES):
            for name, contender in turns:
                repeats, passes = plan[name]
                if p < passes:
                    ns = contender.run(rows.count, (p + 1) * 7919 % rows.count, batch, repeats)
                    figures[name].append(ns / repeats / batch)
        for name, _ in turns:
            found = sorted(figures[name])
            out.append({"model": model, "contender": name, "batch": batch, "cpu_ns_per_row": round(found[len(found) // 2], 1),
                        "spread": round(found[-1] / found[0], 2)})
        mine = out[-len(turns):]
        best = min(r["cpu_ns_per_row"] for r in mine if pages.is_peer(r["contender"]))
        for r in mine:
            print(f"{model:<20}{batch:>8}  {r['contender']:<26}{r['cpu_ns_per_row']:>12,.1f} ns a row  {best / r['cpu_ns_per_row']:>7.2f}"
                  f"  spread {r['spread']:.2f}", flush=True)
        # whoever would take more than 5 seconds for 100,000 rows is left out there
        slow = {r["contender"] for r in mine if batch == 4096 and r["cpu_ns_per_row"] > 50_000 and r["cpu_ns_per_row"] > 1.5 * best}
        turns = [t for t in turns if t[0] not in slow]


def measure_loads(native, paths):
    figures = (ctypes.c_double * 4)()
    out = []
    for model, path in paths:
        if not native.measure_load(path.encode(), 3 if os.path.getsize(path) > 2e7 else 9, figures):
            raise SystemExit(native.last_failure().decode())
        parse, trees, load, memory = figures
        out.append({"model": model, "file_bytes": os.path.getsize(path), "simdjson_ms": round(parse, 3), "trees_ms": round(trees, 3),
                    "load_ms": round(load, 3), "memory_bytes": int(memory)})
        print(out[-1], flush=True)
    return out


def measure_swaps(native, np, rows, path):
    room = 4_000_000
    cpu, wall, swaps = np.empty(room, np.float32), np.empty(room, np.float32), ctypes.c_size_t()
    out = []
    for how, name in enumerate(("no loads", "loads, no swaps", "loads and swaps")):
        calls = native.measure_swaps(rows.data, path.encode(), how, 5.0, cpu.ctypes.data, wall.ctypes.data, room, ctypes.byref(swaps))
        line = {"run": name, "calls": calls, "swaps": swaps.value}
        for clock, values in (("cpu", cpu), ("wall", wall)):
            found = values[:calls] / 1e3
            line[clock + "_us"] = [round(float(np.quantile(found, q)), 1) for q in (0.5, 0.99, 0.999, 0.9999, 1)]
            line[clock + "_above_1_ms"] = int((found > 1000).sum())
        out.append(line)
        print(line, flush=True)
    return out


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    compiler = subprocess.run(["g++", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(), "compiler": compiler,
            "avx512": cpu_has("avx512bw"), "date": time.strftime("%Y-%m-%d"), "load_average": round(os.getloadavg()[0], 1)}


def merged(old, new, order):
    """The new figures of some models among the old ones of the others."""
    fresh = {r["model"] for r in new["results"]}
    rank = {model: i for i, model in enumerate(order)}
    place = lambda line: rank[line["model"].split(" ")[0]]
    for kind in ("results", "loads"):
        kept = [line for line in old[kind] if line["model"].split(" ")[0] not in fresh]
        new[kind] = sorted(kept + new[kind], key=place)
    return {**new, "swaps": new["swaps"] or old["swaps"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="MODEL")
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--nvforest", action="store_true")
    parser.add_argument("--aarch64", action="store_true")
    asked = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    if "TABSCORE_PEERS" not in os.environ:
        enter_environment(asked.nvforest)

    import numpy as np

    import models
    folder = WORK / "models"
    folder.mkdir(exist_ok=True)
    chosen = [m for m in models.MODELS if not asked.only or m in asked.only]
    paths = [(m, models.MODELS[m](str(folder))) for m in chosen]
    if asked.aarch64:
        import aarch64
        counted = [(m, path) for m, path in paths if m != "200_texts_catboost"]
        return aarch64.main(counted, PAGE.with_stem("performance-trees-profile"))
    native = open_native()
    measured = {"machine": machine(), "passes": PASSES, "loads": [], "swaps": [], "results": []}
    rows = {}
    for model, path in paths:
        texts = "texts" in model
        if texts not in rows:
            rows[texts] = Rows(native, np, models, texts)
        contenders = contenders_of(native, np, models, rows[texts], path, asked.nvforest)
        measure(np, model, contenders, rows[texts], measured["results"])
        for _, contender, _ in contenders:
            if isinstance(contender, Timed):
                native.close_contender(contender.handle)
    loads = list(paths)
    for model, path in paths:
        if path.endswith(".json") and "forest" not in model:
            import xgboost as xgb
            loads.append((model + " (UBJSON)", models.make(path[:-4] + "ubj", xgb.Booster(model_file=path).save_model)))
    measured["loads"] = measure_loads(native, loads)
    if "500x8" in chosen:
        measured["swaps"] = measure_swaps(native, np, rows[False], dict(paths)["500x8"])
    if asked.dry:
        return
    if asked.only and RESULTS.exists():
        measured = merged(json.loads(RESULTS.read_text()), measured, models.MODELS)
    lines = ",\n".join(' "%s": %s' % (k, "[\n  %s]" % ",\n  ".join(map(json.dumps, v)) if isinstance(v, list) else json.dumps(v))
                       for k, v in measured.items())
    RESULTS.write_text("{\n%s\n}\n" % lines)
    for page, text in ((PAGE, pages.tables(measured)), (HERE / "RESULTS.md", pages.details(measured))):
        old = page.read_text()
        begin, end = "<!-- run.py writes from here -->\n", "<!-- to here -->\n"
        page.write_text(old[:old.index(begin) + len(begin)] + text + old[old.index(end):])
    PAGE.with_suffix(".svg").write_text(pages.picture(measured["results"]))


if __name__ == "__main__":
    main()
