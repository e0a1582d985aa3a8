# SPDX-License-Identifier: MIT
"""Pipelines of every step and model that kind "pipeline" holds, against scikit-learn itself."""

import contextlib
import io
import os
import random
import tempfile
import unittest
import warnings

import numpy as np
import pandas as pd
import sklearn
from harness import DATA, compare, export_sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
warnings.simplefilter("ignore")
NUMERIC, TEXT = ["age", "income", "debts", "grade"], ["job", "town"]


def rows(count=400, seed=1, missing=(), text_missing=False):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draw.integers(18, 90, count).astype(float),
            "income": draw.lognormal(3, 1, count),
            "debts": np.round(draw.normal(0, 3, count), 1),
            "grade": draw.integers(1, 6, count).astype(float),
            "job": pd.Series(draw.choice(["nurse", "baker", "clerk", "ßmith", "rare"], count, p=[0.4, 0.3, 0.2, 0.08, 0.02]), dtype=object),
            "town": pd.Series(draw.choice(["A", "B", "quo\"te"], count), dtype=object),
        }
    )
    risk = frame["age"] / 30 + frame["debts"] + (frame["job"] == "baker") + draw.normal(0, 2, count)
    frame["late"] = (risk > 2) * 1
    for name in missing:
        frame.loc[draw.random(count) < 0.1, name] = np.nan
    if text_missing:
        frame.loc[draw.random(count) < 0.1, "town"] = np.nan
    return frame


