#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""prediction_log.py PROGRAM: the server's policies about its prediction log, and the model's hash."""
import hashlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from checks import expect_equal  # noqa: E402
from example_server import Server, batch  # noqa: E402


def until(condition, what):
    deadline = time.time() + 20
    while not condition():
        if time.time() > deadline:
            raise SystemExit("waited in vain: " + what)
        time.sleep(0.02)


def aside(server):
    return [n for n in os.listdir(server.folder.name) if n.startswith("prediction_log.jsonl.2")]


def samples(server):
    return json.loads(server.get("/monitoring/drift"))["samples_observed"]


def the_hash_of_the_model_is_everywhere(program):
    wanted = hashlib.sha256((ROOT / "models" / "student_logistic.json").read_bytes()).hexdigest()
    with Server(program, "--log-model") as server:
        _, headers, _ = server.post("/batch_predict", batch(2))
        expect_equal(headers["x-model-sha256"], wanted, "header")
        card = json.loads(server.get("/model"))
        expect_equal(card["sha256"], wanted, "/model")
        expect_equal((card["name"], len(card["features"]["numeric"]), card["features"]["text"]),
                     ("student_logistic", 9, ["student_country"]), "/model")
        for line in server.log_lines():
            expect_equal(list(json.loads(line))[-2:], ["model", "version"], "last members of a log line")
            expect_equal(json.loads(line)["model"], wanted, "log line")
    with Server(program) as server:
        server.post("/batch_predict", batch(2))
        expect_equal(["model" in json.loads(line) for line in server.log_lines()], [False] * 2, "log line by default")
    with Server(program, "--model", "none") as server:
        connection = server.connection()
        connection.request("GET", "/model")
        expect_equal(connection.getresponse().status, 503, "/model without a model")
        connection.close()


def a_hangup_sets_the_log_aside(program):
    with Server(program) as server:
        server.post("/batch_predict", batch(3))
        server.process.send_signal(signal.SIGHUP)
        until(lambda: aside(server), "the log is set aside")
        until(lambda: os.path.exists(server.log), "another is begun")
        server.post("/batch_predict", batch(2))
        expect_equal(len(server.log_lines()), 2, "lines of the new log")
        os.rename(server.log, server.log + ".moved")  # as logrotate does, before it sends the signal
        server.post("/batch_predict", batch(1))
        server.process.send_signal(signal.SIGHUP)
        until(lambda: os.path.exists(server.log), "a moved log is begun again")
        server.post("/batch_predict", batch(4))
        expect_equal(len(server.log_lines()), 4, "lines of the newest log")
        expect_equal(pathlib.Path(server.log + ".moved").read_text().count("\n"), 3, "lines of the moved log")
        expect_equal(len(aside(server)), 1, "logs set aside")


def logs_are_set_aside_by_size_and_age(program):
    with Server(program, "--log-rotate-bytes", "2000", "--log-rotate-seconds", "1") as server:
        for _ in range(3):
            server.post("/batch_predict", batch(5))  # 1.6 KB
        expect_equal(len(aside(server)), 2, "logs set aside by size")
        until(lambda: len(aside(server)) == 3, "the log is set aside by age, without a request")


def only_the_newest_logs_are_kept(program):
    with Server(program, "--log-rotate-bytes", "2000", "--log-keep-files", "2") as server:
        for _ in range(6):
            server.post("/batch_predict", batch(5))  # 1.6 KB: each sets the one before aside
        expect_equal(len(aside(server)), 2, "logs set aside that are kept")
        expect_equal(len(server.log_lines()), 5, "lines of the newest log")


def what_cannot_be_logged_is_dropped_or_refused(program):
    for flags, status, counted in [([], 200, 7), (["--log-on-failure", "refuse"], 503, 0)]:
        with Server(program, *flags, log="/dev/full") as server:
            got, _, content = server.post("/batch_predict", batch(7))
            expect_equal(got, status, "status with " + " ".join(flags))
            if status == 503:
                expect_equal(json.loads(content), {"detail": "The predictions cannot be logged."}, "body")
            expect_equal(samples(server), counted, "samples with " + " ".join(flags))
            metrics = server.get("/metrics").decode()
            for line in ['tabscore_log_records_total{outcome="dropped"} 7',
                         'tabscore_rejected_records_total{error="not_logged",rule=""} %d' % (7 - counted)]:
                expect_equal(line in metrics, True, line)


def a_log_that_may_not_grow_keeps_whole_batches(program):
    limit = 20000

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with Server(program, "--log-on-failure", "refuse", preexec_fn=small_files) as server:
        statuses = [server.post("/batch_predict", batch(10))[0] for _ in range(12)]
        whole = statuses.count(200)
        expect_equal(statuses, [200] * whole + [503] * (12 - whole), "statuses")
        expect_equal(0 < whole < 12, True, "the limit was met on the way")
        expect_equal(len(server.log_lines()), 10 * whole, "lines")
        expect_equal(samples(server), 10 * whole, "samples")


def a_log_has_one_server(program):
    with Server(program) as server:
        other = subprocess.run([program, "--port", "0", "--prediction-log", server.log], capture_output=True, text=True,
                               timeout=60)
        expect_equal(other.returncode, 1, "status of the second server")
        expect_equal("another process is writing this log" in other.stderr, True, other.stderr)


def main():
    for test in (the_hash_of_the_model_is_everywhere, a_hangup_sets_the_log_aside, logs_are_set_aside_by_size_and_age,
                 only_the_newest_logs_are_kept,
                 what_cannot_be_logged_is_dropped_or_refused, a_log_that_may_not_grow_keeps_whole_batches,
                 a_log_has_one_server):
        test(sys.argv[1])
        print("ok      " + test.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
