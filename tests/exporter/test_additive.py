# SPDX-License-Identifier: MIT
"""Additive models against their trainers: tables always, InterpretML and OptBinning where they are installed."""

import importlib.util
import os
import pathlib
import tempfile
import unittest
import warnings

import numpy as np
import pandas as pd
from harness import DATA, compare, compare_outputs, ours, outputs_of, read_back, ulps
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

import export_additive
from export_program import NotExportable

warnings.simplefilter("ignore")
ROWS = 500
COLUMNS = ["a", "b", "c", "t"]


def rows():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({
        "a": np.round(draw.normal(0, 1, ROWS), 2),
        "b": draw.lognormal(3, 1, ROWS),
        "c": draw.integers(0, 5, ROWS).astype(float),
        "t": pd.Series(draw.choice(["red", "green", "blue", "pink"], ROWS, p=[0.4, 0.3, 0.27, 0.03]), dtype=object),
    })
    frame.loc[draw.random(ROWS) < 0.05, "a"] = np.nan
    frame.loc[draw.random(ROWS) < 0.05, "a"] = -9
    frame.loc[draw.random(ROWS) < 0.05, "t"] = np.nan
    value = np.nan_to_num(frame.a) * np.where(frame.t == "red", 1, -1) + np.log(frame.b) / 2 + frame.c % 2 + draw.normal(0, 0.3, ROWS)
    return frame, value


FRAME, VALUE = rows()
LATE = (VALUE > np.median(VALUE)) * 1


def live(count=120):
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({name: FRAME[name].to_numpy()[draw.integers(0, ROWS, count)] for name in COLUMNS})
    frame.loc[draw.random(count) < 0.1, "b"] = np.nan
    frame.loc[draw.random(count) < 0.1, "t"] = "other"
    frame.loc[draw.random(count) < 0.05, "a"] = np.inf
    frame.loc[draw.random(count) < 0.1, "a"] = np.nextafter(-9, 0)
    return frame


LIVE = live()


def show(*words):
    if os.environ.get("SHOW_DIFFERENCES"):
        print(*words)


