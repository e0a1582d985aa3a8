#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes parity folders of one XGBoost version: make_xgboost.py FOLDER [NAME...], with the XGBoost that is installed.

They are what tests/trainers does not have: XGBoost 1.0 and 1.3, and early stopping and vector leaves in more settings.
Their names hold the version: xgb34_early_vector. Expected numbers are those of the scikit-learn interface where it is
used, else of the Booster that was loaded from the file.
"""
import json
import os
import sys

import numpy as np
import xgboost as xgb

FEATURES = 5
VERSION = tuple(int(v) for v in xgb.__version__.split(".")[:2])
OUT = sys.argv[1]
WANTED = sys.argv[2:]


def data(seed, rows=240):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(rows, FEATURES)) * 8) / 8
    x[:, 4] = rng.integers(0, 9, rows)
    y = x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + (x[:, 4] % 3) + 0.2 * rng.normal(size=rows)
    return x, y


def with_holes(x, seed):
    x = x.copy()
    x[np.random.default_rng(seed).random(x.shape) < 0.08] = np.nan
    return x


def thresholds(document):
    booster = document["learner"]["gradient_booster"]
    trees = booster.get("gbtree", booster).get("model", {}).get("trees", [])
    found = [{0.0} for _ in range(FEATURES)]
    for tree in trees:
        for left, f, t in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1:
                found[f].add(float(np.float32(t)))
    return [sorted(s) for s in found]


def rows_near(x, document, seed, missing=np.nan):
    """Rows of the data, then ones on and one float beside thresholds, some missing."""
    rng = np.random.default_rng(seed)
    near = thresholds(document)
    hard = x[rng.integers(0, len(x), 40)].copy()
    for row in hard:
        for f in range(FEATURES):
            if rng.random() < 0.6:
                t = np.float32(rng.choice(near[f]))
                row[f] = rng.choice([t, np.nextafter(t, np.float32(-np.inf)), np.nextafter(t, np.float32(np.inf))])
            if rng.random() < 0.15:
                row[f] = missing
    return np.vstack([x[:20], hard]).astype(np.float32).astype(np.float64)


def table(path, prefixes, blocks):
    names = [f"{p}{i}" for p, b in zip(prefixes, blocks) for i in range(b.shape[1])]
    with open(path, "w") as f:
        f.write(",".join(names) + "\n")
        for row in np.hstack(blocks):
            f.write(",".join("" if np.isnan(v) else repr(float(v)) for v in row) + "\n")


def columns(a, rows):
    return np.asarray(a, np.float64).reshape(rows, -1)


def write(name, booster, inputs, raw, out, **about):
    folder = os.path.join(OUT, f"xgb{VERSION[0]}{VERSION[1]}_{name}")
    os.makedirs(folder, exist_ok=True)
    booster.save_model(os.path.join(folder, "model.json"))
    if VERSION >= (1, 6):
        booster.save_model(os.path.join(folder, "model.ubj"))
    table(os.path.join(folder, "inputs.csv"), ["f"], [inputs])
    table(os.path.join(folder, "expected.csv"), ["raw_", "out_"],
          [columns(raw, len(inputs)), columns(out, len(inputs))])
    with open(os.path.join(folder, "meta.json"), "w") as f:
        json.dump({"framework": "xgboost", "version": xgb.__version__, **about}, f, indent=1)
        f.write("\n")


def document(booster):
    if hasattr(booster, "save_raw") and VERSION >= (1, 6):
        return json.loads(booster.save_raw("json"))
    path = os.path.join(OUT, "document.json")
    booster.save_model(path)
    with open(path) as f:
        found = json.load(f)
    os.remove(path)
    return found


def reloaded(booster):
    path = os.path.join(OUT, "reloaded.json")
    booster.save_model(path)
    again = xgb.Booster(model_file=path)
    os.remove(path)
    return again


def target(objective, y, classes=0):
    if objective.startswith("binary"):
        return (y > np.median(y)).astype(float)
    if objective.startswith("multi"):
        return np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])).astype(float)
    if objective.startswith("rank"):
        return np.digitize(y, np.quantile(y, [0.5, 0.8])).astype(float)
    return y


def trained(name, seed, objective, rounds=6, classes=0, **params):
    """A Booster from xgb.train; expected: what it predicts once loaded again."""
    if WANTED and name not in WANTED:
        return
    x, y = data(seed)
    y = target(objective, y, classes)
    if classes:
        params["num_class"] = classes
    train = xgb.DMatrix(with_holes(x, seed), y)
    params = {"objective": objective, "nthread": 1, "seed": seed, "eta": 0.3, "max_depth": 3, **params}
    booster = reloaded(xgb.train(params, train, rounds))
    inputs = rows_near(x, document(booster), seed)
    if params.get("booster") == "dart" and (1, 4) <= VERSION < (3, 3):  # as the scikit-learn interface does
        raw = booster.inplace_predict(inputs.astype(np.float32), predict_type="margin")
        out = booster.inplace_predict(inputs.astype(np.float32))
    else:
        test = xgb.DMatrix(inputs)
        raw, out = booster.predict(test, output_margin=True), booster.predict(test)
    write(name, booster, inputs, raw, out, params={k: str(v) for k, v in params.items()})


def estimator(name, seed, model, classes=0, fit=None, missing=np.nan):
    """A scikit-learn estimator; expected: what it predicts once loaded again."""
    if WANTED and name not in WANTED:
        return
    x, y = data(seed)
    kind = type(model).__name__
    objective = "rank:pairwise" if kind == "XGBRanker" else "reg:" if not classes else "multi:" if classes > 2 else "binary:"
    y = target(objective, y, classes)
    x = with_holes(x, seed)
    if not np.isnan(missing):
        x = np.where(np.isnan(x), missing, x)
    half = len(x) // 2
    more = {}
    if fit == "early":
        more = {"eval_set": [(x[half:], np.roll(y[half:], 3))], "verbose": False}
        if VERSION < (1, 6):
            more["early_stopping_rounds"] = 4
    if kind == "XGBRanker":
        more.update(group=[10] * (half // 10), **({"eval_group": [[10] * (half // 10)]} if fit == "early" else {}))
    model.fit(x[:half], y[:half], **more)
    path = os.path.join(OUT, "estimator.json")
    model.save_model(path)
    again = type(model)(missing=missing)
    if VERSION < (1, 6):
        again = model
    again.load_model(path)
    os.remove(path)
    booster = model.get_booster()
    inputs = rows_near(x, document(booster), seed, missing)
    raw = again.predict(inputs, output_margin=True)
    out = again.predict_proba(inputs) if hasattr(again, "predict_proba") else again.predict(inputs)
    if classes == 2:
        out = out[:, 1]
    best = getattr(booster, "best_iteration", None) if fit == "early" else None
    write(name, model, inputs, raw, out, best_iteration=best, rounds=booster.num_boosted_rounds()
          if hasattr(booster, "num_boosted_rounds") else None, missing=None if np.isnan(missing) else missing)


def category_names(name, seed):
    """Texts and numbers as categories; inputs.csv has them as they are."""
    if WANTED and name not in WANTED:
        return
    import pandas as pd

    rng = np.random.default_rng(seed)
    n = 200
    odd = "\u00fc" if VERSION >= (3, 4) else "u"  # before, XGBoost cut names that are not ASCII
    frame = pd.DataFrame({
        "town": pd.Categorical(rng.choice(["Ulm", "Bonn", "Jena"], n), categories=["Ulm", "Bonn", "Jena"]),
        "x": np.round(rng.normal(size=n), 2), "code": pd.Categorical(rng.choice([10, -7, 30], n)),
        "street": pd.Categorical(rng.choice(["A B", odd], n)), "y": np.round(rng.normal(size=n), 2)})
    label = ((frame.town == "Bonn") ^ (frame.x > 0) ^ (frame.code == 10) ^ (frame.street == odd)).astype(int)
    for step, column in ((7, "town"), (11, "x"), (13, "code"), (9, "street")):
        frame.loc[::step, column] = np.nan
    model = xgb.XGBClassifier(n_estimators=4, max_depth=4, learning_rate=0.6, max_cat_to_onehot=1, n_jobs=1,
                              enable_categorical=True)
    model.fit(frame, label)
    rows = frame.iloc[:60]
    write(name, model, np.zeros((len(rows), 5)), model.predict(rows, output_margin=True), model.predict_proba(rows)[:, 1])
    rows.to_csv(os.path.join(OUT, f"xgb{VERSION[0]}{VERSION[1]}_{name}", "inputs.csv"), index=False)


def main():
    trained("logitraw_base", 102, "binary:logitraw", base_score=0.3)
    trained("dart", 107, "binary:logistic", booster="dart", rate_drop=0.4, rounds=8, base_score=0.7)
    trained("dart_forest", 108, "multi:softprob", classes=3, booster="dart", rate_drop=0.4, rounds=6,
            normalize_type="forest", one_drop=True)
    trained("no_rounds_classes", 114, "multi:softprob", classes=3, rounds=0)
    if VERSION >= (2, 0):
        trained("vector_leaves_softprob", 118, "multi:softprob", classes=4, multi_strategy="multi_output_tree",
                tree_method="hist", rounds=4, num_parallel_tree=2)
    if VERSION >= (3, 4):
        trained("quantiles_vector", 121, "reg:quantileerror", quantile_alpha=np.array([0.1, 0.5, 0.9]), rounds=5,
                multi_strategy="multi_output_tree", tree_method="hist")

    early = {"early_stopping_rounds": 4} if VERSION >= (1, 6) else {}
    common = {"learning_rate": 0.5, "max_depth": 3, "n_jobs": 1, "n_estimators": 30}
    if VERSION >= (3, 1):
        category_names("category_names", 130)
    estimator("early", 131, xgb.XGBClassifier(**common, **early), classes=2, fit="early")
    estimator("early_regressor", 132, xgb.XGBRegressor(**common, **early), fit="early")
    estimator("early_classes_parallel", 133, xgb.XGBClassifier(**common, **early, num_parallel_tree=3, subsample=0.6),
              classes=3, fit="early")
    estimator("early_linear", 135, xgb.XGBRegressor(n_estimators=8, booster="gblinear", n_jobs=1, **early), fit="early")
    estimator("early_ranker", 136, xgb.XGBRanker(**common, **early), fit="early")
    estimator("missing_zero", 139, xgb.XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1, missing=0.0), missing=0.0)
    if VERSION >= (2, 0):
        estimator("early_vector", 140, xgb.XGBClassifier(**common, **early, multi_strategy="multi_output_tree"),
                  classes=3, fit="early")


if __name__ == "__main__":
    main()
