#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU seconds of scoring a million records, in process and by the filter: run.py SCALE_COLUMNS SCORE_STREAM MODEL
[--records N] [--passes N]. The programs take turns; medians; ratios are to scoring columns in process."""
import argparse
import json
import random
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

arguments = argparse.ArgumentParser()
arguments.add_argument("columns")
arguments.add_argument("program")
arguments.add_argument("model")
arguments.add_argument("--records", type=int, default=1_000_000)
arguments.add_argument("--passes", type=int, default=5)
options = arguments.parse_args()
NAMES = ["student_country", "days_on_platform", "minutes_watched", "courses_started", "practice_exams_started",
         "practice_exams_passed", "minutes_spent_on_exams"]


def write_inputs(folder):
    rng = random.Random(7)
    rows = []
    for _ in range(100_000):
        started = rng.randint(0, 12)
        rows.append([rng.choice(["US", "SG", "IN", "GB", "DE", "FR", "BR", "XX"]), rng.randint(0, 400),
                     round(rng.random() * 900, 1), rng.randint(0, 9), started, rng.randint(0, started),
                     round(rng.random() * 200, 2)])
    times = max(1, options.records // len(rows))
    lines = "".join(json.dumps(dict(zip(NAMES, r)), separators=(",", ":")) + "\n" for r in rows)
    cells = "".join(",".join(map(str, r)) + "\n" for r in rows)
    with open(folder / "in.ndjson", "w") as out:
        for _ in range(times):
            out.write(lines)
    with open(folder / "in.csv", "w") as out:
        out.write(",".join(NAMES) + "\n")
        for _ in range(times):
            out.write(cells)
    return times * len(rows)


def filter_cost(flags, output):
    def cpu():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    before, begun = cpu(), time.time()
    with open(output, "wb") as out:
        subprocess.run([options.program, "--quiet", "--model", options.model, *map(str, flags)], stdout=out, check=True)
    return cpu() - before, time.time() - begun


with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary)
    records = write_inputs(folder)
    sizes = {f: (folder / f"in.{f}").stat().st_size / records for f in ("csv", "ndjson")}
    found = {}
    for _ in range(options.passes):
        inside = subprocess.run([options.columns, options.model, folder / "in.csv", folder / "in.ndjson", "3", "1"],
                                stdout=subprocess.PIPE, check=True, text=True).stdout
        for line in inside.splitlines():
            r = json.loads(line)
            found.setdefault(r["what"], []).append((r["cpu_ns"], r["wall_ns"]))
        for f in "csv", "ndjson":
            for threads in 1, 2:
                for name, output in (("file", folder / "out"), ("/dev/null", "/dev/null")):
                    cost = filter_cost(["--from", f, "--threads", threads, folder / f"in.{f}"], output)
                    found.setdefault(f"{f.upper()} filter, {threads} thread{'s' * (threads > 1)}, to {name}", []).append(
                        tuple(1e9 * c / records for c in cost))
    base = statistics.median(c for c, _ in found["columns, scored"])
    print(f"{records} records of {sizes['csv']:.0f} bytes as CSV, {sizes['ndjson']:.0f} as NDJSON; {options.model}\n")
    print("| | CPU ns per record | x columns | M records per CPU second | wall ns |\n|---|---|---|---|---|")
    for what, costs in found.items():
        cpu = statistics.median(c for c, _ in costs)
        wall = statistics.median(w for _, w in costs)
        print(f"| {what} | {cpu:.1f} | {cpu / base:.2f} | {1000 / cpu:.1f} | {wall:.1f} |")
