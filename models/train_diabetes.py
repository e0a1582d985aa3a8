#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train and export a model of a number: the progression of diabetes a year later, scikit-learn's diabetes data.

    python3 models/train_diabetes.py --folder diabetes

FOLDER gets diabetes.json (the model file), diabetes.joblib (the pipeline) and diabetes.jsonl (the patients that it was
not trained on). examples/diabetes_server serves the model."""

import argparse
import json
import pathlib

import export_sklearn
import joblib
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split

SEED = 7


def main():
    parser = argparse.ArgumentParser(description="Train and export a model of the progression of diabetes.")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("diabetes"))
    parser.add_argument("--date", help="date of the export, default today")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    data = load_diabetes(as_frame=True, scaled=False)
    data.frame.to_csv(folder / "diabetes.csv", index=False)
    train, holdout, learnt, true = train_test_split(data.data, data.target, test_size=0.25, random_state=SEED)
    model = GradientBoostingRegressor(n_estimators=60, max_depth=3, learning_rate=0.08, subsample=0.8, random_state=SEED)
    model.fit(train, learnt)
    predicted = model.predict(holdout)
    document = export_sklearn.export(
        model,
        name="diabetes",
        training_data=export_sklearn.training_data(folder / "diabetes.csv", len(data.frame)),
        baseline=export_sklearn.drift_baseline(train, learnt, list(train.columns), model),
        split={"training_rows": len(train), "holdout_rows": len(holdout), "seed": SEED, "stratified": False},
        metrics={"holdout_mae": mean_absolute_error(true, predicted), "holdout_r2": r2_score(true, predicted)},
        date=arguments.date,
    )
    export_sklearn.write(document, folder / "diabetes.json")
    joblib.dump(model, folder / "diabetes.joblib")
    lines = [json.dumps(row) for row in holdout.to_dict("records")]
    (folder / "diabetes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
