#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes parity folders of what tests/trainers does not have: XGBoost's contributions and linear models (Debian's
python3-xgboost and python3-sklearn), and trees of scikit-learn 1.4 or later that meet gaps or categories unseen in training.

Each holds a model, inputs.csv, and expected.csv: the trainer's margins (raw_*) and predictions (out_*). contributions.csv
holds XGBoost's pred_contribs. Run it in this folder; its output is committed.
"""
import json
import os
import sys

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

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
    for tree in json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]:
        for left, f, t in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1:
                found[f].add(t)
    return [sorted(s) for s in found]


def xgboost_set(name, seed, rounds, classes=0, **params):
    x, y = data(500, seed)
    if params["objective"].startswith("binary"):
        y = (y > np.median(y)).astype(float)
    elif classes:
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])).astype(float)
        params["num_class"] = classes
    train = x.copy()
    train[np.random.default_rng(seed).random(x.shape) < 0.05] = np.nan
    names = [f"f{i}" for i in range(FEATURES)]
    booster = xgb.train({"nthread": 1, "seed": seed, "eta": 0.3, "max_depth": 4, **params},
                        xgb.DMatrix(train, y, feature_names=names), rounds)
    special = [np.nan, 0.0, -0.0, 1e-40, 3e38, -3e38]
    inputs = np.vstack([x[:40], hard(x, xgboost_thresholds(booster), seed, special)])
    test = xgb.DMatrix(inputs, feature_names=names)
    contributions = booster.predict(test, pred_contribs=True).reshape(len(inputs), -1)
    folder = write(name, inputs, booster.predict(test, output_margin=True), booster.predict(test), contributions)
    for kind in ("json", "ubj"):
        booster.save_model(os.path.join(folder, f"model.{kind}"))


def export_linear(model, path):
    with open(path, "w") as f:
        json.dump({"format": "sklearn-export-1", "kind": "logistic_regression", "classes": model.classes_.tolist(),
                   "multi_class": getattr(model, "multi_class", "auto"), "coef": model.coef_.tolist(),
                   "intercept": model.intercept_.tolist(), "feature_names": [f"f{i}" for i in range(FEATURES)]}, f)
        f.write("\n")


def sklearn_set(name, model, seed, classes, raw=None, missing=False, special=None, gaps=False):
    x, y = data(400, seed)
    if gaps:  # categories that are not their own codes
        x[:, 5] = 7 * x[:, 5] + 3
    x = x.astype(np.float32).astype(np.float64)
    y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))
    if missing:
        x[np.random.default_rng(seed).random(x.shape) < 0.05] = np.nan
    model.fit(x, y)
    inputs = np.vstack([x[:40], hard(x, [sorted(set(x[~np.isnan(x[:, f]), f])) for f in range(FEATURES)], seed,
                                     special or ([np.nan, 1e30, -1e30] if missing else [1e30, -1e30, 0.0]))])
    if gaps:
        inputs[40:, 5] = np.resize([3, 10, 10.5, 11, 17, 31, 80, -3, 1000, 45], 60)
    out = model.predict_proba(inputs)
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
    sklearn_set("sk_hist_gb_categories_behind", HistGradientBoostingClassifier(
        max_iter=6, max_leaf_nodes=12, categorical_features=[5], **kw), 44, classes=2, raw=decision, missing=True,
        gaps=True)


def decision(model, x):
    return model.decision_function(x)


def main():
    if VERSION >= (1, 4):
        return newer_sklearn_sets()
    xgboost_set("xgb_binary_contributions", 1, 12, objective="binary:logistic", tree_method="hist")
    xgboost_set("xgb_regression_base_contributions", 2, 8, objective="reg:squarederror", tree_method="exact", base_score=1.7,
                max_depth=6)
    xgboost_set("xgb_softprob_contributions", 4, 5, objective="multi:softprob", classes=3)
    for name, seed, classes, multi_class in (("sk_logistic", 31, 2, "auto"), ("sk_logistic_softmax", 32, 3, "multinomial"),
                                             ("sk_logistic_ovr", 33, 3, "ovr")):
        sklearn_set(name, LogisticRegression(multi_class=multi_class, max_iter=500, random_state=1), seed, classes=classes,
                    raw=decision)


if __name__ == "__main__":
    main()
