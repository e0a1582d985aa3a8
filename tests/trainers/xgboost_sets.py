# SPDX-License-Identifier: MIT
"""Writes the parity sets of the XGBoost that runs this into a folder: xgboost_sets.py FOLDER."""
import json
import os
import sys

import numpy as np
import pandas as pd
import xgboost as xgb

import task_sets
from common import FEATURES, classes_of, data, hard_rows, with_gaps, write_set

VERSION = tuple(int(n) for n in xgb.__version__.split(".")[:2])
BASE = {"nthread": 1, "max_depth": 2, "eta": 0.3, "verbosity": 0, "tree_method": "hist"}
SPECIAL = [np.nan, 0.0, -0.0, 5e-324, 1e-40, 1e-35, 3e38, -3e38]


def target(objective, y, classes):
    if objective in ("binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic"):
        return (y > np.median(y)).astype(float)
    if objective.startswith(("multi:", "rank:")):
        return classes_of(y, classes or (2 if objective == "rank:map" else 3)).astype(float)
    if objective in ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft", "reg:squaredlogerror"):
        return np.round(np.exp(y / 3)) + 1
    return y


def thresholds(booster):
    found = [set() for _ in FEATURES]
    learner = json.loads(booster.save_raw("json"))["learner"]
    trees = learner["gradient_booster"]
    trees = trees.get("gbtree", trees).get("model", {}).get("trees", [])
    for tree in trees:
        for left, f, t, kind in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"],
                                    tree["split_type"]):
            if left != -1 and kind == 0:
                found[f].add(float(np.float32(t)))
    return [sorted(s) for s in found]


def save(folder, name, booster, names, rows, given, raw=None, out=None, ubjson=False, note=None):
    """The numbers are those of the booster that XGBoost loads from the file."""
    content = booster.save_raw("json")
    loaded = xgb.Booster({"nthread": 1})
    loaded.load_model(bytearray(content))
    loaded.set_param({"nthread": 1})
    meta = {"trainer": "XGBoost", "version": xgb.__version__}
    if note:
        meta["note"] = note
    model = {"model.json": bytes(content)}
    if ubjson:
        model["model.ubj"] = bytes(booster.save_raw("ubj"))
    write_set(os.path.join(folder, name), names, rows,
              loaded.predict(given, output_margin=True) if raw is None else raw,
              loaded.predict(given) if out is None else out, model, meta)


