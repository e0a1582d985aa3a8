# SPDX-License-Identifier: MIT
"""Writes the parity sets of the LightGBM that runs this into a folder: lightgbm_sets.py FOLDER."""
import json
import os
import sys
import tempfile

import lightgbm as lgb
import numpy as np
import pandas as pd

import task_sets
from common import FEATURES, classes_of, data, hard_rows, with_gaps, write_set

BASE = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbose": -1, "num_leaves": 5,
        "learning_rate": 0.3, "min_data_in_leaf": 5}


def target(objective, y, classes):
    if objective in ("binary", "cross_entropy"):
        return (y > np.median(y)).astype(float)
    if objective in ("multiclass", "multiclassova", "lambdarank", "rank_xendcg"):
        return classes_of(y, classes or 3).astype(float)
    if objective in ("poisson", "gamma", "tweedie"):
        return np.round(np.exp(y / 3)) + (objective == "gamma")
    if objective == "cross_entropy_lambda":
        return np.clip(np.exp(y / 3) / 5, 0, 1)
    return y


def thresholds(booster):
    found = [set() for _ in range(booster.num_feature())]

    def visit(node):
        if "split_feature" in node:
            if node["decision_type"] == "<=":
                found[node["split_feature"]].add(node["threshold"])
            visit(node["left_child"])
            visit(node["right_child"])

    for tree in booster.dump_model()["tree_info"]:
        visit(tree["tree_structure"])
    return [sorted(t for t in s if abs(t) < 1e300) for s in found]


def shortened(text):
    """The text without the parameters of training that no reader of models looks at."""
    before, begin, rest = text.partition("\nparameters:\n")
    lines, end, after = rest.partition("\nend of parameters")
    kept = [line for line in lines.split("\n")
            if line.startswith(("[boosting: ", "[objective: ", "[linear_tree: ", "[categorical_feature: "))]
    return before + begin + "\n".join(kept) + "\n" + end + after


def save(folder, name, booster, names, rows, frame=None, note=None):
    """The numbers are those of the booster that LightGBM loads from the text."""
    text = shortened(booster.model_to_string())
    loaded = lgb.Booster(model_str=text)
    given = np.asarray(rows, dtype=float) if frame is None else frame
    meta = {"trainer": "LightGBM", "version": lgb.__version__}
    if note:
        meta["note"] = note
    write_set(os.path.join(folder, name), names, rows, loaded.predict(given, raw_score=True), loaded.predict(given),
              {"model.txt": text}, meta)


