#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The server of another domain than students': loans.py PROGRAM. What scikit-learn's pipeline says of loans that it was not
trained on (loans_expected.json, made by make_loans_expected.py), from the schema, rule and features of loan_server/loan.hpp."""
import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from example_server import Server  # noqa: E402

PROGRAM = sys.argv[1]
EXPECTED = json.loads((HERE / "loans_expected.json").read_text(encoding="utf-8"))
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
        loans = [e["loan"] for e in EXPECTED]
        self.assertTrue(any("income" not in loan for loan in loans) and any("sector" not in loan for loan in loans))
        for e, p in zip(EXPECTED, self.ask({"records": loans})["predictions"], strict=True):
            self.assertAlmostEqual(p["probability"], e["probability"], delta=1e-12)
            self.assertEqual(p["default"], int(e["probability"] >= 0.5))
        self.assertEqual(self.ask(loans[0], path="/predict"), self.ask({"records": loans})["predictions"][0])
        last = json.loads(self.server.log_lines()[-1])
        self.assertEqual((last["probability"], last["features"]), (p["probability"], {**dict.fromkeys(LOAN), **loans[-1]}))

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
        self.assertEqual(document["info"]["title"], "Loan defaults")
        self.assertIn("<h1>Loan defaults</h1>", self.server.get("/dashboard").decode())
        self.assertEqual(json.loads(self.server.get("/model"))["name"], "loan_default")
        self.assertEqual([t["name"] for t in json.loads(self.server.get("/v2/models/loan_default"))["inputs"]], list(LOAN))
        for text in (json.dumps(document), self.server.get("/docs").decode(), self.server.get("/metrics").decode()):
            self.assertEqual(text.count("student"), 0)
            self.assertEqual(text.count("{title}"), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
