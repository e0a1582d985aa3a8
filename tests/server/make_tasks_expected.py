#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tasks_expected.json: what the trained pipelines say of records that they were not trained on.

make_tasks_expected.py WINE DIABETES, the folders that models/train_wine.py and models/train_diabetes.py wrote; their
model files are models/'s."""
import json
import pathlib
import sys

import joblib
import pandas as pd


def read(folder, name):
    lines = (folder / (name + ".jsonl")).read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return joblib.load(folder / (name + ".joblib")), records, pd.DataFrame(records)


wine_folder, diabetes_folder = map(pathlib.Path, sys.argv[1:])
model, records, frame = read(wine_folder, "wine")
wine = [{"record": r, "cultivar": str(c), "probabilities": dict(zip(model.classes_, map(float, p)))}
        for r, c, p in zip(records, model.predict(frame), model.predict_proba(frame))]
model, records, frame = read(diabetes_folder, "diabetes")
diabetes = [{"record": r, "progression": float(v)} for r, v in zip(records, model.predict(frame))]
parts = ['"%s": [\n%s\n]' % (name, ",\n".join(map(json.dumps, rows))) for name, rows in (("wine", wine), ("diabetes", diabetes))]
(pathlib.Path(__file__).resolve().parent / "tasks_expected.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
