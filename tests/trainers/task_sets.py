# SPDX-License-Identifier: MIT
"""Fitted pipelines of every task as model files, with the trainer's numbers for rows on and beside the numbers that they
compare with; the trainers' scripts write them beside their other sets. A row that the trainer refuses has no numbers in
expected.csv."""
import contextlib
import os
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (GradientBoostingClassifier, HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              IsolationForest, RandomForestClassifier, RandomForestRegressor)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models"))
import export_sklearn  # noqa: E402
from common import classes_of, data, with_gaps, write_set  # noqa: E402
from pipeline_sets import KW, NUMBERS, TEXT, TOWNS, hard_frame  # noqa: E402


def written(folder, name, model, target, seed, prepared=True, trainer=None, rows=16, **options):
    """`target`: of the numbers that common.data() gives."""
    x, y = data(seed)
    frame = pd.DataFrame(with_gaps(x[:, :4], seed), columns=NUMBERS)
    frame[TEXT] = pd.Series([TOWNS[int(code)] for code in x[:, 4]], dtype=object)
    if prepared:
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        model = make_pipeline(ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
                                                 ("t", one_hot, [TEXT])]), model)
    columns = [*NUMBERS, TEXT] if prepared else NUMBERS
    model.fit(frame[columns], None if target is None else target(y))
    document = export_sklearn.export(model, name=name, date="2026-01-01", checks=4, **options, training_data={
        "file": "made_up.csv", "sha256": "0" * 64, "rows": len(frame)})
    live = hard_frame(frame, seed, rows)
    names = [f["name"] for kind in ("numeric", "text") for f in document["features"][kind]]
    cells = [[None if pd.isna(v) else v for v in row] for row in live[names].astype(object).itertuples(index=False)]
    outputs = document["outputs"]
    method = "predict"
    if outputs["task"] == "multiclass":
        method = "predict_proba" if outputs.get("probabilities", True) else "decision_function"
    elif outputs["task"] == "anomaly":
        method = "decision_function"
    made = []
    for i in range(len(live)):
        with contextlib.suppress(ValueError):
            made.append((i, np.ravel(getattr(model, method)(live[columns].iloc[i : i + 1]))))
    expected = np.full((len(live), len(made[0][1])), np.nan)
    for i, numbers in made:
        expected[i] = numbers if np.isfinite(numbers).all() else np.nan
    meta = trainer or {"trainer": "scikit-learn", "version": sklearn.__version__}
    write_set(os.path.join(folder, f"pipeline_{name}"), names, cells, [], expected,
              {"model.json": export_sklearn.to_text(document) + "\n"}, meta)


def three(y):
    return np.array(["high", "low", "mid"], dtype=object)[classes_of(y, 3)]


def two_targets(y):
    return np.column_stack([y, 1 - 2 * y])


def positive(y):
    return np.exp(y / 3) + 0.1


def main(folder):
    logistic = LogisticRegression(max_iter=2000)
    written(folder, "task_classes", logistic, three, 70)
    forest = RandomForestClassifier(2, max_depth=3, **KW)
    written(folder, "task_classes_forest", forest, lambda y: classes_of(y, 4), 71)
    written(folder, "task_classes_boosting", GradientBoostingClassifier(n_estimators=2, max_depth=2, **KW), three, 72)
    hist = {"max_iter": 2, "max_leaf_nodes": 5, "min_samples_leaf": 5, **KW}
    written(folder, "task_classes_hist", HistGradientBoostingClassifier(**hist), three, 73, prepared=False)
    written(folder, "task_classes_calibrated", CalibratedClassifierCV(forest, method="isotonic", cv=2), three, 74)
    written(folder, "task_classes_decision", LinearSVC(C=0.01, **KW), three, 75)
    written(folder, "task_targets", LinearRegression(), two_targets, 76, target_names=["up", "down"])
    written(folder, "task_targets_forest", RandomForestRegressor(2, max_depth=3, **KW), two_targets, 77)
    written(folder, "task_poisson", PoissonRegressor(), positive, 78)
    written(folder, "task_logarithm", TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp), positive, 79)
    written(folder, "task_anomaly", make_pipeline(SimpleImputer(), IsolationForest(
        n_estimators=4, max_samples=40, max_features=0.6, contamination=0.1, **KW)), None, 80, prepared=False)
    if hasattr(HistGradientBoostingRegressor(), "quantile"):
        written(folder, "task_quantile", HistGradientBoostingRegressor(loss="quantile", quantile=0.9, **hist),
                lambda y: y, 81, prepared=False)
