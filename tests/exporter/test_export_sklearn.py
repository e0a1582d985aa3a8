# SPDX-License-Identifier: MIT
"""Pipelines trained here on made-up rows, exported, loaded by the C++ program score_rows and compared row by row."""

import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

SOURCE = pathlib.Path(os.environ["TABSCORE_SOURCE_DIR"])
if "TABSCORE_EXPORTER_INSTALLED" not in os.environ:  # else those of the wheel
    sys.path.insert(0, str(SOURCE / "models"))
import export_sklearn  # noqa: E402

NUMERIC, TEXT = ["age", "income", "debts"], ["job", "town"]


class TrustedEncoder(BaseEstimator):
    """A step of the user's own."""

    def fit(self, x, y=None):
        self.fitted_ = True
        return self

    def transform(self, x):
        return np.zeros((len(x), 1))


DATA = {"file": "made_up.csv", "sha256": "0" * 64, "rows": 400}


def made_up_rows(count=400, seed=1):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 90, count),
            "income": random.lognormal(8, 2, count),
            "debts": random.normal(0, 3, count),
            "job": random.choice(["nurse", "baker", "clerk of works and other trades", "ßmith", ""], count),
            "town": random.choice(["A", "B", "quo\"te\\d"], count),
        }
    ).astype({"job": object, "town": object})  # pandas 3 would make another dtype of texts, which holds no None
    risk = frame["age"] / 30 + frame["debts"] + (frame["job"] == "baker") + random.normal(0, 2, count)
    frame["late"] = (risk > 2) * 1
    return frame


def one_hot(**options):
    return OneHotEncoder(**{"handle_unknown": "ignore", **options})


def ordinal(**options):
    return OrdinalEncoder(**{"handle_unknown": "use_encoded_value", "unknown_value": -1, **options})


def with_missing(frame):
    frame.loc[::9, "age"] = np.nan
    frame.loc[4::11, "debts"] = np.nan
    frame.loc[2::13, "town"] = None
    return frame


def fitted(*steps, model=None, frame=None):
    frame = made_up_rows() if frame is None else frame
    model = LogisticRegression(max_iter=2000) if model is None else model
    pipeline = Pipeline([("columns", ColumnTransformer(list(steps), sparse_threshold=0)), ("model", model)])
    return pipeline.fit(frame.drop(columns="late"), frame["late"])


def usual(frame=None):
    return fitted(("n", StandardScaler(), NUMERIC), ("t", one_hot(), TEXT), frame=frame)


