# SPDX-License-Identifier: MIT
"""Writes the parity sets of the scikit-learn that runs this into a folder: sklearn_sets.py FOLDER."""
import json
import os
import sys
import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier,
                              GradientBoostingRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              RandomForestClassifier, RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models"))
from common import FEATURES, classes_of, data, hard_rows, with_gaps, write_set  # noqa: E402
from export_sklearn_trees import export_dict  # noqa: E402

import pipeline_sets  # noqa: E402
import task_sets  # noqa: E402

VERSION = tuple(int(n) for n in sklearn.__version__.split(".")[:2])
KW = {"random_state": 1}


def thresholds(document):
    found = [set() for _ in FEATURES]

    def visit(node):
        if isinstance(node, list):
            for part in node:
                visit(part)
        elif "threshold" in node:
            left = node.get("left")
            for i, (f, t) in enumerate(zip(node["feature"], node["threshold"])):
                if f >= 0 and left[i] > 0 and not isinstance(t, str) and abs(t) < 1e300:
                    found[f].add(t)

    visit(document["trees"])
    return [sorted(s) for s in found]


def fitted(folder, name, model, seed, classes=0, decision=False, gaps=False, codes=False, rows=12, frame=False):
    x, y = data(seed)
    label = classes_of(y, classes) if classes else np.exp(y / 3) if "poisson" in str(getattr(model, "loss", "")) else y
    train = with_gaps(x, seed) if gaps else x
    named = (lambda block: pd.DataFrame(block, columns=FEATURES)) if frame else (lambda block: block)
    model.fit(named(train), label)
    document = export_dict(model, FEATURES)
    special = [np.nan, 0.0, -0.0, 1e30, -1e30] if gaps else [0.0, -0.0, 1e30, -1e30]
    inputs = np.vstack([train[:rows // 2], hard_rows(x, thresholds(document), seed, rows, special=special)])
    if codes:
        inputs[:, 4] = np.resize([0, 1, 2, 3, 4, 5, 6, 9, 12, np.nan], len(inputs))
    out = model.predict_proba(named(inputs)) if classes else model.predict(named(inputs))
    raw = out
    if decision:
        raw = model.decision_function(named(inputs))
    elif "poisson" in name:
        raw = model._raw_predict(inputs)  # of a regressor there is no public way to the margin
    write_set(os.path.join(folder, name), FEATURES, inputs, raw, out,
              {"model.json": json.dumps(document, allow_nan=False) + "\n"},
              {"trainer": "scikit-learn", "version": sklearn.__version__})


def main(folder):
    warnings.simplefilter("ignore")
    fitted(folder, "decision_tree", DecisionTreeClassifier(max_depth=4, **KW), 10, classes=2)
    fitted(folder, "decision_tree_3", DecisionTreeClassifier(max_depth=4, criterion="entropy", **KW), 11, classes=3)
    fitted(folder, "decision_tree_regressor", DecisionTreeRegressor(max_depth=4, **KW), 12)
    fitted(folder, "random_forest", RandomForestClassifier(3, max_depth=3, **KW), 13, classes=2)
    fitted(folder, "random_forest_3", RandomForestClassifier(3, max_depth=3, class_weight="balanced", **KW), 14,
           classes=3)
    fitted(folder, "random_forest_regressor", RandomForestRegressor(3, max_depth=3, **KW), 15)
    fitted(folder, "extra_trees", ExtraTreesClassifier(3, max_depth=3, **KW), 16, classes=2)
    fitted(folder, "extra_trees_regressor", ExtraTreesRegressor(3, max_depth=3, bootstrap=True, **KW), 17)
    boosted = {"max_depth": 2, "learning_rate": 0.3, **KW}
    fitted(folder, "gradient_boosting", GradientBoostingClassifier(n_estimators=4, **boosted), 18, classes=2,
           decision=True)
    fitted(folder, "gradient_boosting_3", GradientBoostingClassifier(n_estimators=2, subsample=0.7, **boosted), 19,
           classes=3, decision=True)
    fitted(folder, "gradient_boosting_exponential", GradientBoostingClassifier(
        n_estimators=3, loss="exponential", **boosted), 20, classes=2, decision=True)
    fitted(folder, "gradient_boosting_zero", GradientBoostingClassifier(n_estimators=3, init="zero", **boosted), 21,
           classes=2, decision=True)
    fitted(folder, "gradient_boosting_regressor", GradientBoostingRegressor(n_estimators=4, loss="huber", **boosted), 22)
    hist = {"max_iter": 3, "max_leaf_nodes": 6, "min_samples_leaf": 5, **KW}
    fitted(folder, "hist", HistGradientBoostingClassifier(**hist), 23, classes=2, decision=True, gaps=True, rows=16)
    fitted(folder, "hist_3", HistGradientBoostingClassifier(**{**hist, "max_iter": 2}), 24, classes=3, decision=True,
           gaps=True)
    fitted(folder, "hist_regressor", HistGradientBoostingRegressor(monotonic_cst=[1, -1, 0, 0, 0], **hist), 25,
           gaps=True)
    fitted(folder, "hist_absolute", HistGradientBoostingRegressor(loss="absolute_error", **hist), 26)
    fitted(folder, "hist_poisson", HistGradientBoostingRegressor(loss="poisson", **hist), 27, gaps=True)
    fitted(folder, "hist_categories", HistGradientBoostingClassifier(categorical_features=[4], **hist), 28, classes=2,
           decision=True, gaps=True, codes=True, rows=16)
    fitted(folder, "hist_categories_named", HistGradientBoostingRegressor(categorical_features=["e"], **hist), 29,
           gaps=True, codes=True, rows=16, frame=True)
    fitted(folder, "hist_stopped", HistGradientBoostingClassifier(**{
        **hist, "max_iter": 30, "early_stopping": True, "n_iter_no_change": 1, "learning_rate": 0.9}), 30, classes=2,
           decision=True)
    if VERSION >= (1, 3):
        fitted(folder, "decision_tree_missing", DecisionTreeClassifier(max_depth=4, **KW), 31, classes=2, gaps=True)
        fitted(folder, "decision_tree_missing_regressor", DecisionTreeRegressor(max_depth=4, **KW), 32, gaps=True)
    if VERSION >= (1, 4):
        fitted(folder, "random_forest_missing", RandomForestClassifier(3, max_depth=3, **KW), 33, classes=3, gaps=True)
        fitted(folder, "monotone", DecisionTreeClassifier(max_depth=4, monotonic_cst=[1, 0, 0, 0, 0], **KW), 34,
               classes=2)
    if VERSION >= (1, 6):
        fitted(folder, "extra_trees_missing", ExtraTreesClassifier(3, max_depth=3, **KW), 35, classes=2, gaps=True)


    pipeline_sets.main(folder)
    task_sets.main(folder)


if __name__ == "__main__":
    main(sys.argv[1])
