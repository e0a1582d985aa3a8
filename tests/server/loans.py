#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The server of another domain than students': loans.py PROGRAM OTHER, a server without decisions. What scikit-learn's pipeline says of loans that it was not
trained on (loans_expected.json, made by make_loans_expected.py), from the schema, rule and features of loan_server/loan.hpp, and
what models/loan_policy.json decides."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

PROGRAM, OTHER = sys.argv[1:3]
POLICY = HERE.parents[1] / "models" / "loan_policy.json"
EXPECTED = json.loads((HERE / "loans_expected.json").read_text(encoding="utf-8"))
DECLARED = json.loads(POLICY.read_text(encoding="utf-8"))
TABLES, REASONS = DECLARED["by"], DECLARED["reasons"]


def decision(loan, probability):
    """What the policy of models/ says."""
    table = TABLES["values"].get(loan["purpose"], TABLES["otherwise"])
    if "threshold" in table:
        return table["reached"] if probability >= table["threshold"] else table["below"]
    return next(band["decision"] for band in table["bands"] if probability < band.get("below", 2))


def policy_for_all(name, verdict):
    return json.dumps({"format": "tabscore-policy", "format_version": 1, "name": name, "version": "1",
                       "bands": [{"decision": verdict}]})


LOAN = {"purpose": "car", "sector": "public", "months": 48, "amount": 12000.0, "income": 2600.0}


