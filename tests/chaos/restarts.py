#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Restarts the server under load: restarts.py PROGRAM [--restarts 100]. Exit status 1 when a test fails.

The listening socket belongs to this program and is handed over as systemd's socket activation does, so that it outlives
each server: connections wait in it while one ends and the next begins. Clients use a connection for each request, or
keep one. Every request must be answered with 200, and every batch that was answered must be in the log."""
import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from load import Client, Load, Server, ask, batch, connect, post, quantile, receive, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("--restarts", type=int, default=15)
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Supervisor:
    """Holds the listening socket and runs one server after the other on it."""

    def __init__(self, *flags):
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.address = self.listening.getsockname()
        self.flags = flags
        self.process = None

    def start(self):
        # The shell knows the process id that LISTEN_PID must name.
        fd = self.listening.fileno()
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec 3<&%d; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' % fd, "sh", options.server, *self.flags],
            stdout=subprocess.PIPE, text=True, pass_fds=[fd])
        line = self.process.stdout.readline()
        assert "http://%s:%d" % self.address in line, line

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.process.stdout.close()
        assert status == 0, "the server ended with status %s" % status

    def restart(self):
        self.stop()
        self.start()


def test_restarts_under_load():
    with tempfile.TemporaryDirectory(prefix="tabscore-restarts-") as folder:
        log = os.path.join(folder, "log.jsonl")
        supervisor = Supervisor("--threads", "2", "--prediction-log", log)
        supervisor.start()
        wrong = lambda status, *_: status != 200 and status  # noqa: E731
        raw = post(batch(3))
        clients = [Client(supervisor.address, raw, keep_alive=i % 2 == 0, pause=0.001, check=wrong) for i in range(6)]
        begin = time.monotonic()
        with Load(*clients) as load:
            for _ in range(options.restarts):
                time.sleep(0.05)
                supervisor.restart()
        seconds = time.monotonic() - begin
        supervisor.stop()
        answered = len(load.latencies())
        assert not load.failures, (len(load.failures), load.failures[:5])
        assert answered > 10 * options.restarts, "no load"
        with open(log, "rb") as file:
            lines = sum(1 for _ in file)
        assert lines == 3 * answered, "%d lines for %d answers of three" % (lines, answered)
        return "%d restarts, %d answers, 0 failed, longest %.0f ms, p50 %.2f ms, %.2f s a restart" % (
            options.restarts, answered, load.latencies()[-1] * 1e3, quantile(load.latencies(), 0.5) * 1e3,
            seconds / options.restarts)


def handed_over(sock, count=1):
    """A server that gets the socket as descriptor 3."""
    return subprocess.Popen(["sh", "-c", 'exec 3<&%d; LISTEN_FDS=%d LISTEN_PID=$$ exec "$@"' % (sock.fileno(), count), "sh",
                             options.server, "--prediction-log", "off"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[sock.fileno()])


def test_sockets_of_other_kinds():
    """A Unix domain socket is served, and called by its name; what nobody could connect to is refused."""
    with tempfile.TemporaryDirectory(prefix="tabscore-restarts-") as folder, socket.socket(socket.AF_UNIX) as listening:
        path = os.path.join(folder, "socket")
        listening.bind(path)
        listening.listen()
        process = handed_over(listening)
        line = process.stdout.readline()
        assert "listening on unix:%s\n" % path in line, line
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"GET /health HTTP/1.1\r\nHost: public.example\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 0, process.returncode
    listens, bound, datagrams = socket.create_server(("127.0.0.1", 0)), socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    for sock, count, why in (listens, 2, "2 sockets were handed over"), (bound, 1, "is no socket that listens"), (
            datagrams, 1, "is no socket that listens"), (open(os.devnull), 1, "is no socket that listens"):
        with sock:
            if sock in (bound, datagrams):
                sock.bind(("127.0.0.1", 0))
            process = handed_over(sock, count)
            try:
                said = process.communicate(timeout=30)[1]
            finally:
                process.kill()
            assert process.returncode == 1 and why in said, (process.returncode, said)


def test_a_server_that_ends_is_not_ready_and_still_serves():
    with Server(options.server, "--drain-delay", "1") as server:
        address = (server.host, server.port)
        assert ask(address, HEALTH)[0] == 200
        kept = connect(address)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        status, _, body = ask(address, HEALTH)
        assert status == 503 and json.loads(body)["ready"] is False, (status, body)
        assert ask(address, post(batch(2)))[0] == 200
        time.sleep(0.6)
        kept.sendall(post(batch(2)))
        assert receive(kept)[0] == 200
        assert server.process.wait(10) == 0


def test_the_next_request_of_a_kept_connection_is_answered_at_the_end():
    for _ in range(5):
        with Server(options.server) as server:
            kept = [connect((server.host, server.port)) for _ in range(20)]
            for s in kept:
                s.sendall(post(batch(1)))
                assert receive(s)[0] == 200
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            for s in kept:
                s.sendall(post(batch(1)))
                status, head, _ = receive(s)
                assert status == 200 and b"connection: close" in head
            assert server.process.wait(10) == 0


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
