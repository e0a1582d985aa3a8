#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the small parity folders lgb_* beside this script, with LightGBM's Python package (Debian has none) and the data
of make_models.py.

Each holds model.txt, inputs.csv, expected.csv (the margins raw_* and predictions out_* of the booster loaded from
model.txt) and meta.json, which names the version. Run it in this folder; its output is committed.
"""
import json
import os
import sys

import lightgbm as lgb
import numpy as np

from make_models import FEATURES, data, hard, write

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trainers"))
from lightgbm_sets import thresholds  # noqa: E402

NAN, INF = np.nan, np.inf


def lightgbm_set(name, seed, rounds=8, classes=0, categorical=False, missing=True, zeros=0.0, **params):
    x, y = data(500, seed)
    objective = params["objective"]
    if objective in ("binary", "cross_entropy"):
        y = (y > np.median(y)).astype(float)
    elif classes:
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])).astype(float)
        params["num_class"] = classes
    elif objective in ("poisson", "gamma", "tweedie", "cross_entropy_lambda"):
        y = np.round(np.exp(y / 3)) + (1 if objective == "gamma" else 0)
        y = np.minimum(y / y.max(), 1) if objective == "cross_entropy_lambda" else y
    elif objective == "lambdarank":
        y = np.digitize(y, np.quantile(y, [0.5, 0.8])).astype(float)
    rng = np.random.default_rng(seed)
    x[:, :4][rng.random((500, 4)) < zeros] = 0.0
    train = x.copy()
    if missing:
        train[rng.random(x.shape) < 0.08] = NAN
    group = [10] * 50 if objective == "lambdarank" else None
    params = {"num_threads": 1, "seed": seed, "deterministic": True, "force_row_wise": True, "verbose": -1,
              "num_leaves": 12, "learning_rate": 0.2, "min_data_in_leaf": 5, **params}
    names = [f"f{i}" for i in range(FEATURES)]
    trained = lgb.train(params, lgb.Dataset(train, y, group=group, feature_name=names,
                                            categorical_feature=[5] if categorical else "auto"), rounds)
    text = trained.model_to_string()
    booster = lgb.Booster(model_str=text)
    inputs = np.vstack([train[:40], hard(x, thresholds(booster), seed,
                                         [NAN, INF, -INF, 0.0, -0.0, 5e-324, 1e-35, -1e-35, 1.1e-35, 1e300])])
    if categorical:
        inputs[:, 5] = rng.choice([*range(14), NAN, -1.0, -0.4, 2.7, 1e9, 3e9, INF, -INF], len(inputs))
    folder = write(name, inputs, booster.predict(inputs, raw_score=True), booster.predict(inputs))
    with open(os.path.join(folder, "model.txt"), "w") as f:
        f.write(text)
    with open(os.path.join(folder, "meta.json"), "w") as f:
        json.dump({"framework": "lightgbm", "version": lgb.__version__, "rounds": rounds, "params": params}, f, indent=1)
        f.write("\n")


def main():
    lightgbm_set("lgb_binary_sigmoid", 41, objective="binary", sigmoid=0.7, max_bin=1000, min_data_in_leaf=1,
                 num_leaves=80, rounds=4)
    lightgbm_set("lgb_categorical_missing", 42, objective="binary", categorical=True, max_cat_to_onehot=2,
                 min_data_per_group=5, cat_smooth=1, cat_l2=0.1)
    lightgbm_set("lgb_categorical_onehot", 43, objective="regression", categorical=True, max_cat_to_onehot=40)
    lightgbm_set("lgb_zero_as_missing", 44, objective="binary", zero_as_missing=True, zeros=0.3)
    lightgbm_set("lgb_no_missing", 45, objective="binary", use_missing=False, zeros=0.2)
    lightgbm_set("lgb_missing_none", 46, objective="regression_l1", missing=False)
    lightgbm_set("lgb_multiclass", 47, objective="multiclass", classes=3, rounds=4)
    lightgbm_set("lgb_multiclassova", 48, objective="multiclassova", classes=3, rounds=4, sigmoid=1.3)
    lightgbm_set("lgb_dart", 49, objective="binary", boosting="dart", drop_rate=0.5, skip_drop=0.0)
    lightgbm_set("lgb_rf_multiclass", 50, objective="multiclass", classes=3, rounds=4, boosting="rf", bagging_freq=1,
                 bagging_fraction=0.6)
    lightgbm_set("lgb_rf_regression", 51, objective="regression", boosting="rf", bagging_freq=1,
                 bagging_fraction=0.6)
    lightgbm_set("lgb_regression_sqrt", 52, objective="regression", reg_sqrt=True)
    lightgbm_set("lgb_tweedie", 53, objective="tweedie")
    lightgbm_set("lgb_gamma", 54, objective="gamma", data_sample_strategy="goss")
    lightgbm_set("lgb_cross_entropy", 55, objective="cross_entropy", extra_trees=True)
    lightgbm_set("lgb_cross_entropy_lambda", 56, objective="cross_entropy_lambda")
    lightgbm_set("lgb_lambdarank", 57, objective="lambdarank")


if __name__ == "__main__":
    main()
