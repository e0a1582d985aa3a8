#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scoring ten million records costs, in process, by the filter, in DuckDB and in ClickHouse:

    run.py SCALE_COLUMNS SCORE_STREAM MODEL [--duckdb STUDENTS CONSTANT] [--clickhouse LIBCHDB CONSTANT_STREAM]

The engines have controls beside them that answer constants: an extension of DuckDB and a program for ClickHouse.

Everything takes turns, pass after pass; medians; ratios are to scoring columns in process on one thread. CPU times count
what runs in the programs and in the kernel for them, starting them and writing files included. --folder keeps the
made-up records for the next run; --only takes the lines of other programs whose names hold a word."""
import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import clickhouse

arguments = argparse.ArgumentParser()
arguments.add_argument("columns")
arguments.add_argument("program")
arguments.add_argument("model")
arguments.add_argument("--duckdb", nargs=2, metavar=("EXTENSION", "CONSTANT"))
arguments.add_argument("--clickhouse", nargs=2, metavar=("LIBRARY", "CONSTANT_STREAM"))
arguments.add_argument("--records", type=int, default=10_000_000)
arguments.add_argument("--passes", type=int, default=5)
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--folder", type=Path)
arguments.add_argument("--only", default="")
arguments.add_argument("--prepare", action="store_true", help="make the records in --folder and measure nothing")
options = arguments.parse_args()
BASE = "columns, scored, 1 thread"
found = {}  # name -> [(CPU ns, wall ns) per record]


def write_records(folder):
    """100,000 different records over and over, as NDJSON and CSV."""
    rng = random.Random(7)
    rows = []
    for _ in range(100_000):
        started = rng.randint(0, 12)
        rows.append([rng.choice(["US", "SG", "IN", "GB", "DE", "FR", "BR", "XX"]), rng.randint(0, 400),
                     round(rng.random() * 900, 1), rng.randint(0, 9), started, rng.randint(0, started),
                     round(rng.random() * 200, 2)])
    names = list(clickhouse.FIELDS)
    lines = "".join(json.dumps(dict(zip(names, r)), separators=(",", ":")) + "\n" for r in rows)
    cells = "".join(",".join(map(str, r)) + "\n" for r in rows)
    times = max(1, options.records // len(rows))
    for name, head, text in (("in.ndjson", "", lines), ("in.csv", ",".join(names) + "\n", cells)):
        with open(folder / name, "w") as out:
            out.write(head)
            for _ in range(times):
                out.write(text)
    return times * len(rows)


def measured(name):
    return options.only in name


def note(name, records, cpu, wall):
    found.setdefault(name, []).append((1e9 * cpu / records, 1e9 * wall / records))


def run(command, out=subprocess.DEVNULL):
    """CPU and wall seconds of a program."""
    def cpu():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    before, begun = cpu(), time.time()
    subprocess.run([str(word) for word in command], stdout=out, check=True)
    return cpu() - before, time.time() - begun


def in_process(folder, records):
    lines = subprocess.run([options.columns, options.model, folder / "in.csv", folder / "in.ndjson", "1",
                            str(options.threads)], stdout=subprocess.PIPE, check=True, text=True).stdout
    for r in map(json.loads, lines.splitlines()):
        name = f"{r['what']}, {r['threads']} thread{'s' * (r['threads'] > 1)}"
        note(name, 1e9, r["cpu_ns"], r["wall_ns"])


def filters(folder, records):
    inputs = [("CSV", "csv", "in.csv"), ("NDJSON", "ndjson", "in.ndjson")]
    if (folder / "in.native").exists():
        inputs.append(("Native", "native", "in.native"))
    for label, form, file in inputs:
        for threads in (1, options.threads):
            for place, path in (("file", folder / "out"), ("/dev/null", "/dev/null")):
                name = f"{label} filter to {place}, {threads} thread{'s' * (threads > 1)}"
                if not measured(name):
                    continue
                with open(path, "wb") as out:
                    note(name, records, *run([options.program, "--quiet", "--model", options.model, "--from", form,
                                              "--threads", threads, folder / file], out))


class DuckDB:
    """The engine in this process, with its default settings but for the threads."""

    def __init__(self, students, constant, folder, records):
        import duckdb

        self.connection = duckdb.connect(config={"allow_unsigned_extensions": "true", "threads": options.threads})
        for extension in (students, constant):
            self.connection.execute(f"LOAD '{Path(extension).resolve()}'")
        self.source, self.target, self.records = folder / "in.parquet", folder / "out.parquet", records
        if not self.source.exists():
            self.connection.execute(f"COPY (SELECT row_number() OVER () AS id, * FROM '{folder / 'in.csv'}') TO '{self.source}'")

    def statements(self):
        numbers = " + ".join(list(clickhouse.FIELDS)[1:])
        record = "{" + ", ".join(f"{name}: {name}" for name in clickhouse.FIELDS) + "}"
        yield "read and added up", f"SELECT sum({numbers}), max(student_country) FROM '{self.source}'"
        # Equal numbers cost the writer of Parquet little: those of the third kind differ as predictions do.
        for answers, function, probability in (("", "students", "p.probability"), (", constants", "constant", "p.probability"),
                                               (", different constants", "constant", "p.probability + id % 100000 / 1e6")):
            scored = f"(SELECT *, {function}_predict({record}, '{Path(options.model).resolve()}') AS p FROM '{self.source}')"
            yield f"scored{answers}", f"SELECT sum({probability}), count(p.error) FROM {scored}"
            prediction = f"{probability} AS probability, p.label, p.error"
            for columns, select in (("predictions", prediction), ("predictions by id", f"id, {prediction}"),
                                    ("all columns and predictions", f"* EXCLUDE p, {prediction}")):
                yield f"Parquet to Parquet, {columns}{answers}", f"COPY (SELECT {select} FROM {scored}) TO '{self.target}'"
        yield "Parquet to Parquet, all columns without predictions", f"COPY (FROM '{self.source}') TO '{self.target}'"

    def measure(self):
        for name, sql in self.statements():
            name = f"DuckDB, {name}"
            if measured(name):
                cpu, begun = time.process_time(), time.time()
                self.connection.execute(sql).fetchall()
                note(name, self.records, time.process_time() - cpu, time.time() - begun)


def in_clickhouse(engine, records):
    for name, sql in engine.queries() if engine else ():
        if measured(name):
            server, programs, wall = engine.cost(sql, options.threads)
            note(name, records, server + programs, wall)
            if programs > 0:
                note(f"{name}: the programs' part", records, programs, wall)


with tempfile.TemporaryDirectory() as temporary:
    folder = options.folder or Path(temporary)
    folder.mkdir(exist_ok=True)
    if not (folder / "records").exists():
        (folder / "records").write_text(str(write_records(folder)))
    records = int((folder / "records").read_text())
    engine = None
    embedded = DuckDB(*options.duckdb, folder, records) if options.duckdb else None
    if options.clickhouse:
        library, constant = options.clickhouse
        engine = clickhouse.ClickHouse(library, options.program, constant, options.model, folder / "in.csv", folder / "chdb")
        if not (folder / "in.native").exists():
            engine.engine.bytes(f"SELECT * FROM nullable INTO OUTFILE '{folder / 'in.native'}' FORMAT Native")
    if options.prepare:
        sys.exit()
    for _ in range(options.passes):
        in_process(folder, records)
        filters(folder, records)
        if embedded:
            embedded.measure()
        in_clickhouse(engine, records)
    medians = {name: [statistics.median(values) for values in zip(*costs)] for name, costs in found.items()}
    base = medians.get(BASE, [float("nan")])[0]
    sizes = ", ".join(f"{(folder / f'in.{f}').stat().st_size / records:.0f} as {f}" for f in ("csv", "ndjson"))
    print(f"{records} records, bytes each: {sizes}; {options.model}; engines with {options.threads} threads\n")
    print("| | CPU ns per record | x columns | M records per CPU second | M records/s |\n|---|---|---|---|---|")
    for name, (cpu, wall) in medians.items():
        print(f"| {name} | {cpu:.1f} | {cpu / base:.2f} | {1000 / cpu:.1f} | {1000 / wall:.1f} |")
    if engine:
        engine.engine.close()
