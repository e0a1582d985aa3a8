# SPDX-License-Identifier: MIT
"""Boosters of every task in pipelines, against XGBoost and LightGBM themselves; either may be absent."""

import contextlib
import copy
import json
import os
import unittest
import warnings

import numpy as np
from harness import DATA, compare_outputs, export_sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor, StackingRegressor, VotingRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from test_tasks import LIVE, NUMERIC, SUMS, TEXT, TRAIN, columns

with contextlib.suppress(ImportError):
    import xgboost
with contextlib.suppress(ImportError):
    import lightgbm

warnings.simplefilter("ignore")
KIND = np.digitize(TRAIN["value"], [0, 2])
SHARE = (TRAIN["value"] - TRAIN["value"].min()) / (TRAIN["value"].max() - TRAIN["value"].min())
FLOATS = 3e-7  # an exp in single precision


class Boosters(unittest.TestCase):
    def both(self, library, model, target, task, near=0.0, **options):
        fit = {}
        if type(model).__name__.endswith("Ranker"):
            fit[f"{type(model).__name__.lower()}__group"] = [len(TRAIN) // 10] * 10
        with self.subTest(model=f"{type(model).__name__} {model.objective}"):
            pipeline = columns(model).fit(TRAIN[NUMERIC + TEXT], target, **fit)
            document, difference = compare_outputs(self, pipeline, LIVE[NUMERIC + TEXT], near, **options)
            self.assertEqual(document["outputs"]["task"], task)
            if os.environ.get("SHOW_DIFFERENCES"):
                unit = f"{difference:.0f} ULP" if near != FLOATS else f"{difference / 2**29:.1f} float32 ULP"
                print(f"{library.__name__} {library.__version__}\t{type(model).__name__}\t{task}\t{unit}\t{model.objective}")
            return document["outputs"]

    @unittest.skipUnless("xgboost" in globals(), "no xgboost")
    def test_xgboost(self):
        x, few = xgboost, {"n_estimators": 4, "max_depth": 3}
        version = tuple(int(n) for n in x.__version__.split(".")[:2])
        said = self.both(x, x.XGBClassifier(**few), KIND, "multiclass", FLOATS, class_names=["low", "mid", "high"])
        self.assertEqual(said["classes"], ["low", "mid", "high"])
        self.both(x, x.XGBClassifier(objective="multi:softmax", **few), KIND, "multiclass", FLOATS)
        self.both(x, x.XGBRFClassifier(n_estimators=3, max_depth=3), KIND, "multiclass", FLOATS)
        for objective in ["reg:squarederror", "reg:pseudohubererror", *(["reg:absoluteerror"] if version >= (1, 7) else [])]:
            self.both(x, x.XGBRegressor(objective=objective, **few), TRAIN["value"], "regression")
        self.both(x, x.XGBRFRegressor(n_estimators=3, max_depth=3), TRAIN["value"], "regression")
        for objective in ["count:poisson", "reg:gamma", "reg:tweedie"]:
            self.both(x, x.XGBRegressor(objective=objective, **few), TRAIN["cost"], "regression", FLOATS)
        self.both(x, x.XGBRegressor(objective="reg:logistic", **few), SHARE, "regression", FLOATS)
        self.both(x, x.XGBRegressor(objective="survival:cox", **few), TRAIN["cost"], "score", FLOATS)
        if version >= (1, 6):
            self.both(x, x.XGBRegressor(**few), TRAIN[["value", "cost"]], "regression", target_names=["value", "cost"])
        if version >= (2, 0):
            said = self.both(x, x.XGBRegressor(objective="reg:quantileerror", quantile_alpha=np.array([0.1, 0.5]), **few), TRAIN["value"], "quantiles")
            self.assertEqual(said["levels"], [0.1, 0.5])
        for objective in ("rank:pairwise", "rank:ndcg"):
            self.both(x, x.XGBRanker(objective=objective, **few), KIND, "score")
        voting = VotingRegressor([(name, x.XGBRegressor(max_depth=3, n_estimators=n)) for name, n in zip("abc", (2, 4, 5))])
        for model in (BaggingRegressor(x.XGBRegressor(**few), 3, random_state=1), voting,
                      TransformedTargetRegressor(x.XGBRegressor(**few), transformer=StandardScaler()),
                      TransformedTargetRegressor(voting, transformer=MinMaxScaler((-1, 7)))):
            model.objective = "the mean in single precision"
            self.both(x, model, TRAIN["value"], "regression")
        parts = [(name, x.XGBRegressor(max_depth=3, n_estimators=n)) for name, n in zip("ab", (2, 4))]
        stacked = StackingRegressor(parts, RandomForestRegressor(3, random_state=1), cv=2)
        stacked.objective = "trees compare in single precision"
        self.both(x, stacked, TRAIN["value"], "regression")
        with self.assertRaisesRegex(export_sklearn.NotExportable, "final_estimator_: it computes in float32.*passthrough= at True"):
            export_sklearn.export(StackingRegressor(parts, cv=2).fit(TRAIN[NUMERIC], TRAIN["value"]), name="n", training_data=DATA)
        labels = x.XGBClassifier(**few).fit(TRAIN[NUMERIC], np.column_stack([KIND > 0, KIND > 1]) * 1)
        with self.assertRaisesRegex(export_sklearn.NotExportable, "several targets; train one model for each"):
            export_sklearn.export(labels, name="n", training_data=DATA)
        regressor = TransformedTargetRegressor(x.XGBRegressor(**few), func=np.log1p, inverse_func=np.expm1, check_inverse=False)
        regressor.objective = "of a transformed target"
        self.both(x, regressor, TRAIN["cost"], "regression", FLOATS)

    @unittest.skipUnless("xgboost" in globals(), "no xgboost")
    def test_the_class_of_xgboost(self):
        """multi:softmax takes the largest margin, multi:softprob the largest probability; these are equal where margins are not."""
        for objective in ("multi:softmax", "multi:softprob"):
            model = xgboost.XGBClassifier(objective=objective, n_estimators=1, max_depth=6, base_score=0.0)
            pipeline = columns(model).fit(TRAIN[NUMERIC + TEXT], KIND)
            document = json.loads(bytes(model.get_booster().save_raw("json")))
            trees = document["learner"]["gradient_booster"]["model"]["trees"]
            deepest = max(trees, key=lambda tree: len(tree["left_children"]))
            draw, leaf = np.random.default_rng(1), np.float32(0.001)
            for number in range(3):
                trees[number] = {**copy.deepcopy(deepest), "id": number}
                for node, left in enumerate(deepest["left_children"]):
                    if left == -1:
                        steps = int(draw.integers(0, 3))
                        values = [leaf, np.nextafter(leaf, np.float32(1)), np.nextafter(np.nextafter(leaf, np.float32(1)), np.float32(1))]
                        trees[number]["split_conditions"][node] = float(values[steps])
            model.get_booster().load_model(bytearray(json.dumps(document).encode()))
            exported, _ = compare_outputs(self, pipeline, LIVE[NUMERIC + TEXT], FLOATS)
            self.assertEqual(exported["model"].get("class_by"), "margins" if objective == "multi:softmax" else None)

    @unittest.skipUnless("lightgbm" in globals(), "no lightgbm")
    def test_lightgbm(self):
        x, few = lightgbm, {"n_estimators": 4, "num_leaves": 6, "min_child_samples": 5, "verbose": -1}
        for objective in (None, "multiclassova"):
            said = self.both(x, x.LGBMClassifier(objective=objective, **few), TRAIN["kind"], "multiclass", SUMS)
            self.assertEqual(said["classes"], ["high", "low", "mid"])
        for method in ("sigmoid", "isotonic"):  # of the decision_function, which LightGBM has since 4.7
            calibrated = CalibratedClassifierCV(x.LGBMClassifier(**few), method=method, cv=2)
            calibrated.objective = method
            self.both(x, calibrated, TRAIN["kind"], "multiclass", SUMS)
        one_each = OneVsRestClassifier(x.LGBMClassifier(**few))
        one_each.objective = "one model a class"
        self.both(x, one_each, TRAIN["kind"], "multiclass", SUMS)
        document = export_sklearn.export(one_each.fit(TRAIN[NUMERIC], TRAIN["kind"]), name="n", training_data=DATA, checks=8)
        self.assertEqual([feature["name"] for feature in document["features"]["numeric"]], NUMERIC)
        for objective in ("regression", "regression_l1", "huber", "fair", "mape"):
            self.both(x, x.LGBMRegressor(objective=objective, **few), TRAIN["value"], "regression")
        for objective in ("poisson", "gamma", "tweedie"):
            self.both(x, x.LGBMRegressor(objective=objective, **few), TRAIN["cost"], "regression", SUMS)
        said = self.both(x, x.LGBMRegressor(objective="quantile", alpha=0.3, **few), TRAIN["value"], "quantiles")
        self.assertEqual(said["levels"], [0.3])
        self.both(x, x.LGBMRegressor(objective="cross_entropy", **few), SHARE, "regression", SUMS)
        for objective in ("lambdarank", "rank_xendcg"):
            self.both(x, x.LGBMRanker(objective=objective, **few), KIND, "score")


if __name__ == "__main__":
    unittest.main()
