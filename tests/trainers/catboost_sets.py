# SPDX-License-Identifier: MIT
"""Writes the parity sets of the CatBoost that runs this into a folder: catboost_sets.py FOLDER [--random COUNT SEED].

With --random the models are of random settings, for a comparison that keeps nothing.
"""
import os
import sys

import catboost as cb
import numpy as np
import pandas as pd

from common import hard_rows, write_set

WORDS = ["a", "bb", "ccc", "d\u00e9", "more than sixteen bytes", "x" * 40, "y" * 70, "7", "-12"]
UNSEEN = ["nobody", "nan", "zz", "0"]
QUERY = ("YetiRank", "PairLogit", "QueryRMSE", "QuerySoftMax")
LOSSES = ["Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", "RMSE", "MAE", "Quantile:alpha=0.7",
          "MultiQuantile:alpha=0.1,0.5,0.9", "Poisson", "Tweedie:variance_power=1.5", "LogCosh", "MultiRMSE",
          "RMSEWithUncertainty", "YetiRank", "PairLogit", "QueryRMSE", "QuerySoftMax", "MultiLogloss", "Huber:delta=1",
          "Expectile:alpha=0.3", "Lq:q=2", "MAPE", "LogLinQuantile", "SurvivalAft:dist=Normal", "Cox",
          "Focal:focal_alpha=0.5;focal_gamma=1.0"]
SEVERAL_TARGETS = ("MultiRMSE", "MultiLogloss", "SurvivalAft")  # whose JSON mixes the tables of categories


def target(loss, s, labels):
    """Of the number `s`, which needs all features."""
    base = loss.split(":")[0]
    two, three = s > np.median(s), np.digitize(s, np.quantile(s, [0.3, 0.6]))
    if base in ("Logloss", "Focal"):
        return {"text": np.where(two, "pos", "neg"), "truth": two, "number": np.where(two, 2.5, 1.5)}.get(labels, two.astype(int))
    if base.startswith("MultiClass"):
        return {"text": np.array(["u", "v", "w"])[three], "number": three * 2.5}.get(labels, three)
    if base == "MultiLogloss":
        return np.stack([s > 0, np.sin(s) > 0], 1).astype(int)
    if base in ("Poisson", "Tweedie"):
        return np.floor(np.exp(np.clip(s, -2, 2)))
    return {"CrossEntropy": 1 / (1 + np.exp(-s)), "MAPE": s + 10, "MultiRMSE": np.stack([s, np.sin(s)], 1),
            "SurvivalAft": np.stack([np.exp(s / 4), np.exp(s / 4) + (s > 0)], 1),
            "Cox": np.where(np.sin(9 * s) < 0.8, 1, -1) * np.exp(s / 4)}.get(
                base, np.clip(np.round(s + 2), 0, 4) if base in QUERY else s)


