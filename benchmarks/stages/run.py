#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the stages: rewrites results.json, threads.json, the tables of docs/explanation/performance.md and its picture.

    cmake --preset bench && cmake --build --preset bench --target stages threads
    python3 benchmarks/stages/run.py [--build build/bench] [--passes 21]

Takes about two minutes a pass of ten. --only-write makes the documents from the results that are there.
"""

import argparse
import json
import pathlib
import re
import subprocess

import draw

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs" / "explanation"


def digits(ns):
    return f"{ns:,.0f}" if ns >= 1000 else f"{ns:.3g}" if ns >= 100 else f"{ns:.1f}"


def stage_table(rows):
    sizes = sorted({r["records"] for r in rows})
    ns = {(r["records"], r["stage"]): r for r in rows}
    names = [r["stage"] for r in rows if r["records"] == sizes[0]]
    yield "| stage | " + " | ".join(f"{size:,}" for size in sizes) + " | x floor at 1,000 | GB/s at 1,000 |"
    yield "|---" * (len(sizes) + 3) + "|"
    for name in names:
        cells = [digits(ns[size, name]["ns_per_record"]) for size in sizes]
        thousand = ns[1000, name]
        yield f"| {name} | " + " | ".join(cells) + f" | {thousand['to_floor']:.2f} | {thousand['gb_per_s']:.2f} |"


def layout_table(rows):
    yield "| layout | ns/record | x floor |"
    yield "|---|---|---|"
    for r in rows:
        if r["stage"].startswith("decode, "):
            yield f"| {r['stage'][8:]} | {digits(r['ns_per_record'])} | {r['to_floor']:.2f} |"


def thread_table(rows):
    yield "| records a request | one thread, ns CPU/record | two threads | two cores do |"
    yield "|---|---|---|---|"
    for r in rows:
        yield f"| {r['records']:,} | {digits(r['one_thread_ns'])} | {digits(r['two_threads_ns'])} | {r['speed_up']:.2f} x |"


def replace(text, name, lines):
    """Puts a table between the comments that name it."""
    table = "\n".join(lines)
    pattern = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
    text, count = re.subn(pattern, lambda m: m[1] + table + m[2], text, flags=re.S)
    if count != 1:
        raise SystemExit(f"docs/explanation/performance.md has no place called '{name}' for a table")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--passes", default="21")
    parser.add_argument("--only-write", action="store_true")
    arguments = parser.parse_args()
    if not arguments.only_write:
        for program, file in (("stages", "results.json"), ("threads", "threads.json")):
            command = [f"{arguments.build}/benchmarks/stages/{program}", "--json", "--passes", arguments.passes]
            out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            json.loads(out)
            (HERE / file).write_text(out, encoding="utf-8")
    stages = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    threads = json.loads((HERE / "threads.json").read_text(encoding="utf-8"))
    path = DOCS / "performance.md"
    text = path.read_text(encoding="utf-8")
    text = replace(text, "stages", stage_table(stages))
    text = replace(text, "layouts", layout_table(stages))
    text = replace(text, "threads", thread_table(threads))
    path.write_text(text, encoding="utf-8")
    (DOCS / "performance-stages.svg").write_text(draw.svg(stages), encoding="utf-8")


if __name__ == "__main__":
    main()
