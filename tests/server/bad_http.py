#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Odd and hostile HTTP clients against the example server: bad_http.py PROGRAM. Exit status 1 when a test fails.

Each test is a function that gets a fresh connection's `talk` and the server; assertions say what must hold."""
import json
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from example_server import Server  # noqa: E402

LIMIT = 1 << 20
FLAGS = ["--threads", "2", "--max-body-bytes", str(LIMIT), "--header-timeout", "1", "--body-timeout", "2",
         "--idle-timeout", "3"]
STUDENT = {"student_country": "US", "days_on_platform": 45, "minutes_watched": 320.5, "courses_started": 3,
           "practice_exams_started": 5, "practice_exams_passed": 3, "minutes_spent_on_exams": 87.2}
BODY = json.dumps({"records": [STUDENT] * 3}).encode()
POST = b"POST /batch_predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def with_length(body, head=POST):
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def chunks(body, size):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def connect(server):
    s = socket.create_connection((server.host, server.port), 5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def receive(s, answers=1, seconds=5.0):
    """(statuses, closed, bytes) of what arrives until so many answers are complete, the end, or the time is over."""
    data, end = b"", time.monotonic() + seconds
    while True:
        statuses, rest = [], data
        while True:
            m = re.match(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n", rest)
            n = re.search(rb"content-length: (\d+)", rest[:m.end()]) if m else None
            if not m or len(rest) < m.end() + (int(n[1]) if n else 0):
                break
            statuses.append(int(m[1]))
            rest = rest[m.end() + (int(n[1]) if n else 0):]
        if len(statuses) >= answers:
            return statuses, False, data
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            more = s.recv(1 << 16)
        except TimeoutError:
            return statuses, False, data
        except ConnectionError:
            more = b""
        if not more:
            return statuses, True, data
        data += more


def ask(server, raw, answers=1, seconds=5.0):
    with connect(server) as s:
        try:
            s.sendall(raw)
        except ConnectionError:
            pass  # refused before it was all sent
        return receive(s, answers, seconds)


def statuses(server, raw, answers=1):
    return ask(server, raw, answers)[0]


def refused(server, raw, *allowed):
    """One answer of the allowed ones, then the connection is closed."""
    got, closed, _ = ask(server, raw, answers=2)
    assert closed and len(got) == 1 and got[0] in allowed, (got, closed, raw[:80])


def test_requests_in_every_framing(server):
    assert statuses(server, with_length(BODY)) == [200]
    assert statuses(server, with_length(BODY) * 20, 20) == [200] * 20
    for size in (1, 7, 100, 10000):
        assert statuses(server, CHUNKED + chunks(BODY, size)) == [200], size
    assert statuses(server, (CHUNKED + chunks(BODY, 50)) * 3, 3) == [200] * 3
    assert statuses(server, CHUNKED + b"4;name=value\r\n{\"a\"\r\n4\r\n: 1}\r\n0\r\nTrailer: x\r\n\r\n") == [422]
    assert statuses(server, CHUNKED + b"0\r\n\r\n") == [422]
    for scheme in b"http", b"HTTP", b"https":
        absolute = POST.replace(b"/batch_predict", scheme + b"://localhost/batch_predict?x=1")
        assert statuses(server, with_length(BODY, absolute)) == [200], scheme
        assert statuses(server, b"GET %s://evil/health HTTP/1.1\r\nHost: localhost\r\n\r\n" % scheme) == [421], scheme


def test_requests_in_many_pieces(server):
    for raw in (with_length(BODY), CHUNKED + chunks(BODY, 60)):
        for size in (1, 3, 64):
            with connect(server) as s:
                for i in range(0, len(raw), size):
                    s.sendall(raw[i:i + size])
                assert receive(s)[0] == [200], size


def test_large_bodies_arrive_whole(server):
    records = {"records": [STUDENT] * 4500}
    body = json.dumps(records).encode()
    assert len(body) < LIMIT
    for raw in (with_length(body), CHUNKED + chunks(body, 70000)):
        got, _, data = ask(server, raw + with_length(BODY), answers=2)
        assert got == [200, 200] and data.count(b'"predicted_purchase"') == 4503, got


def test_keep_alive(server):
    old = POST.replace(b"HTTP/1.1", b"HTTP/1.0")
    got, closed, data = ask(server, with_length(BODY, old), answers=2)
    assert got == [200] and closed and data.startswith(b"HTTP/1.0 200")
    keep = old + b"Connection: keep-alive\r\n"
    assert statuses(server, with_length(BODY, keep) * 2, 2) == [200, 200]
    got, closed, _ = ask(server, with_length(BODY, POST + b"Connection: close\r\n") * 2, answers=2)
    assert got == [200] and closed


def test_head_sends_no_body(server):
    _, _, data = ask(server, b"HEAD /docs HTTP/1.1\r\nHost: localhost\r\n\r\n", seconds=0.3)
    assert data.startswith(b"HTTP/1.1 200") and data.endswith(b"\r\n\r\n")


def test_expect_continue(server):
    with connect(server) as s:
        s.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert receive(s)[0] == [100]
        s.sendall(BODY)
        assert receive(s)[0] == [200]
    refused(server, POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1), 413)


def test_malformed_requests(server):
    length = b"Content-Length: 2\r\n\r\nab"
    for raw in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET /health\r\n\r\n",
            b"\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
            b"BREW /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /hea lth HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /health HTTP/1.1\r\n\r\n",                                         # no Host
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: y\r\n\r\n",
            b"GET /health HTTP/1.1\nHost: x\n\n",
            POST + b"Content-Length : 2\r\n\r\nab",
            POST + b"X: a\0b\r\n" + length,
            POST + b": no name\r\n" + length,
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json;\r\n a=b\r\n" + length,  # folded
            POST + b"X-Request-Id: folded\r\n mine\r\n" + length,
            POST + b"Expect: a miracle\r\n" + length):
        refused(server, raw, 400)
    _, _, data = ask(server, b"nonsense\r\n\r\n")
    assert data.endswith(b"\r\n\r\nInvalid HTTP request received.")
    assert b"content-type: text/plain; charset=utf-8\r\n" in data and b"connection: close\r\n" in data