def numbers(folder, name, seed, objective, rounds=2, classes=0, gaps=True, codes=False, rows=12, labels=None,
            ubjson=False, **params):
    x, y = data(seed)
    label = target(objective, y, classes) if labels is None else labels(y)
    train = with_gaps(x, seed) if gaps else x
    params = {**BASE, "seed": seed, "objective": objective, **params}
    if classes:
        params["num_class"] = classes
    kinds = ["q"] * 4 + ["c" if codes else "q"]
    more = {"feature_names": FEATURES, "feature_types": kinds, "enable_categorical": codes}
    if objective == "survival:aft":
        table = xgb.DMatrix(train, label_lower_bound=label, label_upper_bound=label + 1, **more)
    elif objective.startswith("rank:"):
        table = xgb.DMatrix(train, label, qid=np.repeat(np.arange(len(x) // 10), 10), **more)
    else:
        table = xgb.DMatrix(train, label, **more)
    booster = xgb.train(params, table, rounds)
    inputs = np.vstack([train[:rows // 2], hard_rows(x, thresholds(booster), seed, rows, special=SPECIAL)])
    if codes:  # what a DMatrix takes; negative and fractional codes are refused
        inputs[:, 4] = np.random.RandomState(seed).choice([*range(7), np.nan], len(inputs))
    if params.get("booster") == "dart":  # as the scikit-learn interface predicts; a DMatrix adds in another order
        save(folder, name, booster, FEATURES, inputs, None, booster.inplace_predict(inputs, predict_type="margin"),
             booster.inplace_predict(inputs), ubjson=ubjson)
    else:
        save(folder, name, booster, FEATURES, inputs, xgb.DMatrix(inputs, **more), ubjson=ubjson)


def category_names(folder, name, seed, values, objective="binary:logistic", **params):
    """A pandas column of categories: XGBoost 3.1 and later keep their names; earlier ones the codes."""
    x, y = data(seed)
    train = with_gaps(x, seed)
    kind = pd.CategoricalDtype(values)

    def frame(block, names):
        out = pd.DataFrame(block[:, :4], columns=FEATURES[:4])
        out.insert(2, "e", pd.Series(pd.Categorical(names, dtype=kind)))
        return out

    column = [values[int(c) % len(values)] for c in x[:, 4]]
    whole = frame(train, column)
    booster = xgb.train({**BASE, "objective": objective, "max_cat_to_onehot": 2, **params},
                        xgb.DMatrix(whole, target(objective, y, 0), enable_categorical=True), 3)
    block = np.vstack([train[:8], hard_rows(x, [[]] * 5, seed, 12, special=SPECIAL)])
    names = [*column[:8], *(values[i % len(values)] for i in range(10)), None, None]
    shown = names if VERSION >= (3, 1) else [None if n is None else float(values.index(n)) for n in names]
    rows = [[*line[:2], n if n is None or isinstance(n, str) else float(n), *line[2:4]]
            for line, n in zip(block.tolist(), shown)]
    save(folder, name, booster, ["a", "b", "e", "c", "d"], rows,
         xgb.DMatrix(frame(block, names), enable_categorical=True))


def early_stopped(folder, name, seed, classes=2, **params):
    """The numbers of the scikit-learn interface: the first best_iteration + 1 rounds."""
    x, y = data(seed)
    label = classes_of(y, classes)
    for state in range(20):  # until one stops early
        model = xgb.XGBClassifier(n_estimators=6, max_depth=2, learning_rate=0.9, early_stopping_rounds=2, n_jobs=1,
                                  random_state=state, subsample=0.5, tree_method="hist", **params)
        model.fit(x[:80], label[:80], eval_set=[(x[80:], label[80:])], verbose=False)
        if 0 < model.best_iteration < model.get_booster().num_boosted_rounds() - 1:
            break
    else:
        raise AssertionError("no training stopped early")
    inputs = np.vstack([x[:8], hard_rows(x, thresholds(model.get_booster()), seed, 12, special=SPECIAL)])
    raw = model.predict(inputs, output_margin=True)
    out = model.predict_proba(inputs)
    save(folder, name, model.get_booster(), FEATURES, inputs, None, raw, out[:, 1] if classes == 2 else out)


def sentinel(folder, name, seed, missing):
    """A number that means missing: XGBoost 1.x writes it into the file, so that the loader must heed it."""
    x, y = data(seed)
    x[np.random.RandomState(seed).uniform(size=x.shape) < 0.2] = missing
    model = xgb.XGBClassifier(n_estimators=3, max_depth=2, missing=missing, n_jobs=1, tree_method="hist")
    model.fit(x, (y > np.median(y)).astype(int))
    inputs = np.vstack([x[:16], np.where(np.isnan(x[16:20]), 0, x[16:20])])
    path = os.path.join(folder, name + ".json")
    os.makedirs(folder, exist_ok=True)
    model.save_model(path)
    with open(path, "rb") as f:
        content = f.read()
    os.remove(path)
    write_set(os.path.join(folder, name), FEATURES, inputs, model.predict(inputs, output_margin=True),
              model.predict_proba(inputs)[:, 1], {"model.json": content},
              {"trainer": "XGBoost", "version": xgb.__version__, "missing": missing})


def main(folder):
    numbers(folder, "logistic", 10, "binary:logistic", rounds=4, ubjson=True)
    numbers(folder, "squared", 11, "reg:squarederror", ubjson=True, base_score=3.7)
    others = ["reg:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "reg:gamma", "reg:tweedie",
              "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "survival:cox", "survival:aft",
              "rank:pairwise", "rank:ndcg", "rank:map"]
    for i, objective in enumerate(others):
        numbers(folder, objective.replace(":", "_"), 20 + i, objective, rounds=2, rows=8)
    numbers(folder, "softprob", 40, "multi:softprob", rounds=2, classes=3)
    numbers(folder, "softmax", 41, "multi:softmax", rounds=2, classes=3, rows=8)
    numbers(folder, "base_score", 42, "binary:logistic", base_score=0.2, scale_pos_weight=2)
    numbers(folder, "dart", 43, "binary:logistic", booster="dart", rate_drop=0.5, one_drop=1, rounds=4, ubjson=True)
    numbers(folder, "dart_base", 44, "reg:squarederror", booster="dart", rate_drop=0.5, one_drop=1, base_score=2.5)
    numbers(folder, "gblinear", 45, "reg:squarederror", booster="gblinear", gaps=False, tree_method="auto",
            updater="coord_descent", base_score=1.5)
    numbers(folder, "gblinear_softprob", 46, "multi:softprob", booster="gblinear", classes=3, tree_method="auto",
            updater="coord_descent", rows=8)
    numbers(folder, "parallel", 47, "binary:logistic", num_parallel_tree=2, subsample=0.7, rounds=2)
    numbers(folder, "lossguide", 48, "binary:logistic", grow_policy="lossguide", max_leaves=5, max_bin=8)
    numbers(folder, "exact", 49, "binary:logistic", tree_method="exact")
    numbers(folder, "monotone", 50, "reg:squarederror", monotone_constraints="(1,-1,0,0,0)")
    numbers(folder, "no_rounds", 51, "binary:logistic", rounds=0, rows=4)
    numbers(folder, "codes_onehot", 52, "binary:logistic", codes=True, max_cat_to_onehot=20, rows=24)
    numbers(folder, "codes_partition", 53, "reg:squarederror", codes=True, max_cat_to_onehot=1, rows=24, ubjson=True)
    south = "süd" if VERSION >= (3, 4) else "south"  # 3.1 to 3.3 write names that are not ASCII wrongly
    category_names(folder, "category_texts", 54, ["north", south, "EAST", "west coast", "5", "nan", "\\"])
    category_names(folder, "category_numbers", 55, [30, 10, 20, -5, 7], objective="reg:squarederror")
    early_stopped(folder, "early_stopped", 56)
    early_stopped(folder, "early_stopped_classes", 57, classes=3)
    early_stopped(folder, "early_stopped_dart", 58, booster="dart", rate_drop=0.3)
    if VERSION < (2, 0):
        sentinel(folder, "sentinel", 59, -999.0)
    if VERSION >= (1, 7):
        numbers(folder, "two_targets", 60, "reg:squarederror", labels=lambda y: np.column_stack([y, -2 * y + 1]), rows=8)
    if VERSION >= (2, 0):
        numbers(folder, "quantile", 61, "reg:quantileerror", quantile_alpha=0.3)
        numbers(folder, "quantiles", 62, "reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9], rows=24)
        numbers(folder, "vector_leaves", 63, "reg:squarederror", multi_strategy="multi_output_tree",
                labels=lambda y: np.column_stack([y, -2 * y + 1]))
        numbers(folder, "vector_softprob", 64, "multi:softprob", classes=3, rounds=2,
                multi_strategy="multi_output_tree")
    if VERSION >= (3, 3):
        numbers(folder, "expectile", 65, "reg:expectileerror", expectile_alpha=[0.2, 0.5, 0.8])
    if VERSION >= (3, 0):
        numbers(folder, "single_target_vectors", 66, "binary:logistic", multi_strategy="multi_output_tree",
                labels=lambda y: np.column_stack([y > 0, y > 1]).astype(float), rows=8)
    pipelines(folder)


def pipelines(folder):
    few = {"n_estimators": 2, "max_depth": 2, "n_jobs": 1}
    trainer = {"trainer": "XGBoost", "version": xgb.__version__}
    task_sets.written(folder, "task_classes", xgb.XGBClassifier(**few), lambda y: classes_of(y, 3), 70, trainer=trainer,
                      class_names=["low", "mid", "high"])
    task_sets.written(folder, "task_poisson", xgb.XGBRegressor(objective="count:poisson", **few), task_sets.positive, 71,
                      trainer=trainer)
    task_sets.written(folder, "task_logarithm", task_sets.TransformedTargetRegressor(
        xgb.XGBRegressor(**few), func=np.log, inverse_func=np.exp, check_inverse=False), task_sets.positive, 72, trainer=trainer)
    if VERSION >= (2, 0):
        levels = {"objective": "reg:quantileerror", "quantile_alpha": np.array([0.1, 0.9])}
        task_sets.written(folder, "task_quantiles", xgb.XGBRegressor(**levels, **few), lambda y: y, 73, trainer=trainer)


if __name__ == "__main__":
    main(sys.argv[1])