def hard_rows(train, seed=2, count=160, missing=(), unseen=False, infinite=False):
    """Values of the training rows and beside them, mixed again."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({name: train[name].to_numpy()[draw.integers(0, len(train), count)] for name in NUMERIC + TEXT})
    for name in NUMERIC:
        values = frame[name].to_numpy(copy=True)
        for i in np.flatnonzero(draw.random(count) < 0.3):
            values[i] = draw.choice([np.nextafter(values[i], np.inf), np.nextafter(values[i], -np.inf),
                                     values[i] * 3, values[i] + 0.5, np.nanmax(values), np.nanmin(values)])
        frame[name] = values
        if name in missing:
            frame.loc[draw.random(count) < 0.15, name] = np.nan
        if infinite:
            frame.loc[draw.random(count) < 0.02, name] = np.inf
    if unseen:
        frame.loc[draw.random(count) < 0.1, "job"] = "never seen"
    return frame


def fit(pipeline, frame):
    return pipeline.fit(frame[NUMERIC + TEXT], frame["late"])


def one_hot(**options):
    return OneHotEncoder(**{"handle_unknown": "ignore", **options})


def columns(*steps, **options):
    return ColumnTransformer(list(steps), **options)


def logistic():
    return LogisticRegression(max_iter=3000)


class Steps(unittest.TestCase):
    def both(self, transformer, names=NUMERIC, near=1e-12, missing=(), unseen=False, frame=None, live=None, trees=True, infinite=False):
        """The step before a linear model and before trees."""
        frame = rows(missing=missing) if frame is None else frame
        live = hard_rows(frame, missing=missing, unseen=unseen, infinite=infinite) if live is None else live
        models = [make_pipeline(SimpleImputer(), StandardScaler(), logistic())] if missing else [make_pipeline(StandardScaler(), logistic())]
        models[0].steps[-2] = ("s", StandardScaler(with_mean=False))
        if trees:
            models.append(HistGradientBoostingClassifier(max_iter=10))
        for model in models:
            pipeline = Pipeline([("c", columns(("t", transformer, names), sparse_threshold=0)), ("m", model)])
            with self.subTest(model=type(model).__name__):
                document = compare(self, fit(pipeline, frame), live, near=near)
                self.assertEqual(document["kind"], "pipeline" if isinstance(model, Pipeline) else document["kind"])

    def test_scalers(self):
        for step in (StandardScaler(), RobustScaler(unit_variance=True), MinMaxScaler((-1, 2), clip=True), MaxAbsScaler()):
            with self.subTest(step):
                self.both(step, missing=["age"])

    def test_normalizer(self):
        for norm in ("l1", "l2", "max"):
            with self.subTest(norm):
                self.both(Normalizer(norm), trees=False)

    def test_binarizer(self):
        self.both(Binarizer(threshold=2.5), infinite=True)

    def test_k_bins(self):
        for strategy in ("uniform", "quantile", "kmeans"):
            for encode in ("ordinal", "onehot", "onehot-dense"):
                with self.subTest(strategy=strategy, encode=encode):
                    self.both(KBinsDiscretizer(4, strategy=strategy, encode=encode))

    def test_polynomials(self):
        for options in ({"degree": 2}, {"degree": 3, "interaction_only": True}, {"degree": (2, 3), "include_bias": False}):
            with self.subTest(options):
                self.both(PolynomialFeatures(**options), near=1e-11)

    def test_splines(self):
        for extrapolation in ("constant", "linear", "continue", "periodic"):
            with self.subTest(extrapolation):
                for knots in (5, 4):
                    self.both(SplineTransformer(n_knots=knots, extrapolation=extrapolation), near=1e-9, trees=False)

    def test_power(self):
        self.both(PowerTransformer(), near=1e-9, missing=["age"], trees=False)
        self.both(PowerTransformer("box-cox", standardize=False), ["age", "income"], near=1e-9, trees=False)

    def test_quantiles(self):
        for output in ("uniform", "normal"):
            with self.subTest(output):
                self.both(QuantileTransformer(n_quantiles=50, output_distribution=output), near=1e-9, missing=["age"], trees=False)
        self.both(QuantileTransformer(n_quantiles=3), near=1e-9, trees=False)  # fewer than there are columns

    def test_functions(self):
        for func in (np.log1p, np.sqrt, np.square, np.exp, np.tanh, np.abs, np.fabs, np.sign, np.cbrt):
            with self.subTest(func):
                self.both(FunctionTransformer(func), ["age", "grade"], near=1e-11, trees=False)
        self.both(FunctionTransformer(np.clip, kw_args={"a_min": 20, "a_max": None}), ["age"])
        self.both(FunctionTransformer(np.nan_to_num), ["age"], missing=["age"])
        for options in ({}, {"decimals": 1}, {"decimals": -1}):
            self.both(FunctionTransformer(np.round, kw_args=options), ["age", "income"])

    def test_imputers(self):
        for strategy in ("mean", "median", "most_frequent", "constant"):
            with self.subTest(strategy):
                self.both(SimpleImputer(strategy=strategy, add_indicator=True), missing=["age", "debts"])
        self.both(SimpleImputer(missing_values=3.0), ["grade"])
        empty = rows(missing=["age"]).assign(debts=np.nan)
        for options in ({}, {"keep_empty_features": True}):
            pipeline = make_pipeline(SimpleImputer(strategy="constant", fill_value=2.0, **options), StandardScaler(), logistic())
            compare(self, pipeline.fit(empty[NUMERIC], empty["late"]), empty[NUMERIC])
        self.both(FeatureUnion([("i", SimpleImputer()), ("m", MissingIndicator())]), missing=["age"])

    def test_texts_that_are_imputed(self):
        frame = rows(text_missing=True)
        town = make_pipeline(SimpleImputer(strategy="constant", fill_value="?", add_indicator=False), one_hot())
        live = hard_rows(frame, unseen=True)
        for step in (town, make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot(drop="first"))):
            self.both(step, TEXT, frame=frame, live=live)

    def test_an_imputer_of_a_text_refuses_an_absent_one(self):
        frame = rows()
        frame.loc[::9, "town"] = "?"
        live = hard_rows(frame, unseen=True)
        live.loc[::7, "town"] = np.nan
        for encoder in (one_hot(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)):
            step = make_pipeline(SimpleImputer(missing_values="?", strategy="most_frequent"), encoder)
            self.both(step, TEXT, frame=frame, live=live)

    def test_an_absent_text_is_not_the_empty_one(self):
        frame = rows()
        frame.loc[::5, "town"] = ""
        live = hard_rows(frame)
        live["town"] = live["town"].astype(object)
        live.loc[::3, "town"] = np.nan
        for step in (one_hot(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)):
            for model in (logistic(), HistGradientBoostingClassifier(max_iter=10)):
                with self.subTest(step=step, model=model):
                    compare(self, fit(make_pipeline(columns(("t", step, TEXT), remainder="passthrough"), model), frame), live)

    def test_none_behind_an_imputer_of_nan_is_refused(self):
        frame = rows()
        frame.loc[::9, "town"] = None
        for encoder in (one_hot(), one_hot(min_frequency=2), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)):
            steps = columns(("n", "passthrough", NUMERIC), ("t", make_pipeline(SimpleImputer(strategy="most_frequent"), encoder), TEXT))
            pipeline = fit(make_pipeline(steps, logistic()), frame)
            with self.subTest(encoder), self.assertRaisesRegex(export_sklearn.NotExportable, "fillna\\(np.nan\\) or SimpleImputer"):
                export_sklearn.export(pipeline, name="n", training_data=DATA)

    def test_infinities_that_the_scalers_refuse(self):
        frame = rows()
        for step in (StandardScaler(), RobustScaler(), MinMaxScaler(clip=True), MaxAbsScaler(), QuantileTransformer(n_quantiles=50), SimpleImputer()):
            pipeline = make_pipeline(step, HistGradientBoostingClassifier(max_iter=5)).fit(frame[NUMERIC], frame["late"])
            with self.subTest(step):
                compare(self, pipeline, hard_rows(frame, infinite=True)[NUMERIC])

    def test_a_step_that_refuses_the_logarithm_of_zero(self):
        frame = rows()[["age", "grade"]]
        live = frame.assign(age=np.where(np.arange(len(frame)) % 5 < 2, np.arange(len(frame)) % 5 - 1.0, frame["age"]))  # -1, 0
        log, late = FunctionTransformer(np.log), rows()["late"]
        for steps, model in (([MinMaxScaler(clip=True)], logistic()), ([SimpleImputer()], HistGradientBoostingClassifier(max_iter=5)),
                             ([StandardScaler()], HistGradientBoostingClassifier(max_iter=5)), ([], HistGradientBoostingClassifier(max_iter=5))):
            pipeline = make_pipeline(columns(("n", make_pipeline(log, *steps), ["age"]), ("p", "passthrough", ["grade"])), model)
            with self.subTest(steps=steps):
                compare(self, pipeline.fit(frame, late), live)

    def test_one_hot_options(self):
        for options in (
            {},
            {"handle_unknown": "error"},
            {"drop": "first"},
            {"drop": "if_binary", "handle_unknown": "error"},
            {"min_frequency": 0.1},
            {"max_categories": 3, "handle_unknown": "infrequent_if_exist"},
            {"max_categories": 3, "handle_unknown": "infrequent_if_exist", "drop": "first"},
            {"categories": [["baker", "clerk", "nurse", "rare", "ßmith"], ["A", "B", "quo\"te", "Z"]]},
        ):
            with self.subTest(options):
                self.both(one_hot(**options), TEXT, unseen=True)

    def test_numbers_as_categories(self):
        self.both(one_hot(), ["grade"])
        self.both(one_hot(handle_unknown="error"), ["grade"])
        self.both(one_hot(), ["grade"], missing=["grade"])
        self.both(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), ["grade"], missing=["grade"])
        for encoder in (one_hot(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)):  # not an unknown category
            self.both(encoder, ["grade"], infinite=True)

    def test_numbers_and_booleans_as_objects(self):
        for values in (lambda frame: frame["grade"].astype(int), lambda frame: frame["grade"] > 2):
            frame = rows()
            live = hard_rows(frame).round({"grade": 0})
            frame["grade"], live["grade"] = values(frame).astype(object), values(live).astype(object)
            self.both(one_hot(), ["grade"], frame=frame, live=live)
            self.both(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["grade"], frame=frame, live=live)

    def test_ordinal_options(self):
        frame = rows(text_missing=True)
        live = hard_rows(frame, unseen=True)
        for options in (
            {},
            {"handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -2},
            {"handle_unknown": "use_encoded_value", "unknown_value": np.nan},
            *([{"handle_unknown": "use_encoded_value", "unknown_value": 9, "max_categories": 3, "encoded_missing_value": 77}] if VERSION >= (1, 3) else []),
        ):
            with self.subTest(options):
                self.both(make_pipeline(OrdinalEncoder(**options), SimpleImputer(strategy="constant", fill_value=5.0)), TEXT, frame=frame, live=live)

    def test_target_encoder(self):
        if VERSION < (1, 3):
            self.skipTest("scikit-learn 1.3 has it")
        from sklearn.preprocessing import TargetEncoder

        self.both(TargetEncoder(), TEXT + ["grade"], unseen=True)

    def test_projections(self):
        frame = rows()
        live = hard_rows(frame, infinite=True, unseen=True)
        for step in (PCA(2), PCA(0.9, whiten=True), IncrementalPCA(3, whiten=True), TruncatedSVD(3)):
            for after in ([], [StandardScaler()]):
                for model in (logistic(), RandomForestClassifier(8, max_depth=5, random_state=0)):
                    with self.subTest(step=step, after=after, model=model):
                        sparse = 1.0 if isinstance(step, TruncatedSVD) else 0
                        steps = columns(("n", StandardScaler(), NUMERIC), ("t", one_hot(), TEXT), sparse_threshold=sparse)
                        compare(self, fit(make_pipeline(steps, step, *after, model), frame), live, near=1e-10)
        twins = frame.assign(grade=2 * frame["age"], debts=frame["age"] - 1)
        shifted = frame.assign(debts=frame["debts"] + 1e12)
        for step, model, data, said in [
            (PCA(2), HistGradientBoostingClassifier(max_iter=2), frame, "a HistGradientBoostingClassifier compares with values of training"),
            (PCA(2), make_pipeline(MinMaxScaler(), KBinsDiscretizer(3), logistic()), frame, "a KBinsDiscretizer compares"),
            (PCA(whiten=True), logistic(), twins, "keep fewer components than 4"),
            (TruncatedSVD(4), logistic(), twins.assign(income=1), "4 components"),
            (PCA(2), logistic(), shifted, "put a StandardScaler before it"),
            (PCA(2), logistic(), frame.astype({n: np.float32 for n in NUMERIC}), "fitted on float32"),
        ]:
            with self.subTest(said), self.assertRaisesRegex(export_sklearn.NotExportable, said):
                export_sklearn.export(make_pipeline(step, model).fit(data[NUMERIC], data["late"]), name="n", training_data=DATA)

    def test_selection(self):
        for step in (SelectKBest(k=2), VarianceThreshold(2.0), SelectFromModel(DecisionTreeClassifier(max_depth=3, random_state=0))):
            with self.subTest(step):
                self.both(step)

    def test_selections_refuse_missing_and_infinite_numbers(self):
        frame = rows()
        live = hard_rows(frame, missing=["age", "debts"], infinite=True)[NUMERIC]
        trees = HistGradientBoostingClassifier(max_iter=5)
        for step in (SelectKBest(k=2), VarianceThreshold(0.5), SelectFromModel(logistic())):
            for before in (StandardScaler(), FunctionTransformer(np.negative)):
                with self.subTest(step=step, before=before):
                    pipeline = make_pipeline(before, step, trees).fit(frame[NUMERIC], frame["late"])
                    compare(self, pipeline, live)

    def test_a_column_that_a_selection_drops_is_named(self):
        frame = rows()
        for step, names in ((SelectKBest(k=3), "income"), (VarianceThreshold(2.0), None)):  # which takes missing values
            pipeline = make_pipeline(step, logistic()).fit(frame[NUMERIC], frame["late"])
            with contextlib.redirect_stderr(io.StringIO()) as said:
                export_sklearn.export(pipeline, name="n", training_data=DATA)
            wanted = "" if names is None else f"n: a selection drops {names}, which the file does not read"
            self.assertEqual(said.getvalue().partition(";")[0] if "drops" in said.getvalue() else "", wanted)


class Shapes(unittest.TestCase):
    def test_nested_and_shared_columns(self):
        frame = rows(missing=["age"])
        inner = make_pipeline(make_pipeline(SimpleImputer(), StandardScaler()), PolynomialFeatures(2))
        steps = columns(("a", inner, ["income", "age"]), ("b", KBinsDiscretizer(3), ["income"]), ("t", one_hot(), TEXT),
                        ("d", "drop", ["grade"]), remainder="passthrough", transformer_weights={"a": 0.5})
        for model in (logistic(), RandomForestClassifier(10, max_depth=5, random_state=0)):
            compare(self, fit(Pipeline([("c", steps), ("m", model)]), frame), hard_rows(frame, missing=["age"], unseen=True))

    def test_unions_and_makers(self):
        frame = rows()
        union = make_union(StandardScaler(), make_pipeline(MinMaxScaler(), SelectKBest(k=1)), "passthrough")
        pipeline = make_pipeline(make_column_transformer((union, make_column_selector(dtype_include=float)), (one_hot(), TEXT)), logistic())
        compare(self, fit(pipeline, frame), hard_rows(frame, unseen=True))

    def test_a_numpy_function_as_the_first_step(self):
        frame = rows()
        x, live = frame[["age", "income"]], hard_rows(frame)[["age", "income"]].abs()
        for first in (FunctionTransformer(np.log1p), FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 30})):
            pipeline = make_pipeline(first, StandardScaler(), logistic())
            compare(self, pipeline.fit(x, frame["late"]), live)
            compare(self, pipeline.fit(x.to_numpy(), frame["late"]), live.to_numpy())
        pipeline = make_pipeline(FunctionTransformer(np.clip, kw_args={"a_min": [0, 1], "a_max": 30}), logistic()).fit(x, frame["late"])
        with self.assertRaisesRegex(export_sklearn.NotExportable, "clip"):
            export_sklearn.export(pipeline, name="n", training_data=DATA)

    def test_column_choices(self):
        frame = rows()
        for chosen in (slice("age", "debts"), slice(0, 2), [0, 2], np.array([True, False, True, False, False, False]), lambda x: ["grade", "age"]):
            for remainder in ("drop", "passthrough", StandardScaler()):
                with self.subTest(chosen=chosen, remainder=remainder):
                    steps = columns(("x", MinMaxScaler(), chosen), ("t", one_hot(), TEXT), remainder=remainder)
                    compare(self, fit(make_pipeline(steps, DecisionTreeClassifier(max_depth=4)), frame), hard_rows(frame))

    def test_arrays_and_bare_models(self):
        frame = rows()
        x, y = frame[NUMERIC].to_numpy(), frame["late"]
        live = hard_rows(frame)[NUMERIC].to_numpy()
        compare(self, make_pipeline(StandardScaler(), logistic()).fit(x, y), live)
        compare(self, logistic().fit(x, y), live, names=["a", "b", "c", "d"])
        compare(self, GradientBoostingClassifier(n_estimators=10).fit(frame[NUMERIC], y), hard_rows(frame)[NUMERIC])
        compare(self, make_pipeline(columns(("n", StandardScaler(), [3, 0])), logistic()).fit(x, y), live)

    def test_set_output(self):
        frame = rows()
        steps = columns(("n", StandardScaler(), NUMERIC), ("t", one_hot(sparse_output=False), TEXT), verbose_feature_names_out=False)
        steps.set_output(transform="pandas")
        second = columns(("x", MinMaxScaler(), ["town_A", "age"]), remainder="passthrough")
        compare(self, fit(make_pipeline(steps, second, logistic()), frame), hard_rows(frame, unseen=True))

    def test_a_leading_function(self):
        def engineer(x):
            return x.assign(ratio=x["income"] / x["age"])

        frame = rows()
        steps = columns(("n", StandardScaler(), [*NUMERIC, "ratio"]), ("t", one_hot(), TEXT))
        pipeline = fit(make_pipeline(FunctionTransformer(engineer), steps, logistic()), frame)
        raw = frame[NUMERIC + TEXT][:5]
        document = export_sklearn.export(pipeline, name="n", training_data=DATA, raw=raw)
        self.assertEqual(document["kind"], "logistic")
        self.assertEqual(document["raw_checks"]["features"], ["ratio"])
        self.assertEqual(document["raw_checks"]["values"][2], [raw["income"].iloc[2] / raw["age"].iloc[2]])
        self.assertEqual(document["raw_checks"]["fields"], NUMERIC + TEXT)
        baseline = export_sklearn.drift_baseline(frame, frame["late"], pipeline=pipeline)
        self.assertEqual(len(baseline["numeric"]), 5)


class Models(unittest.TestCase):
    def steps(self):
        return columns(("t", one_hot(), TEXT), ("n", make_pipeline(SimpleImputer(), StandardScaler()), NUMERIC))

    def agrees(self, model, near=1e-12, **options):
        frame = rows(missing=["age"])
        pipeline = fit(make_pipeline(self.steps(), model), frame)
        return compare(self, pipeline, hard_rows(frame, missing=["age"], unseen=True), near=near, **options)

    def test_classifiers(self):
        base = [("a", logistic()), ("b", RandomForestClassifier(5, max_depth=4, random_state=0))]
        for model in (
            logistic(),
            SGDClassifier(loss="log_loss", random_state=0),
            SGDClassifier(loss="modified_huber", random_state=0),
            LinearDiscriminantAnalysis(),
            DecisionTreeClassifier(max_depth=5),
            ExtraTreeClassifier(max_depth=5, random_state=0),
            RandomForestClassifier(10, max_depth=5, random_state=0),
            ExtraTreesClassifier(10, max_depth=5, random_state=0),
            GradientBoostingClassifier(n_estimators=10),
            GradientBoostingClassifier(n_estimators=10, loss="exponential"),
            DummyClassifier(),
            CalibratedClassifierCV(LinearSVC(), cv=3),
            CalibratedClassifierCV(RidgeClassifier(), method="isotonic", cv=3),
            CalibratedClassifierCV(RandomForestClassifier(5, max_depth=4, random_state=0), cv=3, ensemble=False),
            CalibratedClassifierCV(GradientBoostingClassifier(n_estimators=5), method="isotonic", cv=3, ensemble=False),
            VotingClassifier(base, voting="soft"),
            VotingClassifier(base, voting="soft", weights=[1, 3]),
            BaggingClassifier(logistic(), n_estimators=4, max_features=0.7, random_state=0),
            BaggingClassifier(n_estimators=4, max_features=0.7, random_state=0),
            StackingClassifier(base, logistic(), cv=3),
            StackingClassifier([*base, ("c", LinearSVC())], GradientBoostingClassifier(n_estimators=5), cv=3, passthrough=True),
        ):
            with self.subTest(str(model)):
                self.agrees(model)

    def test_thresholds(self):
        if VERSION < (1, 5):
            self.skipTest("scikit-learn 1.5 has them")
        from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

        document = self.agrees(FixedThresholdClassifier(logistic(), threshold=0.3, response_method="predict_proba"))
        self.assertEqual(document["threshold"], 0.3)
        frame = rows()
        tuned = TunedThresholdClassifierCV(make_pipeline(self.steps(), logistic()), cv=3)
        document = compare(self, fit(tuned, frame), hard_rows(frame))
        self.assertEqual(document["threshold"], tuned.best_threshold_)

    def test_equal_probabilities(self):
        """Of two classes that are as probable predict() takes the first."""
        frame = rows()
        model = RandomForestClassifier(4, random_state=1).fit(frame[NUMERIC], frame["late"])
        live = hard_rows(frame)[NUMERIC]
        for place in (0, 1):
            document = export_sklearn.export(model, name="n", training_data=DATA, positive=place)
            probability = model.predict_proba(live)[:, place]
            self.assertTrue((probability == 0.5).any())
            self.assertEqual((probability >= document["threshold"]).tolist(), (model.predict(live) == place).tolist())
        self.assertEqual(export_sklearn.export(model, name="n", training_data=DATA, threshold=0.5)["threshold"], 0.5)

    def test_thresholds_of_the_other_class(self):
        if VERSION < (1, 5):
            self.skipTest("scikit-learn 1.5 has them")
        from sklearn.metrics import f1_score, make_scorer
        from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

        frame = rows()
        x, y = frame[NUMERIC], frame["late"]
        tuned = TunedThresholdClassifierCV(logistic(), scoring=make_scorer(f1_score, pos_label=0), cv=3)
        fixed = make_pipeline(StandardScaler(), FixedThresholdClassifier(logistic(), threshold=0.3, pos_label=0))
        for model in (tuned, fixed):
            with self.assertRaisesRegex(export_sklearn.NotExportable, "positive=0"):
                export_sklearn.export(model.fit(x, y), name="n", training_data=DATA)
            document = export_sklearn.export(model, name="n", training_data=DATA, positive=0)
            self.assertEqual(document["classes"], [1, 0])
            said = model.predict_proba(x)[:, 0] >= document["threshold"]
            self.assertEqual((model.predict(x) == 0).tolist(), said.tolist())

    def test_a_score_that_is_not_finite_is_not_calibrated(self):
        frame = rows()
        x = frame[NUMERIC] / frame[NUMERIC].max()
        live = x[:20].assign(debts=[-1.7e308, 1.7e308, *x["debts"][2:20]])  # their margins are infinite
        for method in ("isotonic", "sigmoid"):
            model = CalibratedClassifierCV(LinearSVC(C=100), method=method, cv=3).fit(x, frame["late"])
            compare(self, model, live)

    def test_prefit(self):
        if VERSION < (1, 6):
            self.skipTest("scikit-learn 1.6 has FrozenEstimator")
        from sklearn.frozen import FrozenEstimator

        frame = rows()
        inner = fit(make_pipeline(self.steps(), logistic()), frame)
        compare(self, fit(CalibratedClassifierCV(FrozenEstimator(inner)), frame), hard_rows(frame))

    def test_histogram_boosting_with_categories(self):
        frame = rows(missing=["age"])
        ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        steps = columns(("n", "passthrough", NUMERIC), ("t", ordinal, TEXT))
        model = HistGradientBoostingClassifier(max_iter=15, categorical_features=[4, 5])
        compare(self, fit(make_pipeline(steps, model), frame), hard_rows(frame, missing=["age"], unseen=True))
        if VERSION >= (1, 4):
            frame = frame.astype({"job": "category", "town": "category"})
            model = HistGradientBoostingClassifier(max_iter=15, categorical_features="from_dtype")
            live = hard_rows(frame.astype({"job": object, "town": object}), missing=["age"], unseen=True)
            live = live.assign(job=pd.Categorical(live["job"]), town=pd.Categorical(live["town"]))
            compare(self, model.fit(frame[[*TEXT, *NUMERIC]], frame["late"]), live[[*TEXT, *NUMERIC]])
            grades = HistGradientBoostingClassifier(max_iter=15, categorical_features=["grade"])
            compare(self, grades.fit(frame[NUMERIC], frame["late"]), live[NUMERIC].assign(grade=np.resize([1, 2, 2.5, 9, -1, 300], len(live))))

    def test_missing_values_in_trees(self):
        if VERSION < (1, 4):
            self.skipTest("scikit-learn 1.4 takes them")
        for missing in (["age", "debts"], []):
            frame = rows(missing=missing)
            live = hard_rows(frame, missing=["age", "debts"], infinite=True)[NUMERIC]
            for model in (DecisionTreeClassifier(max_depth=5), RandomForestClassifier(8, max_depth=5), ExtraTreesClassifier(8, max_depth=5)):
                if VERSION < (1, 6) and isinstance(model, ExtraTreesClassifier):
                    continue
                compare(self, model.fit(frame[NUMERIC], frame["late"]), live)

    def test_missing_values_in_sparse_matrices(self):
        frame = rows()
        live = hard_rows(frame, missing=["age", "debts"], unseen=True)
        for model in (DecisionTreeClassifier(max_depth=5), RandomForestClassifier(8, max_depth=5)):
            steps = columns(("t", one_hot(), TEXT), ("n", "passthrough", NUMERIC), sparse_threshold=1.0)
            compare(self, fit(make_pipeline(steps, model), frame), live)

    def test_scalers_of_sparse_matrices(self):
        frame = rows()
        live = hard_rows(frame, unseen=True)
        for step in (StandardScaler(with_mean=False), MaxAbsScaler(), RobustScaler(with_centering=False)):
            for model in (DecisionTreeClassifier(max_depth=9), logistic()):
                steps = columns(("t", one_hot(), TEXT), ("n", "passthrough", NUMERIC), sparse_threshold=1.0)
                pipeline = fit(make_pipeline(steps, step, model), frame)
                compare(self, pipeline, live)
                if isinstance(model, DecisionTreeClassifier):
                    continue
                inner = make_pipeline(steps, step).fit(frame[NUMERIC + TEXT])
                document = export_sklearn.export(pipeline, name="n", training_data=DATA)
                scale = next(s["scale"] for s in document["model"]["steps"] if s["op"] == "rescale")
                made = inner.transform(frame[NUMERIC + TEXT]).toarray()[:, -len(NUMERIC):]
                np.testing.assert_array_equal(made, frame[NUMERIC].to_numpy() * scale[-len(NUMERIC):])

    def test_xgboost_and_zeros_of_sparse_matrices(self):
        try:
            import xgboost
        except ImportError:
            self.skipTest("xgboost is not there")
        frame = rows(missing=["age"])
        live = hard_rows(frame, missing=["age", "debts"], unseen=True)
        live.loc[:2, "income"] = 1e300  # infinite in single precision: refused where a SimpleImputer keeps the matrix by columns
        for step in (StandardScaler(with_mean=False), MaxAbsScaler(), SimpleImputer(strategy="constant", fill_value=0.0), "union",
                     Binarizer(threshold=0.5)):
            with self.subTest(step):
                steps = columns(("t", one_hot(), TEXT), ("n", "passthrough", NUMERIC), sparse_threshold=1.0)
                parts = [steps, step]
                if step == "union":
                    parts = [FeatureUnion([("a", steps), ("b", steps)], transformer_weights={"a": 0.0})]
                elif isinstance(step, Binarizer):
                    parts.insert(1, SimpleImputer())
                compare(self, fit(make_pipeline(*parts, xgboost.XGBClassifier(n_estimators=5)), frame), live, near=1e-6)

    def test_xgboost(self):
        try:
            import xgboost
        except ImportError:
            self.skipTest("xgboost is not there")
        new = int(xgboost.__version__.split(".")[0]) >= 2
        frame = rows(missing=["age"])
        live = hard_rows(frame, missing=["age", "debts"], unseen=True)
        for model in (xgboost.XGBClassifier(n_estimators=10), xgboost.XGBRFClassifier(n_estimators=5), xgboost.XGBClassifier(n_estimators=5, booster="dart")):
            steps = columns(("t", one_hot(), TEXT), ("n", "passthrough", NUMERIC))  # sparse: zeros are missing
            for threshold in (0, 1.0):
                steps.sparse_threshold = threshold
                compare(self, fit(make_pipeline(steps, model), frame), live, near=1e-6)
        x, y = frame[NUMERIC].fillna(-999), frame["late"]
        model = xgboost.XGBClassifier(n_estimators=10, missing=-999).fit(x, y)
        compare(self, model, live[NUMERIC].fillna(-999), near=1e-6)
        single = frame[NUMERIC].astype("float32").astype(float).fillna(float(np.float32(-99.9)))
        model = xgboost.XGBClassifier(n_estimators=10, missing=-99.9).fit(single, y)
        compare(self, model, single, near=1e-6)
        compare(self, model, live[NUMERIC].fillna(-99.9), near=1e-6)
        options = {"early_stopping_rounds": 2} if new else {"early_stopping_rounds": 2}
        model = xgboost.XGBClassifier(n_estimators=60, **options).fit(x, y, eval_set=[(rows(seed=5)[NUMERIC], rows(seed=5)["late"])], verbose=False)
        self.assertLess(model.best_iteration, 55)
        compare(self, model, live[NUMERIC], near=1e-6)
        linear = xgboost.XGBClassifier(booster="gblinear", n_estimators=5).fit(rows()[NUMERIC], y)  # refuses infinite floats
        compare(self, linear, rows()[NUMERIC].assign(age=[1e39, -np.inf, *rows()["age"][2:]]), near=1e-6)
        huge = frame[NUMERIC].assign(age=np.where(y == 1, np.nan, 3.4e38))  # only an infinite threshold is above all of them
        document = compare(self, xgboost.XGBClassifier(n_estimators=2, tree_method="hist").fit(huge, y), huge, near=1e-6)
        self.assertIn("1E39", str(document["model"]["steps"][0]["model"]))
        calibrated = CalibratedClassifierCV(xgboost.XGBClassifier(n_estimators=5), method="isotonic", cv=3)
        compare(self, calibrated.fit(frame[NUMERIC], frame["late"]), live[NUMERIC], near=2e-6)

    def test_xgboost_categories(self):
        try:
            import xgboost
        except ImportError:
            self.skipTest("xgboost is not there")
        frame = rows().astype({"job": "category", "town": "category"})
        live = hard_rows(frame.astype({"job": object, "town": object}))
        kinds = {name: list(frame[name].cat.categories) for name in TEXT}
        live = live.assign(**{name: pd.Categorical(live[name], categories=kinds[name]) for name in TEXT})
        model = xgboost.XGBClassifier(n_estimators=10, tree_method="hist", enable_categorical=True).fit(frame[NUMERIC + TEXT], frame["late"])
        compare(self, model, live, near=1e-6, categories=kinds)
        codes = rows()[["age", "grade"]].to_numpy()  # a code that training has not seen is not a missing one
        model.set_params(feature_types=["q", "c"], max_cat_to_onehot=1).fit(codes, codes[:, 1] % 2)
        compare(self, model, np.column_stack([codes[:60, 0], np.resize([0, 1, 3, 5, 6, 40, 1e6, np.nan], 60)]), near=1e-6)

    def test_lightgbm(self):
        try:
            import lightgbm
        except ImportError:
            self.skipTest("lightgbm is not there")
        frame = rows(missing=["age"])
        live = hard_rows(frame, missing=["age"], unseen=True)
        model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1)
        compare(self, fit(make_pipeline(self.steps(), model), frame), live)
        compare(self, model.fit(frame[NUMERIC], frame["late"]), live[NUMERIC])
        compare(self, model.fit(frame[NUMERIC].to_numpy(), frame["late"]), live[NUMERIC].to_numpy(), names=["p", "q", "r", "s"])
        compare(self, CalibratedClassifierCV(model, cv=3).fit(frame[NUMERIC], frame["late"]), live[NUMERIC])
        if int(lightgbm.__version__.split(".")[0]) >= 4:
            for steps in ([], [columns(("n", StandardScaler(), NUMERIC), sparse_threshold=0)]):
                early = make_pipeline(*steps, lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, pred_early_stop=True))
                with self.assertRaisesRegex(export_sklearn.NotExportable, "pred_early_stop=False"):
                    export_sklearn.export(early.fit(frame[NUMERIC], frame["late"]), name="n", training_data=DATA)
        own = pd.DataFrame({"own": pd.Categorical(np.arange(len(frame)) % 3 == 0), "age": frame["age"]})
        compare(self, model.fit(own, frame["late"] ^ (np.arange(len(frame)) % 3 == 0)), own)
        frame, live = (f.astype({"job": "category", "town": "category"}) for f in (frame, live))
        compare(self, model.fit(frame[TEXT + NUMERIC], frame["late"]), live[TEXT + NUMERIC])
        # categorical_feature= names another column than the one of dtype category
        frame = pd.DataFrame({"zone": np.arange(len(frame)) % 6, "zip": pd.Categorical(np.arange(len(frame)) * 7 % 5 + 10), "late": frame["late"]})
        model.fit(frame[["zone", "zip"]], frame["late"] ^ (frame["zone"] % 2), categorical_feature=["zone"])
        with self.assertRaisesRegex(export_sklearn.NotExportable, "dtype category.*categories="):
            export_sklearn.export(model, name="n", training_data=DATA)
        compare(self, model, frame[["zone", "zip"]], categories={"zip": [10, 11, 12, 13, 14]})

    def test_labels(self):
        frame = rows()
        frame["late"] = np.where(frame["late"] == 1, "fraud", "ok")
        for model in (logistic(), RandomForestClassifier(5, max_depth=4), GradientBoostingClassifier(n_estimators=5)):
            steps = columns(("n", StandardScaler(), NUMERIC), ("t", one_hot(), TEXT), sparse_threshold=0)
            pipeline = fit(make_pipeline(steps, model), frame)
            with self.assertRaisesRegex(export_sklearn.NotExportable, "'fraud' and 'ok'.*positive="):
                export_sklearn.export(pipeline, name="n", training_data=DATA)
            for place, label in enumerate(["fraud", "ok"]):
                document = compare(self, pipeline, hard_rows(frame), place=place, positive=label)
                self.assertEqual(document["classes"], ["ok", "fraud"] if place == 0 else ["fraud", "ok"])
        forest = RandomForestClassifier(10, max_depth=4, random_state=0)
        for model in (
            BaggingClassifier(DecisionTreeClassifier(max_depth=4), 10, random_state=1),
            CalibratedClassifierCV(forest, method="isotonic", cv=3),
            VotingClassifier([("a", forest), ("b", DecisionTreeClassifier(max_depth=3))], voting="soft", weights=[1, 3]),
        ):
            with self.subTest(str(model)):
                model.fit(frame[NUMERIC], frame["late"])
                compare(self, model, hard_rows(frame)[NUMERIC], place=0, near=0, positive="fraud")
        baseline = export_sklearn.drift_baseline(frame, frame["late"], pipeline=pipeline, positive="fraud")
        self.assertAlmostEqual(baseline["training_positive_rate"], (frame["late"] == "fraud").mean())


class Twice(StandardScaler):
    def transform(self, X, copy=None):
        return 2 * super().transform(X)


class Flipped(LogisticRegression):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


class CatBoostClassifier(ClassifierMixin, BaseEstimator):
    """What the exporter sees of CatBoost's."""

    __module__ = "catboost.core"

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