def test_ambiguous_lengths(server):
    for fields in (b"Content-Length: -1", b"Content-Length: +2", b"Content-Length: 0x2", b"Content-Length: 2 2",
                   b"Content-Length: 3\r\nContent-Length: 4",
                   b"Content-Length: 4\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 4",
                   b"Transfer-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
                   b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"):
        refused(server, POST + fields + b"\r\n\r\n0\r\n\r\n", 400)
    refused(server, POST + b"Content-Length: 18446744073709551617\r\n\r\nx", 400, 413)
    old = POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n"
    refused(server, old + chunks(BODY, 10), 400)
    for body in (b"-2\r\nabc\r\n0\r\n\r\n", b"z\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3 \r\nabc0\r\n\r\n"):
        refused(server, CHUNKED + body, 400)
    refused(server, CHUNKED + b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400, 413)
    refused(server, CHUNKED + b"10000000000000000\r\nabc\r\n0\r\n\r\n", 400, 413)


def test_sizes_have_limits(server):
    refused(server, POST + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1) + b"x" * 1000, 413)
    assert statuses(server, with_length(b" " * LIMIT)) == [422]
    refused(server, CHUNKED + chunks(b" " * (LIMIT + 1), 1 << 16), 413)
    refused(server, POST + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n", 431)
    refused(server, POST + b"".join(b"X%d: y\r\n" % i for i in range(20000)) + b"\r\n", 431)
    refused(server, b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431)
    refused(server, CHUNKED + b"1;" + b"a" * 200000, 431)
    refused(server, CHUNKED + b"0\r\nTrailer: " + b"a" * 200000, 431)


def test_slow_clients_are_cut_and_others_served(server):
    slow = []
    for raw in (b"POST /batch_pre", POST + b"X: ", POST + b"Content-Length: 100\r\n\r\n{", CHUNKED + b"5\r\nab"):
        for _ in range(50):
            s = connect(server)
            s.sendall(raw)
            slow.append(s)
    idle = [connect(server) for _ in range(200)]
    assert statuses(server, with_length(BODY)) == [200]
    for s in slow:
        got, closed, _ = receive(s, answers=2, seconds=8)
        assert got == [408] and closed, got
    for s in idle:
        got, closed, _ = receive(s, seconds=8)
        assert got == [] and closed, got


def test_a_client_that_does_not_read_its_answers_is_cut(server):
    body = json.dumps({"records": [STUDENT] * 4500}).encode()
    with connect(server) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(10)
        try:
            for _ in range(60):
                s.sendall(with_length(body))
            raise AssertionError("the server took everything from a client that reads nothing")
        except ConnectionError:
            pass
    assert statuses(server, with_length(BODY)) == [200]


def test_truncation_at_every_byte(server):
    for raw in (with_length(BODY), CHUNKED + chunks(BODY, 100)):
        for end in range(len(raw)):
            with connect(server) as s:
                s.sendall(raw[:end])
                s.shutdown(socket.SHUT_WR)
                got, closed, _ = receive(s)
                assert got == [] and closed, (end, got)


def test_random_damage(server):
    rng = random.Random(1)
    for raw in (with_length(BODY), CHUNKED + chunks(BODY, 100)):
        for _ in range(300):
            damaged = bytearray(raw)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(damaged))
                damaged[at:at + rng.randint(0, 2)] = bytes(rng.choice(b"\0\r\n :;,0159afz\xff{\"") for _ in range(rng.randint(0, 2)))
            with connect(server) as s:
                s.sendall(damaged)
                s.shutdown(socket.SHUT_WR)
                got, closed, _ = receive(s, answers=1000)
                assert closed and all(status < 500 for status in got), (got, bytes(damaged))


