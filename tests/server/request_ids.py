#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""request_ids.py STUDENT_SERVER LOAN_SERVER: the id of a request and its trace, in answers, errors and the log."""
import json
import re
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from checks import expect  # noqa: E402
from example_server import RECORD, Server  # noqa: E402

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MADE = re.compile("[0-9a-f]{32}")
RESPONSE = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])")


def exchange(server, request):
    """All that a server answers to bytes on a connection of their own: (status, headers, body)."""
    with socket.create_connection((server.host, server.port), 30) as connection:
        connection.sendall(request)
        data = b""
        while part := connection.recv(1 << 16):
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), [tuple(line.split(": ", 1)) for line in lines], body


def ask(server, *headers, target="GET /health", body=b"", status=200):
    """The ids of an answer to these lines of headers: (request id, trace id, span id, flags), and its body."""
    lines = ["%s HTTP/1.1" % target, "host: localhost", "connection: close"]
    if body:
        lines += ["content-type: application/json", "content-length: %d" % len(body)]
    return ids_of(exchange(server, "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body), status, target)


def ids_of(answer, status, where):
    got, headers, body = answer
    expect(got == status, "%s: status %d" % (where, got))
    for name in ("x-request-id", "traceresponse"):
        expect(sum(n == name for n, _ in headers) == 1, "%s: %s in %s" % (where, name, headers))
    headers = dict(headers)
    trace = RESPONSE.fullmatch(headers["traceresponse"])
    expect(trace and int(trace[1], 16) and int(trace[2], 16), "%s: traceresponse %s" % (where, headers["traceresponse"]))
    return (headers["x-request-id"], *trace.groups()), body


def given_and_made(server):
    made = set()
    for headers in ([], ["x-request-id: "], ["x-request-id: two words"], ["x-request-id: say-\"it\""], ["x-request-id: a\\b"],
                    ["x-request-id: " + "a" * 129], ["x-request-id: caf\xe9"], ["x-request-id: it's"], ["x-request-id: a\tb"],
                    ["x-request-id: one", "x-request-id: two"], ["x-request-id: one", "X-Request-ID: two", "x-request-id: one"],
                    ["x-request-idd: mine"]):
        (request_id, trace, _, flags), _ = ask(server, *headers)
        expect(MADE.fullmatch(request_id), "%s: %s is no made id" % (headers, request_id))
        expect(flags == "2", "%s: flags %s of a new trace" % (headers, flags))
        made |= {request_id, trace}
    expect(len(made) == 24, "ids were made twice")
    for mine in ("a", "A-17", "b" * 128, "00000000-0000-4000-8000-000000000000", "<script>", "a=b;c,d:/?%0d%0aset-cookie:x"):
        (request_id, *_), _ = ask(server, "X-Request-Id: " + mine)
        expect(request_id == mine, "%s came back as %s" % (mine, request_id))
    # A client's line end is the end of the header: what follows is a header of the request, not of the answer.
    (request_id, *_), _ = ask(server, "x-request-id: a\r\nset-cookie: b")
    expect(request_id == "a", "a header was injected: %s" % request_id)


def traces(server):
    """The cases of the test suite that comes with W3C Trace Context, and some more."""
    def trace(*headers):
        (_, found, span, flags), _ = ask(server, *headers)
        expect(span != PARENT, "the caller's span came back")
        return found, flags
    plain = "%s-%s" % (TRACE, PARENT)
    for value, flags in {"00-%s-01" % plain: "1", "00-%s-00" % plain: "0", "00-%s-03" % plain: "3", "00-%s-02" % plain: "2",
                         "00-%s-ff" % plain: "3", "00-%s-09" % plain: "1", "cc-%s-01" % plain: "1", "cc-%s-03" % plain: "1",
                         "cc-%s-01-what-the-future-will-be-like" % plain: "1", "  00-%s-01 \t" % plain: "1"}.items():
        for name in ("traceparent", "TraceParent", "TRACEPARENT"):
            expect(trace("%s: %s" % (name, value), "tracestate: a=1") == (TRACE, flags), "%s: %s" % (name, value))
    for value in ("", "00", plain, "00-%s-01." % plain, "00-%s-01-more" % plain, "cc-%s-01.more" % plain, "ff-%s-01" % plain,
                  ".0-%s-01" % plain, "0.-%s-01" % plain, "000-%s-01" % plain, "0-%s-01" % plain, "CC-%s-01" % plain,
                  "00-%s-%s-01" % ("0" * 32, PARENT), "00-%s-%s-01" % (TRACE, "0" * 16), "00-%s-01" % plain.upper(),
                  "00-.%s-%s-01" % (TRACE[1:], PARENT), "00-%s-%s.-01" % (TRACE, PARENT[1:]), "00-%s1-%s-01" % (TRACE, PARENT),
                  "00-%s-%s1-01" % (TRACE, PARENT), "00-%s-%s-01" % (TRACE[1:], PARENT), "00-%s-%s-01" % (TRACE, PARENT[1:]),
                  "00-%s-.0" % plain, "00-%s-0." % plain, "00-%s-0" % plain, "00-%s-001" % plain, "00_%s_01" % plain):
        found, flags = trace("traceparent: " + value)
        expect(found not in (TRACE, "0" * 32) and flags == "2", "%s was taken" % value)
    for headers in (["trace-parent: 00-%s-01" % plain], ["traceparent: 00-%s-01" % plain] * 2):
        expect(trace(*headers)[0] != TRACE, "%s was taken" % headers)


def errors(server, neutral):
    """Errors have the id, whoever makes them."""
    mine = ["x-request-id: mine", "traceparent: 00-%s-%s-01" % (TRACE, PARENT)]
    record = json.dumps(RECORD).encode()
    wrong = json.dumps({**RECORD, "minutes_watched": -1}).encode()
    for target, body, status in (("GET /nothing", b"", 404), ("PUT /model", b"", 405), ("GET /model/", b"", 307), ("POST /predict", wrong, 422),
                                 ("POST /predict?explain=-1", record, 422), ("POST /predict", b"{", 422), ("POST /predict", b"\xff", 400),
                                 ("POST /predict?ids=1", record, 422), ("POST /v2/models/none/infer", b"{}", 404), ("GET /v2", b"", 200),
                                 ("GET /metrics", b"", 200), ("GET /docs", b"", 200), ("HEAD /model", b"", 200)):
        for headers in ([], ["accept: application/problem+json"]):
            where = "%s %s" % (target, headers)
            ids, answer = ask(server, *mine, *headers, target=target, body=body, status=status)
            expect(ids[:2] == ("mine", TRACE), "%s: %s" % (where, ids))
            if status in (200, 307) or target.startswith("POST /v2"):
                continue
            expect(("request_id" in json.loads(answer)) == (neutral or headers != []), "%s: %s" % (where, answer))
            expect(json.loads(answer).get("request_id", "mine") == "mine", "%s: %s" % (where, answer))
    for where, request, status in (
            ("bad HTTP", b"GET / HTTP/1.1\r\nhost: localhost\r\n%s\r\nno colon\r\n\r\n", 400),
            ("another host", b"GET / HTTP/1.1\r\nhost: evil.example\r\n%s\r\n\r\n", 421),
            ("a large body", b"POST /predict HTTP/1.1\r\nhost: localhost\r\n%s\r\ncontent-length: 99999999\r\n\r\n", 413),
            ("a slow body", b"POST /predict HTTP/1.1\r\nhost: localhost\r\n%s\r\ncontent-length: 9\r\n\r\n{", 408)):
        got = exchange(server, request % "\r\n".join(mine).encode())
        ids, answer = ids_of(got, status, where)
        if neutral or status != 400:
            expect(json.loads(answer).get("request_id") == (ids[0] if neutral else None), "%s: %s" % (where, answer))
        asked = exchange(server, request % b"accept: application/problem+json")
        if where != "bad HTTP":  # the header may not be read
            expect(json.loads(asked[2])["status"] == status, "%s: %s" % (where, asked))
        expect(where == "bad HTTP" or ids[:2] == ("mine", TRACE), "%s: %s" % (where, ids))
        expect(MADE.fullmatch(ids_of(exchange(server, request % b"a: b"), status, where)[0][0]), where)
    ids_of(exchange(server, b"GET / HTTP/1.1\r\nhost: localhost\r\nx-request-id: mine\r\na: %s\r\n\r\n" % (b"a" * 20000)), 431, "a large header")
    ids_of(exchange(server, b"GET /health HTTP/1.1\r\nhost:"), 408, "a slow header")


def log(server):
    lines = []
    loan = {"purpose": "car", "months": 48, "amount": 12000.0}
    bodies = [("POST /predict", loan), ("POST /batch_predict?on_error=skip", {"records": [loan, {**loan, "months": 0}, loan]}),
              ("POST /predict?reasons=1", loan), ("POST /v2/models/loan_default/infer", {"inputs": [
                  {"name": name, "datatype": kind, "shape": [2], "data": [loan[name]] * 2}
                  for name, kind in (("purpose", "BYTES"), ("months", "INT64"), ("amount", "FP64"))]})]
    for i, (target, body) in enumerate(bodies):
        (request_id, trace, *_), answer = ask(server, *(["x-request-id: req-%d" % i] if i else []), target=target, body=json.dumps(body).encode())
        lines += [(request_id, trace)] * (1 if "predict?" in target and "batch" not in target or i == 0 else 2)
    kept = [json.loads(line) for line in server.log_lines()]
    expect([(k["request_id"], k["trace_id"]) for k in kept] == lines, "%s: %s" % (lines, kept))
    expect(list(kept[3])[-6:] == ["features", "reasons", "request_id", "trace_id", "model", "version"], str(list(kept[3])))
    expect(list(kept[0])[-5:] == ["features", "request_id", "trace_id", "model", "version"], str(list(kept[0])))


def main():
    with Server(sys.argv[1], "--header-timeout", "1", "--body-timeout", "1") as server:
        given_and_made(server)
        traces(server)
        errors(server, neutral=False)
        expect(all("request_id" not in line for line in server.log_lines()), "the log has ids unasked")
    with Server(sys.argv[1], "--header-timeout", "1", "--body-timeout", "1", "--errors", "neutral") as server:
        errors(server, neutral=True)
    with Server(sys.argv[1], "--max-connections", "1", "--threads", "1") as server:
        with socket.create_connection((server.host, server.port), 30) as first:
            first.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            first.recv(1 << 16)
            ids_of(exchange(server, b""), 503, "a connection too many")
    with Server(sys.argv[2], "--log-request-ids") as server:
        log(server)
    print("ok")


if __name__ == "__main__":
    main()
