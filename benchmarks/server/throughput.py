#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests/s and records/s of student_server beside those of the Python service that it takes the place of.

    cmake --preset bench && cmake --build --preset bench --target student_server
    python3 benchmarks/server/throughput.py [--build build/bench] [--against http://127.0.0.1:8000] [--json FILE]

One serving thread, prediction log on, keep-alive POSTs to /batch_predict over loopback, as the service was measured.
With --against, a server that is already running there gets the same load in turn, pass after pass, and the ratios are
of one run. Without, the ratios are to the figures of recorded.json, which were taken on another day: they tell the
order of magnitude. Needs wrk.
"""

import argparse
import contextlib
import json
import pathlib
import statistics
import tempfile

import run

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--against", help="URL of a running server to be measured in turn")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--awake", action="store_true", help="as run.py has it")
    arguments = parser.parse_args()

    rows = []
    print("records  connections  requests/s   records/s    p50 ms   p99 ms   the service's records/s   ratio")
    with tempfile.TemporaryDirectory() as folder, run.cores_awake() if arguments.awake else contextlib.nullcontext():
        log = pathlib.Path(folder) / "log.jsonl"
        command = [f"{arguments.build}/examples/student_server", "--port", "{port}", "--threads", "1"]
        server = run.Server([*command, "--prediction-log", str(log)])
        try:
            ours = f"http://127.0.0.1:{server.port}"
            for recorded in json.loads(RECORDED.read_text(encoding="utf-8"))["rows"]:
                records, connections = recorded["records"], recorded["connections"]
                text = run.body(records)
                body, script = pathlib.Path(folder) / "body", pathlib.Path(folder) / "post.lua"
                body.write_text(text, encoding="utf-8")
                script.write_text(run.LUA % body, encoding="utf-8")
                run.check(server, text, records, "student_server")
                passes = {}
                for _ in range(arguments.passes):
                    for url in filter(None, (ours, arguments.against)):
                        passes.setdefault(url, []).append(
                            run.wrk(f"{url}/batch_predict", str(script), connections, arguments.seconds)
                        )
                        log.write_bytes(b"")
                medians = {
                    url: [statistics.median(v) for v in zip(*((n / wall, p50, p99) for n, wall, p50, p99 in some))]
                    for url, some in passes.items()
                }
                rate, p50, p99 = medians[ours]
                other = medians[arguments.against][0] * records if arguments.against else recorded["records_per_s"]
                rows.append(
                    {"records": records, "connections": connections, "requests_per_s": rate, "p50_ms": p50,
                     "p99_ms": p99, "records_per_s": rate * records, "service_records_per_s": other,
                     "ratio": rate * records / other}
                )
                print(
                    f"{records:7}  {connections:11}  {rate:10,.0f}  {rate * records:10,.0f}  {p50:8.2f} {p99:8.2f}  "
                    f"{other:23,.0f}  {rate * records / other:6,.0f} x",
                    flush=True,
                )
        finally:
            server.stop()
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
