#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Monitoring over HTTP: the report finds a fault, states merge into the bytes of one server, and survive a restart.

  monitoring.py <student_server> <tabscore-merge>"""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

PROGRAM, MERGE = sys.argv[1], sys.argv[2]
MODELS = HERE.parent.parent / "models"


def students(seed, count=300):
    draw = random.Random(seed)
    for _ in range(count):
        started = draw.randrange(20) if draw.random() < 0.1 else 0
        yield {
            "student_country": draw.choice(["US", "IN", "EG", "GB", "somewhere else"]),
            "days_on_platform": draw.randrange(293),
            "minutes_watched": round(10 ** draw.uniform(-1, 3), 1),
            "courses_started": draw.choice([1, 1, 1, 1, 1, 1, 1, 2, 3]),
            "practice_exams_started": started,
            "practice_exams_passed": draw.randrange(started + 1),
            "minutes_spent_on_exams": round(draw.uniform(0, 50), 2) if started else 0,
        }


def score(server, records):
    connection = server.connection()
    connection.request("POST", "/batch_predict", json.dumps({"records": list(records)}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def status(server, path):
    connection = server.connection()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


class Monitoring(unittest.TestCase):
    def test_report(self):
        with Server(PROGRAM) as server:
            empty = json.loads(server.get("/monitoring/report"))
            self.assertEqual([w["window"] for w in empty["windows"]], ["total", "records", "hour", "day"])
            self.assertFalse(any(w["enough"] or w["alarm"] for w in empty["windows"]))
            for record in students(1, 5):
                record["minutes_watched"] = 0
                self.assertEqual(score(server, [record] * 100), 200)
            for window in json.loads(server.get("/monitoring/report"))["windows"]:
                self.assertEqual(window["records"], 500)
                self.assertTrue(window["alarm"])
                minutes = window["features"][1]
                self.assertEqual(minutes["name"], "minutes_watched")
                self.assertTrue(minutes["alarm"])
                self.assertGreater(minutes["psi"], 5)
                self.assertEqual(minutes["live"][0], 500)  # below the training range
                self.assertEqual(len(minutes["live"]), len(minutes["edges"]) + 2)
                self.assertEqual(sum(minutes["training"]), 14208)
                country = window["features"][9]
                self.assertEqual(len(country["live"]), len(country["levels"]) + 2)

    def test_states_of_replicas_merge_into_those_of_one(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        batches = [list(students(i)) for i in range(6)]
        files = []
        with Server(PROGRAM) as whole, Server(PROGRAM) as a, Server(PROGRAM) as b:
            for i, batch in enumerate(batches):
                self.assertEqual(score(whole, batch), 200)
            for i, batch in reversed(list(enumerate(batches))):
                self.assertEqual(score([a, b, b][i % 3], batch), 200)
            for server in (a, b):
                files.append(os.path.join(folder.name, "%d.json" % server.port))
                pathlib.Path(files[-1]).write_bytes(server.get("/monitoring/state"))
            expected = whole.get("/monitoring/state")
        self.assertEqual(json.loads(expected)["samples"], 1800)
        for order in (files, files[::-1]):
            merged = subprocess.run([MERGE, *order], capture_output=True, check=True).stdout
            self.assertEqual(merged, expected)
        output = os.path.join(folder.name, "all.json")
        subprocess.run([MERGE, *files, "--output", output], check=True)
        self.assertEqual(pathlib.Path(output).read_bytes(), expected)
        other = os.path.join(folder.name, "other.json")
        pathlib.Path(other).write_bytes(expected.replace(b"student_logistic", b"another_model"))
        done = subprocess.run([MERGE, files[0], other], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn('expected a state of the model "student_logistic"', done.stderr)

    def test_a_state_file_survives_restarts(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "state.json")
        flags = ["--state-file", path, "--state-interval", "86400"]
        with Server(PROGRAM) as whole:
            for i in range(3):
                with Server(PROGRAM, *flags) as server:
                    score(whole, students(i))
                    score(server, students(i))
                    self.assertEqual(server.get("/monitoring/state"), whole.get("/monitoring/state"))
                    self.assertEqual(server.get("/monitoring/drift"), whole.get("/monitoring/drift"))
                self.assertEqual(pathlib.Path(path).read_bytes(), whole.get("/monitoring/state"))
        pathlib.Path(path).write_text(pathlib.Path(path).read_text()[:1000])
        torn = subprocess.run([PROGRAM, "--port", "0", "--prediction-log", "off", *flags], capture_output=True, text=True)
        self.assertEqual(torn.returncode, 1)
        self.assertIn("state.json: expected a JSON document", torn.stderr)

    def test_a_state_file_has_one_server(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "state.json")
            flags = [PROGRAM, "--port", "0", "--prediction-log", "off", "--state-file"]
            os.symlink(path, path + ".link")
            with Server(PROGRAM, "--state-file", path) as server:
                score(server, students(1))
                done = subprocess.run([*flags, path + ".link"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 1)
                self.assertIn("another process keeps this file", done.stderr)
                merge = subprocess.run([MERGE, path, "-o", path], capture_output=True, text=True)
                self.assertEqual(merge.returncode, 1)
                self.assertIn("another process keeps this file", merge.stderr)
                expected = server.get("/monitoring/state")
                # One that comes while the first one ends waits for it.
                second = subprocess.Popen([*flags, path], stdout=subprocess.PIPE)
                self.addCleanup(second.stdout.close)
                time.sleep(0.5)
            self.assertIn(b"listening", second.stdout.readline())
            second.terminate()
            self.assertEqual(second.wait(), 0)
            self.assertEqual(pathlib.Path(path).read_bytes(), expected)
            subprocess.run([MERGE, path, "-o", path], check=True)
            self.assertEqual(sorted(os.listdir(folder)), ["state.json", "state.json.link"])

    def test_a_server_that_is_killed_after_a_reload_starts_again(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        model = pathlib.Path(folder.name) / "model.json"
        flags = ["--model", str(model), "--state-file", folder.name + "/state.json", "--state-interval", "86400"]
        shutil.copy(MODELS / "student_logistic.json", model)
        server = Server(PROGRAM, *flags)
        self.addCleanup(server.folder.cleanup)
        score(server, students(1))
        shutil.copy(MODELS / "student_gbm.json", model)
        server.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            if b"student_gbm" in pathlib.Path(flags[3]).read_bytes():
                break
            time.sleep(0.1)
        server.process.kill()
        server.stop()
        self.assertTrue(os.path.exists(flags[3] + ".lock"))  # of nobody: in no way
        with Server(PROGRAM, *flags) as again:
            self.assertEqual(json.loads(again.get("/monitoring/drift"))["samples_observed"], 0)

    def test_a_state_file_is_written_at_its_interval(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "state.json"
        with Server(PROGRAM, "--state-file", str(path), "--state-interval", "1") as server:
            score(server, students(1))
            expected = server.get("/monitoring/state")
            for _ in range(100):
                if path.exists() and path.read_bytes() == expected:
                    break
                time.sleep(0.1)
            self.assertEqual(path.read_bytes(), expected)

    def test_without_a_model_there_is_nothing_to_report(self):
        with Server(PROGRAM, "--model", "none") as server:
            self.assertEqual(status(server, "/monitoring/report")[0], 503)
            self.assertEqual(status(server, "/monitoring/state")[0], 503)
        with Server(PROGRAM, "--no-baseline") as server:
            self.assertEqual(score(server, students(1)), 200)
            self.assertEqual(status(server, "/monitoring/state")[0], 503)
            code, body = status(server, "/monitoring/report")
            self.assertEqual((code, json.loads(body)["windows"][0]["features"]), (200, []))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
