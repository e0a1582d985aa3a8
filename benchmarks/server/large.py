#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU time a record and peak memory of student_server by the size of a request.

    cmake --preset bench && cmake --build --preset bench --target student_server
    python3 benchmarks/server/large.py [--build build/bench ...] [--records 1000,100000,1000000] [--passes 5] [--log]
        [--query on_error=skip]

A server for each size, pass after pass; with several builds, those in turn. CPU time is the process's own, of all
requests but the first; memory is the peak of resident memory beyond the start, as a multiple of the body.
"""

import argparse
import http.client
import pathlib
import statistics
import tempfile

import run

LIMITS = ["--max-body-bytes", "1000000000", "--max-bytes-in-flight", "2000000000"]


def peak_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def post(server, text, query):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/batch_predict?" + query, text, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{answer.status} {content[:200]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", nargs="+", default=["build/bench"])
    parser.add_argument("--records", default="1000,100000,1000000")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--log", action="store_true", help="with the prediction log")
    parser.add_argument("--query", default="", help="of the requests' URL")
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log.jsonl")
        for records in map(int, arguments.records.split(",")):
            text = run.body(records).encode()
            repeats = max(2, 200_000 // records)
            for _ in range(arguments.passes):
                for build in arguments.build:
                    command = [f"{build}/examples/student_server", "--port", "{port}", "--threads", "1", *LIMITS]
                    server = run.Server([*command, "--prediction-log", str(log) if arguments.log else "off"])
                    begin = peak_bytes(server)
                    post(server, text, arguments.query)
                    spent = server.cpu_seconds()
                    for _ in range(repeats):
                        post(server, text, arguments.query)
                    spent = server.cpu_seconds() - spent
                    peak = (peak_bytes(server) - begin) / len(text)
                    server.stop()
                    log.unlink(missing_ok=True)
                    found.setdefault((records, build), []).append((1e9 * spent / repeats / records, peak))
            for build in arguments.build:
                ns, peak = (sorted(x) for x in zip(*found[records, build]))
                print(
                    f"{records:9} records  {build:24} {statistics.median(ns):6.0f} ({ns[0]:.0f} to {ns[-1]:.0f}) ns a record, "
                    f"peak {statistics.median(peak):5.2f} x the body of {len(text) / 1e6:.1f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
