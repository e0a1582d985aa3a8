#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Latency of student_server with a challenger of the same cost beside the same server without one, under wrk on loopback,
below saturation: each connection waits up to --pause milliseconds between an answer and its next request.

    cmake --preset bench && cmake --build --preset bench --target student_server
    python3 benchmarks/server/challenger.py [--build build/bench] [--records 1 100] [--seconds 5] [--passes 7]

Both servers run all the time and get the load in turn, pass after pass; medians of the passes are printed. The stage
"score" is from the servers' own metrics: with a challenger it has the copy of the batch in it. Needs wrk.
"""

import argparse
import pathlib
import re
import statistics
import tempfile
import urllib.request

import run


def metric(server, pattern):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
        with_value = re.compile("^" + pattern + r" (\S+)$", re.M)
        return float(with_value.search(answer.read().decode())[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--model", default="models/student_logistic.json")
    parser.add_argument("--records", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--pause", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=7)
    arguments = parser.parse_args()

    print("records  server            requests/s   p50 ms   p99 ms   score ns/record   shed batches")
    with tempfile.TemporaryDirectory() as folder:
        student = [f"{arguments.build}/examples/student_server", "--port", "{port}", "--threads", "1", "--model", arguments.model]
        servers = {
            "alone": run.Server([*student, "--prediction-log", f"{folder}/alone.jsonl"]),
            "with a challenger": run.Server([*student, "--prediction-log", f"{folder}/with.jsonl", "--challenger", arguments.model]),
        }
        stage = r'tabscore_stage_seconds_sum\{stage="score"\}'
        try:
            for records in arguments.records:
                text = run.body(records)
                body, script = pathlib.Path(folder) / "body", pathlib.Path(folder) / "post.lua"
                body.write_text(text, encoding="utf-8")
                script.write_text(run.LUA % body + f"function delay() return math.random(0, {arguments.pause}) end\n", encoding="utf-8")
                passes = {name: [] for name in servers}
                for _ in range(arguments.passes):
                    for name, server in servers.items():
                        run.check(server, text, records, name)
                        before = metric(server, stage), metric(server, "tabscore_records_total")
                        requests, wall, p50, p99 = run.wrk(f"http://127.0.0.1:{server.port}/batch_predict", str(script), arguments.connections, arguments.seconds)
                        spent, scored = metric(server, stage) - before[0], metric(server, "tabscore_records_total") - before[1]
                        passes[name].append((requests / wall, p50, p99, spent / scored * 1e9))
                for name, some in passes.items():
                    rate, p50, p99, score = (statistics.median(column) for column in zip(*some))
                    shed = metric(servers[name], r'tabscore_challenger_batches_total\{outcome="shed"\}') if name != "alone" else 0
                    print(f"{records:7}  {name:17} {rate:10,.0f}  {p50:7.3f}  {p99:7.3f}  {score:16.1f}  {shed:13,.0f}", flush=True)
        finally:
            for server in servers.values():
                server.stop()


if __name__ == "__main__":
    main()
