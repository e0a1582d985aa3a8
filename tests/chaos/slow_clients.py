#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Crowds of idle and slow clients: slow_clients.py PROGRAM [--clients 10000]. Exit status 1 when a test fails.

A quarter each is idle, sends its header byte by byte, sends its body byte by byte, and reads no answers. Meanwhile others
must be served as if these were not there, and memory must stay within its bound, also when the slow ones come behind
large requests."""
import argparse
import collections
import resource
import socket
import sys
import threading
import time

from load import LARGER, Client, Load, Server, ask, batch, connect, memory_mib, post, quantile, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("--clients", type=int, default=2000)
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()

BYTES = 64 << 20
HEADER = b"POST /batch_predict HTTP/1.1\r\nHost: "
BODY = HEADER + b"localhost\r\nContent-Length: 1000000\r\n\r\n{"


def crowded_server():
    return Server(options.server, "--threads", "2", "--max-connections", str(options.clients + 100), "--header-timeout",
                  "20", "--body-timeout", "20", "--max-body-bytes", "4000000", "--max-bytes-in-flight", str(BYTES),
                  log="off")


def bound(clients, bytes_in_flight):
    """Of memory, in MiB."""
    return bytes_in_flight / 2**20 + LARGER * (60 + clients * 0.02)


def test_slow_clients_stop_nobody():
    with crowded_server() as server:
        address, pid = (server.host, server.port), server.process.pid
        raw, large = post(batch(10)), post(batch(2000))
        with Load(*(Client(address, raw, keep_alive=False, pause=0.005) for _ in range(2))) as quiet:
            time.sleep(1.5)
        crowd = []

        def slow(kind):
            s = connect(address)
            if kind == 1:
                s.sendall(HEADER)
            elif kind == 2:
                s.sendall(BODY)
            elif kind == 3:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                s.setblocking(False)
                try:
                    s.sendall(large)
                except OSError:
                    pass
            crowd.append((kind, s))

        for i in range(options.clients):
            slow(i % 4)
        stop = threading.Event()
        survivors = []

        def drip():
            while not stop.is_set():
                alive = 0
                for kind, s in crowd:
                    try:
                        if kind in (1, 2):
                            s.send(b"a")
                        alive += 1
                    except OSError:
                        pass
                survivors.append(alive)
                stop.wait(0.5)

        dripping = threading.Thread(target=drip)
        dripping.start()
        with Load(*(Client(address, raw, keep_alive=False, pause=0.005) for _ in range(2))) as load:
            begin = time.monotonic()
            while (waited := time.monotonic() - begin) < 4 or (waited < 15 and len(load.answers()) <= 100):
                time.sleep(0.1)
        stop.set()
        dripping.join()
        memory = memory_mib(pid, "VmHWM")
        for _, s in crowd:
            s.close()
        assert not load.failures and not quiet.failures, load.failures[:3]
        statuses = collections.Counter(status for _, _, status in load.answers())
        assert set(statuses) == {200} and statuses[200] > 100, "too few of 200: %s" % statuses
        assert survivors[0] > options.clients / 2, "the crowd was cut: it was no load"
        most = bound(options.clients, BYTES)
        assert memory < most, "%.0f MiB were used, %.0f is the bound" % (memory, most)
        time.sleep(1.2)
        return "%d slow clients: p99 %.1f ms, longest %.0f ms, without them %.1f ms; at most %.0f MiB" % (
            options.clients, 1e3 * quantile(load.latencies(), 0.99), 1e3 * load.latencies()[-1],
            1e3 * quantile(quiet.latencies(), 0.99), memory)


def test_slow_clients_do_not_keep_what_large_requests_took():
    if LARGER > 1:
        return "skipped: a sanitizer's own memory does not come back to the system"
    number = options.clients // 2
    with crowded_server() as server:
        address, large = (server.host, server.port), post(batch(1300))
        crowd = []
        for i in range(number):
            assert ask(address, large)[0] == 200
            crowd.append(connect(address))
            crowd[-1].sendall(BODY if i % 2 else HEADER)
        memory = memory_mib(server.process.pid, "VmHWM")
        for s in crowd:
            s.close()
        most = bound(number, 0)
        assert memory < most, "%.0f MiB were used, %.0f is the bound" % (memory, most)
        return "%d requests of %d KiB, a slow client behind each: at most %.0f MiB" % (number, len(large) >> 10, memory)


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < options.clients + 200:
        print("skipped: %d clients need more than the %d descriptors allowed" % (options.clients, hard))
        sys.exit(0)
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