def train(folder, name, seed, loss="RMSE", numbers=4, categories=(), whole=(), gaps=True, labels="", scale=None,
          rows=24, trained=240, infinite=False, **params):
    """`categories` are numbers of categories, one a feature; those in `whole` are numbers in the records. `infinite`: the
    first number is infinite in some training rows, of which CatBoost makes infinite borders, and of these no JSON."""
    draw = np.random.RandomState(seed)
    x = np.round(draw.normal(size=(trained, numbers)) * 16) / 16
    if gaps:
        x[draw.uniform(size=x.shape) < 0.1] = np.nan
    if infinite:
        x[::7, 0], x[1::9, 0] = -np.inf, np.inf
    words = [np.array([f"{WORDS[i % 9]}{i // 9 or ''}" for i in range(n)], dtype=object) for n in categories]
    cats = [w[draw.randint(0, len(w), trained)] for w in words]
    for c in whole:
        cats[c] = draw.randint(-3, categories[c], trained)
    s = np.clip(np.nan_to_num(x[:, 0]), -9, 9) * 2 + np.sin(3 * np.nan_to_num(x[:, -1])) + 0.3 * draw.normal(size=trained)
    for c in cats:
        s = s + 0.7 * (pd.factorize(c)[0] % 3)
    number_names, category_names = [f"n{j}" for j in range(numbers)], [f"c{j}" for j in range(len(cats))]
    order = [*number_names, *category_names]
    draw.shuffle(order)
    table = pd.DataFrame({k: x[:, int(k[1:])] if k[0] == "n" else cats[int(k[1:])] for k in order})
    base = loss.split(":")[0]
    more = {"group_id": np.arange(trained) // 10} if base in QUERY else {}
    if base == "PairLogit":
        more["pairs"] = [(i, i + 1) for i in range(0, trained - 1, 10)]
    pool = cb.Pool(table, target(loss, s, labels), cat_features=category_names, **more)
    model = cb.CatBoost({"iterations": 6, "depth": 3, "learning_rate": 0.3, "random_seed": seed, "thread_count": 1,
                         "verbose": 0, "allow_writing_files": False, "loss_function": loss, **params}).fit(pool)
    if scale:
        model.set_scale_and_bias(scale[0], list(scale[1:]))
    borders = model.get_borders()
    inputs = hard_rows(x, [borders.get(order.index(k), []) for k in number_names], seed, rows)
    given = pd.DataFrame({k: inputs[:, int(k[1:])] if k[0] == "n" else
                          (draw.randint(-5, categories[int(k[1:])] + 3, rows) if int(k[1:]) in whole else
                           np.array([str(draw.choice([*words[int(k[1:])], *UNSEEN])) for _ in range(rows)], dtype=object))
                          for k in order})
    predict = lambda kind: np.asarray(model.predict(given, prediction_type=kind, thread_count=1))
    raw = predict("RawFormulaVal")
    out = raw
    if base in ("Logloss", "CrossEntropy", "Focal"):
        out = predict("Probability")[:, 1]
    elif base in ("MultiClass", "MultiClassOneVsAll", "MultiLogloss"):
        out = predict("Probability")
    elif base in ("Poisson", "Tweedie"):
        out = predict("Exponent")
    elif base == "RMSEWithUncertainty":
        out = predict("RMSEWithUncertainty")
    place = os.path.join(folder, name)
    os.makedirs(place, exist_ok=True)
    files = {}
    paths = [("model.cbm", "cbm")]
    if not infinite and (not categories or (base not in SEVERAL_TARGETS and "simple_ctr" not in params)):
        paths.append(("model.json", "json"))
    for file, kind in paths:
        path = os.path.join(place, file)
        model.save_model(path, format=kind, **({"pool": pool} if kind == "json" else {}))
        with open(path, "rb") as f:
            files[file] = f.read()
    given_as = lambda k: "n" if k[0] == "n" else "w" if int(k[1:]) in whole else "c"
    names = [k for kind in "nwc" for k in order if given_as(k) == kind]
    lines = [[v if isinstance(v, str) else float(v) for v in row] for row in given[names].itertuples(index=False)]
    meta = {"trainer": "CatBoost", "version": cb.__version__}
    if len(whole):
        meta["integer_categories"] = " ".join(f"c{j}" for j in sorted(whole))
    write_set(place, names, lines, raw, out, files, meta)


def sets(folder):
    train(folder, "binary", 1, "Logloss", labels="text")
    train(folder, "binary_depthwise", 2, "Logloss", labels="truth", grow_policy="Depthwise", nan_mode="Max")
    train(folder, "binary_lossguide", 3, "CrossEntropy", grow_policy="Lossguide", max_leaves=7)
    train(folder, "scale_and_bias", 4, "RMSE", scale=(1.7, -0.3))
    train(folder, "scale_and_biases", 5, "MultiRMSE", scale=(0.3, 0.1, -2.5), nan_mode="Max")
    train(folder, "multiclass", 6, "MultiClass", labels="text", class_names=["w", "u", "v"])
    train(folder, "one_against_all", 7, "MultiClassOneVsAll", labels="number", grow_policy="Depthwise")
    train(folder, "poisson", 8, "Poisson", gaps=False)
    train(folder, "quantiles", 9, "MultiQuantile:alpha=0.1,0.5,0.9")
    train(folder, "uncertainty", 10, "RMSEWithUncertainty")
    train(folder, "rank", 11, "YetiRank")
    train(folder, "survival", 12, "SurvivalAft:dist=Normal")
    train(folder, "many_borders", 13, "RMSE", numbers=1, gaps=False, trained=900, iterations=40, depth=4, border_count=800)
    train(folder, "one_hot", 14, "Logloss", categories=(2, 5), one_hot_max_size=10)
    train(folder, "categories", 15, "Logloss", categories=(9, 20), one_hot_max_size=1, max_ctr_complexity=1)
    train(folder, "combinations", 16, "Logloss", categories=(2, 9, 6), max_ctr_complexity=4, depth=4, iterations=12)
    train(folder, "combinations_lossguide", 17, "RMSE", categories=(9, 6), grow_policy="Lossguide", one_hot_max_size=1)
    train(folder, "statistics", 18, "MultiClass", categories=(9, 12), one_hot_max_size=1, iterations=12,
          simple_ctr=["BinarizedTargetMeanValue", "Buckets:TargetBorderCount=2", "Borders:Prior=0.3", "Counter:Prior=1"],
          combinations_ctr=["Buckets", "Counter"])
    train(folder, "integer_categories", 19, "Logloss", categories=(30, 8), whole=(0,), one_hot_max_size=1)
    train(folder, "several_targets", 20, "MultiRMSE", categories=(9,), one_hot_max_size=1)
    train(folder, "infinite", 21, "Logloss", infinite=True)
    train(folder, "infinite_lossguide", 22, "RMSE", infinite=True, grow_policy="Lossguide", nan_mode="Max")


def random_sets(folder, count, seed):
    draw = np.random.RandomState(seed)
    made = 0
    for i in range(count):
        loss = LOSSES[i % len(LOSSES)]
        base = loss.split(":")[0]
        cards = tuple(int(draw.choice([2, 3, 9, 40])) for _ in range(draw.randint(0, 4)))
        cards = cards if base != "RMSEWithUncertainty" else ()
        params = {"iterations": int(draw.randint(1, 30)), "depth": int(draw.choice([1, 2, 4, 6, 7, 9])),
                  "grow_policy": str(draw.choice(["SymmetricTree", "SymmetricTree", "Depthwise", "Lossguide"])),
                  "border_count": int(draw.choice([1, 5, 254, 600]))}
        if params["grow_policy"] == "Lossguide":
            params["max_leaves"] = int(draw.randint(2, 30))
        gaps = bool(draw.randint(2))
        if gaps:
            params["nan_mode"] = str(draw.choice(["Min", "Max"]))
        if cards:
            params.update(one_hot_max_size=int(draw.choice([1, 2, 5, 255])), max_ctr_complexity=int(draw.choice([1, 2, 4])),
                          counter_calc_method=str(draw.choice(["SkipTest", "Full"])))
            if base in ("Logloss", "MultiClass") and draw.randint(2):
                params["simple_ctr"] = [str(c) for c in draw.choice(
                    ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter:Prior=1"], 2, replace=False)]
        whole = tuple(j for j in range(len(cards)) if draw.uniform() < 0.3)
        try:
            train(folder, f"random_{seed}_{i}_{base}", int(draw.randint(1 << 30)), loss, numbers=int(draw.randint(1, 7)),
                  categories=cards, whole=whole, gaps=gaps, labels=str(draw.choice(["", "text", "truth", "number"])),
                  rows=int(draw.choice([1, 7, 130, 300])), trained=int(draw.randint(60, 300)), **params)
            made += 1
        except cb.CatBoostError as e:
            print(f"{loss} {params}: not trained: {e}")
    print(f"{made} random models")


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2] == "--random":
        random_sets(sys.argv[1], int(sys.argv[3]), int(sys.argv[4]))
    else:
        sets(sys.argv[1])