def test_sigterm_answers_what_is_in_flight(server):
    raw = with_length(BODY)
    waiting, idle = connect(server), connect(server)
    waiting.sendall(raw[:-10])
    idle.sendall(raw)
    assert receive(idle)[0] == [200]
    server.process.send_signal(signal.SIGTERM)
    got, closed, _ = receive(idle)
    assert got == [] and closed
    try:
        connect(server).close()
        raise AssertionError("a server that shuts down still accepts connections")
    except ConnectionError:
        pass
    waiting.sendall(raw[-10:])
    got, closed, data = receive(waiting, answers=2)
    assert got == [200] and closed and b"connection: close\r\n" in data
    assert server.process.wait(30) == 0  # a second signal would end it at once


def test_sigterm_answers_connections_that_nobody_has_accepted_yet(server):
    server.process.send_signal(signal.SIGSTOP)
    waiting = [connect(server) for _ in range(50)]
    for s in waiting:
        s.sendall(with_length(BODY))
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGCONT)
    got = [receive(s)[0] for s in waiting]
    assert got == [[200]] * 50, got
    assert server.process.wait(30) == 0


def test_a_signal_at_the_start_is_a_clean_stop(server):
    for signal_sent in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process = subprocess.Popen([server.process.args[0], "--port", "0", "--prediction-log", "off"], stdout=subprocess.PIPE)
        held = 0
        while not held and process.poll() is None:  # until the program holds signals back, its first act, or has handlers
            status = pathlib.Path("/proc/%d/status" % process.pid).read_text()
            held = any(int(mask, 16) >> (signal.SIGTERM - 1) & 1 for mask in re.findall(r"Sig(?:Blk|Cgt):\s*([0-9a-f]+)", status))
        process.send_signal(signal_sent)
        if signal_sent == signal.SIGHUP:
            assert b"listening" in process.stdout.readline()
            process.send_signal(signal.SIGTERM)
        process.stdout.read()
        process.stdout.close()
        assert process.wait(30) == 0, signal_sent


def test_hangups_during_the_stop_do_not_disturb_it(server):
    for _ in range(10):
        with Server(server.process.args[0], "--state-file", server.log + ".state") as stopped:
            stopped.process.send_signal(signal.SIGTERM)
            end = time.monotonic() + 20
            while stopped.process.poll() is None and time.monotonic() < end:
                stopped.process.send_signal(signal.SIGHUP)
                time.sleep(0.0002)
            if stopped.process.poll() is None:
                stopped.process.kill()
            assert stopped.process.wait() == 0, stopped.process.returncode


def main():
    program, only = sys.argv[1], sys.argv[2:]
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (only and name not in only):
            continue
        with Server(program, *FLAGS) as server:
            start = time.monotonic()
            try:
                test(server)
                assert server.process.poll() in (None, 0), "the server died"
                print("ok      %-55s %5.1f s" % (name[5:].replace("_", " "), time.monotonic() - start))
            except AssertionError as e:
                failed += 1
                print("FAILED  %s: %s" % (name[5:].replace("_", " "), e))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
