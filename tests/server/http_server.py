#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""http_server.py PROGRAM MODEL: examples/http_server answers the recorded requests for /batch_predict as recorded."""
import http.client
import json
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "conformance"), str(TESTS / "support")]
import run  # noqa: E402


class Small:
    def __init__(self, program, model):
        self.process = subprocess.Popen([program, model, "0"], stdout=subprocess.PIPE, text=True)
        self.host, self.port = "127.0.0.1", int(self.process.stdout.readline().rsplit(":", 1)[1])

    def connection(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)


def recorded(deviations):
    for file in sorted((TESTS / "conformance" / "cases").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            case = json.loads(line)
            headers = {name.lower(): value for name, value in case.get("request_headers", {}).items()}
            if "steps" in case or case["id"] in deviations or case.get("server_state", "normal") != "normal":
                continue
            if (case["method"], case["path"], headers) == ("POST", "/batch_predict", {"content-type": "application/json"}):
                yield case


def main():
    program, model = sys.argv[1:]
    sys.setrecursionlimit(20000)
    deviations = {c for group in json.loads((TESTS / "conformance" / "deviations.json").read_text()) for c in group["cases"]}
    server = Small(program, model)
    statuses, rows = {}, 0
    try:
        for case in recorded(deviations):
            answer = run.send(server, case)
            run.check(server, case, answer)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status == 200:
                rows += len(json.loads(answer.content)["predictions"])
        connection = server.connection()
        connection.request("GET", "/counts")
        counts = json.loads(connection.getresponse().read())
        connection.request("GET", "/nothing")  # on the same connection
        status = connection.getresponse().status
        assert counts["records"] == rows and status == 404, (counts, rows, status)
        assert set(statuses) >= {200, 400, 422} and sum(statuses.values()) > 200, statuses
        print("ok      %s" % statuses)
    finally:
        server.process.kill()
        server.process.wait()
    assert subprocess.run([program], capture_output=True).returncode == 2
    assert subprocess.run([program, "/nothing", "0"], capture_output=True).returncode == 1


if __name__ == "__main__":
    main()
