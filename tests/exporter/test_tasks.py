# SPDX-License-Identifier: MIT
"""Models of every task that kind "pipeline" holds, against scikit-learn itself."""

import os
import unittest
import warnings

import numpy as np
import pandas as pd
import sklearn
from harness import DATA, compare, compare_outputs, export_sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
warnings.simplefilter("ignore")
NUMERIC, TEXT = ["age", "income", "debts"], ["job"]
SUMS = 1e-13  # a sum of products in another order, another exp
LAYERS = 1e-10  # sums of sums
FUNCTIONS = 1e-12


def rows(count=300, seed=1):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "age": draw.integers(18, 90, count).astype(float),
        "income": np.round(draw.lognormal(3, 1, count), 2),
        "debts": np.round(draw.normal(0, 3, count), 1),
        "job": pd.Series(draw.choice(["nurse", "baker", "clerk"], count), dtype=object),
    })
    value = frame["age"] / 30 + frame["debts"] + (frame["job"] == "baker") + draw.normal(0, 1, count)
    frame["value"] = value
    frame["cost"] = np.exp(value / 4) + 0.1
    frame["kind"] = np.array(["high", "low", "mid"], dtype=object)[np.digitize(value, np.quantile(value, [0.3, 0.6]))]
    return frame


TRAIN = rows()


def live(count=120, seed=2):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({n: TRAIN[n].to_numpy()[draw.integers(0, len(TRAIN), count)] for n in NUMERIC + TEXT})
    for name in NUMERIC:
        beside = np.nextafter(frame[name], draw.choice([-np.inf, np.inf], count))
        frame[name] = np.where(draw.random(count) < 0.3, beside, frame[name])
        frame.loc[draw.random(count) < 0.02, name] = np.inf
        frame.loc[draw.random(count) < 0.03, name] = np.nan
    return frame


LIVE = live()


def columns(model):
    one_hot = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), NUMERIC), ("t", one_hot, TEXT)],
                          sparse_threshold=0), model)


