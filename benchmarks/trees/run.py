#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures tabscore's trees beside other libraries and rewrites what the documentation shows of it: results.json,
docs/performance-trees.svg and the tables of docs/performance-trees.md.

    benchmarks/trees/run.py            about five minutes
    benchmarks/trees/run.py --full     all models, nine passes: about half an hour
    benchmarks/trees/run.py --dry      measures, but rewrites nothing of the repository

Builds with the preset `bench`; models and peers go to build/bench/trees. Needs python3-xgboost (Debian's python3) to train
and libxgboost-dev as a peer; ONNX Runtime comes from npm; trees compiled from generated C take gcc. LightGBM is measured
where LIGHTGBM_LIBRARY says where its lib_lightgbm.so is or Python finds its package; TL2cgen where Python finds its package
and Treelite's. CatBoost, as a peer and with models of its own, is measured where CATBOOST_PYTHON (by default python3) finds
its package. A peer that cannot be had is left out, with a note."""
import argparse
import glob
import importlib.util
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "bench" / "trees"
PAGE = ROOT / "docs" / "performance-trees.md"
OURS = ["tabscore avx512", "tabscore avx2", "tabscore portable"]


def step(*command, **options):
    print("+", *command, flush=True)
    subprocess.run([str(c) for c in command], check=True, **options)


def onnxruntime():
    """libonnxruntime.so out of the npm package, or nothing."""
    def found():
        machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        return sorted(WORK.glob("node_modules/onnxruntime-node/bin/*/linux/%s/libonnxruntime.so*" % machine))
    if not found():
        try:
            step("npm", "install", "--prefix", WORK, "--ignore-scripts", "--no-audit", "--no-fund", "onnxruntime-node")
        except (OSError, subprocess.CalledProcessError) as e:
            print("without ONNX Runtime: npm cannot install onnxruntime-node (%s)" % e)
    return found()[:1]


def lightgbm():
    """lib_lightgbm.so: the one that is asked for, that of the Python package, the system's, or nothing."""
    found = [os.environ["LIGHTGBM_LIBRARY"]] if "LIGHTGBM_LIBRARY" in os.environ else []
    package = importlib.util.find_spec("lightgbm")
    if package:
        found += map(str, pathlib.Path(package.origin).parent.rglob("lib_lightgbm.so"))
    found += glob.glob("/usr/lib/*/lib_lightgbm.so") + glob.glob("/usr/local/lib/lib_lightgbm.so")
    if not found:
        print("without LightGBM: neither LIGHTGBM_LIBRARY nor Python's package says where lib_lightgbm.so is")
    return found[:1]


def catboost(passes):
    """CatBoost's models beside CatBoost, which Python calls; nothing without its package."""
    path = WORK / "catboost.json"
    path.unlink(missing_ok=True)
    step(os.environ.get("CATBOOST_PYTHON", "python3"), HERE.parent / "python" / "trainers.py", "catboost", "--json", path,
         "--passes", passes)
    return json.loads(path.read_text()) if path.exists() else {"loads": [], "results": []}


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(), "compiler": compiler,
            "load_average": round(os.getloadavg()[0], 1)}


def number(value):
    return "{:,.0f}".format(value) if value >= 100 else "{:.1f}".format(value) if value >= 10 else "{:.2f}".format(value)


def table(header, rows):
    return "\n".join("| %s |" % " | ".join(r) for r in [header, ["---"] * len(header), *rows]) + "\n"


def tables(measured):
    """The tables as text: peers and kernels, two threads, loading."""
    cells, order, peers = {}, [], []
    for r in measured["results"]:
        key = r["model"], r["batch"]
        if key not in cells:
            order.append(key)
        cells.setdefault(key, {})[r["contender"]] = r
        if not r["contender"].startswith("tabscore") and r["contender"] not in peers:
            peers.append(r["contender"])
    rows, threads = [], []
    for key in order:
        row = cells[key]
        best = min((row[p]["cpu_ns_per_row"] for p in peers if p in row), default=None)
        line = [key[0], "{:,}".format(key[1])] + [number(row[p]["cpu_ns_per_row"]) if p in row else "-" for p in peers]
        for ours in OURS:
            if ours not in row:
                line.append("-")
                continue
            mine = row[ours]["cpu_ns_per_row"]
            line.append(number(mine) + (" (%s)" % number(best / mine) if best else ""))
        rows.append(line)
        if key[1] == 100000 and "tabscore, 2 threads" in row:
            one = next(row[o] for o in OURS if o in row)
            two = row["tabscore, 2 threads"]
            threads.append([key[0], number(one["cpu_ns_per_row"]), number(two["cpu_ns_per_row"]),
                            number(2 * one["cpu_ns_per_row"] / two["cpu_ns_per_row"]),
                            number(one["ns_per_row"] / two["ns_per_row"])])
    loads = [[m["model"], number(m["file_bytes"] / 1e6), number(m["simdjson_ms"]) if m["simdjson_ms"] else "-",
              number(m["load_ms"]), number(m["load_ms"] / m["simdjson_ms"]) if m["simdjson_ms"] else "-",
              number(m["memory_bytes"] / 1e6)] for m in measured["loads"]]
    m = measured["machine"]
    return ("%s, %d cores, load average %s before the run; %s; medians of %d interleaved passes.\n\n"
            % (m["cpu"], m["cores"], m["load_average"], m["compiler"], measured["passes"])
            + table(["model", "batch", *peers, *OURS], rows)
            + "\nTwo threads, 100,000 rows, the best kernel:\n\n"
            + table(["model", "CPU ns a row, 1 thread", "2 threads", "times as fast on two free cores", "in this run"],
                    threads)
            + "\nLoading:\n\n"
            + table(["model", "file, MB", "simdjson parses it, ms", "load, ms", "ratio", "memory, MB"], loads))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--dry", action="store_true")
    asked = parser.parse_args()

    here = machine()
    WORK.mkdir(parents=True, exist_ok=True)
    models = WORK / ("models" if asked.full else "models_short")
    step("/usr/bin/python3", HERE / "make_models.py", models, *([] if asked.full else ["--short"]))
    if not list(models.glob("*.tl2cgen.so")):
        print("without TL2cgen: Python finds no packages tl2cgen and treelite")
    step("cmake", "--preset", "bench", cwd=ROOT)
    step("cmake", "--build", "--preset", "bench", "--target", "trees", cwd=ROOT)
    flags = ["--passes", 9] if asked.full else ["--passes", 3]
    for library in onnxruntime():
        flags += ["--onnxruntime", library]
    for library in lightgbm():
        flags += ["--lightgbm", library]
    step(ROOT / "build/bench/benchmarks/trees/trees", models, "--json", WORK / "results.json", *flags)

    measured = {"machine": here, **json.loads((WORK / "results.json").read_text())}
    for kind, lines in catboost(flags[1]).items():
        measured[kind] += lines
    text = tables(measured)
    print(text)
    if asked.dry:
        return
    lines = ",\n".join(' "%s": %s' % (k, "[\n  %s]" % ",\n  ".join(map(json.dumps, v)) if isinstance(v, list) else
                                       json.dumps(v)) for k, v in measured.items())
    (HERE / "results.json").write_text("{\n%s\n}\n" % lines)
    step(sys.executable, HERE / "draw.py", HERE / "results.json", ROOT / "docs" / "performance-trees.svg")
    page = PAGE.read_text()
    begin, end = "<!-- run.py writes from here -->\n", "<!-- to here -->\n"
    PAGE.write_text(page[:page.index(begin) + len(begin)] + text + page[page.index(end):])


if __name__ == "__main__":
    main()
