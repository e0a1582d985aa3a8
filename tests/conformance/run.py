#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Replays recorded exchanges of the reference service against the example server and reports them per group.

  run.py --server build/release/examples/student_server --cases cases/ [--cases more/] [--only GROUP_OR_ID] [--verbose]

JSON answers must have the same members in the same order, the same text and kinds of numbers; real numbers may differ by
1e-9 (relative above 1). Cases ("id") and steps of sequences ("id/step") listed in deviations.json must give the status
and say the words listed there instead, and must be neither counted nor logged; where a form of the header location is
listed, it must have that form and lead where the recorded one does."""
import argparse
import base64
import collections
import http.client
import json
import pathlib
import re
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

FLAGS = {"normal": [], "no_model": ["--model", "none"], "no_baseline": ["--no-baseline"]}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
TIMESTAMP = re.compile(r'("timestamp_utc": ")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00"')


class Failed(Exception):
    pass


def parse(text):
    """JSON with objects as ("object", [(name, value), ...]), so that order and duplicates are compared too."""
    return json.loads(text, object_pairs_hook=lambda members: ("object", members))


def compare(want, got, where="body"):
    if type(want) is not type(got):
        raise Failed("%s: %.200r, expected %.200r" % (where, got, want))
    if isinstance(want, float):
        if not (want == got or abs(want - got) <= 1e-9 * max(1.0, abs(want))):
            raise Failed("%s: %r, expected %r" % (where, got, want))
    elif isinstance(want, (list, tuple)):
        if len(want) != len(got):
            raise Failed("%s: %d items, expected %d: %.300r" % (where, len(got), len(want), got))
        for i, (a, b) in enumerate(zip(want, got)):
            compare(a, b, "%s/%s" % (where, a[0] if isinstance(a, tuple) and isinstance(a[0], str) else i))
    elif want != got:
        raise Failed("%s: %.200r, expected %.200r" % (where, got, want))


def body_of(case):
    if "request_body_b64" in case:
        return base64.b64decode(case["request_body_b64"])
    text = case.get("request_body")
    return None if text is None else text.encode()


def send(server, case):
    body, headers = body_of(case), dict(case.get("request_headers", {}))
    connection = server.connection()
    connection.putrequest(case["method"], case["path"], skip_accept_encoding=True)
    piece = case.get("chunked")
    if body is not None and piece:
        headers["transfer-encoding"] = "chunked"
        pieces = [body[i:i + piece] for i in range(0, len(body), piece)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    elif body is not None or case["method"] in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(body or b""))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def check(server, case, answer):
    if answer.status != case["status"]:
        raise Failed("status %d, expected %d: %.300r" % (answer.status, case["status"], answer.content))
    if case.get("compare") == "status":
        return
    kind = case["response_content_type"]
    if answer.getheader("content-type") != kind:
        raise Failed("content-type %r, expected %r" % (answer.getheader("content-type"), kind))
    for name, value in case.get("response_headers", {}).items():
        got = answer.getheader(name) or ""
        if name == "location":  # compared as a client follows it
            base = "http://%s:%d" % (server.host, server.port)
            got = urllib.parse.urljoin(base + case["path"], got).replace(base, "{base}")
        if sorted(got.split(", ")) != sorted(value.split(", ")):
            raise Failed("%s: %r, expected %r" % (name, got, value))
    if "response_body_b64" in case:
        want = base64.b64decode(case["response_body_b64"])
    else:
        want = case["response_body"].encode()
    if answer.content != want:
        if not (kind or "").startswith("application/json"):
            raise Failed("body %.200r, expected %.200r" % (answer.content, want))
        compare(parse(want), parse(answer.content))


def play(server, case, deviation):
    """One exchange; with a deviation, also that it left no trace."""
    if deviation is None:
        return check(server, case, send(server, case))
    before = server.get("/monitoring/drift"), server.log_lines()
    answer = send(server, case)
    if answer.status != deviation["status"]:
        raise Failed("status %d, deviations.json says %d: %.300r" % (answer.status, deviation["status"], answer.content))
    if "location" in deviation:
        if not re.fullmatch(deviation["location"], answer.getheader("location")):
            raise Failed("location %r is not %s" % (answer.getheader("location"), deviation["location"]))
        check(server, case, answer)
    for text in deviation["contains"]:
        if text.encode() not in answer.content:
            raise Failed("the answer does not say %r: %.300r" % (text, answer.content))
    if (server.get("/monitoring/drift"), server.log_lines()) != before:
        raise Failed("a refused request was counted or logged")


def check_log(server, expected):
    got = server.log_lines()
    if len(got) != len(expected):
        raise Failed("the log has %d lines, expected %d" % (len(got), len(expected)))
    for want, line in zip(expected, got):
        masked, count = TIMESTAMP.subn(r'\1<TIMESTAMP>"', line)
        if count != 1 or not masked.endswith("\n"):
            raise Failed("log line without a time stamp or an end: %.300r" % line)
        compare(parse(want), parse(masked), "log")
        if NUMBER.sub("#", masked[:-1]) != NUMBER.sub("#", want):
            raise Failed("log line with other separators or escapes: %.300r" % line)


def play_sequence(server, case, deviations):
    expected = list(case.get("expected_log_lines", []))
    line = 0  # of the log, where the next step's lines are expected
    for i, step in enumerate(case["steps"]):
        name = "%s/%d" % (case["id"], i)
        try:
            play(server, step, deviations.get(name))
        except Failed as e:
            raise Failed("step %d: %s" % (i, e))
        if step["method"] == "POST" and step["status"] == 200:
            lines = step["response_body"].count('"predicted_purchase":')
            if name in deviations:
                del expected[line:line + lines]
            else:
                line += lines
    if "expected_log_lines" in case:
        check_log(server, expected)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--server", required=True)
    options.add_argument("--cases", action="append", type=pathlib.Path, required=True)
    options.add_argument("--only", default="")
    options.add_argument("--verbose", action="store_true")
    options = options.parse_args()
    sys.setrecursionlimit(20000)

    groups_of_deviations = json.loads((HERE / "deviations.json").read_text())
    deviations = {case: group for group in groups_of_deviations for case in group["cases"]}
    cases = {}
    for folder in options.cases:
        for file in sorted(folder.glob("*.jsonl")):
            for line in file.read_text().splitlines():
                case = json.loads(line)
                cases.setdefault(case["id"], case)
    unused = [d for d in deviations if d.split("/")[0] not in cases]
    selected = [c for c in cases.values() if not options.only or c["id"].startswith(options.only)]

    groups = collections.defaultdict(collections.Counter)

    def judge(case, replay):
        deviates = any(d.split("/")[0] == case["id"] for d in deviations)
        try:
            replay()
            groups[case["group"]]["deviating" if deviates else "passed"] += 1
        except (Failed, OSError, ValueError, http.client.HTTPException) as e:
            groups[case["group"]]["failed"] += 1
            print("FAILED %s (%s): %s" % (case["id"], case["note"][:80], e or type(e).__name__))
        if options.verbose:
            print("played %s" % case["id"])

    for state in FLAGS:
        plain = [c for c in selected if "steps" not in c and c.get("server_state", "normal") == state]
        if plain:
            with Server(options.server, *FLAGS[state]) as server:
                for case in plain:
                    judge(case, lambda: play(server, case, deviations.get(case["id"])))
    for case in selected:
        if "steps" in case:
            with Server(options.server, *FLAGS[case.get("server_state", "normal")]) as server:
                judge(case, lambda: play_sequence(server, case, deviations))

    total = collections.Counter()
    for name in sorted(groups):
        total += groups[name]
        print("%-20s %4d passed %4d deviating as listed %4d failed" %
              (name, *(groups[name][k] for k in ("passed", "deviating", "failed"))))
    print("%-20s %4d passed %4d deviating as listed %4d failed" %
          ("all", *(total[k] for k in ("passed", "deviating", "failed"))))
    if unused:
        print("FAILED deviations.json lists cases that do not exist: %s" % " ".join(unused))
    return 1 if total["failed"] or unused or not selected else 0


if __name__ == "__main__":
    sys.exit(main())
