#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""challengers.py STUDENTS LOANS MODELS: servers beside challengers. The comparison is recomputed from servers that serve one
model each, in exact arithmetic; an A/B test from docs/how-to/compare-models.md's siphash; promotion by SIGHUP."""
import collections
import fractions
import hashlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import SLOWER, Server  # noqa: E402

PROGRAM, LOANS, MODELS = *sys.argv[1:3], pathlib.Path(sys.argv[3])
LOGISTIC, GBM = MODELS / "student_logistic.json", MODELS / "student_gbm.json"

# The function that the page shows.
page = (HERE.parents[1] / "docs" / "how-to" / "compare-models.md").read_text(encoding="utf-8")
shown = {}
exec(re.search(r"```python\n(.*?)```", page, re.S)[1], shown)
arm_of = shown["arm_of"]


def students(seed, count=400):
    draw = random.Random(seed)
    for _ in range(count):
        started = draw.randrange(9) if draw.random() < 0.5 else 0
        yield {
            "student_country": draw.choice(["US", "IN", "EG", "GB", "Nigeria"]) + ("" if draw.random() < 0.7 else str(draw.randrange(100))),
            "days_on_platform": draw.randrange(293),
            "minutes_watched": round(10 ** draw.uniform(-1, 3), 1),
            "courses_started": draw.choice([1, 1, 2, 3]),
            "practice_exams_started": started,
            "practice_exams_passed": draw.randrange(started + 1),
            "minutes_spent_on_exams": round(draw.uniform(0, 50), 2) if started else 0,
        }


def shifted(folder, by, model=LOGISTIC):
    """A logistic model with another intercept and threshold."""
    text = model.read_text(encoding="utf-8")
    model = json.loads(text)
    model["model"]["intercept"] += by
    model["threshold"] = 0.5
    for check in model["checks"]:
        check["margin"] += by
        check["probability"] = 1 / (1 + math.exp(min(-check["margin"], 700)))
    path = pathlib.Path(folder) / ("shifted%g.json" % by)
    path.write_text(json.dumps(model), encoding="utf-8")
    return path


def ask(server, records, path="/batch_predict"):
    status, headers, body = server.post(path, {"records": records})
    if status != 200:
        raise AssertionError((status, body))
    return json.loads(body)["predictions"], body, headers


def wait(condition):
    for _ in range(int(500 * SLOWER)):
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it has not come")


