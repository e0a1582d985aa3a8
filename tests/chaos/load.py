# SPDX-License-Identifier: MIT
"""Clients that load the example server, and what came of their requests."""
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from example_server import LARGER, RECORD, SLOWER, Server, batch  # noqa: E402,F401

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


def post(body, path="/batch_predict"):
    """The bytes of a request."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" %
            (path.encode(), len(body), body))


def connect(address, timeout=30 * SLOWER):
    s = socket.create_connection(address, timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def receive(s):
    """One answer: status, head, body. ConnectionError when it does not come whole."""
    data = b""
    while True:
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            length = LENGTH.search(data[:end + 2])
            size = end + 4 + (int(length[1]) if length else 0)
            if len(data) >= size:
                return int(data[9:12]), data[:end + 2], data[end + 4:size]
        more = s.recv(1 << 18)
        if not more:
            raise ConnectionError("closed after %d bytes of an answer" % len(data))
        data += more


def ask(address, raw, timeout=30 * SLOWER):
    with connect(address, timeout) as s:
        s.sendall(raw)
        return receive(s)


class Client(threading.Thread):
    """Sends the same request again and again until told to stop: on one connection, or each on its own, `pause` seconds
    apart. `answers` has (begin, seconds, status), `failures` what did not become an answer. check(status, head, body)
    may say what is wrong with an answer."""

    def __init__(self, address, raw, keep_alive=True, pause=0.0, check=None):
        super().__init__(daemon=True)
        self.address, self.raw, self.keep_alive, self.pause, self.check = address, raw, keep_alive, pause, check
        self.answers, self.failures = [], []
        self.stopped = threading.Event()

    def run(self):
        s = None
        while not self.stopped.is_set():
            begin = time.monotonic()
            try:
                s = s or connect(self.address)
                s.sendall(self.raw)
                status, head, body = receive(s)
                self.answers.append((begin, time.monotonic() - begin, status))
                wrong = self.check and self.check(status, head, body)
                if wrong:
                    self.failures.append(wrong)
                if not self.keep_alive or b"\r\nconnection: close\r\n" in head:
                    s.close()
                    s = None
            except OSError as e:
                self.failures.append("%s after %.3f s" % (e, time.monotonic() - begin))
                if s:
                    s.close()
                s = None
            if self.pause:
                self.stopped.wait(self.pause)
        if s:
            s.close()


class Load:
    """Runs clients while its block does; then `latencies(status)` and `failures` are of all of them."""

    def __init__(self, *clients):
        self.clients = clients

    def __enter__(self):
        for c in self.clients:
            c.start()
        return self

    def __exit__(self, *_):
        for c in self.clients:
            c.stopped.set()
        for c in self.clients:
            c.join()

    def answers(self):
        return sorted(a for c in self.clients for a in c.answers)

    def latencies(self, status=200):
        return sorted(seconds for _, seconds, s in self.answers() if s == status)

    @property
    def failures(self):
        return [f for c in self.clients for f in c.failures]


def quantile(ordered, q):
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else float("nan")


def memory_mib(pid, which="VmRSS"):
    for line in open("/proc/%d/status" % pid, encoding="ascii"):
        if line.startswith(which):
            return int(line.split()[1]) / 1024
    return float("nan")


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def run_tests(tests, arguments):
    """Runs functions, those named in the arguments or all; the exit status."""
    failed = 0
    for test in tests:
        if arguments and test.__name__ not in arguments:
            continue
        begin = time.monotonic()
        try:
            said = test()
            print("ok      %-60s %5.1f s  %s" % (test.__name__.replace("_", " "), time.monotonic() - begin, said or ""),
                  flush=True)
        except AssertionError as e:
            failed += 1
            print("FAILED  %s: %s" % (test.__name__.replace("_", " "), e), flush=True)
    return 1 if failed else 0
