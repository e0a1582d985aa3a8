#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU time per request of student_server beside the same HTTP layer answering a constant, under wrk on loopback.

    cmake --preset bench && cmake --build --preset bench
    python3 benchmarks/server/run.py [--build build/bench] [--seconds 3] [--passes 5] [--json FILE]

The servers run one at a time, in turn, pass after pass; medians of the passes are printed, and the median of each pass's
ratio to the constant.
CPU time is the server process's own, from /proc, so that the load generator on the other core does not count. With
--threads-ratio it also compares two serving threads with one, in records per second of wall time and per second of CPU.
With --awake a loop of idle priority keeps each core awake: a virtual core that has gone to sleep takes longer to wake
than a small request takes, and the server is charged for waking it.
Needs wrk. Bodies are made up: seven fields a record, compact JSON.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile

LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local f = io.open("%s", "rb"); wrk.body = f:read("*a"); f:close()
function done(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, summary.errors.status,
                         latency:percentile(50), latency:percentile(99)))
end
"""


def body(records):
    draw = random.Random(records)
    return json.dumps(
        {
            "records": [
                {
                    "student_country": draw.choice(["US", "IN", "EG", "GB", "DE", "NG"]),
                    "days_on_platform": draw.randrange(300),
                    "minutes_watched": draw.randrange(10000) / 10,
                    "courses_started": draw.randrange(5),
                    "practice_exams_started": draw.randrange(5, 9),
                    "practice_exams_passed": draw.randrange(5),
                    "minutes_spent_on_exams": draw.randrange(10000) / 100,
                }
                for _ in range(records)
            ]
        },
        separators=(",", ":"),
    )


class Server:
    def __init__(self, command):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(
            [part.format(port=self.port) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.process.stdout.readline()  # the line that says it is ready

    def cpu_seconds(self):
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def stop(self):
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def cores_awake():
    spin = ["chrt", "--idle", "0", sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(["taskset", "-c", str(core), *spin]) for core in sorted(os.sched_getaffinity(0))]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()


def wrk(url, script, connections, seconds):
    """Requests, wall seconds, and the median and 99th percentile of latency in ms."""
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", script, url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    requests, microseconds, errors, p50, p99 = map(int, re.search(r"RESULT" + r" (\d+)" * 5, out).groups())
    if errors:
        sys.exit(f"{errors} answers were errors")
    return requests, microseconds / 1e6, p50 / 1e3, p99 / 1e3


def load(server, script, connections, seconds):
    """Requests, CPU seconds and wall seconds."""
    before = server.cpu_seconds()
    requests, wall, _, _ = wrk(f"http://127.0.0.1:{server.port}/batch_predict", script, connections, seconds)
    return requests, server.cpu_seconds() - before, wall


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--json")
    parser.add_argument("--threads-ratio", action="store_true")
    parser.add_argument("--awake", action="store_true")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build)

    with tempfile.TemporaryDirectory() as folder, cores_awake() if arguments.awake else contextlib.nullcontext():
        student = [str(build / "examples/student_server"), "--port", "{port}", "--threads"]
        commands = {
            "constant": [str(build / "benchmarks/server/constant_server"), "{port}", "1"],
            "log off": [*student, "1", "--prediction-log", "off"],
            "log on": [*student, "1", "--prediction-log", f"{folder}/log.jsonl"],
        }
        if arguments.threads_ratio:
            commands["log off, 2 threads"] = [*student, "2", "--prediction-log", "off"]
        results = {}
        for records in (3, 1000):
            text = body(records)
            pathlib.Path(f"{folder}/{records}").write_text(text, encoding="utf-8")
            script = f"{folder}/{records}.lua"
            pathlib.Path(script).write_text(LUA % f"{folder}/{records}", encoding="utf-8")
            for _ in range(arguments.passes):
                for name, command in commands.items():
                    server = Server(command)
                    check(server, text, records, name)
                    requests, cpu, wall = load(server, script, arguments.connections, arguments.seconds)
                    server.stop()
                    pathlib.Path(f"{folder}/log.jsonl").unlink(missing_ok=True)
                    results.setdefault((records, name), []).append((cpu / requests * 1e6, requests / wall * records))
        rows = []
        for (records, name), passes in results.items():
            cpu = statistics.median(p[0] for p in passes)
            ratio = statistics.median(p[0] / c[0] for p, c in zip(passes, results[records, "constant"]))
            rate = statistics.median(p[1] for p in passes)
            rows.append({"records": records, "server": name, "cpu_us": cpu, "ratio": ratio, "records_per_s": rate})
            print(f"{records:6} records  {name:20} {cpu:9.1f} us CPU/request  {ratio:6.2f} x  {rate:12.0f} records/s")
        if arguments.json:
            pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def check(server, text, records, name):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/batch_predict", text, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200 or (name != "constant" and len(json.loads(content)["predictions"]) != records):
        sys.exit(f"{name}: {answer.status} {content[:200]}")
    connection.close()


if __name__ == "__main__":
    main()
