#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers of other predictions than two classes: tasks.py WINE_SERVER DIABETES_SERVER. What scikit-learn's pipelines say of
records that they were not trained on (tasks_expected.json, made by make_tasks_expected.py), in answers, tensors, log lines,
monitoring and state."""
import json
import math
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

WINE_SERVER, DIABETES_SERVER = sys.argv[1:3]
EXPECTED = json.loads((HERE / "tasks_expected.json").read_text(encoding="utf-8"))
CLASSES = ["first", "second", "third"]


class Served(unittest.TestCase):
    program, rows = None, []

    def setUp(self):
        self.server = Server(self.program, "--errors", "neutral")
        self.addCleanup(self.server.__exit__)
        self.records = [e["record"] for e in self.rows]

    def ask(self, body, status=200, path="/batch_predict"):
        got, _, content = self.server.post(path, body)
        self.assertEqual(got, status, content)
        return json.loads(content)

    def get(self, path):
        return json.loads(self.server.get(path))

    def metrics(self):
        lines = self.server.get("/metrics").decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    def total_report(self):
        return next(w for w in self.get("/monitoring/report")["windows"] if w["window"] == "total")


class Wine(Served):
    program, rows = WINE_SERVER, EXPECTED["wine"]

    def test_classes_and_probabilities_are_the_pipelines(self):
        got = self.ask({"records": self.records})["predictions"]
        for e, p in zip(self.rows, got, strict=True):
            self.assertEqual(p["cultivar"], e["cultivar"])
            self.assertEqual(list(p["probabilities"]), CLASSES)
            for name in CLASSES:
                self.assertAlmostEqual(p["probabilities"][name], e["probabilities"][name], delta=1e-12)
        self.assertEqual(self.ask(self.records[3], path="/predict"), got[3])

    def test_the_most_likely_classes_alone(self):
        whole = self.ask({"records": self.records})["predictions"]
        for top in (1, 2, 3, 1000):
            some = self.ask({"records": self.records}, path=f"/batch_predict?top={top}")["predictions"]
            for w, s in zip(whole, some, strict=True):
                ordered = sorted(w["probabilities"].items(), key=lambda item: -item[1])[:top]
                self.assertEqual(s["cultivar"], w["cultivar"])
                self.assertEqual(dict(s["probabilities"]), dict(ordered))
                if top < 3:
                    self.assertEqual(list(s["probabilities"]), [name for name, _ in ordered])
        for wrong in ("0", "-1", "1001", "x", "1&top=2"):
            self.ask({"records": self.records}, 422, f"/batch_predict?top={wrong}")

    def test_each_class_is_explained(self):
        asked = {"records": self.records[:5] + [{"alcohol": 1}]}
        answer = self.ask(asked, path="/batch_predict?on_error=skip&explain=13&top=1")
        self.assertEqual(answer["predictions"][5], None)
        self.assertEqual(len(answer["errors"]), 12)
        for p in answer["predictions"][:5]:
            self.assertEqual(list(p["explanations"]), CLASSES)
            margins = [x["base_value"] + x["others"] + sum(c["contribution"] for c in x["contributions"])
                       for x in p["explanations"].values()]
            likely = math.exp(max(margins)) / sum(map(math.exp, margins))
            self.assertAlmostEqual(likely, p["probabilities"][p["cultivar"]], delta=1e-9)

    def test_log_lines(self):
        whole = self.ask({"records": self.records})["predictions"]
        for line, p, r in zip(self.server.log_lines(), whole, self.records, strict=True):
            logged = json.loads(line)
            self.assertEqual(list(logged), ["timestamp_utc", "cultivar", "probabilities", "features", "model", "version"])
            self.assertEqual((logged["cultivar"], logged["probabilities"], logged["features"]),
                             (p["cultivar"], p["probabilities"], r))

    def test_tensors(self):
        described = self.get("/v2/models/wine")["outputs"]
        self.assertEqual(described, [{"name": "cultivar", "datatype": "BYTES", "shape": [-1]},
                                     {"name": "probabilities", "datatype": "FP64", "shape": [-1, 3]}])
        n = len(self.records)
        inputs = [{"name": f, "datatype": "FP64", "shape": [n], "data": [r[f] for r in self.records]} for f in self.records[0]]
        got = self.ask({"inputs": inputs}, path="/v2/models/wine/infer")["outputs"]
        whole = self.ask({"records": self.records})["predictions"]
        self.assertEqual(got[0]["data"], [p["cultivar"] for p in whole])
        self.assertEqual(got[1]["shape"], [n, 3])
        self.assertEqual(got[1]["data"], [v for p in whole for v in p["probabilities"].values()])
        # Skipped and explained: placeholders and reasons, contributions of each class.
        inputs[0]["data"][1] = -1
        got = self.ask({"inputs": inputs, "parameters": {"on_error": "skip", "explain": True}}, path="/v2/models/wine/infer")["outputs"]
        told = self.ask({"records": self.records}, path="/batch_predict?explain=13")["predictions"]
        self.assertEqual([o["name"] for o in got], ["cultivar", "probabilities", "error", "contributions"])
        self.assertEqual(got[0]["data"], ["" if i == 1 else p["cultivar"] for i, p in enumerate(whole)])
        self.assertEqual(got[1]["data"], [None if i == 1 else v for i, p in enumerate(whole) for v in p["probabilities"].values()])
        self.assertEqual(got[2]["data"], ["alcohol must be at least 0" if i == 1 else "" for i in range(n)])
        self.assertEqual(got[3]["shape"], [n, 3, 14])
        numbers = []
        for i, p in enumerate(told):
            for x in p["explanations"].values():
                by_name = {c["feature"]: c["contribution"] for c in x["contributions"]}
                numbers += [None] * 14 if i == 1 else [by_name[f] for f in self.records[0]] + [x["base_value"]]
        self.assertEqual(got[3]["data"], numbers)

    def test_monitoring(self):
        for some in (self.records, self.records[:1], self.records[:2] * 200):
            self.ask({"records": some})
        rows = self.rows + self.rows[:1] + self.rows[:2] * 200
        counts = [sum(e["cultivar"] == c for e in rows) for c in CLASSES]
        drift = self.get("/monitoring/drift")
        self.assertEqual(drift["samples_observed"], len(rows))
        self.assertEqual(list(drift["predicted_class_rates"].values()), [n / len(rows) for n in counts])
        self.assertEqual(list(drift["training_class_rates"]), CLASSES)
        self.assertEqual(drift["reason"], "prediction_rate_shift")
        features = {f["name"]: f for f in self.total_report()["features"]}
        self.assertEqual(features["class"]["levels"], CLASSES)
        self.assertEqual(features["class"]["live"], counts + [0, 0])
        self.assertEqual(sum(features["prediction"]["live"]), len(rows))
        metrics = self.metrics()
        for name, n in zip(CLASSES, counts):
            self.assertEqual(metrics['tabscore_predicted_class_total{class="%s"}' % name], str(n))
        mean = sum(max(e["probabilities"].values()) for e in rows) / len(rows)
        self.assertAlmostEqual(float(metrics['tabscore_prediction_mean{output="probabilities"}']), mean, delta=1e-12)

    def test_state_outlives_the_server(self):
        file = os.path.join(self.server.folder.name, "state.json")
        with Server(self.program, "--state-file", file) as first:
            first.post("/batch_predict", {"records": self.records})
            before = first.get("/monitoring/state")
        with Server(self.program, "--state-file", file) as second:
            self.assertEqual(second.get("/monitoring/state"), before)
        state = json.loads(before)
        self.assertEqual(state["classes"][0]["counts"],
                         [sum(e["cultivar"] == c for e in self.rows) for c in CLASSES] + [0, 0])

    def test_descriptions(self):
        card = self.get("/model")
        self.assertEqual((card["task"], card["classes"], card["threshold"]), ("multiclass", CLASSES, None))
        schema = self.get("/openapi.json")["components"]["schemas"]["PredictResponse"]
        self.assertEqual(schema["properties"]["cultivar"]["enum"], CLASSES)
        self.assertEqual(schema["required"], ["cultivar", "probabilities"])

    def test_a_model_of_another_task_is_refused(self):
        model = HERE.parents[1] / "models" / "diabetes.json"
        run = subprocess.run([self.program, "--port", "0", "--model", str(model)], capture_output=True, text=True)
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(run.stderr, f"wine_server: {model}: the model's task is regression, the declared prediction's is "
                                     'multiclass: declare ts::regression<"name"> for this model\n')


class Diabetes(Served):
    program, rows = DIABETES_SERVER, EXPECTED["diabetes"]

    def test_numbers_are_the_models_bits(self):
        got = self.ask({"records": self.records})["predictions"]
        self.assertEqual(got, [{"progression": e["progression"]} for e in self.rows])
        self.assertEqual(self.ask(self.records[0], path="/predict"), got[0])

    def test_top_is_for_classes(self):
        self.assertEqual(self.ask(self.records[0], path="/predict?top=3"), self.ask(self.records[0], path="/predict"))
        for wrong in ("0", "x", "1001"):
            self.assertEqual(self.ask(self.records[0], 422, "/predict?top=" + wrong)["errors"][0]["parameter"], "top")

    def test_explained(self):
        for p, e in zip(self.ask({"records": self.records[:3]}, path="/batch_predict?explain=10")["predictions"], self.rows):
            x = p["explanation"]
            total = x["base_value"] + x["others"] + sum(c["contribution"] for c in x["contributions"])
            self.assertAlmostEqual(total, e["progression"], delta=1e-9)

    def test_log_tensors_and_monitoring(self):
        self.ask({"records": self.records})
        logged = [json.loads(line) for line in self.server.log_lines()]
        self.assertEqual([(x["progression"], x["features"]) for x in logged], [(e["progression"], e["record"]) for e in self.rows])
        self.assertEqual(list(logged[0]), ["timestamp_utc", "progression", "features", "model", "version"])
        drift = self.get("/monitoring/drift")
        mean = math.fsum(e["progression"] for e in self.rows) / len(self.rows)
        self.assertEqual(drift["predicted_means"], {"progression": mean})
        self.assertEqual(list(drift["training_means"]), ["progression"])
        features = {f["name"]: f for f in self.total_report()["features"]}
        self.assertEqual(sum(features["prediction"]["live"]), len(self.rows))
        self.assertEqual(float(self.metrics()['tabscore_prediction_mean{output="progression"}']), mean)
        self.assertEqual(self.get("/v2/models/diabetes")["outputs"], [{"name": "progression", "datatype": "FP64", "shape": [-1]}])
        self.assertEqual(self.get("/model")["task"], "regression")
        inputs = [{"name": f, "datatype": "FP64", "shape": [2], "data": [self.records[0][f], None if f == "age" else 1]}
                  for f in self.records[0]]
        got = self.ask({"inputs": inputs}, path="/v2/models/diabetes/infer?on_error=skip&explain=1")["outputs"]
        self.assertEqual(got[0], {"name": "progression", "datatype": "FP64", "shape": [2], "data": [self.rows[0]["progression"], None]})
        self.assertEqual(got[1]["data"], ["", "age must not be null"])
        self.assertEqual(got[2]["shape"], [2, 11])
        self.assertAlmostEqual(math.fsum(got[2]["data"][:11]), self.rows[0]["progression"], delta=1e-9)


if __name__ == "__main__":
    del Served
    unittest.main(argv=sys.argv[:1])
