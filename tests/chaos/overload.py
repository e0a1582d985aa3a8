#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More requests than can be answered: overload.py PROGRAM [--seconds 20] [--offer OFFER]. Exit status 1 when a test fails.

Many clients send as fast as they are answered to a server of one thread that takes one request at a time. What is accepted
must come soon, what is not must be told so at once, and nothing may be lost. With the program OFFER (offer.cpp) the times are
measured at ten times the capacity, with a core for the clients."""
import argparse
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

from load import LARGER, Client, Load, Server, ask, batch, connect, memory_mib, post, quantile, receive, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("--seconds", type=float, default=2)
options.add_argument("--clients", type=int, default=24)
options.add_argument("--records", type=int, default=300)
options.add_argument("--model", help="a model file other than the server's own, one that takes longer")
options.add_argument("--offer", help="the program that offers requests")
options.add_argument("--explained", type=int, default=20, help="records of its requests, which ask for explanations")
options.add_argument("--rounds", type=int, default=7)
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()
MODEL = ["--model", options.model] if options.model else []


def refusal(status, head, body):
    if status == 200 or (status == 503 and b"\r\nretry-after: 1\r\n" in head and b"detail" in body):
        return None
    return "status %d: %r" % (status, head)


def test_overload():
    raw = post(batch(options.records))
    with Server(options.server, "--threads", "1", "--max-requests", "1", *MODEL, log="off") as server:
        address, pid = (server.host, server.port), server.process.pid
        with Load(Client(address, raw)) as quiet:
            time.sleep(options.seconds / 2)
        alone = quiet.latencies()
        rate = len(alone) / (options.seconds / 2)
        with Load(*(Client(address, raw, check=refusal) for _ in range(options.clients))) as load:
            time.sleep(options.seconds)
        assert not load.failures, load.failures[:3]
        accepted, refused = load.latencies(200), load.latencies(503)
        assert accepted and refused, "there was no overload"
        assert memory_mib(pid, "VmHWM") < 200 * LARGER
        assert ask(address, raw)[0] == 200
        metrics = server.get("/metrics").decode()
        assert 'tabscore_refused_requests_total{status="503"} %d' % len(refused) in metrics
        figures = [1e3 * t for t in (quantile(alone, 0.5), quantile(alone, 0.99), quantile(accepted, 0.5),
                                     quantile(accepted, 0.99), quantile(refused, 0.5), quantile(refused, 0.99))]
        return ("alone %.0f/s p50 %.2f p99 %.2f ms; offered %.1f times that: accepted %.0f/s p50 %.2f p99 %.2f ms, "
                "refused p50 %.2f p99 %.2f ms; %.0f MiB" %
                (rate, *figures[:2], (len(accepted) + len(refused)) / options.seconds / rate,
                 len(accepted) / options.seconds, *figures[2:], memory_mib(pid, "VmHWM")))


def test_time_at_ten_times_the_capacity():
    """Requests that are dear to answer and cheap to send: trees explained."""
    if not options.offer:
        return "skipped: no --offer"
    model = pathlib.Path(__file__).resolve().parents[2] / "models" / "student_gbm.json"
    cores = sorted(os.sched_getaffinity(0))
    assert len(cores) > 1, "the server and its clients need a core each"

    def offer(server, request, connections, rate):
        ran = subprocess.run([options.offer, str(server.port), request.name, str(connections), str(rate),
                              str(int(options.seconds))], stdout=subprocess.PIPE, check=True,
                             preexec_fn=lambda: os.sched_setaffinity(0, cores[1:]))
        return json.loads(ran.stdout)

    def file_of(raw):
        file = tempfile.NamedTemporaryFile()
        file.write(raw)
        file.flush()
        return file

    with file_of(post(batch(options.explained), "/batch_predict?explain=3")) as request, \
         file_of(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n") as health, \
         Server(options.server, "--threads", "1", "--max-requests", "1", "--model", str(model), log="off") as server:
        rounds = []
        for _ in range(options.rounds):
            alone = offer(server, request, 1, 0)["200"]
            rate = 10 * alone["count"] / int(options.seconds)
            figures = offer(server, request, 64, rate)
            accepted, refused = figures["200"], figures["503"]
            rounds.append((alone["p50"], alone["p99"], (accepted["count"] + refused["count"]) / alone["count"],
                           accepted["p50"], accepted["p99"], accepted["p99"] / alone["p99"], refused["p50"],
                           refused["p99"], 100 * refused["within_1ms"],
                           100 * offer(server, health, 64, rate)["200"]["within_1ms"]))
        medians = tuple(sorted(column)[len(rounds) // 2] for column in zip(*rounds))
        return ("medians of %d rounds: alone p50 %.2f p99 %.2f ms; offered %.1f times that: accepted p50 %.2f p99 %.2f ms "
                "(%.2f times), refused p50 %.2f p99 %.2f ms, %.1f %% within 1 ms (answers of an idle server: %.1f %%); "
                "%.0f MiB" % (len(rounds), *medians, memory_mib(server.process.pid, "VmHWM")))


def test_refusals_do_not_wait_for_the_request_that_is_scored():
    """On a connection that is kept and on a new one, while one request of a second is scored."""
    model = pathlib.Path(__file__).resolve().parents[2] / "models" / "student_gbm.json"
    dear, cheap = post(batch(1000), "/batch_predict?explain=1"), post(batch(1))
    with Server(options.server, "--threads", "1", "--max-requests", "1", "--model", str(model), log="off") as server:
        address = (server.host, server.port)
        with connect(address) as kept, connect(address) as scored:
            for _ in range(20):
                scored.sendall(dear)
                status = 200
                while status == 200 and not select.select([scored], [], [], 0)[0]:
                    kept.sendall(cheap)
                    status = receive(kept)[0]
                new = ask(address, cheap)[0]
                waits = not select.select([scored], [], [], 0)[0]
                if receive(scored)[0] == 200 and status == new == 503 and waits:
                    assert ask(address, cheap)[0] == 200
                    return
    raise AssertionError("no refusal came before the answer to the request that was scored")


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
        assert load.latencies(200) and load.latencies(503), "nobody was refused"
        assert memory < before + 60 * LARGER, "%.0f MiB" % memory
        assert ask(address, raw)[0] == 200
        return "%d answered, %d refused, %d cut; at most %.0f MiB" % (
            len(load.latencies(200)), len(load.latencies(503)), len(load.failures), memory)


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
