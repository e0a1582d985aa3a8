#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the small parity folders beside this script, with Debian's python3-xgboost and python3-sklearn; those of newer
scikit-learn where it is 1.4 or later (the committed ones: 1.9).

Each holds a model, inputs.csv, and expected.csv: the trainer's margins (raw_*) and predictions (out_*). `contributions`
holds XGBoost's pred_contribs as well. Run it in this folder; its output is committed.
"""
import json
import os
import sys

import numpy as np
from sklearn.ensemble import (ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor,
                              HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = os.path.dirname(os.path.abspath(__file__))
try:
    import xgboost as xgb
except ImportError:  # only the newer sets of scikit-learn are made
    xgb = None

sys.path.insert(0, os.path.join(HERE, "..", "..", "models"))
from export_sklearn_trees import VERSION, export  # noqa: E402

FEATURES = 6


def data(rows, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(rows, FEATURES)) * 16) / 16
    x[:, 5] = rng.integers(0, 12, rows)
    y = x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + (x[:, 5] % 3) + 0.2 * rng.normal(size=rows)
    return x, y


def hard(x, thresholds, seed, special):
    """Rows on, beside and far from thresholds."""
    rng = np.random.default_rng(seed)
    rows = x[rng.integers(0, len(x), 60)].copy()
    for row in rows:
        for f in range(FEATURES):
            near = thresholds[f]
            if len(near) and rng.random() < 0.6:
                t = near[rng.integers(0, len(near))]
                row[f] = rng.choice([t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf),
                                     float(np.nextafter(np.float32(t), np.float32(np.inf)))])
            if special and rng.random() < 0.15:
                row[f] = rng.choice(special)
    return rows


def write(name, inputs, raw, out, extra=None):
    folder = os.path.join(HERE, "sets", name)
    os.makedirs(folder, exist_ok=True)
    cell = lambda v: "" if np.isnan(v) else repr(float(v))
    def table(path, header, rows):
        with open(os.path.join(folder, path), "w") as f:
            f.write(",".join(header) + "\n")
            f.writelines(",".join(cell(v) for v in row) + "\n" for row in rows)
    raw, out = (np.asarray(a, dtype=np.float64).reshape(len(inputs), -1) for a in (raw, out))
    table("inputs.csv", [f"f{i}" for i in range(FEATURES)], inputs)
    table("expected.csv", [f"raw_{i}" for i in range(raw.shape[1])] + [f"out_{i}" for i in range(out.shape[1])],
          np.hstack([raw, out]))
    if extra is not None:
        table("contributions.csv", [f"c{i}" for i in range(extra.shape[1])], extra.astype(np.float64))
    return folder


def xgboost_thresholds(booster):
    found = [set() for _ in range(FEATURES)]
    for tree in json.loads(booster.save_raw("json"))["learner"]["gradient_booster"].get("model", {}).get("trees", []):
        for left, f, t, kind in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"],
                                    tree["split_type"]):
            if left != -1 and kind == 0:
                found[f].add(t)
    return [sorted(s) for s in found]


def xgboost_set(name, seed, rounds=12, categorical=False, classes=0, contributions=False, **params):
    x, y = data(500, seed)
    objective = params["objective"]
    if objective.startswith("binary") or objective == "reg:logistic":
        y = (y > np.median(y)).astype(float)
    elif objective.startswith("multi"):
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])).astype(float)
        params["num_class"] = classes
    elif objective in ("count:poisson", "reg:gamma", "reg:tweedie"):
        y = np.round(np.exp(y / 3)) + (1 if objective == "reg:gamma" else 0)
    elif objective.startswith("rank"):
        y = np.digitize(y, np.quantile(y, [0.5, 0.8])).astype(float)
    train = x.copy()
    train[np.random.default_rng(seed).random(x.shape) < 0.05] = np.nan
    types = ["float"] * 5 + ["c"] if categorical else None
    matrix = xgb.DMatrix(train, y, feature_names=[f"f{i}" for i in range(FEATURES)], feature_types=types,
                         enable_categorical=categorical)
    if objective.startswith("rank"):
        matrix.set_group([10] * 50)
    booster = xgb.train({"nthread": 1, "seed": seed, "eta": 0.3, "max_depth": 4, **params}, matrix, rounds)
    special = [np.nan, 0.0, -0.0, 1e-40, 3e38, -3e38]
    inputs = np.vstack([x[:40], hard(x, xgboost_thresholds(booster), seed, special)])
    if categorical:
        inputs[:, 5] = np.abs(np.round(inputs[:, 5])) % 14
    test = xgb.DMatrix(inputs, feature_names=matrix.feature_names, feature_types=types, enable_categorical=categorical)
    if params.get("booster") == "dart":  # the README of the parity layout says why
        booster.feature_names = None
        raw = booster.inplace_predict(inputs.astype(np.float32), predict_type="margin", validate_features=False)
        out = booster.inplace_predict(inputs.astype(np.float32), validate_features=False)
    else:
        raw, out = booster.predict(test, output_margin=True), booster.predict(test)
    extra = None
    if contributions:
        extra = booster.predict(test, pred_contribs=True).reshape(len(inputs), -1)
    folder = write(name, inputs, raw, out, extra)
    for kind in ("json", "ubj"):
        booster.save_model(os.path.join(folder, f"model.{kind}"))


def export_linear(model, path):
    with open(path, "w") as f:
        json.dump({"format": "sklearn-export-1", "kind": "logistic_regression", "classes": model.classes_.tolist(),
                   "multi_class": getattr(model, "multi_class", "auto"), "coef": model.coef_.tolist(),
                   "intercept": model.intercept_.tolist(), "feature_names": [f"f{i}" for i in range(FEATURES)]}, f)
        f.write("\n")


def sklearn_set(name, model, seed, classes=0, raw=None, missing=False, special=None, gaps=False):
    x, y = data(400, seed)
    if gaps:  # categories that are not their own codes
        x[:, 5] = 7 * x[:, 5] + 3
    x = x.astype(np.float32).astype(np.float64)
    if classes:
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))
    elif "poisson" in str(getattr(model, "loss", "")):
        y = np.exp(y / 3)
    if missing:
        x[np.random.default_rng(seed).random(x.shape) < 0.05] = np.nan
    model.fit(x, y)
    inputs = np.vstack([x[:40], hard(x, [sorted(set(x[~np.isnan(x[:, f]), f])) for f in range(FEATURES)], seed,
                                     special or ([np.nan, 1e30, -1e30] if missing else [1e30, -1e30, 0.0]))])
    if gaps:
        inputs[40:, 5] = np.resize([3, 10, 10.5, 11, 17, 31, 80, -3, 1000, 45], 60)
    elif isinstance(getattr(model, "categorical_features", None), list):
        inputs[40:, 5] = np.arange(60) % 16  # some of them never seen
    out = model.predict_proba(inputs) if classes else model.predict(inputs)
    margins = out if raw is None else raw(model, inputs)
    folder = write(name, inputs, margins, out)
    path = os.path.join(folder, "model.json")
    if isinstance(model, LogisticRegression):
        export_linear(model, path)
    else:
        export(model, path, [f"f{i}" for i in range(FEATURES)])


def newer_sklearn_sets():
    """What scikit-learn 1.2 does not have: trees that take missing values, categories with codes of their own."""
    kw = dict(random_state=1)
    sklearn_set("sk_decision_tree_missing_unseen", DecisionTreeClassifier(max_depth=5, **kw), 41, classes=2,
                special=[np.nan, 1e30])
    sklearn_set("sk_random_forest_missing", RandomForestClassifier(6, max_depth=5, **kw), 42, classes=2, missing=True)
    if VERSION >= (1, 6):
        sklearn_set("sk_extra_trees_missing", ExtraTreesClassifier(6, max_depth=5, **kw), 43, classes=3, missing=True)
    sklearn_set("sk_hist_gb_categories_behind", HistGradientBoostingClassifier(
        max_iter=6, max_leaf_nodes=12, categorical_features=[5], **kw), 44, classes=2, raw=decision, missing=True,
        gaps=True)


def decision(model, x):
    return model.decision_function(x)


def main():
    if VERSION >= (1, 4):
        return newer_sklearn_sets()
    xgboost_set("xgb_binary_contributions", 1, objective="binary:logistic", tree_method="hist", contributions=True)
    xgboost_set("xgb_regression_base_contributions", 2, objective="reg:squarederror", tree_method="exact", base_score=1.7,
                max_depth=6, rounds=8, contributions=True)
    xgboost_set("xgb_softmax", 3, objective="multi:softmax", classes=3, rounds=5)
    xgboost_set("xgb_softprob_contributions", 4, objective="multi:softprob", classes=3, rounds=5, contributions=True)
    xgboost_set("xgb_logitraw", 5, objective="binary:logitraw", rounds=5, base_score=0.3)
    xgboost_set("xgb_hinge", 6, objective="binary:hinge", rounds=5)
    xgboost_set("xgb_gamma", 7, objective="reg:gamma", rounds=5, base_score=2.5)
    xgboost_set("xgb_tweedie", 8, objective="reg:tweedie", rounds=5)
    xgboost_set("xgb_rank", 9, objective="rank:pairwise", rounds=5)
    xgboost_set("xgb_dart_base", 10, objective="reg:squarederror", booster="dart", rate_drop=0.3, base_score=0.7,
                rounds=8)
    xgboost_set("xgb_gblinear_base", 11, objective="reg:squarederror", booster="gblinear", base_score=0.7, rounds=5)
    xgboost_set("xgb_lossguide_parallel", 12, objective="reg:logistic", tree_method="hist", grow_policy="lossguide",
                max_leaves=40, max_depth=0, num_parallel_tree=2, subsample=0.7, rounds=5, base_score=0.4)
    xgboost_set("xgb_categorical", 13, objective="binary:logistic", tree_method="hist", categorical=True,
                max_cat_to_onehot=1, rounds=6)
    kw = dict(random_state=1)
    sklearn_set("sk_random_forest_3", RandomForestClassifier(8, max_depth=6, **kw), 21, classes=3)
    sklearn_set("sk_random_forest_regressor", RandomForestRegressor(8, max_depth=7, **kw), 22)
    sklearn_set("sk_extra_trees", ExtraTreesClassifier(8, max_depth=6, **kw), 23, classes=2)
    sklearn_set("sk_decision_tree", DecisionTreeClassifier(max_depth=8, **kw), 24, classes=2)
    sklearn_set("sk_decision_tree_regressor", DecisionTreeRegressor(max_depth=8, **kw), 25)
    sklearn_set("sk_gradient_boosting_3", GradientBoostingClassifier(n_estimators=6, max_depth=3, **kw), 26, classes=3,
                raw=decision)
    sklearn_set("sk_gradient_boosting_exponential", GradientBoostingClassifier(
        n_estimators=6, max_depth=3, loss="exponential", **kw), 34, classes=2, raw=decision)
    sklearn_set("sk_gradient_boosting_regressor", GradientBoostingRegressor(n_estimators=10, max_depth=3, **kw), 27)
    sklearn_set("sk_hist_gb_3", HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=12, **kw), 28, classes=3,
                raw=decision, missing=True)
    sklearn_set("sk_hist_gb_poisson", HistGradientBoostingRegressor(max_iter=8, max_leaf_nodes=12, loss="poisson", **kw),
                29, raw=lambda m, x: m._raw_predict(x), missing=True)
    sklearn_set("sk_hist_gb_categorical", HistGradientBoostingClassifier(
        max_iter=6, max_leaf_nodes=12, categorical_features=[5], **kw), 30, classes=2, raw=decision, missing=True)
    for name, seed, classes, multi_class in (("sk_logistic", 31, 2, "auto"), ("sk_logistic_softmax", 32, 3, "multinomial"),
                                             ("sk_logistic_ovr", 33, 3, "ovr")):
        sklearn_set(name, LogisticRegression(multi_class=multi_class, max_iter=500, **kw), seed, classes=classes,
                    raw=decision)


if __name__ == "__main__":
    main()