class Tables(unittest.TestCase):
    def table(self, text, suffix):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"table.{suffix}"
            path.write_text(text)
            return export_additive.read_table(path)

    CSV = ("feature,bin,points\nintercept,,100\na,\"(-inf, 0.5]\",-10\na,\"(0.5, 1]\",5.5\na,> 1,20\na,Missing,0\n"
           "t,red | green,15\nt,blue,-5\nt,other,0\nt,missing,1\n")
    JSON = """{"link": "LINK", "intercept": -1, "terms": [
      {"feature": "a", "cuts": [0.5, 1], "values": [-1, 0.5, 2], "missing": 0},
      {"feature": "c", "categories": [0, 1, 2], "values": [1, -0.5, 0.25], "other": 0.125},
      {"features": [{"feature": "b", "cuts": [20]}, {"feature": "t", "categories": ["red", "blue"]}], "values": [[0.25, 0], [-0.25, 0.125]], "other": 0}]}"""

    def test_csv(self):
        table = self.table(self.CSV, "csv")
        document, _ = compare_outputs(self, table, LIVE, name="t")
        self.assertEqual(document["outputs"], {"task": "score"})
        frame = pd.DataFrame({"a": [0.5, np.nextafter(0.5, 1), 2, np.nan], "t": ["red", "blue", "else", None]})
        self.assertEqual(outputs_of(document, frame)[0][:, 0].tolist(), [105, 100.5, 120, 101])

    def test_reasons(self):
        text = ("feature,bin,points,code,text\na,< 0.5,-10,A1,Low a\na,>= 0.5,5,,\na,missing,0,A9,No a\n"
                "t,red | green,15,,\nt,blue,-5,T1,Blue\nt,other,0,T9,Another t\nt,missing,1,,\n")
        document, _ = compare_outputs(self, self.table(text, "csv"), LIVE, name="t")
        step = document["model"]["steps"][0]
        self.assertEqual(step["terms"][0]["reasons"], [{"code": "A1", "text": "Low a"}, None, {"code": "A9", "text": "No a"}])
        self.assertEqual(step["terms"][1]["reasons"],
                         [None, None, {"code": "T1", "text": "Blue"}, None, {"code": "T9", "text": "Another t"}])
        self.refused("line 4: a bin has a code and a text, or neither", text.replace("A9,No a", "A9,"), "csv")
        self.refused("line 1: a bin has a code and a text", text.replace("points,code,text", "points,code,words"), "csv")
        self.refused("the code A1 has two texts", text.replace("A9", "A1"), "csv")
        good = self.JSON.replace("LINK", "log")
        self.refused("reasons: expected a list of 3, one per bin", good.replace('"missing": 0', '"missing": 0, "reasons": []'), "json")
        self.refused("missing_reason: expected a code and a text, or null, found 'x'",
                     good.replace('"missing": 0', '"missing": 0, "missing_reason": "x"'), "json")

    def test_json(self):
        self.assertEqual(compare_outputs(self, self.table(self.JSON.replace("LINK", "log"), "json"), LIVE, 1e-15)[0]["outputs"]["task"], "regression")
        compare_outputs(self, self.table(self.JSON.replace("LINK", "identity"), "json"), LIVE)
        document = compare(self, self.table(self.JSON.replace("LINK", "logit"), "json"), LIVE, near=1e-15)
        self.assertEqual(document["threshold"], 0.5)

    def refused(self, sentence, text, suffix):
        with self.assertRaisesRegex(NotExportable, sentence):
            self.table(text, suffix)

    def test_bad_tables(self):
        self.refused("line 1: expected one column points", "feature,bin\n", "csv")
        self.refused("line 4: expected a number of points, found 'x'", self.CSV.replace(",5.5", ",x"), "csv")
        self.refused("line 4: the intervals of a overlap or leave a gap at 0.5", self.CSV.replace("(0.5, 1]", "[0.7, 1]"), "csv")
        self.refused("the intervals of a end at 5.0", self.CSV.replace("> 1", "\"(1, 5)\""), "csv")
        self.refused("line 8: the category red of t is duplicated", self.CSV.replace("blue", "red"), "csv")
        self.refused("line 2: expected 3 cells, found 2", "feature,bin,points\na,1\n", "csv")
        self.refused("cannot be read", "{", "json")
        good = self.JSON.replace("LINK", "log")
        self.refused("link: expected", good.replace("log", "probit"), "json")
        self.refused("numbers that ascend", good.replace("[0.5, 1]", "[1, 0.5]"), "json")
        self.refused("a list of 3, one per bin, found 2", good.replace("[-1, 0.5, 2]", "[-1, 0.5]"), "json")
        self.refused("expected a number, found None", good.replace("[-1, 0.5, 2]", "[-1, 0.5, null]"), "json")
        self.refused("unknown member \\['missin'\\]", good.replace("\"missing\"", "\"missin\""), "json")
        self.refused("a category is duplicated", good.replace("\"blue\"]", "\"red\"]"), "json")