class Loans(unittest.TestCase):
    def setUp(self):
        self.server = Server(PROGRAM)
        self.addCleanup(self.server.__exit__)

    def ask(self, body, status=200, path="/batch_predict"):
        got, _, content = self.server.post(path, body)
        self.assertEqual(got, status, content)
        return json.loads(content)

    def test_probabilities_are_the_pipelines(self):
        loans, decided = [e["loan"] for e in EXPECTED], set()
        self.assertTrue(any("income" not in loan for loan in loans) and any("sector" not in loan for loan in loans))
        for e, p in zip(EXPECTED, self.ask({"records": loans})["predictions"], strict=True):
            self.assertAlmostEqual(p["probability"], e["probability"], delta=1e-12)
            self.assertEqual(p["default"], int(e["probability"] >= 0.5))
            self.assertEqual(p["decision"], decision(e["loan"], p["probability"]))
            decided.add(p["decision"])
        self.assertEqual(decided, {"approve", "refer", "decline"})
        self.assertEqual(self.ask(loans[0], path="/predict"), self.ask({"records": loans})["predictions"][0])
        last = json.loads(self.server.log_lines()[-1])
        self.assertEqual((last["probability"], last["features"]), (p["probability"], {"application": None, **dict.fromkeys(LOAN), **loans[-1]}))
        self.assertEqual((last["decision"], last["policy"]), (p["decision"], hashlib.sha256(POLICY.read_bytes()).hexdigest()))

    def test_decisions_are_told_everywhere(self):
        loans = [e["loan"] for e in EXPECTED]
        made = [p["decision"] for p in self.ask({"records": loans})["predictions"]]
        sha256 = hashlib.sha256(POLICY.read_bytes()).hexdigest()
        model = json.loads(self.server.get("/model"))
        self.assertEqual(model["policy"], {"name": "loan_credit", "version": "2026-11", "sha256": sha256, "tables": {"by": TABLES, "reasons": REASONS}})
        metrics = self.server.get("/metrics").decode()
        for name in ("approve", "refer", "decline"):
            self.assertIn('\ntabscore_decision_total{decision="%s"} %d\n' % (name, made.count(name)), metrics)
        self.assertIn('tabscore_policy_info{name="loan_credit",version="2026-11",sha256="%s"} 1\n' % sha256, metrics)
        state = json.loads(self.server.get("/monitoring/state"))
        self.assertEqual({d["name"]: d["count"] for d in state["decisions"]}, {n: made.count(n) for n in ("approve", "refer", "decline")})
        self.assertEqual(list(json.loads(self.server.get("/monitoring/history"))["decisions"]), ["approve", "refer", "decline"])
        tensors = [{"name": name, "shape": [len(loans)], "data": [loan.get(name) for loan in loans],
                    "datatype": "INT64" if name == "months" else "BYTES" if name in ("purpose", "sector") else "FP64"} for name in LOAN]
        for asked in ({}, {"outputs": [{"name": "decision"}]}):
            status, headers, content = self.server.post("/v2/models/loan_default/infer", {"inputs": tensors, **asked})
            self.assertEqual((status, headers["x-policy-sha256"]), (200, sha256), content)
            self.assertEqual(json.loads(content)["outputs"][-1],
                             {"name": "decision", "datatype": "BYTES", "shape": [len(loans)], "data": made})
        some = self.ask({"records": [LOAN, {**LOAN, "months": 0}]}, path="/batch_predict?on_error=skip&explain=1")["predictions"]
        self.assertEqual(some[0]["decision"], decision(LOAN, some[0]["probability"]))
        self.assertIsNone(some[1])

    def test_reasons_are_those_contributions_that_raise_the_number_above_the_baselines(self):
        loans = [e["loan"] for e in EXPECTED][:40]
        baseline = self.ask({"records": [REASONS["baseline"]["record"]]}, path="/batch_predict?explain=99")["predictions"][0]

        def contributions(prediction):
            return {c["feature"]: c["contribution"] for c in prediction["explanation"]["contributions"]}

        at_baseline, seen = contributions(baseline), set()
        got = self.ask({"records": loans}, path="/batch_predict?explain=99&reasons=2")["predictions"]
        for p in got:
            now = contributions(p)
            sums = [(sum(now[f] - at_baseline[f] for f in g["features"]), g) for g in REASONS["groups"]]
            adverse = sorted([s for s in sums if s[0] > 0], key=lambda s: -s[0])[:2]
            if p["decision"] not in REASONS["decisions"]:
                adverse = []
            self.assertEqual(p["reasons"], [{"rank": i + 1, "code": g["code"], "text": g["text"]}
                                            for i, (_, g) in enumerate(adverse)])
            seen.add(len(p["reasons"]))
        self.assertTrue(0 in seen and max(seen) > 0, seen)
        lines = [json.loads(line) for line in self.server.log_lines()][-len(loans):]
        self.assertEqual([line["reasons"] for line in lines], [[r["code"] for r in p["reasons"]] for p in got])
        self.assertNotIn("reasons", self.ask({"records": loans[:1]})["predictions"][0])
        self.ask({"records": loans[:1]}, 422, "/batch_predict?reasons=0")

    def test_a_policy_takes_the_place_of_another_and_no_record_is_of_two(self):
        with tempfile.TemporaryDirectory(prefix="tabscore-") as folder:
            path = pathlib.Path(folder, "policy.json")
            texts = {policy_for_all("all_approve", "approve"): "approve",
                     "\ufeff" + policy_for_all("all_decline", "decline"): "decline"}  # an editor's byte order mark
            made = {hashlib.sha256(text.encode()).hexdigest(): d for text, d in texts.items()}
            path.write_text(next(iter(texts)), encoding="utf-8")
            seen, over = [], threading.Event()

            def ask():
                while not over.is_set():
                    _, headers, content = server.post("/batch_predict", {"records": 3 * [LOAN]})
                    seen.append((headers["x-policy-sha256"], {p["decision"] for p in json.loads(content)["predictions"]}))

            def wait_for(key, count):
                for _ in range(300):
                    reload = json.loads(server.get("/model"))["reload"]
                    if reload[key] >= count:
                        return reload
                    time.sleep(0.05)
                self.fail("%s of %d" % (key, count))

            with Server(PROGRAM, "--policy", str(path)) as server:
                threads = [threading.Thread(target=ask) for _ in range(3)]
                for thread in threads:
                    thread.start()
                for loaded, text in enumerate(3 * list(texts)[::-1], 1):
                    path.write_text(text, encoding="utf-8")
                    server.process.send_signal(signal.SIGHUP)
                    wait_for("loaded", loaded)
                for refused, (text, why) in enumerate([
                        (policy_for_all("x", "aprove"), 'bands[0].decision: "aprove" is not a decision of the service'),
                        ("{", "expected a JSON document"), ("", "found nothing")], 1):
                    path.write_text(text, encoding="utf-8")
                    server.process.send_signal(signal.SIGHUP)
                    self.assertIn(why, wait_for("refused", refused)["error"])
                over.set()
                for thread in threads:
                    thread.join()
                self.assertEqual({d for _, decided in seen for d in decided}, {"approve", "decline"})
                for sha256, decided in seen:
                    self.assertEqual(decided, {made[sha256]})
                logs = [log for log in pathlib.Path(server.log).parent.iterdir() if log.suffix != ".intent"]  # SIGHUP begins another
                lines = [json.loads(line) for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
                self.assertEqual(len(lines), 3 * len(seen))
                for line in lines:
                    self.assertEqual(line["decision"], made[line["policy"]])
                # The counts are the model's, whatever the policy.
                self.assertEqual(json.loads(server.get("/monitoring/drift"))["samples_observed"], len(lines))
                self.assertIn('tabscore_decision_total{decision="refer"} 0\n', server.get("/metrics").decode())

    def test_what_does_not_fit_does_not_start(self):
        def refusal(*command):
            done = subprocess.run([*command, "--port", "0", "--prediction-log", "off"], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            return done.stderr

        self.assertIn("loan_server: the service declares decisions: it needs a policy file that makes them", refusal(PROGRAM, "--policy", ""))
        self.assertIn("/nowhere.json: cannot be opened", refusal(PROGRAM, "--policy", "/nowhere.json"))
        self.assertIn("not a regular file", refusal(PROGRAM, "--policy", os.devnull))
        self.assertIn("loan_policy.json: the prediction declares no decisions", refusal(OTHER, "--policy", str(POLICY)))

    def test_labels_join_predictions_by_application(self):
        loans = [{"application": "A-%d" % i, **e["loan"]} for i, e in enumerate(EXPECTED)]
        with Server(PROGRAM, "--label-window", "50") as self.server:
            made = self.ask({"records": loans}, path="/batch_predict?ids=1")["predictions"]
            self.assertEqual([p.pop("application") for p in made], [loan["application"] for loan in loans])
            self.assertEqual(made, self.ask({"records": [e["loan"] for e in EXPECTED]})["predictions"])  # no ids
            self.assertEqual(self.ask({**LOAN, "application": ""}, 422, "/predict")["detail"][0]["loc"], ["body", "application"])
            labels = [{"id": "A-%d" % i, "label": i % 2, "time": "2100-01-31T12:00:00Z"} for i in range(len(loans))]
            self.assertEqual(self.ask(labels + labels[-1:], path="/labels"),
                             {"joined": 50, "late": 0, "duplicate": 1, "contradicting": 0, "unknown": 10})
            (model,) = json.loads(self.server.get("/monitoring/performance"))["models"]
            self.assertEqual(model["window"], {"capacity": 50, "predictions": 50, "repeated": 0})
            right = sum(p["default"] == i % 2 for i, p in enumerate(made) if i >= 10)
            self.assertEqual(model["performance"]["figures"]["accuracy"]["value"], right / 50)
            self.assertIn('tabscore_labels_total{outcome="joined"} 50\n', self.server.get("/metrics").decode())
            # An id may be half of a surrogate pair; one client's must not spoil the labels of all.
            self.ask({**LOAN, "application": "\ud800\n"}, path="/predict")
            self.assertEqual(self.ask([{"id": "\ud800\n", "label": 1}, {"id": "A-49", "label": 1}], path="/labels"),
                             {"joined": 1, "late": 0, "duplicate": 1, "contradicting": 0, "unknown": 0})
            self.assertEqual(self.ask(b'\xef\xbb\xbf[{"id":"A-49","label":1}]', path="/labels")["duplicate"], 1)
            self.assertIn("the id is not a text", self.ask(b'[{"id":"\\ud800\\x","label":1}]', 422, "/labels")["detail"])

    def test_absent_values_are_no_drift(self):
        self.ask({"records": 5 * [e["loan"] for e in EXPECTED]})
        (total,) = [w for w in json.loads(self.server.get("/monitoring/report"))["windows"] if w["window"] == "total"]
        shares = {f["name"]: f["missing_share"] for f in total["features"]}
        self.assertTrue(total["enough"] and shares["income"] > 0 and shares["sector"] > 0)
        self.assertEqual([f["name"] for f in total["features"] if f["alarm"] and f["name"] in ("income", "sector")], [])

    def test_what_may_be_absent_may_be_left_out(self):
        without = {name: value for name, value in LOAN.items() if name not in ("sector", "income")}
        self.assertEqual(self.ask(without, path="/predict"), self.ask({**without, "sector": None, "income": None}, path="/predict"))

    def test_wrong_loans_are_refused_in_their_own_words(self):
        self.assertEqual(self.ask({**LOAN, "months": 481}, 422, "/predict")["detail"][0]["loc"], ["body", "months"])
        self.assertEqual(self.ask({**LOAN, "months": 1}, 422, "/predict")["detail"], "an instalment above 5000 is not lent")
        self.assertEqual(self.server.log_lines(), [])

    def test_pages_and_descriptions_are_of_loans(self):
        document = json.loads(self.server.get("/openapi.json"))
        prediction = document["components"]["schemas"]["PredictResponse"]
        self.assertEqual(prediction["properties"]["decision"]["enum"], ["approve", "refer", "decline"])
        self.assertIn("decision", prediction["required"])
        self.assertEqual(document["info"]["title"], "Loan defaults")
        self.assertIn("<h1>Loan defaults</h1>", self.server.get("/dashboard").decode())
        self.assertEqual(json.loads(self.server.get("/model"))["name"], "loan_default")
        self.assertEqual([t["name"] for t in json.loads(self.server.get("/v2/models/loan_default"))["inputs"]], ["application", *LOAN])
        for text in (json.dumps(document), self.server.get("/docs").decode(), self.server.get("/metrics").decode()):
            self.assertEqual(text.count("student"), 0)
            self.assertEqual(text.count("{title}"), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