def exported(pipeline, **options):
    return export_sklearn.export(pipeline, **{"name": "made up", "threshold": 0.5, "training_data": DATA, **options})


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def load(self, document, rows=""):
        path = self.folder / "model.json"
        export_sklearn.write(document, path)
        return subprocess.run([os.environ["SCORE_ROWS"], path], input=rows, capture_output=True, text=True)

    def agrees(self, pipeline, frame=None, **options):
        frame = made_up_rows(200, seed=2) if frame is None else frame
        baseline = export_sklearn.drift_baseline(frame, frame["late"] == 1, **self.numeric_of(pipeline), positive=options.get("positive"))
        document = exported(pipeline, baseline=baseline, **options)
        frame.loc[::7, "job"] = "never seen"
        names = [f["name"] for kind in ("numeric", "text") for f in document["features"][kind]]
        texts = [f["name"] for f in document["features"]["text"]]
        said = frame[names].astype(object)
        said[texts] = said[texts].where(frame[texts].notna(), "\\N")
        rows = "".join("\t".join(map(str, row)) + "\n" for row in said.itertuples(index=False))
        done = self.load(document, rows)
        self.assertEqual(done.returncode, 0, done.stderr)
        ours = np.array([line.split("\t") for line in done.stdout.splitlines()], dtype=float)
        inputs = frame[list(pipeline.feature_names_in_)]
        self.assertEqual(len(ours), len(frame))
        trees = document["kind"] != "logistic"
        margins = export_sklearn.learner_of(pipeline[1]).margins(pipeline, inputs)
        np.testing.assert_allclose(ours[:, 0], margins, rtol=0, atol=0 if trees else 1e-12)
        near = 1e-6 if document["kind"] == "xgboost" else 1e-12  # float32
        np.testing.assert_allclose(ours[:, 1], pipeline.predict_proba(inputs)[:, 1], rtol=0, atol=near)
        return document

    @staticmethod
    def numeric_of(pipeline):
        return {"numeric": [f["name"] for f in export_sklearn.features_of(pipeline[0])[0]], "pipeline": pipeline}

    def test_every_step_of_a_numeric_column(self):
        log = FunctionTransformer(np.log1p)
        steps = make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.clip, kw_args={"a_min": 20, "a_max": 80}))
        for first in (steps, make_pipeline(steps, MinMaxScaler(clip=True)), make_pipeline(SimpleImputer(), RobustScaler())):
            frame = with_missing(made_up_rows()).fillna({"debts": 0.0, "town": "A"})
            parts = [part for _, part in first.steps]  # the exporter takes one level of Pipeline
            flat = [p for part in parts for p in ([q for _, q in part.steps] if isinstance(part, Pipeline) else [part])]
            second = make_pipeline(log, StandardScaler())
            columns = [("a", make_pipeline(*flat), ["age"]), ("i", second, ["income"]), ("d", MaxAbsScaler(), ["debts"])]
            live = with_missing(made_up_rows(200, seed=2)).fillna({"debts": 0.0, "town": "A"})
            document = self.agrees(fitted(*columns, ("t", one_hot(), TEXT), frame=frame), live)
            self.assertEqual(document["features"]["numeric"][1]["steps"], [{"log1p": {}}])
            self.assertIn("impute", document["features"]["numeric"][0]["steps"][0])
            self.assertTrue(any(check["numeric"][0] is None for check in document["checks"]))

    def test_the_order_of_imputing_and_other_steps(self):
        log, fill = FunctionTransformer(np.log1p), SimpleImputer(strategy="constant", fill_value=3.0)
        frame = with_missing(made_up_rows()).assign(town="A")
        live = with_missing(made_up_rows(200, seed=2)).assign(town="A")
        live.loc[::5, "debts"] = -4.0  # the logarithm makes NaN of it, which is not imputed
        for steps in ((fill, log), (StandardScaler(), fill), (RobustScaler(), fill), (MinMaxScaler(), fill, StandardScaler())):
            trained = frame.assign(debts=frame["debts"].abs())
            model = HistGradientBoostingClassifier(max_iter=10)
            with self.subTest(steps):
                self.agrees(fitted(("d", make_pipeline(*steps), ["debts"]), ("a", "passthrough", ["age"]), ("t", one_hot(), TEXT), model=model, frame=trained), live.copy())

    def test_a_logarithm_without_a_scaler(self):
        self.agrees(fitted(("i", FunctionTransformer(np.log), ["income"]), ("t", one_hot(), TEXT)))

    def test_imputed_texts_and_positions_of_texts(self):
        town = make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), one_hot())
        frame = with_missing(made_up_rows()).fillna({"age": 1.0, "debts": 0.0})
        live = with_missing(made_up_rows(200, seed=2)).fillna({"age": 1.0, "debts": 0.0})
        columns = [("n", StandardScaler(), NUMERIC), ("j", ordinal(), ["job"]), ("t", town, ["town"])]
        document = self.agrees(fitted(*columns, frame=frame), live)
        job, town = document["features"]["text"]
        self.assertEqual(job["ordinal"], {"unknown": -1.0})
        self.assertIn(town["imputed"], town["categories"])

    def test_missing_texts_of_a_category_of_their_own(self):
        frame = with_missing(made_up_rows()).fillna({"age": 1.0, "debts": 0.0})
        live = with_missing(made_up_rows(200, seed=2)).fillna({"age": 1.0, "debts": 0.0})
        self.agrees(usual(frame), live)

    def test_trees_of_every_kind(self):
        numbers = ("n", make_pipeline(SimpleImputer(), FunctionTransformer(np.clip, kw_args={"a_min": -5, "a_max": 1e4})), NUMERIC)
        town = make_pipeline(SimpleImputer(strategy="constant", fill_value="?", missing_values=None), one_hot())
        for model in (
            RandomForestClassifier(20, max_depth=6, random_state=1),
            ExtraTreesClassifier(20, max_depth=6, random_state=1),
            DecisionTreeClassifier(max_depth=5),
            GradientBoostingClassifier(n_estimators=20, random_state=1),
            HistGradientBoostingClassifier(max_iter=20),
        ):
            with self.subTest(type(model).__name__):
                steps = [numbers, ("j", ordinal(), ["job"]), ("t", town, ["town"])]
                live = with_missing(made_up_rows(200, seed=2))
                document = self.agrees(fitted(*steps, model=model, frame=with_missing(made_up_rows())), live)
                self.assertEqual(document["kind"], "sklearn")

    def test_missing_numbers_go_to_the_trees_that_take_them(self):
        steps = [("n", "passthrough", NUMERIC), ("j", ordinal(unknown_value=np.nan), ["job"])]
        frame = with_missing(made_up_rows()).fillna({"town": "A"})
        live = with_missing(made_up_rows(200, seed=2)).fillna({"town": "A"})
        self.agrees(fitted(*steps, model=HistGradientBoostingClassifier(max_iter=20), frame=frame), live, missing=True)
        categories = HistGradientBoostingClassifier(max_iter=20, categorical_features=[3])
        self.agrees(fitted(*steps, model=categories, frame=frame), live, missing=True)

    def test_xgboost(self):
        try:
            import xgboost
        except ImportError:
            self.skipTest("xgboost is not there")
        steps = [("n", MinMaxScaler(), NUMERIC), ("j", ordinal(), ["job"]), ("t", one_hot(), ["town"])]
        frame, live = with_missing(made_up_rows()), with_missing(made_up_rows(200, seed=2))
        document = self.agrees(fitted(*steps, model=xgboost.XGBClassifier(n_estimators=20), frame=frame), live, missing=True)
        self.assertEqual(document.get("kind"), "xgboost")
        self.assertTrue(any(None in check["numeric"] for check in document["checks"]))
        trained = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix([[0.0], [1.0]], [0, 1]), 1)
        with self.assertRaisesRegex(export_sklearn.NotExportable, "fit XGBClassifier, XGBRegressor"):
            exported(trained)

    def test_lightgbm(self):
        try:
            import lightgbm
        except ImportError:
            sys.path.insert(0, str(pathlib.Path(__file__).parent / "lightgbm_stand_in"))
            import lightgbm
        steps = [("n", MinMaxScaler(), NUMERIC), ("j", ordinal(), ["job"])]
        document = self.agrees(fitted(*steps, model=lightgbm.LGBMClassifier()), made_up_rows(200, seed=2))
        self.assertEqual(document["kind"], "lightgbm")

    def test_two_text_columns(self):
        document = self.agrees(usual())
        self.assertEqual([f["name"] for f in document["features"]["numeric"]], NUMERIC)
        self.assertEqual([f["name"] for f in document["features"]["text"]], TEXT)
        self.assertEqual(len(document["checks"]), 32)

    def test_text_columns_first(self):
        self.agrees(fitted(("a", one_hot(), ["town"]), ("n", StandardScaler(), NUMERIC), ("b", one_hot(), ["job"])))

    def test_columns_left_as_they_are_and_columns_left_out(self):
        steps = [("p", "passthrough", ["age"]), ("n", StandardScaler(), [2]), ("t", one_hot(), TEXT)]
        document = self.agrees(fitted(*steps))
        self.assertEqual(document["features"]["numeric"][0], {"name": "age", "mean": 0.0, "scale": 1.0})
        self.assertEqual(document["features"]["numeric"][1]["name"], "debts")
        self.agrees(fitted(("n", StandardScaler(), slice(0, 3)), ("t", one_hot(), ["job"])))

    def test_scalers_without_mean_or_scale(self):
        self.agrees(fitted(("n", StandardScaler(with_mean=False), NUMERIC), ("t", one_hot(), ["job"])))
        self.agrees(fitted(("n", StandardScaler(with_std=False), NUMERIC), ("t", one_hot(), ["job"])))

    def test_models_of_numbers_only_or_of_texts_only(self):
        self.agrees(fitted(("n", StandardScaler(), NUMERIC)))
        self.agrees(fitted(("t", one_hot(), TEXT)))

    def test_missing_category(self):
        for missing in (None, np.nan):
            for dtype in (object, "str"):
                with self.subTest(missing=missing, dtype=dtype):
                    frame = made_up_rows().astype({"town": dtype})
                    frame.loc[:20, "town"] = missing
                    document = self.agrees(usual(frame))
                    self.assertIsNone(document["features"]["text"][1]["categories"][-1])

    def test_text_labels(self):
        frame = made_up_rows()
        frame["label"] = np.where(frame["late"] == 1, "yes", "no")
        frame["late"] = frame.pop("label")
        document = self.agrees(fitted(("n", StandardScaler(), NUMERIC), ("t", one_hot(), TEXT), frame=frame), positive="yes")
        self.assertEqual(document["classes"], ["no", "yes"])

    def test_same_bytes_every_time(self):
        texts = {export_sklearn.to_text(exported(usual(), date="2026-01-02")) for _ in range(2)}
        self.assertEqual(len(texts), 1)

    def test_numbers_survive_the_text(self):
        document = exported(usual())
        self.assertEqual(json.loads(export_sklearn.to_text(document)), document)
        document["threshold"] = float("nan")
        with self.assertRaisesRegex(export_sklearn.NotExportable, "not finite"):
            export_sklearn.write(document, self.folder / "nan.json")
        self.assertFalse((self.folder / "nan.json").exists())

    def test_checks_hold_no_training_row(self):
        frame = made_up_rows()
        known = {tuple(row) for row in frame[NUMERIC + TEXT].itertuples(index=False)}
        for check in exported(usual())["checks"]:
            self.assertNotIn(tuple(check["numeric"] + check["text"]), known)

    def test_baseline_split_and_metrics_are_read(self):
        frame = made_up_rows()
        document = exported(
            usual(),
            baseline=export_sklearn.drift_baseline(frame, frame["late"], NUMERIC),
            split={"training_rows": 300, "holdout_rows": 100, "seed": 1, "stratified": False},
            metrics={"auc": 0.5},
        )
        self.assertEqual(self.load(document).returncode, 0)
        self.assertAlmostEqual(document["drift_baseline"]["numeric"][0]["std"], frame["age"].std(ddof=0))
        self.assertEqual(document["drift_baseline"]["training_sample_size"], 400)

    def test_histograms_count_every_training_row(self):
        frame = made_up_rows()
        pipeline = usual(frame)
        frame.loc[:3, "job"] = "never seen"
        frame.loc[4:9, "town"] = None
        frame["debts"] = np.where(frame["debts"] < 1, 0.0, frame["debts"])  # a frequent value
        document = exported(pipeline, baseline=export_sklearn.drift_baseline(frame, frame["late"], NUMERIC, pipeline))
        done = self.load(document)
        self.assertEqual(done.returncode, 0, done.stderr)
        histograms = document["drift_baseline"]["histograms"]
        for numbers, name in zip(histograms["numeric"], NUMERIC):
            edges = np.array(numbers["edges"], dtype=np.float32)
            self.assertTrue(np.all(edges.astype(float) == numbers["edges"]))
            self.assertLessEqual(len(edges), export_sklearn.BINS + 1)
            single = frame[name].to_numpy(dtype=np.float32)
            self.assertEqual(numbers["counts"], np.histogram(single, edges)[0].tolist())
            self.assertEqual((sum(numbers["counts"]), numbers["missing"]), (400, 0))
        age = histograms["numeric"][0]["counts"]
        self.assertLess(max(age), 2 * 400 / len(age))
        self.assertEqual(histograms["numeric"][2]["counts"][0], int((frame["debts"] <= 0).sum()))
        self.assertEqual(histograms["probability"]["edges"][0], 0)
        self.assertEqual(histograms["probability"]["edges"][-1], 1)
        job, town = histograms["text"]
        self.assertEqual((job["unseen"], sum(job["counts"])), (4, 396))
        self.assertEqual((town["unseen"], town["missing"], sum(town["counts"])), (0, 6, 394))
        self.assertNotIn("missing", job)

    def test_histograms_of_constant_missing_and_huge_values(self):
        self.assertEqual(export_sklearn.bins("x", [3.0, 3.0, np.nan])["counts"], [2])
        self.assertEqual(export_sklearn.bins("x", [3.0, 3.0, np.nan])["missing"], 1)
        self.assertEqual(export_sklearn.bins("x", [0, 1] * 50)["edges"], [0, 0.5, 1])
        for values, said in [([np.nan], "every training value is missing"), ([1e300, 1], "too large")]:
            with self.assertRaisesRegex(export_sklearn.NotExportable, said):
                export_sklearn.bins("x", values)

    def test_changed_models_are_refused(self):
        good = exported(usual())

        def change(edit, said):
            document = copy.deepcopy(good)
            edit(document)
            done = self.load(document)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)

        change(lambda d: d["model"].update(intercept=d["model"]["intercept"] + 1e-9), "checks[0].margin")
        change(lambda d: d["model"]["text_coefficients"][1].reverse(), ".margin: expected")
        change(lambda d: d["features"]["numeric"][2].update(scale=0.0), "features.numeric[2].scale")
        change(lambda d: d["features"]["numeric"][0].update(mean=41.0), ".margin: expected")

    def test_pipelines_that_the_format_cannot_say_are_refused(self):
        numbers = ("n", StandardScaler(), NUMERIC)
        frame = made_up_rows()
        three = frame.assign(late=np.arange(len(frame)) % 3)
        mixed = frame.assign(town=[i % 4 if i % 2 else "A" for i in range(len(frame))])
        for pipeline, said in [
            (fitted(("n", KernelPCA(2), NUMERIC)), "columns.n: a KernelPCA cannot be exported"),
            (fitted(("n", FunctionTransformer(np.degrees), ["age"])), "degrees"),
            (fitted(numbers, frame=three, model=DecisionTreeClassifier()), "threshold= is for models of two classes"),
            (fitted(numbers, frame=three), "threshold= is for models of two classes"),
            (fitted(numbers, ("t", TrustedEncoder(), TEXT), frame=mixed), "TrustedEncoder"),
        ]:
            with self.subTest(said), self.assertRaisesRegex(export_sklearn.NotExportable, said):
                exported(pipeline)

    def test_a_column_without_a_name_is_refused(self):
        frame = made_up_rows()
        frame.columns = ["" if c == "age" else c for c in frame.columns]
        for model in (LogisticRegression(), DecisionTreeClassifier()):
            pipeline = make_pipeline(StandardScaler(), model).fit(frame[["", "income"]], frame["late"])
            with self.assertRaisesRegex(export_sklearn.NotExportable, "has an empty name; rename it before fit"):
                exported(pipeline)

    def test_command_line(self):
        frame = made_up_rows()
        data, saved, output = (self.folder / name for name in ("rows.csv", "pipeline.joblib", "out.json"))
        frame.to_csv(data, index=False)
        joblib.dump(usual(), saved)
        command = [sys.executable, "-B", SOURCE / "models/export_sklearn.py", saved, "--name", "cli"]
        command += ["--output", output, "--training-data", data, "--threshold", "0.25"]
        command += ["--label", "late", "--date", "2026-01-02"]
        subprocess.run(command, check=True)
        document = json.loads(output.read_text())
        self.assertEqual(document["threshold"], 0.25)
        self.assertEqual(document["provenance"]["training_data"]["rows"], 400)
        self.assertEqual(document["drift_baseline"]["training_sample_size"], 400)
        self.assertEqual(subprocess.run([os.environ["SCORE_ROWS"], output], input="", text=True).returncode, 0)

        joblib.dump(fitted(("n", KernelPCA(2), NUMERIC)), saved)
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("PCA", done.stderr)

    def test_bundled_model_is_what_the_training_script_writes(self):
        data = SOURCE / "../shared/data/students.csv"
        if not data.exists():
            self.skipTest("the student data set is not there")
        import threadpoolctl

        bundled = SOURCE / "models/student_logistic.json"
        expected = json.loads(bundled.read_text())
        if sklearn.__version__.split(".")[:2] != expected["provenance"]["trainer"]["version"].split(".")[:2]:
            self.skipTest("the model is of another scikit-learn, whose solver stops elsewhere")
        output = self.folder / "student.json"
        command = [sys.executable, "-B", SOURCE / "models/train_student_logistic.py", data, "--output", output]
        subprocess.run([*command, "--date", expected["provenance"]["date"]], check=True)
        if any(library["user_api"] == "blas" for library in threadpoolctl.threadpool_info()):
            # An optimised BLAS sums in another order, so lbfgs stops elsewhere, from the 7th digit on.
            trained = json.loads(output.read_text())
            self.assertAlmostEqual(trained["model"]["intercept"], expected["model"]["intercept"], places=4)
            self.assertAlmostEqual(trained["threshold"], expected["threshold"], places=4)
        else:
            self.assertEqual(output.read_bytes(), bundled.read_bytes())


if __name__ == "__main__":
    unittest.main()