class Renamed(RandomForestClassifier):
    """Computes as its base class does."""


class Refusals(unittest.TestCase):
    def test_each_says_what_to_do(self):
        frame = rows()
        x, y = frame[NUMERIC], frame["late"]
        for pipeline, said in [
            (None, "None"),
            ("text", "str"),
            (SVC().fit(x, y), "SVC cannot be exported"),
            (make_pipeline(StandardScaler(), SVC(probability=False)).fit(x, y), "SVC"),
            (make_pipeline(StandardScaler(), logistic()), "not fitted"),
            (logistic(), "not fitted"),
            (RandomForestClassifier(), "not fitted"),
            (logistic().fit(x, y * 2 - 1), "positive="),
            (VotingClassifier([("a", logistic())], voting="hard").fit(x, y), "soft"),
            (DummyClassifier(strategy="uniform").fit(x, y), "at random"),
            (make_pipeline(StandardScaler(), FunctionTransformer(lambda v: v * 2), logistic()).fit(x, y), "C\\+\\+"),
            (make_pipeline(FunctionTransformer(np.isnan), logistic()).fit(x, y), "FunctionTransformer of isnan"),
            (GradientBoostingClassifier(n_estimators=2, init=logistic()).fit(x, y), "init"),
            (StandardScaler().fit(x), "StandardScaler"),
            (make_pipeline(SplineTransformer(), SimpleImputer(), logistic()).fit(x.assign(age=1.0), y), "all knots of column 0 are the same number"),
            (fit(make_pipeline(columns(("t", OneHotEncoder(dtype=np.float32), TEXT)), logistic()), frame), "logisticregression: it computes in float32.*dtype="),
            (fit(make_pipeline(columns(("t", OrdinalEncoder(dtype=np.float32), TEXT)), StandardScaler(), logistic()), frame), "standardscaler: .*float32"),
            (fit(make_pipeline(columns(("t", OrdinalEncoder(dtype=np.int8), TEXT)), FunctionTransformer(np.square), logistic()), frame), "in int8"),
            (fit(make_pipeline(columns(("t", one_hot(), TEXT)), QuantileTransformer(n_quantiles=9), logistic()), frame), "sparse_threshold=0"),
            (make_pipeline(one_hot(), logistic()).fit((x[["grade"]] + 2.0**53).astype(np.int64), y), "beyond 2\\^53.*texts before fit"),
            (make_pipeline(Twice(), logistic()).fit(x, y), "twice: a Twice with a transform\\(\\) of its own"),
            (make_pipeline(columns(("n", Twice(), NUMERIC)), logistic()).fit(x, y), "n: a Twice with a transform\\(\\)"),
            (make_pipeline(columns(("n", StandardScaler(), NUMERIC)), Flipped()).fit(x, y), "a Flipped with a predict_proba"),
            (make_pipeline(StandardScaler(), CatBoostClassifier()).fit(x, y), "from its own file: .*without a pipeline, .*load_catboost"),
        ]:
            with self.subTest(said), self.assertRaisesRegex(export_sklearn.NotExportable, said):
                export_sklearn.export(pipeline, name="n", training_data=DATA)

    def test_baselines(self):
        frame = rows()
        pipeline = fit(make_pipeline(columns(("n", StandardScaler(), NUMERIC), ("t", one_hot(), TEXT)), logistic()), frame)
        good = dict(frame=frame, labels=frame["late"], pipeline=pipeline)
        for change, said in [
            ({"frame": frame[:0], "labels": []}, "no training rows"),
            ({"frame": frame.drop(columns="age")}, "age"),
            ({"frame": frame.to_numpy()}, "DataFrame"),
            ({"labels": frame["late"][:3]}, "labels"),
            ({"labels": None}, "labels"),
            ({"labels": np.where(frame["late"], "a", "b"), "pipeline": None, "numeric": NUMERIC}, "positive="),
            ({"frame": frame.assign(age="x")}, "age.*'x'"),
            ({"frame": frame.assign(age=pd.Timestamp("2020-01-01"))}, "dates"),
            ({"frame": pd.concat([frame, frame[["age"]]], axis=1)}, "two columns"),
            ({"numeric": ["age"]}, "numeric is"),
            ({"pipeline": logistic()}, "not fitted"),
        ]:
            with self.subTest(said), self.assertRaisesRegex(export_sklearn.NotExportable, said):
                export_sklearn.drift_baseline(**{**good, **change})

    def test_baselines_of_nullable_columns(self):
        frame = rows(missing=["age"])
        pipeline = HistGradientBoostingClassifier(max_iter=3).fit(frame[NUMERIC], frame["late"])
        plain = export_sklearn.drift_baseline(frame, frame["late"], pipeline=pipeline)
        nullable = frame.assign(age=frame["age"].astype("Int64"), debts=frame["debts"].astype("Float64"))
        self.assertEqual(export_sklearn.drift_baseline(nullable, frame["late"], pipeline=pipeline), plain)

    def test_half_a_surrogate_pair(self):
        frame = rows()
        model = logistic().fit(frame[["age", "debts"]].to_numpy(), frame["late"])
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(export_sklearn.NotExportable, "ud800.*(Unicode|surrogates)"):  # newer pandas takes none
                document = export_sklearn.export(model, name="n", training_data=DATA, names=["\ud800", "debts"])
                export_sklearn.write(document, os.path.join(folder, "model.json"))
            self.assertEqual(os.listdir(folder), [])

    def test_arguments(self):
        frame = rows()
        model = logistic().fit(frame[NUMERIC], frame["late"])
        for change, said in [
            ({"threshold": 3}, "threshold 3"),
            ({"threshold": "high"}, "threshold 'high' is not a number"),
            ({"data": frame[:0]}, "no rows"),
            ({"positive": "x"}, "not a label"),
            ({"raw": frame[NUMERIC]}, "400 rows"),
            ({"raw": frame[NUMERIC][:3], "engineered": ["zz"]}, "zz"),
            ({"checks": 0}, "at least one check"),
            ({"names": ["a"]}, "leave names out"),
            ({"training_data": None}, "training_data"),
            ({"baseline": {}}, "drift_baseline"),
            ({"data": frame[["age"]]}, "income"),
            ({"data": frame.assign(age="old")}, "age.*the rows of data= have 'old'"),
            ({"metrics": {"auc": "b"}}, "auc"),
        ]:
            with self.subTest(said), self.assertRaisesRegex(export_sklearn.NotExportable, said):
                export_sklearn.export(model, **{"name": "n", "training_data": DATA, **change})

    def test_rows_whose_types_give_other_numbers(self):
        frame = rows().astype({"age": int, "grade": int})
        x = frame[["age", "grade"]]
        for function, whole in ((np.log1p, False), (np.reciprocal, True)):  # a whole number's reciprocal is 0 or 1
            for steps, data in (([columns(("f", FunctionTransformer(function), ["age", "grade"]))], x), ([FunctionTransformer(function)], x)):
                pipeline = make_pipeline(*steps, StandardScaler(), logistic()).fit(data, frame["late"])
                if whole:
                    with self.assertRaisesRegex(export_sklearn.NotExportable, "int64.*astype\\(float\\)"):
                        export_sklearn.export(pipeline, name="n", training_data=DATA, data=data)
                else:
                    compare(self, pipeline, data, data=data)

    def test_checks_that_are_rows_of_the_data(self):
        frame = rows(missing=["age"], text_missing=True)
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        known = {tuple(map(str, row)) for row in frame[NUMERIC + TEXT].fillna("?").itertuples(index=False)}
        for model in (logistic(), RandomForestClassifier(5, max_depth=4), HistGradientBoostingClassifier(max_iter=5)):
            pipeline = fit(make_pipeline(columns(("n", numbers, NUMERIC), ("t", one_hot(sparse_output=False), TEXT)), model), frame)
            document = compare(self, pipeline, hard_rows(frame, missing=["age"]), data=frame, checks=7)
            self.assertEqual(len(document["checks"]), 7)
            for check in document["checks"]:
                row = ["?" if v is None else v for v in check["numeric"] + check["text"]]
                self.assertIn(tuple(map(str, row)), known)
        model = HistGradientBoostingClassifier(max_iter=5).fit(frame[NUMERIC], frame["late"])
        infinite = frame.assign(debts=frame["debts"].where(frame["debts"] < 0, np.inf))  # which the file cannot say
        document = compare(self, model, hard_rows(frame)[NUMERIC], data=infinite, checks=7)
        self.assertTrue(all(check["numeric"][2] < 0 for check in document["checks"]))

    def test_a_class_of_ones_own_that_computes_as_its_base(self):
        frame = rows()
        compare(self, Renamed(5, max_depth=4).fit(frame[NUMERIC], frame["late"]), hard_rows(frame)[NUMERIC], near=0)

    def test_labels_that_are_booleans_or_signs(self):
        frame = rows()
        for labels, positive, classes in ((frame["late"] == 1, None, None), (frame["late"] * 2 - 1, 1, [-1, 1]), (frame["late"] * 2 - 1, -1, [1, -1])):
            model = logistic().fit(frame[NUMERIC], labels)
            document = compare(self, model, hard_rows(frame)[NUMERIC], place=0 if positive == -1 else 1, positive=positive)
            self.assertEqual(document.get("classes"), classes)