def numbers(folder, name, seed, objective, rounds=3, classes=0, gaps=True, zeros=0.0, codes=False, rows=16, note=None,
            infinite=False, **params):
    """`infinite`: in some training rows, of which linear leaves get constants that are NaN."""
    x, y = data(seed)
    if objective == "custom":
        label = y
    else:
        label = target(objective, y, classes)
    x[:, :4][np.random.RandomState(seed).uniform(size=(len(x), 4)) < zeros] = 0.0
    train = with_gaps(x, seed) if gaps else x
    if infinite:
        train[3, 0] = np.inf
    params = {**BASE, "seed": seed, "objective": objective, **params}
    if classes and objective in ("multiclass", "multiclassova"):
        params["num_class"] = classes
    groups = [10] * (len(x) // 10) if objective in ("lambdarank", "rank_xendcg") else None
    table = lgb.Dataset(train, label, group=groups, feature_name=FEATURES, categorical_feature=[4] if codes else "auto",
                        params={k: v for k, v in params.items() if k != "objective"})
    if objective == "custom":
        def squares(prediction, data_set):
            return prediction - data_set.get_label(), np.ones(len(prediction))
        if int(lgb.__version__.split(".")[0]) >= 4:
            booster = lgb.train({**params, "objective": squares}, table, rounds)
        else:
            params.pop("objective")
            booster = lgb.train(params, table, rounds, fobj=squares)
    else:
        booster = lgb.train(params, table, rounds)
    edges = [[]] * 5 if infinite else thresholds(booster)  # dump_model() writes -nan, which is not JSON
    inputs = np.vstack([train[:rows // 2], hard_rows(x, edges, seed, rows, codes=[4] if codes else [])])
    save(folder, name, booster, FEATURES, inputs, note=note)


def categories(folder, name, seed, values, objective="binary", **params):
    """A pandas column of categories, which the text keeps by name; unseen and missing ones in the rows."""
    x, y = data(seed)
    train = with_gaps(x, seed)
    kind = pd.CategoricalDtype(values)
    column = [values[int(c) % len(values)] for c in x[:, 4]]

    def frame(block, names):
        out = pd.DataFrame(block[:, :4], columns=FEATURES[:4])
        out.insert(2, "e", pd.Categorical(names, dtype=pd.CategoricalDtype([v for v in dict.fromkeys(names)
                                                                           if v is not None])))
        return out

    whole = frame(train, column)
    whole["e"] = whole["e"].cat.set_categories(values)
    assert whole["e"].dtype == kind
    booster = lgb.train({**BASE, "seed": seed, "objective": objective, "min_data_per_group": 5, "cat_smooth": 1,
                         "max_cat_to_onehot": 2, **params},
                        lgb.Dataset(whole, target(objective, y, 0)), 3)
    block = np.vstack([train[:8], hard_rows(x, thresholds(booster), seed, 12)])
    unseen = "no such" if isinstance(values[0], str) else 77
    names = [*column[:8], *(values[i % len(values)] for i in range(9)), unseen, None, None]
    rows = [[*line[:2], n if n is None or isinstance(n, str) else float(n), *line[2:4]]
            for line, n in zip(block.tolist(), names)]
    save(folder, name, booster, ["a", "b", "e", "c", "d"], rows, frame=frame(block, names))


def early_stopped(folder, name, seed):
    """save_model writes the rounds up to the best one, so that the text is what predict() uses."""
    x, y = data(seed)
    label = (y > np.median(y)).astype(int)
    stop = lgb.early_stopping(3, verbose=False)
    model = lgb.LGBMClassifier(n_estimators=40, num_leaves=6, min_child_samples=2, learning_rate=0.9, n_jobs=1,
                               random_state=seed, deterministic=True, force_row_wise=True, verbose=-1)
    model.fit(x[:80], label[:80], eval_set=[(x[80:], label[80:])], callbacks=[stop])
    booster = model.booster_
    assert model.best_iteration_ < 40
    inputs = np.vstack([x[:8], hard_rows(x, thresholds(booster), seed, 12)])
    text = shortened(booster.model_to_string())
    loaded = lgb.Booster(model_str=text)
    expected = loaded.predict(inputs)
    assert np.array_equal(expected, model.predict_proba(inputs)[:, 1])
    write_set(os.path.join(folder, name), booster.feature_name(), inputs, loaded.predict(inputs, raw_score=True), expected,
              {"model.txt": text}, {"trainer": "LightGBM", "version": lgb.__version__})


def forced(folder, name, seed):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump({"feature": 1, "threshold": 0.125, "left": {"feature": 3, "threshold": -0.25}}, f)
        f.flush()
        numbers(folder, name, seed, "regression", forcedsplits_filename=f.name)


def main(folder):
    for i, objective in enumerate(["binary", "regression", "regression_l1", "huber", "fair", "quantile", "mape",
                                   "poisson", "gamma", "tweedie", "cross_entropy", "cross_entropy_lambda",
                                   "lambdarank", "rank_xendcg", "custom"]):
        few = {} if i < 2 else {"rounds": 2, "rows": 8}
        numbers(folder, objective, 10 + i, objective, **few)
    numbers(folder, "binary_sigmoid", 30, "binary", sigmoid=0.7, max_bin=15, is_unbalance=True)
    numbers(folder, "regression_sqrt", 31, "regression", reg_sqrt=True)
    numbers(folder, "l1_sqrt", 32, "regression_l1", reg_sqrt=True, rows=8)
    numbers(folder, "multiclass", 33, "multiclass", classes=3, rounds=2)
    numbers(folder, "multiclassova", 34, "multiclassova", classes=3, rounds=2, sigmoid=1.3)
    numbers(folder, "dart", 35, "binary", boosting="dart", drop_rate=0.5, skip_drop=0.0, rounds=4)
    numbers(folder, "goss", 36, "regression", boosting="goss", top_rate=0.3, other_rate=0.2)
    bagged = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    numbers(folder, "forest_binary", 37, "binary", **bagged)
    numbers(folder, "forest_multiclass", 38, "multiclass", classes=3, rounds=2, **bagged)
    numbers(folder, "forest_regression", 39, "regression", **bagged)
    numbers(folder, "zero_as_missing", 40, "binary", zero_as_missing=True, zeros=0.3, rows=24)
    numbers(folder, "no_missing", 41, "binary", use_missing=False, zeros=0.2, rows=24)
    numbers(folder, "without_gaps", 42, "regression", gaps=False)
    numbers(folder, "codes", 43, "binary", codes=True, min_data_per_group=5, cat_smooth=1, max_cat_to_onehot=2, rows=24)
    numbers(folder, "codes_onehot", 44, "regression", codes=True, max_cat_to_onehot=40, rows=24)
    numbers(folder, "monotone", 45, "regression", monotone_constraints=[1, -1, 0, 0, 0], extra_trees=True)
    forced(folder, "forced_splits", 46)
    numbers(folder, "no_average", 47, "binary", boost_from_average=False)
    numbers(folder, "single_leaves", 48, "binary", min_data_in_leaf=1000, rows=4)
    numbers(folder, "linear", 49, "regression", linear_tree=True, gaps=False, rounds=4)
    numbers(folder, "linear_gaps", 50, "binary", linear_tree=True, rows=24)
    numbers(folder, "linear_multiclass", 51, "multiclass", classes=3, rounds=2, linear_tree=True, linear_lambda=0.1)
    numbers(folder, "linear_infinite", 55, "regression", linear_tree=True, infinite=True, rounds=3, rows=24, num_leaves=8)
    numbers(folder, "linear_infinite_multiclass", 56, "multiclass", classes=3, rounds=3, linear_tree=True, infinite=True, rows=24,
            num_leaves=8)
    numbers(folder, "linear_codes", 52, "regression", linear_tree=True, codes=True, min_data_per_group=5, cat_smooth=1)
    numbers(folder, "linear_dart", 53, "binary", linear_tree=True, boosting="dart", drop_rate=0.5, rounds=4, rows=8)
    categories(folder, "category_texts", 54, ["north", "süd", "EAST", "west coast", "5", "nan", "\\"])
    categories(folder, "category_numbers", 55, [30, 10, 20, -5, 7], objective="regression")
    categories(folder, "category_flags", 56, [False, True], objective="regression")
    early_stopped(folder, "early_stopped", 57)
    pipelines(folder)


def pipelines(folder):
    few = {"n_estimators": 2, "num_leaves": 4, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    trainer = {"trainer": "LightGBM", "version": lgb.__version__}
    task_sets.written(folder, "task_classes", lgb.LGBMClassifier(**few), task_sets.three, 70, trainer=trainer)
    task_sets.written(folder, "task_poisson", lgb.LGBMRegressor(objective="poisson", **few), task_sets.positive, 71,
                      trainer=trainer)
    task_sets.written(folder, "task_quantile", lgb.LGBMRegressor(objective="quantile", alpha=0.9, **few), lambda y: y, 72,
                      trainer=trainer)


if __name__ == "__main__":
    main(sys.argv[1])
