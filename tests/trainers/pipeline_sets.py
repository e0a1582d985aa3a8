# SPDX-License-Identifier: MIT
"""Fitted pipelines of scikit-learn as model files, with predict_proba of rows on and beside the numbers that they compare
with; sklearn_sets.py writes them beside its trees. A row that the trainer refuses has no number in expected.csv."""
import contextlib
import os
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (BaggingClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier,
                              RandomForestClassifier, StackingClassifier, VotingClassifier)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, RobustScaler,
                                   StandardScaler)
from sklearn.tree import DecisionTreeClassifier

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models"))
import export_sklearn  # noqa: E402
from common import data, with_gaps, write_set  # noqa: E402

VERSION = tuple(int(n) for n in sklearn.__version__.split(".")[:2])
NUMBERS, TEXT = ["a", "b", "c", "d"], "town"
TOWNS = ["Aba", "Bree", "Cork", "Delft", "Eger", "Füssen", "Gap"]
KW = {"random_state": 1}


def frame_of(seed, texts=object):
    x, y = data(seed)
    frame = pd.DataFrame(with_gaps(x[:, :4], seed), columns=NUMBERS)
    frame[TEXT] = pd.Series([TOWNS[int(code)] for code in x[:, 4]], dtype=texts)
    return frame, (y > np.median(y)).astype(int)


def hard_frame(frame, seed, count, texts=object):
    """Numbers of the training rows and one float beside, missing values, and towns that were not seen."""
    draw = np.random.RandomState(seed + 3)
    out = {}
    for name in NUMBERS:
        values = frame[name].to_numpy()[draw.randint(0, len(frame), count)]
        beside = [np.nextafter(values, -np.inf), values, np.nextafter(values, np.inf), np.full(count, np.nan),
                  values * 1e6]
        out[name] = np.choose(draw.choice(5, count, p=[.2, .4, .2, .1, .1]), beside)
    towns = [TOWNS[i] if i < len(TOWNS) else None if i == len(TOWNS) else "Zug" for i in draw.randint(0, 9, count)]
    out[TEXT] = pd.Series([np.nan if town is None else town for town in towns], dtype=texts)
    return pd.DataFrame(out)


def probability(model, frame):
    """Row by row: one that the trainer refuses is NaN."""
    out = np.full(len(frame), np.nan)
    for i in range(len(frame)):
        with contextlib.suppress(ValueError):
            out[i] = model.predict_proba(frame.iloc[i : i + 1])[0, 1]
    return out


def written(folder, name, model, seed, columns=(*NUMBERS, TEXT), texts=object, rows=16):
    frame, label = frame_of(seed, texts)
    model.fit(frame[list(columns)], label)
    document = export_sklearn.export(model, name=name, threshold=0.5, date="2026-01-01", checks=4, training_data={
        "file": "made_up.csv", "sha256": "0" * 64, "rows": len(frame)})
    live = hard_frame(frame, seed, rows, frame[TEXT].dtype)
    names = [f["name"] for kind in ("numeric", "text") for f in document["features"][kind]]
    cells = [[None if pd.isna(v) else v for v in row] for row in live[names].astype(object).itertuples(index=False)]
    write_set(os.path.join(folder, f"pipeline_{name}"), names, cells, [], probability(model, live[list(columns)]),
              {"model.json": export_sklearn.to_text(document) + "\n"},
              {"trainer": "scikit-learn", "version": sklearn.__version__})


def main(folder):
    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    logistic = LogisticRegression(max_iter=2000)
    written(folder, "columns", make_pipeline(
        ColumnTransformer([("n", filled, NUMBERS), ("t", one_hot, [TEXT])]), logistic), 40)
    written(folder, "options", make_pipeline(
        ColumnTransformer([
            ("t", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20, drop="first"), [TEXT]),
            ("n", SimpleImputer(add_indicator=True), ["c", "a"])],
            remainder=make_pipeline(SimpleImputer(strategy="most_frequent"), RobustScaler()), sparse_threshold=0),
        StandardScaler(), logistic), 41)
    written(folder, "refusing", make_pipeline(
        ColumnTransformer([("t", OneHotEncoder(handle_unknown="error"), [TEXT])], remainder="passthrough"),
        SimpleImputer(), GradientBoostingClassifier(n_estimators=3, max_depth=2, **KW)), 42)
    bins = KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform", subsample=None)
    written(folder, "union", make_pipeline(SimpleImputer(), FeatureUnion([
        ("bins", bins), ("powers", make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler()))]), logistic),
        43, columns=NUMBERS)
    codes = ColumnTransformer([
        ("t", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), [TEXT])],
        remainder=SimpleImputer())
    forest = RandomForestClassifier(2, max_depth=3, **KW)
    for method in ("isotonic", "sigmoid"):
        written(folder, f"calibrated_{method}", CalibratedClassifierCV(
            make_pipeline(codes, forest), method=method, cv=2), 44)
    hist = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=5, min_samples_leaf=5, **KW)
    tree = DecisionTreeClassifier(max_depth=3, **KW)
    models = [("l", make_pipeline(filled, logistic)), ("h", hist), ("t", make_pipeline(SimpleImputer(), tree))]
    written(folder, "voting", VotingClassifier(models, voting="soft", weights=[1, 2.5, 0.3]), 45, columns=NUMBERS)
    written(folder, "stacking", StackingClassifier(models, logistic, cv=2), 46, columns=NUMBERS)
    written(folder, "bagging", make_pipeline(SimpleImputer(), BaggingClassifier(
        tree, n_estimators=3, max_features=2, max_samples=0.7, **KW)), 47, columns=NUMBERS)
    places = ColumnTransformer([
        ("n", "passthrough", NUMBERS),
        ("t", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), [TEXT])])
    categories = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=6, min_samples_leaf=5,
                                                categorical_features=[4], **KW)
    written(folder, "hist_categories", make_pipeline(places, categories), 48)
    if VERSION >= (1, 4):
        by_type = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=6, min_samples_leaf=5,
                                                 categorical_features="from_dtype", **KW)
        written(folder, "hist_dtype", by_type, 49, texts=pd.CategoricalDtype(TOWNS))
