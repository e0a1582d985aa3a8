#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks the example server why: explain.py PROGRAM MODELS [GOLDEN], MODELS being the folder of the bundled models. Both
models' numbers add up to the margin; those of the trees are XGBoost's pred_contribs (explain_expected.json, made by
make_explain_expected.py); without the parameter an answer has the bytes it always had."""
import json
import math
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import RECORD, Server, batch  # noqa: E402

PROGRAM, MODELS = sys.argv[1], pathlib.Path(sys.argv[2]).absolute()
EXPECTED = json.loads((HERE / "explain_expected.json").read_text())
GOLDEN = MODELS.parent.parent / "shared/models/golden_predictions.jsonl"
if len(sys.argv) > 3:
    GOLDEN = pathlib.Path(sys.argv[3])


def golden(margin):
    """The trainer's rows with that margin; made-up ones without it where those, no part of the repository, are missing."""
    if GOLDEN.exists():
        rows = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
        return [r["features"] for r in rows], [r[margin] for r in rows]
    return [e["record"] for e in EXPECTED], [None] * len(EXPECTED)


def probability(margin):
    return 1 / (1 + math.exp(-margin)) if margin > -700 else 0.0


def total(explanation):
    return (explanation["base_value"] + explanation["others"] +
            sum(c["contribution"] for c in explanation["contributions"]))