@unittest.skipUnless(importlib.util.find_spec("interpret"), "interpret is not installed (pip install interpret-core)")
class Machines(unittest.TestCase):
    FEW = {"outer_bags": 2, "max_rounds": 40, "random_state": 1, "n_jobs": 1}

    def test_classes(self):
        from interpret.glassbox import ExplainableBoostingClassifier

        model = ExplainableBoostingClassifier(interactions=3, **self.FEW).fit(FRAME, LATE)
        document = compare(self, model, LIVE, near=1e-15)
        show("binary", ulps(ours(document, LIVE), model.predict_proba(LIVE)[:, 1]).max())
        classes = np.digitize(VALUE, np.quantile(VALUE, [0.3, 0.6]))
        model = ExplainableBoostingClassifier(interactions=0, **self.FEW).fit(FRAME, classes)
        show("classes", compare_outputs(self, model, LIVE, 1e-15)[1])

    def test_numbers(self):
        from interpret.glassbox import ExplainableBoostingRegressor

        for pairs in ([(0, 3), (1, 2), (0, 1)], [(0, 1, 3), (0, 1)], 0):
            model = ExplainableBoostingRegressor(interactions=pairs, **self.FEW).fit(FRAME, VALUE)
            self.assertEqual(compare_outputs(self, model, LIVE)[1], 0)
        array = ExplainableBoostingRegressor(interactions=1, **self.FEW).fit(FRAME[["a", "b", "c"]].to_numpy(), VALUE)
        self.assertEqual(compare_outputs(self, array, LIVE[["a", "b", "c"]].to_numpy())[1], 0)
        kinds = ["continuous", "continuous", "nominal", "nominal"]
        model = ExplainableBoostingRegressor(interactions=1, feature_types=kinds, **self.FEW)
        model.fit(FRAME.assign(c=FRAME.c.astype(int)), VALUE)
        whole = LIVE.assign(c=LIVE.c.astype(int))
        self.assertEqual(compare_outputs(self, model, whole, categories={"c": [0, 1, 2, 3, 4]})[1], 0)
        flags = FRAME[["a"]].assign(flag=FRAME.b > 20)
        model = ExplainableBoostingRegressor(interactions=0, **self.FEW).fit(flags, VALUE)
        both = LIVE[["a"]].assign(flag=[False, True] * (len(LIVE) // 2))
        self.assertEqual(compare_outputs(self, model, both, categories={"flag": [False, True]})[1], 0)
        if hasattr(model, "remove_features"):
            model = ExplainableBoostingRegressor(interactions=0, **self.FEW).fit(FRAME, VALUE)
            model.remove_features(["b"])
            with self.assertRaisesRegex(NotExportable, "remove_features\\(\\) has left terms of columns that are gone"):
                export_additive.export(model, name="n", training_data=DATA)
        if "objective" not in model.get_params():
            return
        for objective in ("poisson_deviance", "gamma_deviance", "tweedie_deviance:variance_power=1.5"):
            model = ExplainableBoostingRegressor(objective=objective, interactions=1, **self.FEW).fit(FRAME, np.exp(VALUE / 3) + 0.1)
            show(objective, compare_outputs(self, model, LIVE, 1e-15)[1])


@unittest.skipUnless(importlib.util.find_spec("optbinning"), "optbinning is not installed (pip install optbinning)")
class Scorecards(unittest.TestCase):
    def process(self, **options):
        from optbinning import BinningProcess

        return BinningProcess(COLUMNS, categorical_variables=["t"], special_codes=[-9], **options)

    def test_weights_of_evidence(self):
        for options in ({}, {"binning_fit_params": {"t": {"cat_cutoff": 0.1}},
                             "binning_transform_params": {"a": {"metric_missing": "empirical", "metric_special": "empirical"}}}):
            pipeline = make_pipeline(self.process(**options), LogisticRegression()).fit(FRAME, LATE)
            document = compare(self, pipeline, LIVE, near=1e-15)
            show("evidence", ulps(ours(document, LIVE), pipeline.predict_proba(LIVE)[:, 1]).max())
        pipeline = make_pipeline(self.process(), LinearRegression()).fit(FRAME, VALUE)
        compare_outputs(self, pipeline, LIVE, 1e-13)

    def test_points(self):
        from optbinning import Scorecard

        ends = {"scaling_method": "min_max", "scaling_method_params": {"min": 300, "max": 850}}
        odds = {"scaling_method": "pdo_odds", "scaling_method_params": {"pdo": 20, "odds": 1, "scorecard_points": 600}}
        for options in ({}, odds, {**ends, "rounding": True}, {**ends, "intercept_based": True, "reverse_scorecard": True}):
            for fit in ({}, {"metric_missing": "empirical", "metric_special": "empirical"}):
                card = Scorecard(binning_process=self.process(), estimator=LogisticRegression(), **options).fit(FRAME, LATE, **fit)
                document = export_additive.export(card, name="points", training_data=DATA, checks=16)
                self.assertEqual(outputs_of(document, LIVE)[0][:, 0].tolist(), card.score(LIVE).tolist())
                document = export_additive.export(card, gives="probability", name="chance", training_data=DATA, checks=16)
                np.testing.assert_allclose(ours(document, LIVE), card.predict_proba(LIVE)[:, 1], rtol=0, atol=1e-15)
        for gives, member in ((None, "outputs"), ("probability", "training_positive_rate")):
            baseline = export_additive.drift_baseline(card, FRAME, LATE, gives=gives)
            self.assertIn(member, baseline)
            document = export_additive.export(card, gives=gives, name="points", training_data=DATA, checks=16, baseline=baseline)
            self.assertEqual(len(read_back(document, LIVE)), len(LIVE))
        card = Scorecard(binning_process=self.process(), estimator=LinearRegression()).fit(FRAME, VALUE)
        document = export_additive.export(card, name="points", training_data=DATA)
        self.assertEqual(outputs_of(document, LIVE)[0][:, 0].tolist(), card.score(LIVE).tolist())

    def test_refusals(self):
        from optbinning import Scorecard

        card = Scorecard(binning_process=self.process(), estimator=LogisticRegression())
        with self.assertRaisesRegex(NotExportable, "the Scorecard is not fitted"):
            export_additive.export(card, name="n", training_data=DATA)


if __name__ == "__main__":
    unittest.main()