def mean(values, n):
    """The exact sum, rounded once, and divided."""
    return float(sum(map(fractions.Fraction, values), fractions.Fraction())) / n


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Challengers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tabscore-")
        self.addCleanup(self.folder.cleanup)
        self.records = list(students(1))
        self.sizes = [1, 300, 7, 1, 91]

    def batches(self):
        at = 0
        for size in self.sizes:
            yield self.records[at:at + size]
            at += size

    def alone(self, model):
        with Server(PROGRAM, "--model", str(model)) as server:
            bodies = [ask(server, batch)[1] for batch in self.batches()]
        return bodies, [p for body in bodies for p in json.loads(body)["predictions"]]

    def test_comparison_is_what_two_servers_say(self):
        other = shifted(self.folder.name, 0.75)
        scores = os.path.join(self.folder.name, "scores.jsonl")
        bodies, first = self.alone(LOGISTIC)
        with Server(PROGRAM, "--challenger", str(GBM), "--challenger", str(other), "--challenger-log", scores,
                    "--compare-by", "student_country,courses_started") as server:
            self.assertEqual([ask(server, batch)[1] for batch in self.batches()], bodies)
            found = wait(lambda: (c := json.loads(server.get("/monitoring/compare")))["challengers"][1]["records"]["compared"] == 400 and c)
            self.assertIn(b'batches_total{outcome="scored"} 5\n', server.get("/metrics"))
            metrics = server.get("/metrics").decode()
        self.assertEqual(found["champion"]["model"], sha256(LOGISTIC))
        self.assertIsNone(found["arms"])
        lines = [json.loads(line) for line in pathlib.Path(scores).read_text().splitlines()]
        self.assertEqual([line["record"] for line in lines], [i for size in self.sizes for i in range(size)])
        for c, (compared, model) in enumerate(zip(found["challengers"], (GBM, other), strict=True)):
            _, second = self.alone(model)
            self.assertEqual(compared["model"], sha256(model))
            self.assertEqual(compared["records"], {"compared": 400, "shed": 0, "failed": 0})
            self.assertIsNone(compared["performance"])
            self.check(compared, first, second)
            changed = compared["swaps"][0]["changed"]
            self.assertIn('tabscore_challenger_changed_total{model="%s",of="%s"} %d\n' % (sha256(model), compared["swaps"][0]["of"], changed), metrics)
            for line, p, q in zip(lines, first, second, strict=True):
                self.assertEqual(line["scores"][0], {"model": sha256(LOGISTIC), **p})
                self.assertEqual(line["scores"][c + 1], {"model": sha256(model), **q})

    def check(self, compared, first, second):
        (swaps,), (difference,) = compared["swaps"], compared["differences"]
        label, probability = swaps["of"], difference["name"]

        def matrix(rows):
            counts = [[0, 0], [0, 0]]
            for i in rows:
                counts[first[i][label]][second[i][label]] += 1
            return {"records": len(rows), "changed": counts[0][1] + counts[1][0], "matrix": counts}
        everything = range(len(first))
        self.assertEqual({k: swaps[k] for k in ("records", "changed", "matrix")}, matrix(everything))
        self.assertGreater(swaps["changed"], 5)
        for tenth in range(10):
            rows = [i for i in everything if (first[i][probability] > tenth * 0.1 or tenth == 0) and (first[i][probability] <= (tenth + 1) * 0.1 or tenth == 9)]
            self.assertEqual(swaps["tenths"][tenth], {"from": tenth / 10, "to": (tenth + 1) / 10, **matrix(rows)})
        by_value = collections.defaultdict(list)
        for i in everything:
            for field in ("student_country", "courses_started"):
                by_value[field, self.records[i][field]].append(i)
        segments = {(s["field"], s.get("value")): {k: s[k] for k in ("records", "changed", "matrix")} for s in swaps["segments"]}
        other = [k for k in by_value if k not in segments]  # beyond 100 values
        self.assertEqual({k: matrix(v) for k, v in by_value.items() if k in segments}, {k: v for k, v in segments.items() if k in by_value})
        if other:
            rows = sorted(i for k in other for i in by_value[k])
            self.assertEqual(segments["student_country", None], matrix(rows))
        differences = [q[probability] - p[probability] for p, q in zip(first, second)]
        n = len(differences)
        self.assertEqual(difference["mean"], mean(differences, n))
        self.assertEqual(difference["mean_absolute"], mean(map(abs, differences), n))
        self.assertEqual(difference["rms"], math.sqrt(float(sum(fractions.Fraction(d) ** 2 for d in differences)) / n))
        self.assertEqual(difference["largest"], max(map(abs, differences)))
        self.assertEqual(sum(h["records"] for h in difference["histogram"]), n)
        for h in difference["histogram"]:
            inside = [d for d in differences if (h["from"] < d <= h["to"] if h["to"] < 0 else h["from"] <= d < h["to"])]
            self.assertEqual(h["records"], len(inside), h)

    def test_arms(self):
        other = shifted(self.folder.name, 0.75)
        hashes = {"champion": sha256(LOGISTIC), "challenger_1": sha256(GBM), "challenger_2": sha256(other)}
        alone = {name: self.alone(model)[1] for name, model in zip(hashes, (LOGISTIC, GBM, other))}
        weights = [0.25, 0.125]
        flags = ["--challenger", str(GBM), "--arm-weight", "0.25", "--challenger", str(other), "--arm-weight", "0.125",
                 "--ab-field", "student_country", "--ab-salt", "spring"]
        arms = [list(hashes)[arm_of(r["student_country"], "spring", weights)] for r in self.records]
        with Server(PROGRAM, *flags) as server:
            answered = [p for batch in self.batches() for p in ask(server, batch)[0]]
            found = json.loads(server.get("/monitoring/compare"))["arms"]
            self.assertEqual(server.stop(), 0)
            log = [json.loads(line) for line in server.log_lines()]
        self.assertEqual(answered, [{**alone[arm][i], "arm": arm} for i, arm in enumerate(arms)])
        self.assertEqual([(a["arm"], a["model"], a["weight"]) for a in found["arms"]], list(zip(hashes, hashes.values(), [0.625, *weights])))
        counts = [a["records"] for a in found["arms"]]
        self.assertEqual(counts, [arms.count(name) for name in hashes])
        self.assertGreater(min(counts), 10)
        expected = [400 * w for w in (0.625, *weights)]
        statistic = sum((n - e) ** 2 / e for n, e in zip(counts, expected))
        self.assertAlmostEqual(found["chi_square"], statistic, places=9)
        self.assertAlmostEqual(found["p"], math.exp(-statistic / 2), places=12)  # of two degrees of freedom
        self.assertEqual(found["alarm"], found["p"] < 0.001)
        by_arm = collections.Counter((line["arm"], line["model"]) for line in log)
        self.assertEqual(by_arm, {(name, hashes[name]): n for name, n in zip(hashes, counts)})

    def test_shares_of_many_ids(self):
        counts = collections.Counter(arm_of(str(i), "tabscore", [0.1]) for i in range(20000))
        self.assertLess(abs(counts[1] - 2000), 6 * math.sqrt(20000 * 0.09))

    def test_shed_under_load(self):
        with Server(PROGRAM, "--challenger", str(GBM), "--challenger-queue", "50") as server:
            big = ask(server, self.records)[0]  # larger than the queue
            self.assertEqual(len(big), 400)
            self.assertEqual(json.loads(server.get("/monitoring/compare"))["challengers"][0]["records"]["shed"], 400)
            self.assertIn(b'tabscore_challenger_batches_total{outcome="shed"} 1\n', server.get("/metrics"))

    def test_promotion(self):
        served = os.path.join(self.folder.name, "model.json")
        challenger = os.path.join(self.folder.name, "challenger.json")
        shutil.copy(LOGISTIC, served)
        shutil.copy(GBM, challenger)
        with Server(PROGRAM, "--model", served, "--challenger", challenger) as server:
            ask(server, self.records)
            wait(lambda: json.loads(server.get("/monitoring/compare"))["challengers"][0]["records"]["compared"] == 400)
            os.replace(shutil.copy(GBM, served + ".new"), served)
            os.replace(shifted(self.folder.name, 0.75), challenger)
            server.process.send_signal(signal.SIGHUP)
            found = wait(lambda: (c := json.loads(server.get("/monitoring/compare")))["champion"]["model"] == sha256(GBM) and c)
            self.assertEqual(found["challengers"][0]["model"], sha256(challenger))
            self.assertEqual(found["challengers"][0]["records"], {"compared": 0, "shed": 0, "failed": 0})
            os.replace(shutil.copy(MODELS / "wine.json", served + ".new"), challenger)
            server.process.send_signal(signal.SIGHUP)
            reload = wait(lambda: (r := json.loads(server.get("/model"))["reload"])["refused"] and r)
            self.assertIn("challenger.json", reload["error"])
            self.assertEqual(json.loads(server.get("/monitoring/compare"))["challengers"][0]["model"], found["challengers"][0]["model"])


