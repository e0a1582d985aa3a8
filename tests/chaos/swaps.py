#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Swaps the model under load: swaps.py PROGRAM [--swaps 1000] [--offer OFFER]. Exit status 1 when a test fails. With the
program OFFER (offer.cpp) the time that requests take is measured at a given rate, with swaps and without in turn.

Two models take turns, by SIGHUP and by --watch, with bad files between them. No request may fail, each answer must be
wholly of the model that its header names, and memory must be back where it was."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from load import LARGER, Client, Load, RECORD, SLOWER, Server, batch, memory_mib, post, quantile, run_tests

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("server")
options.add_argument("--swaps", type=int, default=40)
options.add_argument("--pause", type=float, default=0, help="seconds between two swaps")
options.add_argument("--offer", help="the program that offers requests")
options.add_argument("--rate", type=int, default=500, help="requests a second that it offers")
options.add_argument("--rounds", type=int, default=9, help="of two halves, without and with swaps")
options.add_argument("--seconds", type=int, default=2, help="of each half of a round")
options.add_argument("tests", nargs="*")
options = options.parse_intermixed_args()

MODELS = [pathlib.Path(__file__).resolve().parents[2] / "models" / name
          for name in ("student_logistic.json", "student_gbm.json")]
BAD = {"cut": lambda text: text[:len(text) // 2], "empty": lambda text: b"", "junk": lambda text: b"no model\n",
       "altered": lambda text: text.replace(b'"threshold":', b'"threshold_":', 1)}
RAW = post(batch(50))


class Served:
    """A server whose model file can be replaced."""

    def __init__(self, *flags, threads=2, log=None):
        self.folder = tempfile.TemporaryDirectory(prefix="tabscore-swaps-")
        self.path = os.path.join(self.folder.name, "model.json")
        shutil.copy(MODELS[0], self.path)
        self.server = Server(options.server, "--threads", str(threads), "--model", self.path, *flags, log=log,
                             stderr=open(os.path.join(self.folder.name, "stderr"), "wb"))
        self.address = (self.server.host, self.server.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.folder.cleanup()

    def replace(self, content):
        with open(self.path + ".new", "wb") as file:
            file.write(content)
        os.rename(self.path + ".new", self.path)

    def reload(self):
        self.server.process.send_signal(signal.SIGHUP)

    def card(self):
        return json.loads(self.server.get("/model"))

    def wait_for(self, what, seconds=10):
        end = time.monotonic() + seconds * SLOWER
        while not what(self.card()):
            assert time.monotonic() < end, "no such model: %s" % self.card()["reload"]
            time.sleep(0.002)

    def swap(self, number):
        before = self.card()["sha256"]
        self.replace(MODELS[number % 2].read_bytes())
        self.reload()
        self.wait_for(lambda card: card["sha256"] != before)


def answers_by_model():
    """SHA-256 -> what that model predicts for RAW."""
    found = {}
    for number in (0, 1):
        with Served() as served:
            if number:
                served.swap(1)
            _, headers, content = served.server.post("/batch_predict", batch(50))
            found[headers["x-model-sha256"]] = content
    assert len(set(found.values())) == 2, "the two models predict alike: nothing would be tested"
    return found


def checker(expected):
    def check(status, head, body):
        if status != 200:
            return "status %d" % status
        name = head.split(b"x-model-sha256: ")[1].split(b"\r\n")[0].decode()
        return None if expected[name] == body else "an answer of another model than it says"
    return check


def test_swaps_under_load():
    check = checker(answers_by_model())
    with Served(log="off") as served:
        pid = served.server.process.pid
        clients = lambda: [Client(served.address, RAW, check=check, pause=0.002) for _ in range(4)]  # noqa: E731
        for i in (1, 0):
            served.swap(i)
        with Load(*clients()) as quiet:
            time.sleep(2)
        begin = memory_mib(pid)
        with Load(*clients()) as load:
            for i in range(1, options.swaps + 1):
                served.swap(i)
                time.sleep(options.pause)
                if i == options.swaps // 2:
                    middle = memory_mib(pid)
        time.sleep(0.6)
        end = memory_mib(pid)
        assert not load.failures and not quiet.failures, load.failures[:5]
        answered, p99 = len(load.latencies()), quantile(load.latencies(), 0.99)
        assert answered > 100, "no load"
        assert end < begin + 24 * LARGER and end < middle + 12 * LARGER, "memory grew: %.0f, %.0f, %.0f MiB" % (begin, middle, end)
        assert served.card()["reload"]["loaded"] == options.swaps + 2
        return "%d swaps, %d answers, 0 failed; p99 %.2f ms, without swaps %.2f ms; memory %.0f, then %.0f MiB" % (
            options.swaps, answered, p99 * 1e3, quantile(quiet.latencies(), 0.99) * 1e3, begin, end)


def test_time_of_requests_while_models_are_swapped():
    """Trees that take turns with the same trees in a file of other bytes: requests of both cost the same. The file is
    written in both halves of a round, so that they differ in what the server does alone."""
    if not options.offer:
        return "skipped: no --offer"
    times, ratios, written = {False: [], True: []}, [], {False: 0, True: 0}
    with Served(threads=1, log="off") as served, tempfile.NamedTemporaryFile() as request, \
         tempfile.NamedTemporaryFile("r") as answers:
        request.write(RAW)
        request.flush()
        contents = [MODELS[1].read_bytes() + end for end in (b"", b"\n")]
        served.replace(contents[0])
        served.reload()
        served.wait_for(lambda card: card["reload"]["loaded"] == 1)
        memory = [memory_mib(served.server.process.pid)]
        for number in range(options.rounds):
            p99 = {}
            for swapping in (False, True) if number % 2 == 0 else (True, False):
                offer = subprocess.Popen([options.offer, str(served.server.port), request.name, "4", str(options.rate),
                                          str(options.seconds), answers.name], stdout=subprocess.PIPE)
                due = time.monotonic()
                while offer.poll() is None:
                    written[swapping] += 1
                    served.replace(contents[written[swapping] % 2])
                    if swapping:
                        served.reload()
                    due += options.pause or 1
                    time.sleep(max(0.0, due - time.monotonic()))
                figures = json.loads(offer.communicate()[0])
                assert figures["failed"] == 0 and set(figures) == {"failed", "late", "200"}, figures
                answers.seek(0)
                times[swapping] += [float(line.split()[2]) for line in answers]
                p99[swapping] = figures["200"]["p99"]
            ratios.append(p99[True] / p99[False])
        memory.append(memory_mib(served.server.process.pid))
        swaps = served.card()["reload"]["loaded"] - 1
    assert swaps > 0.9 * written[True], "%d swaps for %d files" % (swaps, written[True])
    for all_times in times.values():
        all_times.sort()
    return "%d swaps in %d rounds, %d requests a second; without and with swaps %s; median of the rounds' p99 ratios %.2f; " \
        "memory %.0f, then %.0f MiB" % (swaps, options.rounds, options.rate, ", ".join(
            "p%g %.3f and %.3f ms" % (100 * q, quantile(times[False], q), quantile(times[True], q))
            for q in (0.5, 0.95, 0.99, 0.999)), sorted(ratios)[len(ratios) // 2], *memory)


def test_a_bad_file_never_replaces_a_good_one():
    with Served() as served:
        good = served.card()["sha256"]
        with Load(Client(served.address, RAW, check=lambda status, *_: status != 200 and status)) as load:
            for count, (name, spoil) in enumerate(BAD.items(), 1):
                served.replace(spoil(MODELS[1].read_bytes()))
                served.reload()
                served.wait_for(lambda card: card["reload"]["refused"] == count)
                card = served.card()
                assert card["sha256"] == good and "model.json" in card["reload"]["error"], (name, card["reload"])
                assert served.server.post("/predict", RECORD)[1]["x-model-sha256"] == good
            os.unlink(served.path)
            served.reload()
            served.wait_for(lambda card: card["reload"]["refused"] == len(BAD) + 1)
            served.replace(MODELS[1].read_bytes())
            served.reload()
            served.wait_for(lambda card: card["sha256"] != good)
            assert served.card()["reload"]["error"] is None
        assert not load.failures, load.failures[:3]
        said = pathlib.Path(served.folder.name, "stderr").read_text()
        assert said.count("the model stays") == len(BAD) + 1 and "serves" in said, said
        metrics = served.server.get("/metrics").decode()
        assert 'tabscore_model_reloads_total{outcome="refused"} %d' % (len(BAD) + 1) in metrics


def test_what_is_no_regular_file_is_not_opened():
    """A pipe without a writer, devices without an end, a folder, a file that is too large."""
    def too_large(path):
        with open(path, "wb") as file:
            file.truncate((1 << 30) + 1)
    makers = [os.mkfifo, lambda path: os.symlink("/dev/zero", path), lambda path: os.symlink("/dev/urandom", path),
              lambda path: os.symlink(path, path), too_large]
    for flags in ([], ["--watch"]):
        with Served(*flags) as served:
            good = served.card()["sha256"]
            for count, make in enumerate(makers, 1):
                fresh = served.path + ".new"
                make(fresh)
                os.replace(fresh, served.path)
                served.reload()
                served.wait_for(lambda card: card["reload"]["refused"] >= count)
                assert served.server.post("/predict", RECORD)[1]["x-model-sha256"] == good
            served.replace(MODELS[1].read_bytes())
            served.reload()
            served.wait_for(lambda card: card["sha256"] != good)
            assert memory_mib(served.server.process.pid, "VmHWM") < 100 * LARGER


def test_a_file_is_watched():
    with Served("--watch") as served:
        first = served.card()["sha256"]
        served.replace(MODELS[1].read_bytes())
        served.wait_for(lambda card: card["sha256"] != first)
        with open(served.path, "wb") as file:  # in place, in pieces: no part of it is ever served
            content = MODELS[0].read_bytes()
            for i in range(0, len(content), 4096):
                file.write(content[i:i + 4096])
                file.flush()
                time.sleep(0.05)
        served.wait_for(lambda card: card["sha256"] == first)


def test_the_same_file_changes_nothing():
    with Served("--log-model") as served:
        sha = served.card()["sha256"]
        served.server.post("/batch_predict", batch(3))
        served.reload()
        time.sleep(0.6)
        assert json.loads(served.server.get("/monitoring/drift"))["samples_observed"] == 3
        served.swap(1)
        assert json.loads(served.server.get("/monitoring/drift"))["samples_observed"] == 0
        other = served.card()["sha256"]
        served.server.post("/batch_predict", batch(2))
        logged = [json.loads(line)["model"] for name in sorted(os.listdir(served.server.folder.name))
                  if name.startswith("prediction_log") and not name.endswith(".intent")
                  for line in open(os.path.join(served.server.folder.name, name), encoding="utf-8")]
        assert sorted(logged) == sorted([sha] * 3 + [other] * 2), logged


if __name__ == "__main__":
    sys.exit(run_tests([test for name, test in list(globals().items()) if name.startswith("test_")], options.tests))
