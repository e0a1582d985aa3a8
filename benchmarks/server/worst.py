#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what the dearest requests cost the server, and the dearest files score_stream, beside plain ones.

    cmake --preset release && cmake --build --preset release --target student_server score_stream
    python3 benchmarks/server/worst.py [--build build/release] [--bytes 10000000] [--write]

CPU time a byte of the server process (user and kernel), the least of four requests, for bodies of many shapes and every
option. For score_stream the bytes are those it reads and writes: each wrong record is listed with its text and its reasons,
so that a line of three bytes writes 288. At a quarter and at the whole of the bytes, since a cost a byte that grows is a
defect. --write rewrites the tables of benchmarks/stages/RESULTS.md.
--search SECONDS climbs towards dearer bodies of a repeated unit instead; --count N prints instructions a byte of the N
dearest shapes (valgrind).
"""

import argparse
import http.client
import os
import pathlib
import random
import re
import resource
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

RECORD = (
    '{"student_country":"US","days_on_platform":45,"minutes_watched":320.5,"courses_started":3,'
    '"practice_exams_started":5,"practice_exams_passed":3,"minutes_spent_on_exams":87.2}'
)
BAD = RECORD.replace(":45,", ":-4,")
BROKEN = RECORD.replace('passed":3', 'passed":9')
WRONG = re.sub(r":[^,}]+", ':""', RECORD).replace('"student_country":""', '"student_country":0')


def encoded(text):
    return text.encode("utf-8", "surrogatepass")


def repeated(unit, size, before='{"records":[', between=",", behind="]}"):
    count = max(1, (size - len(before) - len(behind)) // (len(encoded(unit)) + len(between)))
    return before + between.join([unit] * count) + behind


def units():
    """Records, or what stands in their places."""
    yield "plain", RECORD
    yield "blanks", re.sub("([,:{])", r" \1 ", RECORD)
    yield "duplicate keys", RECORD.replace('"courses_started":3', '"courses_started":3,"courses_started":3')
    yield "escaped keys", RECORD.replace("courses_started", "courses\\u005fstarted")
    yield "escaped texts", RECORD.replace("US", "\\u0055\\u0053")
    yield "numbers as texts", RECORD.replace(":45,", ':"45",')
    yield "reals as integers", RECORD.replace(":45,", ":45.0,")
    yield "null", "null"
    yield "true", "true"
    yield "zeros", "0"
    yield "-0", "-0"
    yield "1e5", "1e5"
    yield "{}", "{}"
    yield "[]", "[]"
    yield '""', '""'
    yield '{"":0}', '{"":0}'
    yield "keys of a letter", '{"a":0,"a":0,"a":0,"a":0}'
    yield "keys as long as fields", '{"student_countrx":0,"days_on_platforx":0}'
    yield "every value wrong", WRONG
    yield "every second bad", RECORD + "," + BAD
    yield "every second breaks a rule", RECORD + "," + BROKEN
    yield "infinite numbers", RECORD.replace("320.5", "1e400")
    yield "integers of 30 digits", RECORD.replace(":45,", ":" + "1234567890" * 3 + ",")
    yield "reals of 800 digits", RECORD.replace("320.5", "0." + "3" * 800 + "5")
    yield "reals between two doubles", RECORD.replace("320.5", "1.00000000000000011102230246251565404236316680908203125")
    yield "nested value", RECORD.replace(":45,", ":[[[[[[[[[[0]]]]]]]]]],")
    yield "unknown member", RECORD.replace('"days', '"x":[{"a":0},{"b":[1,2,3]},{}],"days')
    yield "text of 300 bytes", RECORD.replace("US", "x" * 300)
    yield "text of short escapes", RECORD.replace("US", "\\n" * 300)
    yield "text of escapes", RECORD.replace("US", "\\u00e9" * 60)
    yield "text of UTF-8", RECORD.replace("US", "\u00e9" * 60)
    yield "text of surrogates", RECORD.replace("US", "\ud800" * 40)


def shapes():
    for name, unit in units():
        yield name, lambda n, unit=unit: repeated(unit, n)
        if len(unit) < 4:
            yield f"{name}, a million", lambda n, unit=unit: repeated(unit, min(n, 1_000_000 * (len(unit) + 1)))
    yield "one bad record last", lambda n: repeated(RECORD, n, behind=f",{BAD}]}}")
    yield "no end", lambda n: repeated(RECORD, n, behind="")
    yield "a number of all the bytes", lambda n: '{"records":[' + RECORD.replace("320.5", "0." + "7" * n) + "]}"
    yield "an open list in an open list", lambda n: "[" * n
    yield "blanks alone", lambda n: " " * n + "{}"
    yield "line feeds, no end", lambda n: "{" + "\n" * n
    yield "many members", lambda n: repeated('"a":0', n, "{", ",", "}")
    yield "many lists", lambda n: repeated('"records":[0]', n, "{", ",", "}")
    yield "one text of quotes", lambda n: repeated('\\"', n, '"', "", '"')
    yield "one text of surrogates", lambda n: repeated("\ud800a", n, '"', "", '"')
    yield "one record of many members", lambda n: repeated('"a":0', n, '{"records":[{', ",", "}]}")
    yield "one record, one nested member", lambda n: repeated('[[0],{"":""}]', n, '{"records":[{"a":[', ",", "]}]}")


def tensors(text, number):
    def make(size):
        rows = size // (len(text) + 6 * len(number) + 7)
        fields = re.findall(r'"(\w+)":("?)[^,.}]*(\.?)', RECORD)
        inputs = (
            f'{{"name":"{name}","shape":[{rows}],"datatype":"{"BYTES" if quote else "FP64" if point else "INT64"}","data":['
            + ",".join([text if quote else number] * rows)
            + "]}"
            for name, quote, point in fields
        )
        return '{"inputs":[' + ",".join(inputs) + "]}"

    return make


BATCH, INFER = "/batch_predict", "/v2/models/student_logistic/infer"
TENSORS = {
    "plain": tensors('"Germany"', "45"),
    "zeros": tensors('"a"', "0"),
    "null": tensors("null", "null"),
    "empty texts": tensors('""', '""'),
    "empty lists": tensors("[]", "[]"),
    "reals between two doubles": tensors('"US"', "1.00000000000000011102230246251565404236316680908203125"),
}
WAYS = [  # what is asked, flags, bodies
    ("JSON, neutral errors", BATCH, ["--errors", "neutral", "--strict"], shapes),
    ("JSON, pydantic 1", BATCH, [], shapes),
    ("JSON, pydantic 2", BATCH, ["--errors", "pydantic2"], shapes),
    ("JSON, problem details", BATCH, ["--errors", "problem"], shapes),
    ("JSON, on_error=skip", BATCH + "?on_error=skip", [], shapes),
    ("JSON, skip, pydantic 2", BATCH + "?on_error=skip", ["--errors", "pydantic2"], shapes),
    ("JSON, explain=3", BATCH + "?explain=3", [], shapes),
    ("inference", INFER, [], lambda: TENSORS.items()),
    ("inference, on_error=skip", INFER + "?on_error=skip", [], lambda: TENSORS.items()),
]


class server:
    def __init__(self, program, flags, before=()):
        self.folder = tempfile.TemporaryDirectory()
        command = [*before, program, "--port", "0", "--threads", "1", "--prediction-log", "off", *flags]
        self.process = subprocess.Popen(
            command, cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.port = None
        while self.port is None:
            found = re.search(r":(\d+)\s*$", self.process.stdout.readline())
            self.port = found and int(found[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def cpu_ns(self):
        tasks = f"/proc/{self.process.pid}/task"
        return sum(int(pathlib.Path(tasks, t, "schedstat").read_text().split()[0]) for t in os.listdir(tasks))

    def post(self, target, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request("POST", target, body, {"content-type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply.status

    def ns_a_byte(self, target, body, times=4):
        least = float("inf")
        for _ in range(times):
            before = self.cpu_ns()
            self.post(target, body)
            least = min(least, self.cpu_ns() - before)
        return least / len(body)


CELLS = "US,45,320.5,3,5,3,87.2"
NAMES = re.findall(r'"(\w+)":', RECORD)


def lines(*units, head=""):
    """Lines in turn."""

    def make(size):
        turn = encoded("".join(u + "\n" for u in units))
        return encoded(head) + turn * max(1, size // len(turn))

    return make


def binary_record(values):
    text, *numbers = values
    return bytes([len(text)]) + text + struct.pack("<qdqqqd", *numbers)


def row_binary(*records):
    def make(size):
        turn = b"".join(map(binary_record, records))
        return turn * max(1, size // len(turn))

    return make


def native(*records, rows=8192):
    """Blocks of as many rows of the records in turn."""

    def number(n):
        return bytes([n & 127 | 128]) + number(n >> 7) if n > 127 else bytes([n])

    def text(t):
        return number(len(t)) + t

    def make(size):
        turn = [records[i % len(records)] for i in range(rows)]
        block = number(len(NAMES)) + number(rows)
        for name, column, kind in zip(NAMES, zip(*turn), "sqdqqqd"):
            block += text(name.encode()) + text({"s": b"String", "q": b"Int64", "d": b"Float64"}[kind])
            block += b"".join(map(text, column)) if kind == "s" else struct.pack(f"<{rows}{kind}", *column)
        return block * max(1, size // len(block))

    return make


GOOD = (b"US", 45, 320.5, 3, 5, 3, 87.2)
NEGATIVE = (b"US", -4, 320.5, 3, 5, 3, 87.2)
NOT_FINITE = (b"", -4, float("nan"), -3, -5, -3, float("inf"))
HEAD = ",".join(NAMES) + "\n"
STREAMS = {  # format: shapes of files
    "ndjson": {
        "plain": lines(RECORD),
        "0": lines("0"),
        "{}": lines("{}"),
        "{": lines("{"),
        "[]": lines("[]"),
        "null": lines("null"),
        "x": lines("x"),
        "a byte that is not UTF-8": lambda size: b"\xff\n" * (size // 2),
        "bad records": lines(BAD),
        "every value wrong": lines(WRONG),
        "every second bad": lines(RECORD, BAD),
        "every sixteenth bad": lines(*[RECORD] * 15, BAD),
        "no record, every second": lines(RECORD, "x"),
        "blank lines": lines(""),
        "a record of all the bytes": lambda size: encoded(RECORD.replace("US", "x" * size) + "\n"),
        "a text without end": lambda size: b'"' + b"x" * size,
    },
    "csv": {
        "plain": lines(CELLS, head=HEAD),
        "x": lines("x", head=HEAD),
        "a quote": lines('"x"y', head=HEAD),
        "empty cells": lines(",,,,,,", head=HEAD),
        "cells without end": lambda size: encoded(HEAD) + b"," * size,
        "a byte that is not UTF-8": lambda size: encoded(HEAD) + b"\xff\n" * (size // 2),
        "bad records": lines(CELLS.replace(",45,", ",-4,"), head=HEAD),
        "every second bad": lines(CELLS, CELLS.replace(",45,", ",-4,"), head=HEAD),
        "every sixteenth bad": lines(*[CELLS] * 15, CELLS.replace(",45,", ",-4,"), head=HEAD),
        "blank lines": lines("", head=HEAD),
        "a quote without end": lambda size: encoded(HEAD) + b'"' + b"x\n" * (size // 2),
    },
    "row-binary": {
        "plain": row_binary(GOOD),
        "bad records": row_binary(NEGATIVE),
        "every second bad": row_binary(GOOD, NEGATIVE),
        "every value wrong": row_binary(NOT_FINITE),
    },
    "native": {
        "plain": native(GOOD),
        "blocks of one record": native(GOOD, rows=1),
        "bad records": native(NEGATIVE),
        "every second bad": native(GOOD, NEGATIVE),
        "every value wrong": native(NOT_FINITE),
    },
}


def file_ns(program, form, data, times=3):
    """CPU time of score_stream for a file, wrong records listed, the least; the bytes read and written."""
    least = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "in").write_bytes(data)
        command = [program, "--from", form, "--on-error", "skip", "--threads", "1", "--quiet", "--rejects", "rejects", "in"]
        for _ in range(times):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            with open(os.path.join(folder, "out"), "wb") as out:
                subprocess.run(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            least = min(least, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        moved = sum(file.stat().st_size for file in pathlib.Path(folder).iterdir())
    return 1e9 * least, moved


def measure_files(program, size):
    for form, shapes in STREAMS.items():
        start, _ = file_ns(program, form, b"")
        for name, make in shapes.items():
            costs = (file_ns(program, form, make(n)) for n in (size, size // 4))
            yield form, name, *((ns - start) / moved for ns, moved in costs)


def measure(program, size):
    """(way, shape, ns a byte, at a quarter of the bytes)"""
    for way, target, flags, bodies in WAYS:
        with server(program, flags) as s:
            for name, make in bodies():
                whole, quarter = encoded(make(size)), encoded(make(size // 4))
                yield way, name, s.ns_a_byte(target, whole), s.ns_a_byte(target, quarter)


def table(rows, show):
    plain = {way: ns for way, name, ns, _ in rows if name == "plain"}
    yield "| input | shapes | plain, ns a byte | dearest | ns a byte | to plain | a byte to that at a quarter of the bytes |"
    yield "|---|---|---|---|---|---|---|"
    for way in plain:
        mine = sorted((r for r in rows if r[0] == way), key=lambda r: -r[2])
        base = plain["inference" if way.startswith("inference") else "JSON, pydantic 1" if way.startswith("JSON") else way]
        for at, (_, name, ns, quarter) in enumerate(mine[:show]):
            head = f"| {way} | {len(mine)} | {plain[way]:.1f} " if at == 0 else "| | | "
            yield f"{head}| `{name}` | {ns:.1f} | {ns / base:.1f} | {ns / quarter:.2f} |"


def search(program, seconds, seed):
    """Hill climbing over units of a list: a unit is cut, doubled, or gets another token somewhere."""
    tokens = [u for _, u in units()] + (
        ["1.5", '"a"', "[0]", ",", ":", "[", "]", "{", "}", " ", "\n", "\\n", "\\u00e9", "\u00e9", "\ud800", '"', "9", "e", "-"]
        + [f'"{k}":' for k in re.findall(r'"(\w+)":', RECORD)]
        + ['"records":', '"\\u0064ays_on_platform":', "45", "320.5", '"45"', '"4_5"', "NaN"]
    )
    dice = random.Random(seed)
    until = time.monotonic() + seconds
    size = 1_000_000
    while time.monotonic() < until:
        way, target, flags, _ = dice.choice(WAYS[:6])
        with server(program, flags) as s:
            plain = s.ns_a_byte(BATCH, encoded(repeated(RECORD, size)), 10)

            def price(unit, times):
                return s.ns_a_byte(target, encoded(repeated(unit, size)), times)

            best = dice.choice(tokens)
            most, failed = price(best, 2), 0
            while failed < 60 and time.monotonic() < until:
                at, what = dice.randint(0, len(best)), dice.randint(0, 4)
                if what == 0:
                    unit = best[:at] + best[at + dice.randint(1, 8) :]
                elif what == 1:
                    begin = dice.randint(0, len(best))
                    unit = best[:at] + best[begin : begin + dice.randint(1, 20)] + best[at:]
                else:
                    unit = best[:at] + dice.choice(tokens) + best[at + (dice.randint(0, 8) if what == 2 else 0) :]
                failed += 1
                if 0 < len(unit) < 2000 and price(unit, 2) > 1.03 * most and (again := price(unit, 3)) > 1.03 * most:
                    best, most, failed = unit, again, 0
        print(f"{most / plain:5.1f} x {most:6.2f} ns/byte  {way:24} {best!r}", flush=True)


def count(program, names, size=200_000):
    """Instructions a byte of the whole program, by callgrind: of two requests less those of one."""

    def of(flags, target, body, times):
        with tempfile.TemporaryDirectory() as folder:
            before = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
            with server(program, flags, before) as s:
                for _ in range(times):
                    s.post(target, body)
            return int(re.search(r"^totals: (\d+)", pathlib.Path(folder, "out").read_text(), re.M)[1])

    for way, name in names:
        _, target, flags, bodies = next(w for w in WAYS if w[0] == way)
        costs = []
        for n in (size, 4 * size):
            body = encoded(dict(bodies())[name](n))
            costs.append((of(flags, target, body, 3) - of(flags, target, body, 1)) / 2 / len(body))
        print(f"{way:24} {name:32} {costs[0]:7.1f} instructions a byte, {costs[1]:7.1f} at four times the bytes", flush=True)


def write(place, lines):
    path = ROOT / "benchmarks/stages/RESULTS.md"
    text, found = re.subn(
        rf"(<!-- {place} -->\n).*?(\n<!-- end -->)",
        lambda m: m[1] + lines + m[2],
        path.read_text(encoding="utf-8"),
        flags=re.S,
    )
    if found != 1:
        raise SystemExit(f"{path} has no place called '{place}' for the table")
    path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--bytes", type=int, default=10_000_000)
    parser.add_argument("--show", type=int, default=4)
    parser.add_argument("--only", choices=["requests", "files"])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--search", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    arguments = parser.parse_args()
    program = os.path.abspath(f"{arguments.build}/examples/student_server")
    if arguments.search:
        return search(program, arguments.search, arguments.seed)
    found = {}
    if arguments.only != "files":
        found["worst"] = list(measure(program, arguments.bytes))
    if arguments.only != "requests":
        stream = os.path.abspath(f"{arguments.build}/examples/score_stream")
        found["worst files"] = list(measure_files(stream, arguments.bytes))
    for place, rows in found.items():
        lines = "\n".join(table(rows, arguments.show))
        print(lines)
        if arguments.write:
            write(place, lines)
    if arguments.count and "worst" in found:
        dearest = sorted(found["worst"], key=lambda r: -r[2])[: arguments.count]
        count(program, [("JSON, pydantic 1", "plain"), *((way, name) for way, name, _, _ in dearest)])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