class Explain(unittest.TestCase):
    def ask(self, server, path, body, status=200):
        got, _, content = server.post(path, body)
        self.assertEqual(got, status, content)
        return json.loads(content)

    def test_numbers_add_up_to_the_margin(self):
        for model, name in (("student_logistic", "lr_decision"), ("student_gbm", "xgb_margin_float32")):
            with self.subTest(model), Server(PROGRAM, "--model", str(MODELS / (model + ".json"))) as server:
                records, margins = golden(name)
                for n in (1, 3, 10, 1000):
                    answer = self.ask(server, "/batch_predict?explain=%d" % n, {"records": records})
                    self.assertEqual(len(answer["predictions"]), len(records))
                    for p, expected in zip(answer["predictions"], margins):
                        why = p["explanation"]
                        self.assertAlmostEqual(probability(total(why)), p["predicted_purchase_probability"], delta=2e-6)
                        if expected is not None:
                            self.assertAlmostEqual(total(why), expected, delta=1e-5)
                        sizes = [abs(c["contribution"]) for c in why["contributions"]]
                        self.assertEqual(len(sizes), min(n, 10))
                        self.assertEqual(sizes, sorted(sizes, reverse=True))
                        self.assertEqual(len({c["feature"] for c in why["contributions"]}), len(sizes))
                        if n >= 10:
                            self.assertEqual(why["others"], 0)
                alone = self.ask(server, "/predict?explain=1000", records[-1])
                self.assertEqual(alone, answer["predictions"][-1])

    def test_trees_say_what_xgboost_says(self):
        with Server(PROGRAM, "--model", str(MODELS / "student_gbm.json")) as server:
            answer = self.ask(server, "/batch_predict?explain=10", {"records": [e["record"] for e in EXPECTED]})
            for got, want in zip(answer["predictions"], EXPECTED):
                why = got["explanation"]
                self.assertAlmostEqual(why["base_value"], want["base_value"], delta=1e-5)
                self.assertEqual({c["feature"] for c in why["contributions"]}, set(want["contributions"]))
                for c in why["contributions"]:
                    self.assertAlmostEqual(c["contribution"], want["contributions"][c["feature"]], delta=1e-5)

    def test_without_it_nothing_changes(self):
        with Server(PROGRAM) as server:
            for path, body in (("/predict", RECORD), ("/batch_predict", batch(3))):
                _, _, plain = server.post(path, body)
                for query in ("?", "?explained=3", "?x=explain", "?%65xplai=3"):
                    self.assertEqual(server.post(path + query, body)[2], plain)
                self.assertNotIn(b"explanation", plain)
                members = json.loads(server.post(path + "?a=1&%65xplain=%31", body)[2])
                first = members if path == "/predict" else members["predictions"][0]
                self.assertEqual(len(first.pop("explanation")["contributions"]), 1)
                as_ever = json.loads(plain)
                self.assertEqual(first, as_ever if path == "/predict" else as_ever["predictions"][0])

    def test_bad_numbers_are_refused_and_nothing_is_logged(self):
        integer = {"msg": "value is not a valid integer", "type": "type_error.integer"}
        below = {"msg": "ensure this value is greater than or equal to 1", "type": "value_error.number.not_ge",
                 "ctx": {"limit_value": 1}}
        above = {"msg": "ensure this value is less than or equal to 1000", "type": "value_error.number.not_le",
                 "ctx": {"limit_value": 1000}}
        cases = {"": integer, "=": integer, "=x": integer, "=3x": integer, "=3.0": integer, "=+3": integer,
                 "=%33%20": integer, "=true": integer, "=3&explain=3": integer, "=1&b=2&explain=0": integer,
                 "=0": below, "=-1": below, "=-99999999999999999999": below, "=1001": above,
                 "=99999999999999999999": above}
        with Server(PROGRAM) as server:
            for query, wrong in cases.items():
                for path, body in (("/predict", RECORD), ("/batch_predict", batch(2))):
                    with self.subTest(query):
                        answer = self.ask(server, path + "?explain" + query, body, 422)
                        self.assertEqual(answer, {"detail": [{"loc": ["query", "explain"], **wrong}]})
            self.assertEqual(server.log_lines(), [])
            self.assertEqual(json.loads(server.get("/monitoring/drift"))["samples_observed"], 0)

    def test_errors_of_a_body_are_as_ever_and_large_batches_are_not_explained(self):
        with Server(PROGRAM) as server:
            for body in (b"{", batch(2, days_on_platform=-1), batch(1, practice_exams_passed=9), {"records": []}):
                plain = server.post("/batch_predict", body)
                asked = server.post("/batch_predict?explain=2", body)
                self.assertEqual((asked[0], asked[2]), (plain[0], plain[2]))
            answer = self.ask(server, "/batch_predict?explain=2", batch(10001), 422)
            self.assertEqual(answer, {"detail": [{"loc": ["body", "records"], "type": "value_error.list.max_items",
                                                  "msg": "ensure this value has at most 10000 items",
                                                  "ctx": {"limit_value": 10000}}]})
            self.assertEqual(len(server.log_lines()), 0)
            self.assertEqual(len(self.ask(server, "/batch_predict?explain=2", batch(10000))["predictions"]), 10000)
            self.assertEqual(len(server.log_lines()), 10000)
        with Server(PROGRAM, "--model", "none") as server:
            self.ask(server, "/predict?explain=2", RECORD, 503)

    def test_it_goes_with_partial_results_in_every_wording(self):
        path = "/batch_predict?explain=2&on_error=skip"
        body = {"records": [RECORD, dict(RECORD, days_on_platform=-1), dict(RECORD, practice_exams_passed=9)]}
        wanted = {"pydantic1": [{"loc", "msg", "type", "ctx"}, {"loc", "msg", "type"}],
                  "pydantic2": [{"type", "loc", "msg", "input", "ctx", "url"}] * 2}
        for style, members in wanted.items():
            with self.subTest(style), Server(PROGRAM, "--errors", style) as server:
                answer = self.ask(server, path, body)
                alone = self.ask(server, "/predict?explain=2", RECORD)
                self.assertEqual(answer["predictions"], [alone, None, None])
                self.assertEqual([set(e) for e in answer["errors"]], members)
                self.assertEqual(len(server.log_lines()), 2)
                self.assertEqual(self.ask(server, path, b"{", 422), self.ask(server, "/batch_predict", b"{", 422))
                self.ask(server, path + "1", b"[]", 422)
        with Server(PROGRAM, "--model", "none") as server:
            self.ask(server, path, {"records": [RECORD]}, 503)
            self.ask(server, "/batch_predict?on_error=skip", body, 422)

    def test_it_is_described(self):
        with Server(PROGRAM) as server:
            document = json.loads(server.get("/openapi.json"))
            for path in ("/predict", "/batch_predict"):
                references = document["paths"][path]["post"]["parameters"]
                parameters = {p["name"]: p for p in (document["components"]["parameters"][r["$ref"].split("/")[-1]]
                                                     for r in references)}
                self.assertEqual(parameters["explain"]["in"], "query")
                self.assertEqual(parameters["explain"]["schema"], {"type": "integer", "minimum": 1, "maximum": 1000})
            self.assertIn("Explanation", document["components"]["schemas"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