class LoanArms(unittest.TestCase):
    """Decisions, reasons, explanations and ids of a body with several arms are those of the arms' models."""

    def test_answers(self):
        draw = random.Random(5)
        loans = [{"application": "A-%d" % i, "purpose": draw.choice(["car", "house", "study", "wedding"]), "months": draw.randrange(20, 300),
                  "amount": draw.randrange(500, 30000), **({"income": draw.randrange(900, 6000)} if draw.random() < 0.8 else {})} for i in range(200)]
        broken = {"purpose": "car", "months": 1, "amount": 9000.0}
        skipped = {"records": [*loans[:5], broken, {}, *loans[5:9]]}
        everything = "/batch_predict?explain=2&reasons=3&ids=1"
        tensors = {"inputs": [{"name": name, "datatype": kind, "shape": [200], "data": [convert(loan.get(name, 1000)) for loan in loans]}
                              for name, kind, convert in (("application", "BYTES", str), ("purpose", "BYTES", str), ("months", "INT64", int),
                                                          ("amount", "FP64", float), ("income", "FP64", float))]
                   + [{"name": "sector", "datatype": "BYTES", "shape": [200], "data": ["trade"] * 200}]}

        def answers(server):
            got = [server.post(everything, {"records": loans}), server.post("/batch_predict?on_error=skip", skipped),
                   server.post("/batch_predict", {"records": [*loans[:5], broken]}), server.post("/v2/models/loan_default/infer", tensors)]
            return [(status, json.loads(body)) for status, _, body in got]

        with tempfile.TemporaryDirectory(prefix="tabscore-") as folder:
            other = shifted(folder, 1, MODELS / "loan_default.json")
            alone = {}
            for name, model in ("champion", MODELS / "loan_default.json"), ("challenger_1", other):
                with Server(LOANS, "--model", str(model)) as server:
                    alone[name] = answers(server)
            with Server(LOANS, "--challenger", str(other), "--arm-weight", "0.5", "--label-window", "1000") as server:
                (status, all_), (skip_status, some), failed, (infer_status, inferred) = answers(server)
                labels = [{"id": loan["application"], "label": draw.randrange(2)} for loan in loans]
                self.assertEqual(json.loads(server.post("/labels", labels)[2])["joined"], 200)
                reports = json.loads(server.get("/monitoring/performance"))["models"]
                log = [json.loads(line) for line in server.log_lines()[:200]]
        self.assertEqual((status, skip_status, infer_status), (200, 200, 200))
        arms = [p["arm"] for p in all_["predictions"]]
        self.assertEqual(arms, [("champion", "challenger_1")[arm_of(loan["application"], "tabscore", [0.5])] for loan in loans])
        for i, (p, arm) in enumerate(zip(all_["predictions"], arms)):
            self.assertEqual(p, {**alone[arm][0][1]["predictions"][i], "arm": arm})
        by_id = {line["features"]["application"]: line for line in log}
        for loan, p in zip(loans, all_["predictions"]):
            line = by_id[loan["application"]]
            self.assertEqual((line["arm"], line["probability"], line["decision"], line["reasons"]),
                             (p["arm"], p["probability"], p["decision"], [r["code"] for r in p["reasons"]]))
        self.assertEqual(some["predictions"], [p and {**alone[(arms[:5] + [None, None] + arms[5:9])[i]][1][1]["predictions"][i], "arm": some["predictions"][i]["arm"]}
                                               for i, p in enumerate(some["predictions"])])
        self.assertEqual(some["predictions"][5:7], [None, None])
        self.assertEqual({**some, "predictions": []}, {**alone["champion"][1][1], "predictions": []})
        self.assertEqual(failed, alone["champion"][2])
        outputs = {o["name"]: o["data"] for o in inferred["outputs"]}
        self.assertEqual(outputs.pop("arm"), arms)
        for name, data in outputs.items():
            by_arm = {arm: next(o["data"] for o in alone[arm][3][1]["outputs"] if o["name"] == name) for arm in alone}
            self.assertEqual(data, [by_arm[arm][i] for i, arm in enumerate(arms)])
        self.assertEqual([(r["model"], r["performance"]["n"]) for r in reports],
                         [(sha, arms.count(arm)) for arm, sha in zip(alone, (reports[0]["model"], reports[1]["model"]))])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