class AtRandom(unittest.TestCase):
    def test_random_pipelines(self):
        draw = random.Random(7)
        for attempt in range(15):
            missing = draw.sample(NUMERIC, draw.randint(0, 2))
            frame = rows(seed=attempt, missing=missing, text_missing=draw.random() < 0.4)
            live = hard_rows(frame, seed=attempt + 1000, missing=missing, unseen=True)
            pipeline, exact = random_pipeline(draw, bool(missing))
            with self.subTest(attempt=attempt, pipeline=str(pipeline)):
                try:
                    fit(pipeline, frame)
                except ValueError:
                    continue  # the draw does not fit together
                compare(self, pipeline, live, near=1e-12 if exact else 1e-9)


def random_pipeline(draw, missing):
    exact = True
    imputer = [SimpleImputer(strategy=draw.choice(["mean", "median", "most_frequent"]), add_indicator=draw.random() < 0.5)]
    pool = [StandardScaler(), MinMaxScaler(clip=draw.random() < 0.5), RobustScaler(), MaxAbsScaler(), KBinsDiscretizer(3, encode="ordinal"),
            KBinsDiscretizer(4), PolynomialFeatures(2, interaction_only=True), Binarizer(threshold=1.0), SelectKBest(k=1)]
    parts = []
    names = NUMERIC[:]
    draw.shuffle(names)
    cut = draw.randint(1, 3)
    for i, chosen in enumerate((names[:cut], names[cut:])):
        steps = (imputer if missing or draw.random() < 0.3 else []) + draw.sample(pool, draw.randint(0, 2))
        steps = [sklearn.base.clone(s) for s in steps]
        parts.append((f"n{i}", make_pipeline(*steps) if steps else "passthrough", chosen))
    encoder = draw.choice([one_hot(), one_hot(min_frequency=20, handle_unknown="infrequent_if_exist"), one_hot(handle_unknown="error"),
                           OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)])
    parts.append(("t", encoder, TEXT))
    draw.shuffle(parts)
    model = draw.choice([logistic(), DecisionTreeClassifier(max_depth=5), RandomForestClassifier(5, max_depth=5),
                         GradientBoostingClassifier(n_estimators=5), HistGradientBoostingClassifier(max_iter=5),
                         CalibratedClassifierCV(logistic(), cv=3)])
    sparse = 0 if isinstance(model, HistGradientBoostingClassifier) else draw.choice([0, 0.3, 1.0])
    if isinstance(model, LogisticRegression):
        return make_pipeline(columns(*parts, sparse_threshold=0), StandardScaler(), model), exact
    return make_pipeline(columns(*parts, sparse_threshold=sparse), model), exact


if __name__ == "__main__":
    unittest.main()