class Tasks(unittest.TestCase):
    def both(self, model, target, task, near=0.0, prepared=True, **options):
        with self.subTest(model=str(model)[:60]):
            pipeline = columns(model) if prepared else model
            names = NUMERIC + TEXT if prepared else NUMERIC
            pipeline.fit(TRAIN[names], target if target is None else TRAIN[target] if isinstance(target, str) else target)
            document, difference = compare_outputs(self, pipeline, LIVE[names], near, **options)
            self.assertEqual(document["outputs"]["task"], task)
            if os.environ.get("SHOW_DIFFERENCES"):
                print(f"{sklearn.__version__}\t{type(model).__name__}\t{task}\t{difference:.0f} ULP\t{str(model)[:70]}".replace("\n", " "))
            return document

    def test_linear_classes(self):
        old = VERSION < (1, 8)  # later versions have no one-vs-rest
        for model in [LogisticRegression(max_iter=2000), LogisticRegression(solver="saga", max_iter=300),
                      *([LogisticRegression(solver="liblinear")] if old else []),
                      *([LogisticRegression(multi_class="ovr", max_iter=2000)] if old else []),
                      SGDClassifier(loss="log_loss", random_state=1), SGDClassifier(loss="modified_huber", random_state=1),
                      LinearDiscriminantAnalysis()]:
            document = self.both(model, "kind", "multiclass", SUMS)
            self.assertEqual(document["outputs"]["classes"], ["high", "low", "mid"])

    def test_decisions(self):
        for model in [LinearSVC(random_state=1), SGDClassifier(random_state=1), RidgeClassifier()]:
            document = self.both(model, "kind", "multiclass", SUMS)
            self.assertIs(document["outputs"]["probabilities"], False)
            late = (TRAIN["kind"] == "high") * 1
            self.both(model, late, "score", SUMS)

    def test_linear_numbers(self):
        for model in [LinearRegression(), Ridge(), Lasso(0.1), ElasticNet(0.1), SGDRegressor(random_state=1), HuberRegressor(max_iter=1000),
                      LinearSVR(random_state=1), BayesianRidge()]:
            self.both(model, "value", "regression", SUMS)
        for model in [PoissonRegressor(), GammaRegressor(), TweedieRegressor(power=1.5), TweedieRegressor(power=0)]:
            self.both(model, "cost", "regression", SUMS)
        document = self.both(QuantileRegressor(quantile=0.25, solver="highs"), "value", "quantiles", SUMS)
        self.assertEqual(document["outputs"]["levels"], [0.25])
        document = self.both(LinearRegression(), TRAIN[["value", "cost"]], "regression", SUMS, target_names=["value", "cost"])
        self.assertEqual(document["outputs"]["names"], ["value", "cost"])

    def test_trees(self):
        few = {"random_state": 1, "max_depth": 4}
        for model in [DecisionTreeClassifier(**few), RandomForestClassifier(5, **few), ExtraTreesClassifier(5, **few)]:
            self.both(model, "kind", "multiclass")
        for model in [DecisionTreeRegressor(**few), ExtraTreeRegressor(**few), RandomForestRegressor(5, **few), ExtraTreesRegressor(5, **few)]:
            self.both(model, "value", "regression")
            self.both(model, TRAIN[["value", "cost"]], "regression")

    def test_boostings(self):
        few = {"n_estimators": 5, "random_state": 1}
        self.both(GradientBoostingClassifier(**few), "kind", "multiclass", SUMS)
        self.both(GradientBoostingRegressor(**few), "value", "regression")
        document = self.both(GradientBoostingRegressor(loss="quantile", alpha=0.75, **few), "value", "quantiles")
        self.assertEqual(document["outputs"]["levels"], [0.75])
        few = {"max_iter": 5, "random_state": 1}
        self.both(HistGradientBoostingClassifier(**few), "kind", "multiclass", SUMS)
        self.both(HistGradientBoostingClassifier(**few), "kind", "multiclass", SUMS, prepared=False)
        self.both(HistGradientBoostingRegressor(**few), "value", "regression")
        self.both(HistGradientBoostingRegressor(loss="poisson", **few), "cost", "regression", SUMS)
        document = self.both(HistGradientBoostingRegressor(loss="quantile", quantile=0.1, **few), "value", "quantiles")
        self.assertEqual(document["outputs"]["levels"], [0.1])

    def test_anomalies(self):
        for model in [IsolationForest(n_estimators=20, random_state=1), IsolationForest(n_estimators=20, random_state=1, max_features=0.5),
                      IsolationForest(n_estimators=20, random_state=1, contamination=0.1, max_samples=50)]:
            document = self.both(model, None, "anomaly", 1e-15)
            self.assertEqual(document["threshold"], 0)
        steps = [("n", "passthrough", NUMERIC), ("t", OneHotEncoder(handle_unknown="ignore"), TEXT)]
        pipeline = make_pipeline(ColumnTransformer(steps, sparse_threshold=1.0), IsolationForest(n_estimators=20, random_state=1))
        compare_outputs(self, pipeline.fit(TRAIN[NUMERIC + TEXT].fillna({n: 0.0 for n in NUMERIC})), LIVE[NUMERIC + TEXT], 1e-15)
        self.assertEqual(self.both(SGDOneClassSVM(random_state=1), None, "anomaly", SUMS)["threshold"], 0)
        self.assertEqual(self.both(IsolationForest(n_estimators=5, random_state=1), None, "anomaly", 1e-15, threshold=-0.25)["threshold"], -0.25)

    def test_models_of_models(self):
        forest = RandomForestClassifier(3, max_depth=3, random_state=1)
        name = "estimator" if VERSION >= (1, 2) else "base_estimator"
        for method in ("sigmoid", "isotonic"):
            for inner in (forest, LogisticRegression(max_iter=1000), LinearSVC(random_state=1), GradientBoostingClassifier(n_estimators=3),
                          HistGradientBoostingClassifier(max_iter=3)):
                self.both(CalibratedClassifierCV(**{name: inner}, method=method, cv=2), "kind", "multiclass", SUMS)
        self.both(VotingClassifier([("f", forest), ("l", LogisticRegression())], voting="soft", weights=[1, 2.5]), "kind", "multiclass", SUMS)
        self.both(VotingRegressor([("r", Ridge()), ("t", DecisionTreeRegressor(max_depth=3))]), "value", "regression", SUMS)
        self.both(BaggingClassifier(DecisionTreeClassifier(max_depth=3), 4, max_features=0.5, random_state=1), "kind", "multiclass", SUMS)
        self.both(BaggingRegressor(DecisionTreeRegressor(max_depth=3), 4, random_state=1), "value", "regression", SUMS)
        self.both(DummyClassifier(), "kind", "multiclass")
        self.both(DummyRegressor(), "value", "regression")

    def test_stackings(self):
        forest = RandomForestClassifier(3, max_depth=3, random_state=1)
        parts = [("f", forest), ("h", HistGradientBoostingClassifier(max_iter=3)), ("v", LinearSVC(random_state=1)), ("n", GaussianNB())]
        for final in (None, forest, LinearSVC(random_state=1)):
            for passthrough in (False, True):
                self.both(StackingClassifier(parts, final, cv=2, passthrough=passthrough), "kind", "multiclass", LAYERS)
        parts = [("f", RandomForestRegressor(3, max_depth=3, random_state=1)), ("r", Ridge())]
        for final in (None, HistGradientBoostingRegressor(max_iter=3)):
            for passthrough in (False, True):
                self.both(StackingRegressor(parts, final, cv=2, passthrough=passthrough), "value", "regression", LAYERS)

    def test_a_model_a_target(self):
        targets = TRAIN[["value", "cost"]].to_numpy()
        for model in (Ridge(), HistGradientBoostingRegressor(max_iter=3)):
            self.both(MultiOutputRegressor(model), targets, "regression", SUMS)
            self.both(RegressorChain(model, order=[1, 0]), targets, "regression", LAYERS)
        tree = HistGradientBoostingRegressor(max_iter=3)  # which takes the missing values that a chain refuses
        self.both(RegressorChain(tree, order=[1, 0]).fit(TRAIN[NUMERIC], targets), targets, "regression", prepared=False)
        self.both(RANSACRegressor(random_state=1), "value", "regression", SUMS)

    def test_bayes(self):
        for model in (GaussianNB(), BernoulliNB(), BernoulliNB(binarize=0.3, alpha=2)):
            self.both(model, "kind", "multiclass", FUNCTIONS)
            self.of_two(model, FUNCTIONS)
        for model in (MultinomialNB(), ComplementNB(), BernoulliNB(binarize=None)):
            pipeline = make_pipeline(ColumnTransformer([("t", OneHotEncoder(handle_unknown="ignore"), TEXT)]), model)
            compare_outputs(self, pipeline.fit(TRAIN[TEXT], TRAIN["kind"]), LIVE[TEXT], FUNCTIONS)

    def test_bayes_of_columns_that_are_constant_in_a_class(self):
        """Its variance is 1e-9 of the largest one, and the logarithms of the likelihoods have nine digits before the point."""
        frame = TRAIN[NUMERIC].assign(flag=(TRAIN["kind"] == "low") * 1.0)
        live = frame.sample(60, random_state=1).reset_index(drop=True)
        live.loc[::2, "flag"] = 1 - live["flag"]
        compare_outputs(self, GaussianNB().fit(frame, TRAIN["kind"]), live, 1e-6)

    def of_two(self, model, near):
        pipeline = columns(model).fit(TRAIN[NUMERIC + TEXT], TRAIN["kind"] == "high")
        for place in (0, 1):
            compare(self, pipeline, LIVE[NUMERIC + TEXT], place, near, positive=bool(place))

    def test_networks(self):
        for name in ("relu", "tanh", "logistic", "identity"):
            few = {"hidden_layer_sizes": (6, 4), "activation": name, "max_iter": 40, "random_state": 1}
            self.both(MLPClassifier(**few), "kind", "multiclass", LAYERS)
            self.both(MLPRegressor(**few), TRAIN[["value", "cost"]], "regression", LAYERS)
            self.of_two(MLPClassifier(**few), LAYERS)

    def test_votes_of_trees(self):
        for model in (AdaBoostClassifier(n_estimators=20, random_state=1), AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), random_state=1),
                      AdaBoostClassifier(n_estimators=5, algorithm="SAMME") if VERSION < (1, 6) else AdaBoostClassifier(n_estimators=5)):
            self.both(model, "kind", "multiclass", FUNCTIONS)
            self.of_two(model, FUNCTIONS)

    @unittest.skipIf(VERSION < (1, 8), "since scikit-learn 1.8")
    def test_temperatures(self):
        for model in (LogisticRegression(), RandomForestClassifier(3, max_depth=3, random_state=1), LinearSVC(random_state=1)):
            self.both(CalibratedClassifierCV(model, method="temperature", cv=2), "kind", "multiclass", FUNCTIONS)
            self.of_two(CalibratedClassifierCV(model, method="temperature", cv=2), FUNCTIONS)

    def test_another_way_to_fit(self):
        """imblearn's ensembles predict as the classes of scikit-learn do that they derive from."""
        for base, options in ((RandomForestClassifier, {"n_estimators": 3}), (BaggingClassifier, {"n_estimators": 2}), (AdaBoostClassifier, {"n_estimators": 3})):
            other = type("Balanced" + base.__name__, (base,), {"__module__": "imblearn.ensemble._made_up"})
            self.both(other(random_state=1, **options), "kind", "multiclass", FUNCTIONS)
            computes = type("Own", (other,), {"__module__": "imblearn.ensemble._made_up", "predict_proba": base.predict_proba})
            self.refused("Own", computes(random_state=1, **options), "kind")

    def test_transformed_targets(self):
        for func, inverse in [(np.log, np.exp), (np.log1p, np.expm1), (np.sqrt, np.square)]:
            self.both(TransformedTargetRegressor(Ridge(), func=func, inverse_func=inverse, check_inverse=False), "cost", "regression", FUNCTIONS)
        few = HistGradientBoostingRegressor(max_iter=3, loss="quantile", quantile=0.9)
        self.both(TransformedTargetRegressor(few, func=np.log, inverse_func=np.exp), "cost", "quantiles", FUNCTIONS)
        for scaler in (StandardScaler(), MinMaxScaler()):
            self.both(TransformedTargetRegressor(LinearRegression(), transformer=scaler), "value", "regression", SUMS)
        pipeline = TransformedTargetRegressor(columns(Ridge()), func=np.log, inverse_func=np.exp)
        pipeline.fit(TRAIN[NUMERIC + TEXT], TRAIN["cost"])
        compare_outputs(self, pipeline, LIVE[NUMERIC + TEXT], FUNCTIONS)

    def test_classes_as_the_trainer_had_them(self):
        for labels in (np.digitize(TRAIN["value"], [0, 2]), np.digitize(TRAIN["value"], [0, 2]) * 1.0):
            document = self.both(LogisticRegression(max_iter=1000), labels, "multiclass", SUMS)
            self.assertEqual(document["outputs"]["classes"], sorted(set(labels.tolist())))
        document = self.both(LogisticRegression(max_iter=1000), np.digitize(TRAIN["value"], [0, 2]), "multiclass", SUMS, class_names=["a", "b", "c"])
        self.assertEqual(document["outputs"]["classes"], ["a", "b", "c"])

    def test_baselines(self):
        def made(model, labels, **options):
            pipeline = columns(model).fit(TRAIN[NUMERIC + TEXT], labels)
            baseline = export_sklearn.drift_baseline(TRAIN, labels, pipeline=pipeline)
            return compare_outputs(self, pipeline, LIVE[NUMERIC + TEXT], SUMS, baseline=baseline, **options)[0]["drift_baseline"]

        baseline = made(LogisticRegression(max_iter=1000), TRAIN["kind"])
        self.assertAlmostEqual(sum(baseline["class_rates"]), 1)
        self.assertEqual(sum(baseline["histograms"]["classes"]), len(TRAIN))
        self.assertEqual(len(baseline["histograms"]["outputs"]), 1)
        baseline = made(LinearRegression(), TRAIN[["value", "cost"]])
        self.assertEqual([o["name"] for o in baseline["outputs"]], ["prediction_0", "prediction_1"])
        self.assertEqual(sum(baseline["histograms"]["outputs"][1]["counts"]), len(TRAIN))
        baseline = made(IsolationForest(n_estimators=5, random_state=1), None)
        self.assertEqual(baseline["outputs"][0]["name"], "prediction")

    def test_one_model_a_class(self):
        eleven = np.digitize(TRAIN["value"], np.quantile(TRAIN["value"], np.linspace(0, 1, 12)[1:-1]))
        for model, target, near in [
            (LogisticRegression(), "kind", SUMS), (LogisticRegression(), eleven, SUMS), (SGDClassifier(loss="log_loss", random_state=1), "kind", SUMS),
            # Equal margins: the last of equals up to scikit-learn 1.8. Rows of zeros: NaN up to 1.6, zeros since.
            (DecisionTreeClassifier(max_depth=4, random_state=1), "kind", 0.0), (DecisionTreeClassifier(random_state=1), eleven, 0.0),
            (RandomForestClassifier(3, random_state=1), eleven, 0.0), (GradientBoostingClassifier(n_estimators=3), "kind", SUMS),
            (SGDClassifier(loss="modified_huber", random_state=1), eleven, SUMS),
            (HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5), "kind", SUMS),
            (CalibratedClassifierCV(LinearSVC(dual=False), cv=2), "kind", SUMS), (LinearSVC(dual=False), "kind", SUMS), (LinearSVC(dual=False), eleven, SUMS),
        ]:
            document = self.both(OneVsRestClassifier(model), target, "multiclass", near)
            self.assertEqual(document["model"]["class_by"], "margins" if VERSION >= (1, 9) else "last_margins")
        for model, near in [(LogisticRegression(), 1e-15), (DecisionTreeClassifier(max_depth=3, random_state=1), 0.0),
                            (RandomForestClassifier(5, max_depth=4, random_state=1), 0.0)]:
            pipeline = columns(OneVsRestClassifier(model)).fit(TRAIN[NUMERIC + TEXT], TRAIN["value"] > 2)
            for place in (0, 1):
                compare(self, pipeline, LIVE[NUMERIC + TEXT], place, near, positive=bool(place))
        self.both(OneVsRestClassifier(LinearSVC(dual=False)), np.asarray(TRAIN["value"] > 2), "score", SUMS)

    def refused(self, sentence, model, target="value", **options):
        pipeline = columns(model).fit(TRAIN[NUMERIC + TEXT], TRAIN[target] if isinstance(target, str) else target)
        with self.assertRaisesRegex(export_sklearn.NotExportable, sentence):
            export_sklearn.export(pipeline, **{"name": "n", "training_data": DATA, **options})

    def test_refusals(self):
        several = np.column_stack([TRAIN["kind"], TRAIN["kind"]])
        self.refused("predicts the classes of several targets; train one model for each", RandomForestClassifier(2), several)
        for model in (OneClassSVM(), EllipticEnvelope(), LocalOutlierFactor(novelty=True)):
            self.refused("cannot be exported: .* use an IsolationForest or an SGDOneClassSVM", model, None)
        self.refused("KNeighborsRegressor cannot be exported", KNeighborsRegressor())
        self.refused("predicts the classes of several targets; train one model for each", OneVsRestClassifier(LogisticRegression()),
                     np.column_stack([TRAIN["value"] > 0, TRAIN["cost"] > 2]))
        self.refused("estimators_\\[0\\]: a KNeighborsClassifier cannot be exported", OneVsRestClassifier(KNeighborsClassifier()), "kind")
        self.refused("KNeighborsClassifier cannot be exported", KNeighborsClassifier(), "kind")
        self.refused("an AdaBoost of a LogisticRegression cannot be exported; use decision trees", AdaBoostClassifier(LogisticRegression()), "kind")
        self.refused("predicts the classes of several targets; train one model for each", MLPClassifier((2,), max_iter=2),
                     np.column_stack([TRAIN["value"] > 0, TRAIN["cost"] > 2]))
        self.refused("threshold= is for models of two classes", LinearRegression(), threshold=0.5)
        self.refused("positive= is for pipelines that give", LinearRegression(), positive=1)
        self.refused("class_names= is for models of several classes", LinearRegression(), class_names=["a"])
        self.refused("class_names has 2 entries, the model has 3 classes", LogisticRegression(), "kind", class_names=["a", "b"])
        self.refused("the class 'a' is empty or duplicated", LogisticRegression(), "kind", class_names=["a", "a", "b"])
        self.refused("the class '.ud800' is not valid Unicode", LogisticRegression(), "kind", class_names=["\ud800", "a", "b"])
        self.refused("target_names is \\['a'\\]; give 2 different names", LinearRegression(), TRAIN[["value", "cost"]], target_names=["a"])
        self.refused("threshold nan is not a finite number", IsolationForest(n_estimators=2), None, threshold=float("nan"))
        odd = TransformedTargetRegressor(LinearRegression(), func=lambda x: x, inverse_func=lambda x: x)
        self.refused("inverse_func=<lambda> cannot be exported", odd)
        model = LinearRegression()
        pipeline = columns(model).fit(TRAIN[NUMERIC + TEXT], TRAIN["value"])
        baseline = {"numeric": [], "training_positive_rate": 0.5}
        with self.assertRaisesRegex(export_sklearn.NotExportable, "not what drift_baseline"):
            export_sklearn.export(pipeline, name="n", training_data=DATA, baseline=baseline)


if __name__ == "__main__":
    unittest.main()
