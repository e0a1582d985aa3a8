#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes trainer_files/: small models in their trainers' own files, and what the trainers predict (expected.json).

make_trainer_files.py, with XGBoost, LightGBM, CatBoost and scikit-learn. The columns are in another order than the
records', and the models of loans take texts as categories."""
import json
import pathlib
import sys

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE / "trainer_files"
sys.path.insert(0, str(HERE.parents[1] / "models"))
import export_sklearn_trees  # noqa: E402
import train_loan_default as training  # noqa: E402

TEXT = ["purpose", "sector"]
CULTIVARS = np.array(["first", "second", "third"])


def loans():
    table = training.add_features(training.with_absent_texts(training.made_up_loans(900)))
    labels = table.pop("default")
    table = table[["income", "purpose", "instalment", "months", "sector", "amount"]]
    categories = table.astype({name: "category" for name in TEXT})
    asked = table.drop(columns="instalment")[:60]

    model = xgboost.XGBClassifier(n_estimators=40, max_depth=3, enable_categorical=True, early_stopping_rounds=3, n_jobs=1)
    model.fit(categories[300:], labels[300:], eval_set=[(categories[:300], labels[:300])], verbose=False)
    model.save_model(FOLDER / "loan.ubj")
    of_xgboost = model.predict_proba(categories[:60])[:, 1], model.predict(categories[:60])

    model = lightgbm.LGBMClassifier(n_estimators=15, num_leaves=7, verbose=-1, n_jobs=1)
    model.fit(categories[300:], labels[300:])
    model.booster_.save_model(FOLDER / "loan.txt")
    of_lightgbm = model.predict_proba(categories[:60])[:, 1], model.predict(categories[:60])

    whole = table["sector"].notna()  # CatBoost takes no absent category
    model = catboost.CatBoostClassifier(iterations=15, depth=3, cat_features=TEXT, verbose=False, thread_count=1,
                                        allow_writing_files=False)
    model.fit(table[whole][200:], labels[whole][200:])
    model.save_model(str(FOLDER / "loan.cbm"))
    chances, said = np.full(60, np.nan), np.zeros(60)
    some = whole.to_numpy()[:60]
    chances[some], said[some] = model.predict_proba(table[:60][some])[:, 1], model.predict(table[:60][some])
    return asked, {"loan.ubj": of_xgboost, "loan.txt": of_lightgbm, "loan.cbm": (chances, said)}


def wines():
    data = load_wine(as_frame=True)
    table = data.data.rename(columns={"od280/od315_of_diluted_wines": "od280_od315"})
    shuffled = table[sorted(table)]
    asked, by_name = table[::5], shuffled[::5]
    train = np.arange(len(table)) % 5 != 0

    model = xgboost.XGBClassifier(n_estimators=6, max_depth=2, n_jobs=1).fit(shuffled[train], data.target[train])
    model.save_model(FOLDER / "wine.json")
    made = {"wine.json": (model.predict_proba(by_name), model.predict(by_name))}
    model = catboost.CatBoostClassifier(iterations=6, depth=2, verbose=False, thread_count=1, allow_writing_files=False)
    few = shuffled.drop(columns=["flavanoids", "proline"])  # numbers of the records that the model does not read
    model.fit(few[train], CULTIVARS[data.target[train]])
    model.save_model(str(FOLDER / "wine.cbm"))
    made["wine.cbm"] = model.predict_proba(few[::5]), model.predict(few[::5]).ravel()
    forest = RandomForestClassifier(2, max_depth=2, random_state=1).fit(shuffled[train], CULTIVARS[data.target[train]])
    export_sklearn_trees.export(forest, FOLDER / "wine_forest.json")
    made["wine_forest.json"] = forest.predict_proba(by_name), forest.predict(by_name)
    return asked, made


def patients():
    data = load_diabetes(as_frame=True, scaled=False)
    shuffled = data.data[sorted(data.data)]
    train = np.arange(len(shuffled)) % 8 != 0
    asked, by_name = data.data[::8], shuffled[::8]
    model = lightgbm.LGBMRegressor(n_estimators=8, num_leaves=5, verbose=-1, n_jobs=1)
    model.fit(shuffled[train], data.target[train]).booster_.save_model(FOLDER / "diabetes.txt")
    made = {"diabetes.txt": model.predict(by_name)}
    model = RandomForestRegressor(4, max_depth=3, random_state=1).fit(shuffled[train], data.target[train])
    export_sklearn_trees.export(model, FOLDER / "diabetes_forest.json")
    made["diabetes_forest.json"] = model.predict(by_name)
    return asked, made


def plain(value):
    """As JSON has it: every number as a double, what is missing as null."""
    if isinstance(value, (tuple, list, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return value
    return None if value is None or np.isnan(value) else float(value) if not float(value).is_integer() else int(value)


FOLDER.mkdir(exist_ok=True)
document = {}
for service, (asked, made) in {"loan": loans(), "wine": wines(), "diabetes": patients()}.items():
    records = [{k: plain(v) for k, v in row.items() if plain(v) is not None} for row in asked.to_dict("records")]
    document[service] = {"records": records, "files": {name: plain(numbers) for name, numbers in made.items()}}
lines = json.dumps(document, separators=(",", ":")).replace("},{", "},\n{").replace("],\"", "],\n\"")
(FOLDER / "expected.json").write_text(lines + "\n", encoding="utf-8")
