#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More bytes than may be in flight: overload.py PROGRAM [--seconds 20]. Exit status 1 when a test fails.

Many clients send large bodies at once. Refusals must say so, and no answer may be lost."""
import argparse
import select
import sys
import time

from load import LARGER, Client, Load, Server, ask, batch, connect, memory_mib, post, receive, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("--seconds", type=float, default=2)
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()


def refusal(status, head, body):
    if status == 200 or (status == 503 and b"\r\nretry-after: 1\r\n" in head and b"detail" in body):
        return None
    return "status %d: %r" % (status, head)


def test_bytes_in_flight_are_bounded():
    """Bodies that are all on their way at once and too large together."""
    body = batch(20_000)
    raw = post(body)
    with Server(options.server, "--threads", "1", "--max-body-bytes", "5000000", "--max-bytes-in-flight", "5000000",
                log="off") as server:
        address, pid = (server.host, server.port), server.process.pid
        before = memory_mib(pid, "VmHWM")
        assert ask(address, raw)[0] == 200
        with Load(*(Client(address, raw, check=refusal) for _ in range(12))) as load:
            time.sleep(options.seconds)
        memory = memory_mib(pid, "VmHWM")
        lost = [f for f in load.failures if "reset" not in f and "Broken pipe" not in f and "closed" not in f]
        assert not lost, lost[:3]  # whose body was not read may see a reset instead of the 503
        assert load.latencies(200), "nobody was answered"
        assert memory < before + 60 * LARGER, "%.0f MiB" % memory
        assert ask(address, raw)[0] == 200
        return "%d answered, %d refused, %d cut; at most %.0f MiB" % (
            len(load.latencies(200)), len(load.latencies(503)), len(load.failures), memory)


def test_what_is_too_much_is_refused_and_the_rest_answered():
    raw = post(batch(20_000))
    with Server(options.server, "--threads", "1", "--max-body-bytes", "5000000", "--max-bytes-in-flight", "5000000",
                log="off") as server:
        sent = {connect((server.host, server.port)): len(raw) * share // 10 for share in (8, 7)}
        for s, size in sent.items():
            s.sendall(raw[:size])
        (one,) = select.select(sent, [], [], 30)[0]
        problem = refusal(*receive(one))
        assert problem is None, problem
        del sent[one]
        ((other, size),) = sent.items()
        other.sendall(raw[size:])
        status = receive(other)[0]
        assert status == 200, status


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
